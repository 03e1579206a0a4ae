// An observation: one reading of one signal, as the detector takes it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

namespace heapfloor {

struct Observation {
  double time_seconds = 0;  // on one steady axis; never runs backwards within a series
  double value = 0;         // bytes (or elements)
  std::optional<std::uint64_t>
      epoch;                    // count of GC-like compactions so far, where the source knows it
  std::optional<double> limit;  // bytes at which the subject dies, where known
  std::optional<double> load;   // any activity rate
};

// How the readings of a series become floors.
enum class SignalTraits : std::uint8_t {
  unmarked,   // nothing known of compactions: median of five, bucket minima, inferred troughs
  exact,      // counted, not sampled (allocator in use, structures): every reading may be a floor
  gc_marked,  // only a reading whose epoch has advanced is a floor
};
inline constexpr std::size_t kSignalTraits = 3;

}  // namespace heapfloor
