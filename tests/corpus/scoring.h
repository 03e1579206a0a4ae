// Runs the detector over labelled series and counts what it got right. Series are watched on
// several threads; the result does not depend on how many.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/alerts/leak_state.h"
#include "agent/trend/detector.h"
#include "agent/trend/forecast.h"
#include "agent/trend/policy.h"
#include "tests/corpus/scenarios.h"

namespace heapfloor {

struct Outcome {
  std::optional<double> suspected_at_seconds;  // first, of any time
  std::optional<double>
      rightly_suspected_at_seconds;  // first from the onset on; leaking counts as well
  std::optional<double> leaking_at_seconds;
  double value_at_alarm = 0;
  std::optional<Exhaustion> exhaustion;  // foretold at the alarm
  Severity severity = Severity::info;    // at the alarm
  std::uint64_t full_tests = 0;
  std::string reason;  // of the first alarm, or of the last verdict
};

// Detector and judge over one series, restarts included. `visit` is called after every reading and
// ends the watch by false.
using Visit =
    std::function<bool(const Observation& observation, LeakState state, const Detector& detector)>;
void follow(const LabelledSeries& series, const TrendPolicy& policy, const Visit& visit);

// What follow() finds until the first alarm.
Outcome watch(const LabelledSeries& series, const TrendPolicy& policy);

// Random size (0.3 to 10 times), length (0.6 to 2.5 times, except where the time of day matters)
// and limit (1.3 to 6 times the highest reading), for measuring away from the shapes' native
// scales.
void randomise(LabelledSeries& series, std::string_view name, std::uint64_t seed);

// When the truth of a leak first meets the limit after the onset; nothing without a truth or a
// limit, or when that takes more than 400 days.
std::optional<double> true_crossing_seconds(const LabelledSeries& series);

// What was foretold at a right alarm, beside what came true.
struct ForecastCheck {
  std::uint64_t seed = 0;
  double alarm_seconds = 0;
  double crossing_seconds = 0;
  std::optional<Exhaustion> foretold;
  Severity severity = Severity::info;

  // Whether the interval holds the crossing. Without an end it holds every later time.
  [[nodiscard]] bool right() const;
  // Of the true time from the alarm to the crossing; nothing without a forecast, and when the truth
  // had met the limit before the alarm.
  [[nodiscard]] std::optional<double> relative_width() const;  // infinite without an end
  [[nodiscard]] std::optional<double> relative_error() const;  // of the point
};

// Of one scenario or of a whole set.
struct Tally {
  std::size_t true_positives = 0;
  std::size_t positives = 0;
  std::size_t false_positives = 0;
  std::size_t negatives = 0;
  std::size_t early = 0;  // alarms on a leak before its onset
  std::size_t late = 0;   // right ones, but after the leak had truly met its limit
  double healthy_days = 0;
  std::uint64_t full_tests = 0;
  std::vector<double> delays_seconds;  // from onset to alarm
  // (floor at the alarm - level of the first readings) / (limit - level of the first readings)
  std::vector<double> headroom_used;
  std::size_t forecasts = 0;            // rightly alarmed series that really meet their limit
  std::size_t forecasts_right = 0;      // whose interval at the alarm holds that time
  std::size_t forecasts_unbounded = 0;  // whose interval has no end
  std::vector<double> forecast_widths;  // ForecastCheck::relative_width
  std::vector<double> forecast_errors;  // ForecastCheck::relative_error
  std::size_t critical = 0;             // right alarms of that severity
  std::size_t warning = 0;
  std::size_t crossing = 0;           // leaks that really meet their limit
  std::size_t suspected_in_time = 0;  // within a tenth of the time from onset to there

  void add(const Tally& other);
  [[nodiscard]] double precision() const;
  [[nodiscard]] double recall() const;
  [[nodiscard]] double f1() const;
  [[nodiscard]] double false_alarms_a_day() const;
  [[nodiscard]] double coverage() const;  // forecasts_right of forecasts
  [[nodiscard]] double suspected_in_time_share() const;
};

struct Row : Tally {
  std::string_view name;
  bool leaks = false;
  std::size_t series = 0;
  std::size_t alarmed = 0;
  std::size_t suspected = 0;
  std::vector<std::string> mistakes;  // one line each: seed, time, reason
  std::vector<ForecastCheck> checks;  // in the order of seeds
};

struct Score : Tally {
  std::vector<Row> rows;
};

struct ScoreOptions {
  TrendPolicy policy;
  double bucket_spacings =
      4;  // bucket length in spacings of the series; 0 takes policy.bucket_seconds
  std::uint64_t first_seed = 1;
  std::uint64_t seeds = 3;
  bool randomised = false;
  bool without_limit = false;  // withholds the limit from the detector
  bool with_load = false;      // hands the load that drives a series to the detector
  bool unfiltered = false;     // takes unmarked series as exact: no median of five, no troughs
  unsigned threads = 0;        // 0: one a processor
};

// Takes the limit or the load from the readings where the options say so.
void withhold(LabelledSeries& series, const ScoreOptions& options);

// The series of a scenario as the options ask for it, and the policy it is watched with.
LabelledSeries make_series(const Scenario& scenario, std::uint64_t seed,
                           const ScoreOptions& options);
TrendPolicy policy_for(const LabelledSeries& series, const ScoreOptions& options);

// Whatever raises alarms: the detector, or what it is compared with. Called on several threads.
using Watcher = std::function<Outcome(const LabelledSeries& series, const TrendPolicy& policy)>;

Score score(const std::vector<Scenario>& scenarios, const ScoreOptions& options,
            const Watcher& watcher = watch);

// One series and what became of it.
Row row_of(const LabelledSeries& series, const Outcome& outcome, std::uint64_t seed);

// The value below which a share `q` of the values lies; 0 of none.
double percentile(std::vector<double> values, double q);

}  // namespace heapfloor
