// What replay and backtest print: JSON lines as they come, or a table at the end, and the report.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "agent/cli/commands.h"
#include "agent/cli/replay_pool.h"
#include "agent/cli/replay_progress.h"
#include "agent/clock.h"

namespace heapfloor {

// Whether a table is wanted: asked for, or fitting for the terminal.
[[nodiscard]] bool prints_table(const ReplayShow& show);

// Takes files as they are delivered: prints JSON lines at once, keeps what is needed at the end.
// Not thread-safe.
class ReplayOutput {
 public:
  // `show` outlives it.
  explicit ReplayOutput(const ReplayShow& show);

  void show(const ReplayProgress& progress);
  void take(ReplayedFile file);
  // Prints the rest; the exit code.
  int finish();
  // Prints why there is nothing; the exit code.
  int fail(const Error& error);
  // A line for a person, on standard error.
  void remark(std::string_view text);

 private:
  void clear_line();
  void print_json(const std::vector<ReplaySummary>& series);
  void print_table();

  const ReplayShow& show_;
  const bool as_table_;
  SystemClock clock_;
  std::optional<ProgressLine> line_;
  std::vector<ReplaySummary> series_;
  std::vector<Error> unread_;
};

// How the detector is to be asked for what is shown.
[[nodiscard]] ReplaySettings settings_of(const ReplayShow& show);

}  // namespace heapfloor
