#include "tests/corpus/scoring.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "agent/trend/explain.h"
#include "tests/corpus/labels.h"
#include "tests/corpus/parallel.h"
#include "tests/corpus/random.h"

namespace heapfloor {
namespace {

constexpr double kMinuteSeconds = 60;
constexpr double kDaySeconds = 86400;
constexpr double kLongestCrossingDays = 400;
constexpr double kFineCrossingDays = 10;
constexpr double kSuspectedInTimeShare = 0.1;

bool depends_on_time_of_day(std::string_view name) {
  const Label* label = find_label(name);
  return label != nullptr && label->has(Label::kDaily);
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

void count_forecast(const ForecastCheck& check, Row& row) {
  ++row.forecasts;
  row.checks.push_back(check);
  row.forecasts_right += check.right() ? 1U : 0U;
  row.forecasts_unbounded += check.foretold && !check.foretold->latest_seconds ? 1U : 0U;
  if (const auto width = check.relative_width()) {
    row.forecast_widths.push_back(*width);
  }
  if (const auto error = check.relative_error()) {
    row.forecast_errors.push_back(*error);
  }
}

void count_leak(const LabelledSeries& series, const Outcome& outcome, std::uint64_t seed,
                Row& tally) {
  ++tally.positives;
  const std::optional<double> crossing = true_crossing_seconds(series);
  if (crossing) {
    ++tally.crossing;
    const double latest =
        series.onset_seconds + kSuspectedInTimeShare * (*crossing - series.onset_seconds);
    const auto suspected = outcome.rightly_suspected_at_seconds;
    tally.suspected_in_time += suspected && *suspected <= latest ? 1U : 0U;
  }
  if (!outcome.leaking_at_seconds) {
    return;
  }
  const double at = *outcome.leaking_at_seconds;
  if (at < series.onset_seconds) {
    ++tally.early;
    return;
  }
  ++tally.true_positives;
  tally.critical += outcome.severity == Severity::critical ? 1U : 0U;
  tally.warning += outcome.severity == Severity::warning ? 1U : 0U;
  tally.delays_seconds.push_back(at - series.onset_seconds);
  if (const auto limit = series.observations.front().limit) {
    const double before = early_level(series);
    tally.headroom_used.push_back((outcome.value_at_alarm - before) / (*limit - before));
  }
  if (crossing) {
    tally.late += at > *crossing ? 1U : 0U;
    count_forecast({seed, at, *crossing, outcome.exhaustion, outcome.severity}, tally);
  }
}

void append(std::vector<double>& to, const std::vector<double>& from) {
  to.insert(to.end(), from.begin(), from.end());
}

void merge(Row& row, const Row& more) {
  row.add(more);
  row.leaks = more.leaks;
  row.series += more.series;
  row.alarmed += more.alarmed;
  row.suspected += more.suspected;
  row.mistakes.insert(row.mistakes.end(), more.mistakes.begin(), more.mistakes.end());
  row.checks.insert(row.checks.end(), more.checks.begin(), more.checks.end());
}

}  // namespace

void follow(const LabelledSeries& series, const TrendPolicy& policy, const Visit& visit) {
  Detector detector(policy, series.traits);
  LeakJudge judge(policy);
  std::size_t next_restart = 0;
  for (const Observation& observation : series.observations) {
    const double now = observation.time_seconds;
    if (next_restart < series.restarts.size() && now >= series.restarts[next_restart]) {
      detector.restart(now);
      judge.restart(now);
      ++next_restart;
    }
    if (detector.observe(observation)) {
      judge.step(detector.verdict(), now, detector.verdict().floor);
    }
    if (!visit(observation, judge.state(), detector)) {
      return;
    }
  }
}

Outcome watch(const LabelledSeries& series, const TrendPolicy& policy) {
  Outcome outcome;
  const auto note = [&](const Observation& observation, LeakState state, const Detector& detector) {
    const double now = observation.time_seconds;
    const bool leaking = state == LeakState::leaking;
    if (state == LeakState::suspected && !outcome.suspected_at_seconds) {
      outcome.suspected_at_seconds = now;
    }
    if ((leaking || state == LeakState::suspected) && now >= series.onset_seconds &&
        !outcome.rightly_suspected_at_seconds) {
      outcome.rightly_suspected_at_seconds = now;
    }
    if (leaking) {
      outcome.leaking_at_seconds = now;
      outcome.value_at_alarm = detector.verdict().floor;
      outcome.exhaustion = detector.verdict().exhaustion;
      outcome.severity = severity(detector.verdict(), now);
    }
    outcome.full_tests = detector.full_tests();
    if (leaking || &observation == &series.observations.back()) {
      outcome.reason = explain(detector.verdict(), now);
    }
    return !leaking;
  };
  follow(series, policy, note);
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
  if (series.truth) {
    series.truth = [=, truth = series.truth](double seconds) {
      return size * truth(seconds / stretch);
    };
  }
  const double high = percentile(values, 0.995);
  const double limit = std::max(high * 1.05, high * random.uniform(1.3, 6));
  for (Observation& observation : series.observations) {
    observation.limit = limit;
  }
}

std::optional<double> true_crossing_seconds(const LabelledSeries& series) {
  if (!series.truth || series.observations.empty() || !series.observations.front().limit) {
    return std::nullopt;
  }
  const double limit = *series.observations.front().limit;
  const double end = series.onset_seconds + kLongestCrossingDays * kDaySeconds;
  const double fine_end = series.onset_seconds + kFineCrossingDays * kDaySeconds;
  for (double t = series.onset_seconds; t < end;
       t += t < fine_end ? kMinuteSeconds : 10 * kMinuteSeconds) {
    if (series.truth(t) >= limit) {
      return t;
    }
  }
  return std::nullopt;
}

bool ForecastCheck::right() const {
  return foretold && crossing_seconds >= foretold->earliest_seconds &&
         (!foretold->latest_seconds || crossing_seconds <= *foretold->latest_seconds);
}

std::optional<double> ForecastCheck::relative_width() const {
  if (!foretold || crossing_seconds <= alarm_seconds) {
    return std::nullopt;
  }
  return foretold->latest_seconds ? (*foretold->latest_seconds - foretold->earliest_seconds) /
                                        (crossing_seconds - alarm_seconds)
                                  : std::numeric_limits<double>::infinity();
}

std::optional<double> ForecastCheck::relative_error() const {
  if (!foretold || crossing_seconds <= alarm_seconds) {
    return std::nullopt;
  }
  return std::abs(foretold->at_seconds - crossing_seconds) / (crossing_seconds - alarm_seconds);
}

void Tally::add(const Tally& other) {
  true_positives += other.true_positives;
  positives += other.positives;
  false_positives += other.false_positives;
  negatives += other.negatives;
  early += other.early;
  late += other.late;
  healthy_days += other.healthy_days;
  full_tests += other.full_tests;
  append(delays_seconds, other.delays_seconds);
  append(headroom_used, other.headroom_used);
  forecasts += other.forecasts;
  forecasts_right += other.forecasts_right;
  forecasts_unbounded += other.forecasts_unbounded;
  append(forecast_widths, other.forecast_widths);
  append(forecast_errors, other.forecast_errors);
  critical += other.critical;
  warning += other.warning;
  crossing += other.crossing;
  suspected_in_time += other.suspected_in_time;
}

double Tally::precision() const {
  return ratio(true_positives, true_positives + false_positives + early);
}

double Tally::recall() const { return ratio(true_positives, positives); }

double Tally::f1() const {
  const double sum = precision() + recall();
  return sum > 0 ? 2 * precision() * recall() / sum : 0;
}

double Tally::false_alarms_a_day() const {
  return healthy_days > 0 ? static_cast<double>(false_positives) / healthy_days : 0;
}

double Tally::coverage() const { return ratio(forecasts_right, forecasts); }

double Tally::suspected_in_time_share() const { return ratio(suspected_in_time, crossing); }

void withhold(LabelledSeries& series, const ScoreOptions& options) {
  for (Observation& observation : series.observations) {
    observation.limit = options.without_limit ? std::nullopt : observation.limit;
    observation.load = options.with_load ? observation.load : std::nullopt;
  }
}

LabelledSeries make_series(const Scenario& scenario, std::uint64_t seed,
                           const ScoreOptions& options) {
  LabelledSeries series = scenario.make(seed_of(scenario.name, seed));
  if (options.randomised) {
    randomise(series, scenario.name, seed);
  }
  withhold(series, options);
  if (options.unfiltered && series.traits == SignalTraits::unmarked) {
    series.traits = SignalTraits::exact;
  }
  return series;
}

TrendPolicy policy_for(const LabelledSeries& series, const ScoreOptions& options) {
  TrendPolicy policy = options.policy;
  if (options.bucket_spacings > 0) {
    policy.bucket_seconds = std::max(1.0, options.bucket_spacings * series.spacing_seconds);
  }
  return policy;
}

Score score(const std::vector<Scenario>& scenarios, const ScoreOptions& options,
            const Watcher& watcher) {
  std::vector<Row> single(scenarios.size() * options.seeds);
  run_jobs(single.size(), options.threads, [&](std::size_t job) {
    const Scenario& scenario = scenarios[job / options.seeds];
    const std::uint64_t seed = options.first_seed + job % options.seeds;
    const LabelledSeries series = make_series(scenario, seed, options);
    single[job] = row_of(series, watcher(series, policy_for(series, options)), seed);
  });
  Score result;
  for (std::size_t i = 0; i < scenarios.size(); ++i) {
    Row row;
    row.name = scenarios[i].name;
    for (std::uint64_t k = 0; k < options.seeds; ++k) {
      merge(row, single[i * options.seeds + k]);
    }
    result.add(row);
    result.rows.push_back(std::move(row));
  }
  return result;
}

Row row_of(const LabelledSeries& series, const Outcome& outcome, std::uint64_t seed) {
  const bool alarmed = outcome.leaking_at_seconds.has_value();
  Row row;
  row.leaks = series.leaks;
  row.series = 1;
  row.alarmed = alarmed ? 1U : 0U;
  row.suspected = outcome.suspected_at_seconds ? 1U : 0U;
  row.full_tests = outcome.full_tests;
  if (series.leaks) {
    count_leak(series, outcome, seed, row);
  } else {
    ++row.negatives;
    row.false_positives += row.alarmed;
    row.healthy_days += series.observations.back().time_seconds / kDaySeconds;
  }
  if (alarmed != series.leaks || row.early > 0) {
    const double end = series.observations.back().time_seconds;
    const double hours = outcome.leaking_at_seconds.value_or(end) / 3600;
    row.mistakes.push_back("seed " + std::to_string(seed) + " at " + std::to_string(hours) +
                           " h: " + outcome.reason);
  }
  return row;
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
