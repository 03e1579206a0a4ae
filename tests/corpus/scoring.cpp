#include "tests/corpus/scoring.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "agent/alerts/leak_state.h"
#include "agent/trend/detector.h"
#include "agent/trend/explain.h"
#include "tests/corpus/random.h"

namespace heapfloor {
namespace {

bool depends_on_time_of_day(std::string_view name) {
  constexpr std::array<std::string_view, 10> kNames = {
      "L05_rate_follows_load", "L06_under_strong_daily_load",
      "L14_business_hours",    "L22_gc_under_daily_load",
      "N09_daily_load",        "N10_daily_and_weekly_load",
      "N11_rising_limb_only",  "N19_log_rotation",
      "N20_nightly_batch",     "N30_gc_daily_load"};
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

std::uint64_t seed_of(std::string_view name, std::uint64_t seed) {
  std::uint64_t hash = 1469598103934665603U;
  for (const char c : name) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211U;
  }
  return hash + seed * 7919;
}

double ratio(std::size_t part, std::size_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

double early_level(const LabelledSeries& series) {
  std::vector<double> first;
  for (std::size_t i = 0; i < std::min<std::size_t>(30, series.observations.size()); ++i) {
    first.push_back(series.observations[i].value);
  }
  return percentile(first, 0.5);
}

void count(const LabelledSeries& series, const Outcome& outcome, Row& row, Score& score) {
  const std::optional<double> at = outcome.leaking_at_seconds;
  row.leaks = series.leaks;
  ++row.series;
  row.alarmed += at ? 1U : 0U;
  row.suspected += outcome.suspected_at_seconds ? 1U : 0U;
  score.full_tests += outcome.full_tests;
  if (!series.leaks) {
    ++score.negatives;
    score.false_positives += at ? 1U : 0U;
    score.healthy_days += series.observations.back().time_seconds / 86400;
    return;
  }
  ++score.positives;
  if (!at) {
    return;
  }
  if (*at < series.onset_seconds) {
    ++score.early;
    return;
  }
  ++score.true_positives;
  score.delays_seconds.push_back(*at - series.onset_seconds);
  row.delays_seconds.push_back(*at - series.onset_seconds);
  if (const auto limit = series.observations.front().limit) {
    const double before = early_level(series);
    score.headroom_used.push_back((outcome.value_at_alarm - before) / (*limit - before));
  }
}

}  // namespace

Outcome watch(const LabelledSeries& series, const TrendPolicy& policy) {
  Detector detector(policy, series.traits);
  LeakJudge judge(policy);
  Outcome outcome;
  std::size_t next_restart = 0;
  for (const Observation& observation : series.observations) {
    const double now = observation.time_seconds;
    if (next_restart < series.restarts.size() && now >= series.restarts[next_restart]) {
      detector.restart(now);
      judge.restart(now);
      ++next_restart;
    }
    if (!detector.observe(observation)) {
      continue;
    }
    const LeakState state = judge.step(detector.verdict(), now, detector.verdict().floor);
    if (state == LeakState::suspected && !outcome.suspected_at_seconds) {
      outcome.suspected_at_seconds = now;
    }
    if (state == LeakState::leaking) {
      outcome.leaking_at_seconds = now;
      outcome.value_at_alarm = detector.verdict().floor;
      break;
    }
  }
  outcome.full_tests = detector.full_tests();
  outcome.reason = explain(detector.verdict());
  return outcome;
}

void randomise(LabelledSeries& series, std::string_view name, std::uint64_t seed) {
  Random random(seed_of(name, seed) ^ 0x5bd1e995U);
  const double stretch =
      depends_on_time_of_day(name) ? 1 : std::exp(random.uniform(std::log(0.6), std::log(2.5)));
  const double size = std::exp(random.uniform(std::log(0.3), std::log(10.0)));
  std::vector<double> values;
  for (Observation& observation : series.observations) {
    observation.time_seconds *= stretch;
    observation.value = std::floor(observation.value * size / 4096) * 4096;
    values.push_back(observation.value);
  }
  for (double& restart : series.restarts) {
    restart *= stretch;
  }
  series.onset_seconds *= stretch;
  series.spacing_seconds *= stretch;
  const double high = percentile(values, 0.995);
  const double limit = std::max(high * 1.05, high * random.uniform(1.3, 6));
  for (Observation& observation : series.observations) {
    observation.limit = limit;
  }
}

double Score::precision() const {
  return ratio(true_positives, true_positives + false_positives + early);
}

double Score::recall() const { return ratio(true_positives, positives); }

double Score::f1() const {
  const double sum = precision() + recall();
  return sum > 0 ? 2 * precision() * recall() / sum : 0;
}

Score score(const std::vector<Scenario>& scenarios, const ScoreOptions& options) {
  Score result;
  for (const Scenario& scenario : scenarios) {
    Row row;
    row.name = scenario.name;
    for (std::uint64_t i = 0; i < options.seeds; ++i) {
      const std::uint64_t seed = options.first_seed + i;
      LabelledSeries series = scenario.make(seed_of(scenario.name, seed));
      if (options.randomised) {
        randomise(series, scenario.name, seed);
      }
      for (Observation& observation : series.observations) {
        observation.limit = options.without_limit ? std::nullopt : observation.limit;
      }
      TrendPolicy policy = options.policy;
      if (options.bucket_spacings > 0) {
        policy.bucket_seconds = options.bucket_spacings * series.spacing_seconds;
      }
      const Outcome outcome = watch(series, policy);
      count(series, outcome, row, result);
      if (outcome.leaking_at_seconds.has_value() != series.leaks) {
        const double end = series.observations.back().time_seconds;
        const double hours = outcome.leaking_at_seconds.value_or(end) / 3600;
        row.mistakes.push_back("seed " + std::to_string(seed) + " at " + std::to_string(hours) +
                               " h: " + outcome.reason);
      }
    }
    result.rows.push_back(row);
  }
  return result;
}

double percentile(std::vector<double> values, double q) {
  if (values.empty()) {
    return 0;
  }
  const auto last = static_cast<double>(values.size() - 1);
  const auto nth = values.begin() + static_cast<std::ptrdiff_t>(std::lround(q * last));
  std::nth_element(values.begin(), nth, values.end());
  return *nth;
}

}  // namespace heapfloor
