// GrowthLedger: of a process with a probe, what of the growth of its anonymous memory the program
// holds, and what its allocator holds free.
//
// A ring of readings of both, taken together; full, every second one is dropped and the next are
// taken half as often, so it always reaches back to its beginning. At most kMostBytes. Not
// thread-safe: the owner locks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace heapfloor {

struct GrowthReading {
  double time_seconds = 0;
  double anon_bytes = 0;             // resident and swapped out
  double live_bytes = 0;             // in use by the program: by its allocator, else by sampling
  std::optional<double> free_bytes;  // held by the allocator; nothing where it does not say
};

// Shares of a growth; disjoint, and together 1.
struct GrowthCauses {
  double live_growth = 0;
  double allocator_retention = 0;
};

class GrowthLedger {
 public:
  // Readings come in the order of their times.
  void add(const GrowthReading& reading);

  // What the growth since then is made of. Nothing while there are fewer than kLeastReadings since
  // then or anonymous memory did not grow; and where the allocator says what it holds free and that
  // explains less than half of what the program does not: then the memory is neither's (mmap,
  // thread stacks), and nothing is said of it.
  [[nodiscard]] std::optional<GrowthCauses> causes_since(double start_seconds) const;

  static constexpr std::size_t kReadings = 64;
  static constexpr std::size_t kLeastReadings = 8;
  static constexpr std::size_t kMostBytes = kReadings * sizeof(GrowthReading);

 private:
  std::vector<GrowthReading> readings_;
  std::uint32_t stride_ = 1;   // one of so many readings is kept
  std::uint32_t skipped_ = 0;  // since the last that was
};
static_assert(GrowthLedger::kMostBytes <= 4096);

}  // namespace heapfloor
