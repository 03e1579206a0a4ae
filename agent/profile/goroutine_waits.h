// Where the goroutines of a Go program wait, and who started them, as it is shown to people: what
// its memory or its own goroutine profile says. Thread rule: plain values and a pure
// function.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/sample.h"

namespace heapfloor {

// Raw, and hostile; empty or 0 where it is not known.
struct GoPlace {
  std::string function;
  std::string file;
  std::int64_t line = 0;
  friend auto operator<=>(const GoPlace&, const GoPlace&) = default;
};

// Goroutines that are at one place for one reason, and were started by one go statement.
struct GoroutineWait {
  GoPlace at;  // the innermost function of the program's own, else that is not the runtime's
  GoPlace started_at;  // its go statement
  // As the runtime says it: "chan receive", of those that do not wait "running", "runnable" or
  // "syscall"; empty: not known.
  std::string reason;
  double goroutines = 0;
  friend bool operator==(const GoroutineWait&, const GoroutineWait&) = default;
};

struct GoroutineWaits {
  std::string_view source = "memory";  // "memory" or "endpoint"; static text
  double time_seconds = 0;             // of the look, steady axis
  double goroutines = 0;               // all of them then, without the runtime's own
  // Of how many it is known. Where these are fewer, they were chosen at random, and the numbers of
  // goroutines above are estimates of all.
  double seen = 0;
  std::vector<GoroutineWait> waits;  // the most goroutines first; at most kMost
  static constexpr std::size_t kMost = 5;
  friend bool operator==(const GoroutineWaits&, const GoroutineWaits&) = default;
};

// Those that are at one place for one reason, from one go statement, become one; `most` of them,
// the most goroutines first.
std::vector<GoroutineWait> joined_waits(std::vector<GoroutineWait> all,
                                        std::size_t most = GoroutineWaits::kMost);

using KnownWaits = std::map<ProcessId, GoroutineWaits>;

}  // namespace heapfloor
