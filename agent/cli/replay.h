// Replay: recorded readings through exactly the agent's path (series, detector, leak state,
// alerts).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/alerts/leak_state.h"
#include "agent/cli/replay_csv.h"
#include "agent/config.h"
#include "agent/trend/verdict.h"

namespace heapfloor {

// What one series came to.
struct ReplaySummary {
  std::string series;
  LeakState state = LeakState::learning;
  std::uint64_t points = 0;
  std::optional<double> first_suspected_seconds;
  std::optional<double> first_leaking_seconds;
  Verdict verdict;
  std::vector<std::string> transitions;  // JSON lines, in order, when they were asked for
};

struct ReplaySettings {
  std::string signal = "rss_anon";
  std::optional<double> interval_seconds;  // nothing: the median spacing
  bool transitions = false;
};

// Times in the summary are the file's. `name` stands for the series in the output.
ReplaySummary replay_series(const std::string& name, const ReplaySeries& series,
                            const Config& config, const ReplaySettings& settings);

// The last line of a file, as the command line's contract has it; absent values are null.
std::string summary_json(const ReplaySummary& summary);

}  // namespace heapfloor
