// Runs work on hostile input in a child process: what it reads may crash the library that reads it,
// take all memory or never end, and only the child goes.
//
// The child is forked, not executed: it has the parent's memory as it was, one thread, and of the
// parent's descriptors those that are named. It may allocate (glibc's malloc is ready for that
// after fork(2)); it may not log, nor lock anything of ours, and it cannot open a file. Thread
// rule: any thread; callers wait for their child and for each other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "collectors/result.h"

namespace heapfloor {

struct ChildLimits {
  std::uint32_t seconds = 5;                          // of the clock, until it is killed
  std::uint64_t data_bytes = std::uint64_t{1} << 30;  // of writable memory, the parent's included
  std::size_t answer_bytes = std::size_t{8} << 20;
};

// Hands bytes to the parent; false when it does not listen any more.
using ChildAnswer = std::function<bool(std::string_view)>;

// What the child answered. Where it was killed or crashed, that is what it had answered until then,
// and `is_complete` is false.
struct ChildResult {
  std::string answer;
  bool is_complete = false;
};

// An error only where no child could be started.
Result<ChildResult> run_in_child(const ChildLimits& limits, std::span<const int> descriptors,
                                 const std::function<void(const ChildAnswer&)>& work);

}  // namespace heapfloor
