// Scores of the recorded runs of real programs (real_runs/README.md), and the guard over them.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/result.h"
#include "tests/corpus/real_series.h"
#include "tests/corpus/scoring.h"

namespace heapfloor {

// A minute of a recorded run is an hour of the catalogue, for the programs as for the detector.
inline constexpr double kCompression = 60;

struct JudgedRun {
  const RealSeries* run = nullptr;
  Outcome outcome;  // times of both are the catalogue's
  Row row;

  [[nodiscard]] bool alarmed() const { return outcome.leaking_at_seconds.has_value(); }
  [[nodiscard]] bool mistaken() const { return !row.mistakes.empty(); }
};

// Judges each run with every time constant divided by kCompression. Runs whose label is neither
// leak nor no_leak are left out. The result points into `runs`.
std::vector<JudgedRun> judge_runs(const std::vector<RealSeries>& runs, const ScoreOptions& options);

// The same by another rule, which sees the runs as if a minute of them had taken an hour.
std::vector<JudgedRun> judge_runs_by(const Watcher& rule, const std::vector<RealSeries>& runs,
                                     const ScoreOptions& options);

// The runs of one language, or all of them (`total`).
struct RunFigures {
  std::string group;
  Tally tally;
  std::set<std::string, std::less<>> mistakes;
};
std::vector<RunFigures> figures(const std::vector<JudgedRun>& judged);

// A line for every run, the mistakes with the detector's reason, then the figures.
std::string runs_report(const std::vector<JudgedRun>& judged);

struct ExpectedRuns {
  std::string group;
  double f1 = 0;
  std::set<std::string, std::less<>> mistakes;
};

std::string expected_runs_text(const std::vector<RunFigures>& all);
Result<std::vector<ExpectedRuns>> parse_expected_runs(const std::string& text,
                                                      const std::string& name);

// What is worse than expected, a line each: an F1 that fell by more than kToleratedLoss, a mistake
// that was none, a group that is gone.
std::vector<std::string> regressions(const std::vector<RunFigures>& now,
                                     const std::vector<ExpectedRuns>& expected);

// Runs of the same name that are alarmed in one recording and not in the other, a line each.
std::vector<std::string> different_decisions(const std::vector<JudgedRun>& now,
                                             const std::vector<JudgedRun>& kept);

}  // namespace heapfloor
