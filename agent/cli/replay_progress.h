// One line on a terminal that says how far replay is, drawn over itself.
#pragma once

#include <cstdio>
#include <functional>
#include <string>
#include <string_view>

#include "agent/cli/replay_pool.h"
#include "agent/clock.h"

namespace heapfloor {

// Single-threaded. Draws at most ten times a second; the line is gone after clear() and at the end.
class ProgressLine {
 public:
  using Write = std::function<void(std::string_view)>;

  ProgressLine(const Clock& clock, Write write) : clock_(clock), write_(std::move(write)) {}
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;
  ~ProgressLine() { clear(); }

  void show(const ReplayProgress& progress);
  // Takes the line away, before anything else is written to the terminal.
  void clear();

 private:
  const Clock& clock_;
  Write write_;
  double next_seconds_ = 0;
  bool is_shown_ = false;
};

}  // namespace heapfloor
