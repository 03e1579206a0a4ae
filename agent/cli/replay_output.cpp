#include "agent/cli/replay_output.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "agent/build_info.h"
#include "agent/cli/output_file.h"
#include "agent/cli/replay_report.h"
#include "agent/cli/replay_table.h"

namespace heapfloor {
namespace {

std::size_t terminal_width(int descriptor) {
  winsize size = {};
  return ::ioctl(descriptor, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

// https://no-color.org: any text that is not empty.
bool wants_colour() {
  const char* const no_colour = std::getenv("NO_COLOR");
  const char* const terminal = std::getenv("TERM");
  return (no_colour == nullptr || *no_colour == '\0') &&
         (terminal == nullptr || std::string_view(terminal) != "dumb");
}

void print_error(const Error& error) { fmt::print(stderr, "{}: {}\n", error.path, error.reason); }

}  // namespace

ReplaySettings settings_of(const ReplayShow& show) {
  ReplaySettings settings;
  settings.signal = show.signal;
  settings.interval_seconds = show.interval_seconds;
  settings.transitions = show.transitions;
  settings.charts = show.report.has_value();
  return settings;
}

bool prints_table(const ReplayShow& show) {
  return show.format == ReplayFormat::table || (show.format == ReplayFormat::fitting &&
                                                !show.transitions && ::isatty(STDOUT_FILENO) != 0);
}

ReplayOutput::ReplayOutput(const ReplayShow& show) : show_(show), as_table_(prints_table(show)) {
  if (!show.quiet && ::isatty(STDERR_FILENO) != 0)
    line_.emplace(clock_, [](std::string_view text) { fmt::print(stderr, "{}", text); });
}

void ReplayOutput::show(const ReplayProgress& progress) {
  if (line_) line_->show(progress);
}

void ReplayOutput::take(ReplayedFile file) {
  if (file.error) {
    clear_line();
    print_error(*file.error);
    unread_.push_back(std::move(*file.error));
    return;
  }
  if (!as_table_) print_json(file.series);
  if (!as_table_ && !show_.report) return;
  for (ReplaySummary& summary : file.series) {
    series_.push_back(std::move(summary));
    if (series_.size() % kMostCharts == 0) keep_urgent_charts(series_);
  }
}

int ReplayOutput::finish() {
  clear_line();
  keep_urgent_charts(series_);
  std::stable_sort(series_.begin(), series_.end(), is_more_urgent);
  if (as_table_) print_table();
  if (show_.report) {
    const Result<void> written =
        replace_file(*show_.report, replay_report({series_, unread_, build_info().version}));
    if (!written) {
      print_error(written.error());
      return kExitFailure;
    }
  }
  return unread_.empty() ? kExitFine : kExitUsage;
}

int ReplayOutput::fail(const Error& error) {
  clear_line();
  print_error(error);
  return kExitFailure;
}

void ReplayOutput::remark(std::string_view text) {
  clear_line();
  if (!show_.quiet) fmt::print(stderr, "{}\n", text);
}

void ReplayOutput::clear_line() {
  if (line_) line_->clear();
}

void ReplayOutput::print_json(const std::vector<ReplaySummary>& series) {
  clear_line();
  for (const ReplaySummary& summary : series) {
    for (const std::string& transition : summary.transitions) fmt::print("{}\n", transition);
    fmt::print("{}\n", summary_json(summary));
  }
}

void ReplayOutput::print_table() {
  ReplayTableOptions table;
  if (::isatty(STDOUT_FILENO) != 0) {
    table.width = terminal_width(STDOUT_FILENO);
    table.colour = wants_colour();
  }
  ReplayCounts counts = count_states(series_);
  counts.unread_files = unread_.size();
  if (!series_.empty()) fmt::print("{}\n", replay_table(series_, table));
  fmt::print("{}\n", replay_counts_text(counts));
}

}  // namespace heapfloor
