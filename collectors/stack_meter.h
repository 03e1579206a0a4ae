// StackMeter: what the stack of one thread holds, of the processes that somebody wants to know it
// of (StackBoard), from /proc/PID/smaps.
//
// The kernel writes smaps a page of text at a time, and holds the target's mmap lock for each of
// these pieces alone. Measured on 6.18: 6.4 µs for each mapping, of which a thread has two. So one
// process is read in a tick, where its purse in the budget of smaps_rollup can pay for it, and then
// rests, so that one of many threads takes at most half of what the purse earns. A process of more
// than kMostMappings is not known. Needs what smaps_rollup needs. Not thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>

#include "collectors/collector.h"
#include "collectors/host_root.h"
#include "collectors/parse/thread_stacks.h"
#include "collectors/process_board.h"
#include "collectors/smaps_budget.h"
#include "collectors/stack_board.h"

namespace heapfloor {

class StackMeter {
 public:
  // `wanted` outlives the meter; null: nothing is measured. `duty`: of the budget.
  StackMeter(const HostRoot& root, const StackBoard* wanted, double duty)
      : root_(root), wanted_(wanted), duty_(duty) {}

  // Whether there is anybody to be measured.
  [[nodiscard]] bool is_wanted() const { return wanted_ != nullptr && !wanted_->wanted.empty(); }
  // Measures the one that waits longest, if any may be. After the budget's own reads.
  void measure(const ProcessBoard& processes, const Stopwatch& stopwatch, SmapsBudget& budget,
               CollectReport& report);
  // As it was measured last.
  [[nodiscard]] std::optional<double> bytes_of_one(const ProcessId& id) const;

  static constexpr double kRestSeconds = 300;
  static constexpr std::size_t kMostMappings = 20'000;
  static constexpr std::size_t kMostWanted = 64;

 private:
  struct Target {
    double not_before_seconds = 0;
    double took_seconds = 0.002;  // what the next read is taken to take
    std::optional<double> bytes_of_one;
    bool is_denied = false;
  };
  [[nodiscard]] const SeenProcess* due(const ProcessBoard& processes, double now_seconds);
  [[nodiscard]] Result<std::optional<ThreadStacks>> read(const SeenProcess& seen);
  [[nodiscard]] Result<std::optional<ThreadStacks>> read_in(const ProcessDir& directory);

  const HostRoot& root_;
  const StackBoard* wanted_;
  double duty_;
  std::map<ProcessId, Target> targets_;
  std::array<char, 16384> buffer_ = {};
};

}  // namespace heapfloor
