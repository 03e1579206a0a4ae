#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <thread>

#include "agent/build_info.h"
#include "agent/cli/commands.h"
#include "agent/cli/output_file.h"
#include "agent/cli/replay_pool.h"
#include "agent/cli/replay_progress.h"
#include "agent/cli/replay_report.h"
#include "agent/cli/replay_table.h"
#include "agent/clock.h"

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

// Takes the files as they are delivered: prints JSON lines at once, keeps what is needed at the
// end.
class Output {
 public:
  Output(const ReplayOptions& options, bool as_table) : options_(options), as_table_(as_table) {
    if (!options.quiet && ::isatty(STDERR_FILENO) != 0) {
      line_.emplace(clock_, [](std::string_view text) { fmt::print(stderr, "{}", text); });
    }
  }

  void show(const ReplayProgress& progress) {
    if (line_) line_->show(progress);
  }

  void take(ReplayedFile file) {
    if (file.error) {
      clear_line();
      print_error(*file.error);
      unread_.push_back(std::move(*file.error));
      return;
    }
    if (!as_table_) print_json(file.series);
    if (!as_table_ && !options_.report) return;
    for (ReplaySummary& summary : file.series) {
      series_.push_back(std::move(summary));
      if (series_.size() % kMostCharts == 0) keep_urgent_charts(series_);
    }
  }

  int finish() {
    clear_line();
    keep_urgent_charts(series_);
    std::stable_sort(series_.begin(), series_.end(), is_more_urgent);
    if (as_table_) print_table();
    if (options_.report) {
      const Result<void> written =
          replace_file(*options_.report, replay_report({series_, unread_, build_info().version}));
      if (!written) {
        print_error(written.error());
        return kExitFailure;
      }
    }
    return unread_.empty() ? kExitFine : kExitUsage;
  }

 private:
  void clear_line() {
    if (line_) line_->clear();
  }

  void print_json(const std::vector<ReplaySummary>& series) {
    clear_line();
    for (const ReplaySummary& summary : series) {
      for (const std::string& transition : summary.transitions) fmt::print("{}\n", transition);
      fmt::print("{}\n", summary_json(summary));
    }
  }

  void print_table() {
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

  const ReplayOptions& options_;
  const bool as_table_;
  SystemClock clock_;
  std::optional<ProgressLine> line_;
  std::vector<ReplaySummary> series_;
  std::vector<Error> unread_;
};

}  // namespace

int run_replay_command(const ConfigSource& source, const ReplayOptions& options) {
  const std::optional<Config> config = load_or_explain(source);
  if (!config) return kExitUsage;
  if (options.transitions && options.format == ReplayFormat::table) {
    fmt::print(stderr, "heapfloor: --transitions prints JSON lines, not a table\n");
    return kExitUsage;
  }
  const bool as_table = options.format == ReplayFormat::table ||
                        (options.format == ReplayFormat::fitting && !options.transitions &&
                         ::isatty(STDOUT_FILENO) != 0);
  ReplaySettings settings;
  settings.signal = options.signal;
  settings.interval_seconds = options.interval_seconds;
  settings.transitions = options.transitions;
  settings.charts = options.report.has_value();
  const std::size_t jobs =
      options.jobs > 0 ? options.jobs : std::max(1U, std::thread::hardware_concurrency());
  Output output(options, as_table);
  replay_files(list_replay_inputs(options.files), *config, settings, jobs,
               {[&](ReplayedFile file) { output.take(std::move(file)); },
                [&](const ReplayProgress& progress) { output.show(progress); }});
  return output.finish();
}

}  // namespace heapfloor
