#include <fmt/format.h>

#include <cstdio>

#include "agent/cli/commands.h"
#include "agent/cli/replay.h"
#include "agent/cli/replay_csv.h"

namespace heapfloor {

int run_replay_command(const ConfigSource& source, const ReplayOptions& options) {
  const std::optional<Config> config = load_or_explain(source);
  if (!config) return kExitUsage;
  ReplaySettings settings;
  settings.signal = options.signal;
  settings.interval_seconds = options.interval_seconds;
  settings.transitions = options.transitions;
  int exit_code = kExitFine;
  for (const std::string& file : options.files) {
    const Result<ReplaySeries> series = read_replay_file(file);
    if (!series) {
      fmt::print(stderr, "{}: {}\n", series.error().path, series.error().reason);
      exit_code = kExitUsage;
      continue;
    }
    const ReplaySummary summary = replay_series(file, *series, *config, settings);
    for (const std::string& line : summary.transitions) fmt::print("{}\n", line);
    fmt::print("{}\n", summary_json(summary));
  }
  return exit_code;
}

}  // namespace heapfloor
