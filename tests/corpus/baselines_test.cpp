// The published rules alarm where their descriptions say, and nowhere else.
#include <algorithm>
#include <cmath>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "tests/corpus/baseline_statistics.h"
#include "tests/corpus/baselines.h"
#include "tests/corpus/random.h"

namespace heapfloor {
namespace {

constexpr double kMiB = 1024.0 * 1024;

// `hours` hours, a reading a minute, of value(hour) MiB under a limit of 1000 MiB.
LabelledSeries series_of(double hours, const std::function<double(double)>& value) {
  LabelledSeries series;
  for (int minute = 0; minute < 60 * hours; ++minute) {
    Observation observation;
    observation.time_seconds = minute * 60.0;
    observation.value = value(minute / 60.0) * kMiB;
    observation.limit = 1000 * kMiB;
    series.observations.push_back(observation);
  }
  return series;
}

std::optional<double> alarm_hours(std::string_view name, const LabelledSeries& series) {
  for (const Baseline& baseline : baselines()) {
    if (baseline.name.find(name) != std::string_view::npos) {
      const auto at = baseline.watch(series, TrendPolicy{}).leaking_at_seconds;
      return at ? std::optional<double>(*at / 3600) : std::nullopt;
    }
  }
  ADD_FAILURE() << "no baseline " << name;
  return std::nullopt;
}

TEST(Baselines, RegressionOfAnyStretchIsThatOfItsPointsAlone) {
  const std::vector<double> times = {0, 1, 2, 3, 4, 5};
  const std::vector<double> values = {9, 9, 1, 3, 5, 7};
  const baseline::Line line = baseline::Regression(times, values).fit(2, 6);
  EXPECT_NEAR(line.slope, 2, 1e-9);
  EXPECT_NEAR(line.intercept, -3, 1e-9);
  EXPECT_NEAR(line.r_squared, 1, 1e-9);
  EXPECT_EQ(baseline::Regression(times, std::vector<double>(6, 4)).fit(0, 6).r_squared, 0);
}

TEST(Baselines, MannKendallIsThatOfTheTextbook) {
  // S = 10 of five rising values; V = 5 * 4 * 15 / 18.
  EXPECT_NEAR(baseline::mann_kendall_z(std::vector<double>{1, 2, 3, 4, 5}),
              9 / std::sqrt(300.0 / 18), 1e-12);
  EXPECT_EQ(baseline::mann_kendall_z(std::vector<double>(9, 7)), 0);
}

TEST(Baselines, AutocorrelationLowersTheCorrectedTestAndNeverRaisesIt) {
  Random random(3);
  std::vector<double> times;
  std::vector<double> values;
  double state = 0;
  for (int i = 0; i < 200; ++i) {
    state = 0.95 * state + random.normal();
    times.push_back(i);
    values.push_back(state + 0.05 * i);
  }
  const double plain = baseline::mann_kendall_z(values);
  const double corrected = baseline::hamed_rao(times, values).z;
  EXPECT_GT(plain, 0);
  EXPECT_LT(corrected, 0.7 * plain);
  EXPECT_GT(corrected, 0);
}

TEST(Baselines, CorootAlarmsAboveItsRateOnly) {
  const LabelledSeries slow = series_of(30, [](double t) { return 200 + 9 * t; });
  const LabelledSeries fast = series_of(30, [](double t) { return 200 + 11 * t; });
  EXPECT_FALSE(alarm_hours("Coroot", slow));
  EXPECT_TRUE(alarm_hours("> 1 MiB/h", slow));
  EXPECT_TRUE(alarm_hours("Coroot", fast));
}

TEST(Baselines, PredictLinearAlarmsOnceTheLineMeetsTheLimitWithinTheHorizon) {
  // 300 + 20 t meets 1000 at 35 h: foretold a day ahead from 11 h on.
  const auto at = alarm_hours("6 h -> 24 h", series_of(40, [](double t) { return 300 + 20 * t; }));
  ASSERT_TRUE(at);
  EXPECT_NEAR(*at, 11, 1.01);
}

TEST(Baselines, TheMeanAfterCollectionsIsALevelNotATrend) {
  EXPECT_TRUE(alarm_hours("85 %", series_of(10, [](double) { return 860.0; })));
  EXPECT_FALSE(alarm_hours("85 %", series_of(10, [](double t) { return 100 + 50 * t; })));
}

TEST(Baselines, LinesAreFoundByRegressionAndByPrecogAndFlatNoiseIsNot) {
  Random random(5);
  const LabelledSeries line =
      series_of(40, [&](double t) { return 400 + 8 * t + random.normal(0, 2); });
  const LabelledSeries flat = series_of(40, [&](double) { return 400 + random.normal(0, 2); });
  for (const std::string_view name : {"LBR", "Precog, untrained"}) {
    EXPECT_TRUE(alarm_hours(name, line)) << name;
    EXPECT_FALSE(alarm_hours(name, flat)) << name;
  }
}

TEST(Baselines, TrainedPrecogForgivesTheLineItWasTrainedOn) {
  const LabelledSeries same = series_of(40, [](double t) { return 400 + 8 * std::min(t, 25.0); });
  const LabelledSeries steeper = series_of(
      40, [](double t) { return 400 + 5 * std::min(t, 20.0) + 25 * std::max(0.0, t - 20); });
  EXPECT_TRUE(alarm_hours("Precog, trained", steeper));
  EXPECT_TRUE(alarm_hours("Precog, untrained", same));
}

}  // namespace
}  // namespace heapfloor
