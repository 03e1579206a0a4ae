#include "agent/trend/statistics.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <random>
#include <span>
#include <vector>

#include <gtest/gtest.h>

#include "agent/trend/seasonal.h"

namespace heapfloor {
namespace {

std::vector<double> sequence(std::size_t count, double step = 1) {
  std::vector<double> result(count);
  for (std::size_t i = 0; i < count; ++i) {
    result[i] = static_cast<double>(i) * step;
  }
  return result;
}

TEST(Median, IsTheMiddleValueOrTheMeanOfTheTwoMiddleOnes) {
  EXPECT_EQ(median({}), 0);
  EXPECT_EQ(median(std::vector<double>{3, 1, 2}), 2);
  EXPECT_EQ(median(std::vector<double>{4, 1, 3, 2}), 2.5);
}

// Many equal, few equal, ascending, descending, up and down, and with what selection by the middle
// of three finds hard.
std::vector<double> drawn(int kind, std::size_t count, std::mt19937_64& random) {
  std::vector<double> values(count);
  for (std::size_t i = 0; i < count; ++i) {
    const auto chance = static_cast<double>(random() % (kind == 0 ? 3 : 1000000));
    const auto at = static_cast<double>(i);
    const auto left = static_cast<double>(count - i);
    values[i] = kind <= 1 ? chance : kind == 2 ? at : kind == 3 ? left : std::min(at, left);
    if (kind == 5) values[i] = i % 2 == 0 ? at : at + static_cast<double>(count);
  }
  return values;
}

TEST(MedianInPlace, PartsTheValuesAsSortingWould) {
  std::mt19937_64 random(5);
  for (int i = 0; i < 3000; ++i) {
    std::vector<double> values = drawn(i % 6, 1 + random() % (i % 100 == 0 ? 2016 : 130), random);
    std::vector<double> sorted = values;
    std::ranges::sort(sorted);
    const std::size_t half = values.size() / 2;
    const double middle =
        values.size() % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
    ASSERT_EQ(median_in_place(values), middle);
    ASSERT_EQ(values[half], sorted[half]);
    ASSERT_TRUE(std::ranges::all_of(std::span(values).first(half),
                                    [&](double value) { return value <= values[half]; }));
    std::ranges::sort(values);
    ASSERT_EQ(values, sorted) << "nothing is lost";
  }
}

TEST(TheilSen, TakesTheRanksThatSortedSlopesHave) {
  std::mt19937_64 random(6);
  for (int i = 0; i < 2000; ++i) {
    const std::vector<double> values = drawn(i % 6, 2 + random() % 31, random);
    std::vector<double> slopes;
    for (std::size_t a = 0; a < values.size(); ++a) {
      for (std::size_t b = a + 1; b < values.size(); ++b) {
        slopes.push_back((values[b] - values[a]) / static_cast<double>(b - a));
      }
    }
    std::ranges::sort(slopes);
    const auto total = static_cast<double>(slopes.size());
    const double spread = total * static_cast<double>(random() % 120) / 100;
    const auto at = [&](double rank) {
      return slopes[static_cast<std::size_t>(std::clamp(rank, 0.0, total - 1))];
    };
    const SlopeEstimate estimate = theil_sen(sequence(values.size()), values, spread);
    ASSERT_EQ(estimate.slope, (at((total - 1) / 2) + at(total / 2)) / 2);
    ASSERT_EQ(estimate.low, at((total - spread) / 2));
    ASSERT_EQ(estimate.high, at((total + spread) / 2));
  }
}

TEST(MannKendall, CorrectsTheVarianceForEveryGroupOfTies) {
  std::mt19937_64 random(7);
  const auto term = [](double size) { return size * (size - 1) * (2 * size + 5); };
  for (int i = 0; i < 500; ++i) {
    std::vector<double> values = drawn(i % 6, 1 + random() % 40, random);
    const MannKendall kendall = mann_kendall(values);
    double variance = term(static_cast<double>(values.size()));
    std::ranges::sort(values);
    for (auto group = values.begin(); group != values.end();) {
      const auto end = std::upper_bound(group, values.end(), *group);
      variance -= term(static_cast<double>(end - group));
      group = end;
    }
    ASSERT_EQ(kendall.variance, variance / 18);
  }
}

TEST(Quantile, InterpolatesBetweenNeighbours) {
  const std::vector<double> values = {40, 10, 20, 30};
  EXPECT_EQ(quantile(values, 0), 10);
  EXPECT_EQ(quantile(values, 1), 40);
  EXPECT_EQ(quantile(values, 0.5), 25);
  EXPECT_EQ(quantile({}, 0.5), 0);
}

TEST(RobustSigma, IgnoresOneWildValue) {
  EXPECT_NEAR(robust_sigma(std::vector<double>{1, 2, 3, 4, 5, 6, 1e9}), 1.4826 * 2, 1e-9);
}

TEST(MannKendall, CountsConcordantAgainstDiscordantPairs) {
  EXPECT_EQ(mann_kendall(sequence(8)).s, 28);
  EXPECT_EQ(mann_kendall(std::vector<double>{3, 2, 1}).s, -3);
  EXPECT_EQ(mann_kendall(std::vector<double>{1, 3, 2, 4}).s, 4);
}

TEST(MannKendall, SubtractsTiesFromTheVariance) {
  // n(n-1)(2n+5)/18 without ties; a tie group of c subtracts c(c-1)(2c+5)/18 (Kendall 1975).
  EXPECT_DOUBLE_EQ(mann_kendall(sequence(8)).variance, 8 * 7 * 21 / 18.0);
  const std::vector<double> tied = {1, 2, 2, 2, 3, 4, 4, 5};
  EXPECT_DOUBLE_EQ(mann_kendall(tied).variance, (8 * 7 * 21 - 3 * 2 * 11 - 2 * 1 * 9) / 18.0);
  EXPECT_EQ(mann_kendall(std::vector<double>(9, 7.0)).variance, 0);
}

TEST(ExactTrend, AsksForTheCriticalValuesOfTheExactDistribution) {
  EXPECT_TRUE(exact_trend(5, 10));
  EXPECT_FALSE(exact_trend(5, 8));
  EXPECT_TRUE(exact_trend(6, 13));
  EXPECT_FALSE(exact_trend(6, 11));
  EXPECT_TRUE(exact_trend(7, 17));
  EXPECT_FALSE(exact_trend(7, 15));
  EXPECT_FALSE(exact_trend(4, 6));
}

TEST(UndoneRise, IsTheRiseThatFellBackAsFar) {
  EXPECT_EQ(largest_undone_rise(std::vector<double>{1, 2, 3, 4}), 0) << "nothing fell";
  EXPECT_EQ(largest_undone_rise(std::vector<double>{4, 3, 1}), 0) << "nothing rose";
  EXPECT_EQ(largest_undone_rise(std::vector<double>{1, 9, 3, 12}), 6) << "of 8, 6 were undone";
  EXPECT_EQ(largest_undone_rise(std::vector<double>{5, 9, 1, 2}), 4) << "it rose by no more";
  EXPECT_EQ(largest_undone_rise({}), 0);
}

TEST(HamedRao, IsOneForALineAndNeverBelow) {
  const auto t = sequence(16);
  EXPECT_EQ(hamed_rao_factor(t, sequence(16, 3), 3), 1);
  std::vector<double> alternating;
  for (std::size_t i = 0; i < 16; ++i) {
    alternating.push_back(i % 2 == 0 ? 1 : -1);
  }
  EXPECT_EQ(hamed_rao_factor(t, alternating, 0), 1);
}

TEST(HamedRao, InflatesTheVarianceOfAWave) {
  const auto t = sequence(32);
  std::vector<double> wave;
  for (const double x : t) {
    wave.push_back(std::sin(x / 5));
  }
  EXPECT_GT(hamed_rao_factor(t, wave, 0), 2);
}

TEST(HamedRao, TakesTheRoundingOfALineForALine) {
  std::vector<double> t = sequence(16);
  std::vector<double> y;
  for (double& x : t) {
    x = 1.7e9 + 60 * x;
    y.push_back(static_cast<double>(static_cast<float>(3.1e8 + 0.1 * (x - 1.7e9))));
  }
  EXPECT_EQ(hamed_rao_factor(t, y, 0.1), 1);
}

TEST(TheilSen, FindsTheSlopeDespiteOutliers) {
  const auto t = sequence(11);
  auto y = sequence(11, 2);
  y[3] = 1000;
  y[7] = -1000;
  const SlopeEstimate estimate = theil_sen(t, y, 10);
  EXPECT_DOUBLE_EQ(estimate.slope, 2);
  EXPECT_LE(estimate.low, 2);
  EXPECT_GE(estimate.high, 2);
}

TEST(TheilSen, WidensItsIntervalWithTheSpreadAndStaysInside) {
  const auto t = sequence(6);
  const std::vector<double> y = {0, 3, 1, 6, 2, 8};
  const SlopeEstimate narrow = theil_sen(t, y, 2);
  const SlopeEstimate wide = theil_sen(t, y, 1e9);
  EXPECT_LE(wide.low, narrow.low);
  EXPECT_GE(wide.high, narrow.high);
  EXPECT_EQ(wide.low, -4);
  EXPECT_EQ(wide.high, 6);
}

TEST(TheilSen, GivesNothingForReadingsAtOneTime) {
  const std::vector<double> t(5, 3.0);
  EXPECT_EQ(theil_sen(t, sequence(5), 1).slope, 0);
}

TEST(FitTrend, MatchesHandComputationOfAMonotoneWindowOfEight) {
  const auto t = sequence(8, 60);
  const auto y = sequence(8, 120);
  const Trend trend = fit_trend(t, y, mann_kendall(y), 3);
  EXPECT_NEAR(trend.z, 27 / std::sqrt(8 * 7 * 21 / 18.0), 1e-12);
  EXPECT_DOUBLE_EQ(trend.slope, 2);
  EXPECT_DOUBLE_EQ(trend.low, 2);
  EXPECT_EQ(trend.factor, 1);
}

TEST(SeasonalTrend, SeesALeakUnderAStrongDailyWaveAndRemovesTheWave) {
  std::vector<double> t;
  std::vector<double> y;
  for (int i = 0; i < 32; ++i) {
    t.push_back((i + 0.5) * 6);
    y.push_back(300 + 2 * t.back() + 150 * std::sin(6.283185307179586 * t.back() / 24));
  }
  const auto seasonal = seasonal_trend(t, y, 24, 6);
  ASSERT_TRUE(seasonal);
  EXPECT_GT(seasonal->z, 2.6);
  EXPECT_GT(seasonal->explained, 0.95);
  const std::span<const double> adjusted(seasonal->adjusted.data(), t.size());
  const Trend trend = fit_trend(t, adjusted, mann_kendall(adjusted), 3);
  EXPECT_NEAR(trend.slope, 2, 0.1);
}

TEST(SeasonalTrend, FindsNoTrendInAPureWave) {
  std::vector<double> t;
  std::vector<double> y;
  for (int i = 0; i < 32; ++i) {
    t.push_back((i + 0.5) * 6);
    y.push_back(150 * std::sin(6.283185307179586 * t.back() / 24));
  }
  const auto seasonal = seasonal_trend(t, y, 24, 6);
  ASSERT_TRUE(seasonal);
  EXPECT_LT(seasonal->z, 2.6);
}

TEST(SeasonalTrend, NeedsEightPairsAWholePeriodApart) {
  EXPECT_FALSE(seasonal_trend(sequence(8, 3), sequence(8), 24, 3));
}

TEST(PeriodDifferences, ComparesWithTheInterpolatedValueOnePeriodBefore) {
  const auto t = sequence(6, 10);
  const auto y = sequence(6, 5);
  std::vector<double> work(6);
  const auto differences = period_differences(t, y, 25, work);
  ASSERT_EQ(differences.size(), 3U);
  for (const double difference : differences) {
    EXPECT_DOUBLE_EQ(difference, 12.5);
  }
}

}  // namespace
}  // namespace heapfloor
