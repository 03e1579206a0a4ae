// Runs the detector over labelled series and counts what it got right.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/trend/policy.h"
#include "tests/corpus/scenarios.h"

namespace heapfloor {

struct Outcome {
  std::optional<double> suspected_at_seconds;
  std::optional<double> leaking_at_seconds;
  double value_at_alarm = 0;
  std::uint64_t full_tests = 0;
  std::string reason;  // of the first alarm, or of the last verdict
};

// Detector and judge over one series, restarts included; stops at the first alarm.
Outcome watch(const LabelledSeries& series, const TrendPolicy& policy);

// Random size (0.3 to 10 times), length (0.6 to 2.5 times, except where the time of day matters)
// and limit (1.3 to 6 times the highest reading), for measuring away from the shapes' native
// scales.
void randomise(LabelledSeries& series, std::string_view name, std::uint64_t seed);

struct Row {
  std::string_view name;
  bool leaks = false;
  std::size_t series = 0;
  std::size_t alarmed = 0;
  std::size_t suspected = 0;
  std::vector<double> delays_seconds;
  std::vector<std::string> mistakes;  // one line each: seed, time, reason
};

struct Score {
  std::size_t true_positives = 0;
  std::size_t positives = 0;
  std::size_t false_positives = 0;
  std::size_t negatives = 0;
  std::size_t early = 0;  // alarms on a leak before its onset
  double healthy_days = 0;
  std::uint64_t full_tests = 0;
  std::vector<double> delays_seconds;
  std::vector<double> headroom_used;
  std::vector<Row> rows;

  [[nodiscard]] double precision() const;
  [[nodiscard]] double recall() const;
  [[nodiscard]] double f1() const;
};

struct ScoreOptions {
  TrendPolicy policy;
  double bucket_spacings =
      4;  // bucket length in spacings of the series; 0 takes policy.bucket_seconds
  std::uint64_t first_seed = 1;
  std::uint64_t seeds = 3;
  bool randomised = false;
  bool without_limit = false;  // withholds the limit from the detector
};

Score score(const std::vector<Scenario>& scenarios, const ScoreOptions& options);

// The value below which a share `q` of the values lies; 0 of none.
double percentile(std::vector<double> values, double q);

}  // namespace heapfloor
