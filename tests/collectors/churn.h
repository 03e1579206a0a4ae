// What the churn test and its churner programs share.
#pragma once

#include <atomic>
#include <cstdint>

namespace heapfloor::testing {

// In shared memory; zeroes are a valid start.
struct ChurnState {
  std::atomic<std::uint64_t> forks = 0;
  std::atomic<std::uint64_t> looks = 0;  // at all processes, that ended
  std::atomic<bool> stop = false;
};
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

}  // namespace heapfloor::testing
