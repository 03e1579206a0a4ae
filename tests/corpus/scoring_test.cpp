// How alarms are counted, over series of three points and watchers that say what they are told.
#include <limits>
#include <optional>

#include <gmock/gmock.h>

#include "tests/corpus/expected_scores.h"
#include "tests/corpus/picture.h"
#include "tests/corpus/report.h"
#include "tests/corpus/scoring.h"

namespace heapfloor {
namespace {

constexpr double kMiB = 1024.0 * 1024;
constexpr double kHour = 3600;

// 100 MiB and 10 MiB an hour from `onset_hours` on, towards 300 MiB, for 30 h.
LabelledSeries ramp(bool leaks, double onset_hours = 0) {
  const auto value = [=](double seconds) {
    return (100 + 10 * std::max(0.0, seconds / kHour - onset_hours)) * kMiB;
  };
  LabelledSeries series;
  series.leaks = leaks;
  series.onset_seconds = onset_hours * kHour;
  for (int minute = 0; minute <= 30 * 60; ++minute) {
    Observation observation;
    observation.time_seconds = minute * 60.0;
    observation.value = value(observation.time_seconds);
    observation.limit = 300 * kMiB;
    series.observations.push_back(observation);
  }
  if (leaks) {
    series.truth = value;
  }
  return series;
}

Score score_of(const LabelledSeries& series, const Outcome& outcome) {
  ScoreOptions options;
  options.seeds = 1;
  return score({{"ramp", [=](std::uint64_t) { return series; }}}, options,
               [=](const LabelledSeries&, const TrendPolicy&) { return outcome; });
}

Outcome alarm(double hours, std::optional<Exhaustion> foretold = {}) {
  Outcome outcome;
  outcome.leaking_at_seconds = hours * kHour;
  outcome.suspected_at_seconds = outcome.leaking_at_seconds;
  outcome.rightly_suspected_at_seconds = outcome.leaking_at_seconds;
  outcome.value_at_alarm = 150 * kMiB;
  outcome.exhaustion = foretold;
  return outcome;
}

TEST(Scoring, TheTruthOfALeakMeetsItsLimitWhenItsRateSays) {
  EXPECT_NEAR(*true_crossing_seconds(ramp(true, 5)), 25 * kHour, 61);
  EXPECT_FALSE(true_crossing_seconds(ramp(false)));
}

TEST(Scoring, MeasuresDelayFromTheOnsetAndHeadroomFromTheFirstReadings) {
  const Score result = score_of(ramp(true, 5), alarm(9));
  EXPECT_EQ(result.true_positives, 1U);
  EXPECT_THAT(result.delays_seconds, testing::ElementsAre(4 * kHour));
  EXPECT_NEAR(result.headroom_used.front(), 50.0 / 200, 1e-9);
}

TEST(Scoring, AnAlarmBeforeTheOnsetIsNoFind) {
  const Score result = score_of(ramp(true, 5), alarm(4));
  EXPECT_EQ(result.true_positives, 0U);
  EXPECT_EQ(result.early, 1U);
  EXPECT_EQ(result.precision(), 0);
}

TEST(Scoring, AnAlarmAfterTheLimitIsCountedAsLate) {
  EXPECT_EQ(score_of(ramp(true), alarm(19)).late, 0U);
  EXPECT_EQ(score_of(ramp(true), alarm(21)).late, 1U);
}

TEST(Scoring, AForecastIsRightWhenItsIntervalHoldsTheTrueTime) {
  const Exhaustion right{19 * kHour, 15 * kHour, 25 * kHour};
  const Exhaustion soon{15 * kHour, 10 * kHour, 19 * kHour};
  const Exhaustion late{30 * kHour, 21 * kHour, std::nullopt};
  const Exhaustion open{30 * kHour, 18 * kHour, std::nullopt};
  EXPECT_EQ(score_of(ramp(true), alarm(9, right)).coverage(), 1);
  EXPECT_EQ(score_of(ramp(true), alarm(9, soon)).coverage(), 0);
  EXPECT_EQ(score_of(ramp(true), alarm(9, late)).coverage(), 0);
  EXPECT_EQ(score_of(ramp(true), alarm(9, open)).coverage(), 1);
  EXPECT_EQ(score_of(ramp(true), alarm(9, open)).forecasts_unbounded, 1U);
  EXPECT_EQ(score_of(ramp(true), alarm(9)).coverage(), 0) << "no forecast is no right one";
}

TEST(Scoring, MeasuresAForecastsWidthAndErrorInTheTimeThatWasTrulyLeft) {
  // The alarm comes at 10 h, 10 h before the limit.
  const auto width = [](const Exhaustion& foretold) {
    return score_of(ramp(true), alarm(10, foretold)).forecast_widths.front();
  };
  const auto error = [](const Exhaustion& foretold) {
    return score_of(ramp(true), alarm(10, foretold)).forecast_errors.front();
  };
  const Exhaustion closed{18 * kHour, 15 * kHour, 25 * kHour};
  const Exhaustion open{25 * kHour, 18 * kHour, std::nullopt};
  EXPECT_NEAR(width(closed), 1, 0.01);
  EXPECT_NEAR(error(closed), 0.2, 0.01);
  EXPECT_EQ(width(open), std::numeric_limits<double>::infinity());
  EXPECT_NEAR(error(open), 0.5, 0.01);
  EXPECT_TRUE(score_of(ramp(true), alarm(21, closed)).forecast_widths.empty())
      << "of what has happened there is no forecast";
}

TEST(Scoring, ListsEveryForecastBesideWhatCameTrue) {
  Outcome outcome = alarm(10, Exhaustion{18 * kHour, 15 * kHour, std::nullopt});
  outcome.severity = Severity::critical;
  const Score result = score_of(ramp(true), outcome);
  EXPECT_EQ(result.critical, 1U);
  EXPECT_THAT(forecasts_report(result),
              testing::HasSubstr("ramp,1,10.00,10.00,8.00,5.00,,critical,yes,inf,0.200"));
}

TEST(Scoring, SuspicionIsInTimeWithinATenthOfTheTimeToTheLimit) {
  EXPECT_EQ(score_of(ramp(true, 5), alarm(6.9)).suspected_in_time, 1U);
  EXPECT_EQ(score_of(ramp(true, 5), alarm(7.1)).suspected_in_time, 0U);
}

TEST(Scoring, FalseAlarmsAreCountedByTheDayOfHealthySeries) {
  const Score result = score_of(ramp(false), alarm(9));
  EXPECT_EQ(result.false_positives, 1U);
  EXPECT_NEAR(result.false_alarms_a_day(), 24.0 / 30, 1e-9);
}

TEST(ExpectedScores, AreReadAsTheyAreWritten) {
  ExpectedScore line;
  line.set = "short";
  line.seeds = 3;
  line.first_seed = 9000;
  line.precision = 0.5;
  line.recall = 0.25;
  line.f1 = 0.3333;
  const auto again = parse_expected(expected_text({line}), "memory");
  ASSERT_TRUE(again) << again.error().reason;
  ASSERT_EQ(again->size(), 1U);
  EXPECT_EQ(again->front().set, "short");
  EXPECT_EQ(again->front().first_seed, 9000U);
  EXPECT_EQ(again->front().f1, 0.3333);
}

TEST(ExpectedScores, NameNoSetThatDoesNotExist) {
  ExpectedScore line;
  line.set = "nowhere";
  line.seeds = 1;
  EXPECT_FALSE(parse_expected(expected_text({line}), "memory"));
  EXPECT_FALSE(parse_expected("set,seeds\n", "memory"));
}

TEST(Picture, ShowsTheLimitTheOnsetAndEveryStateThatWasReached) {
  TrendPolicy policy;
  policy.bucket_seconds = 240;
  const std::string svg = picture("ramp", ramp(true, 5), policy);
  EXPECT_EQ(svg.substr(0, 4), "<svg");
  EXPECT_THAT(svg, testing::HasSubstr("limit 300 MiB"));
  EXPECT_THAT(svg, testing::HasSubstr(">onset<"));
  EXPECT_THAT(svg, testing::HasSubstr("<circle"));
  EXPECT_THAT(svg, testing::Not(testing::HasSubstr("nan")));
  const std::string healthy = picture("ramp", ramp(false), policy);
  EXPECT_THAT(healthy, testing::Not(testing::HasSubstr(">onset<")));
}

}  // namespace
}  // namespace heapfloor
