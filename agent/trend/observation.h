// An observation: one reading of one signal, as the detector takes it.
#pragma once

#include <cstdint>
#include <optional>

namespace heapfloor {

struct Observation {
  double time_seconds = 0;  // on one steady axis; never runs backwards within a series
  double value = 0;         // bytes (or elements)
  std::optional<std::uint64_t> epoch;   // count of GC-like compactions so far, where the source knows it
  std::optional<double> limit;          // bytes at which the subject dies, where known
  std::optional<double> load;           // any activity rate
};

}  // namespace heapfloor
