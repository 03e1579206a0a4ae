// Replay: recorded readings through exactly the agent's path (series, detector, leak state,
// alerts).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/alerts/leak_state.h"
#include "agent/cli/svg_chart.h"
#include "agent/config.h"
#include "agent/external/replay_series.h"
#include "agent/trend/verdict.h"

namespace heapfloor {

// What one series came to.
struct ReplaySummary {
  std::string series;
  LeakState state = LeakState::learning;
  std::uint64_t points = 0;
  std::optional<double> first_suspected_seconds;
  std::optional<double> first_leaking_seconds;
  std::optional<double> last_seconds;  // of the newest reading
  Verdict verdict;
  std::string_view counted;                  // what the signal counts; empty: bytes
  std::vector<std::string> transitions;      // JSON lines, in order, when they were asked for
  std::shared_ptr<const ChartSeries> chart;  // when it was asked for
};

struct ReplaySettings {
  std::string signal = "rss_anon";
  std::optional<double> interval_seconds;  // nothing: the median spacing
  bool transitions = false;
  bool charts = false;
};

// Times in the summary are the file's. `name` stands for the series in the output. Thread rule: any
// thread; what is passed is only read.
ReplaySummary replay_series(const std::string& name, const ReplaySeries& series,
                            const Config& config, const ReplaySettings& settings);

// The same of a series whose readings come piece by piece: what it keeps does not grow with them.
// One thread at a time.
class SeriesReplay {
 public:
  // `interval_seconds`: between its readings. Whether it has epochs is asked of its first piece.
  // `config` outlives it.
  SeriesReplay(std::string name, const Config& config, const ReplaySettings& settings,
               double interval_seconds, ReadingThinner thinner);
  SeriesReplay(const SeriesReplay&) = delete;
  SeriesReplay& operator=(const SeriesReplay&) = delete;
  ~SeriesReplay();

  void take(const ReplaySeries& piece);
  // Once, at the end.
  [[nodiscard]] ReplaySummary finish();

 private:
  class Run;
  std::string name_;
  const Config& config_;
  ReplaySettings settings_;
  double interval_seconds_;
  ReadingThinner thinner_;
  std::unique_ptr<Run> run_;  // none before the first piece
};

// The last line of a file, as the command line's contract has it; absent values are null.
std::string summary_json(const ReplaySummary& summary);

// The more urgent comes first: leaking by the time that is left, suspected the same way, then
// recovering, stable, learning.
bool is_more_urgent(const ReplaySummary& a, const ReplaySummary& b);

}  // namespace heapfloor
