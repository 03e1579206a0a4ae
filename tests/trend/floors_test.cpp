// How readings become floors: filter, troughs, pyramid, sparse ring, amplitude.
#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/trend/high_quantile.h"
#include "agent/trend/median_of_five.h"
#include "agent/trend/pyramid.h"
#include "agent/trend/season_ring.h"
#include "agent/trend/sparse_ring.h"
#include "agent/trend/trough_extractor.h"

namespace heapfloor {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

TEST(MedianOfFive, SwallowsTwoBadReadingsInARow) {
  MedianOfFive filter;
  std::vector<double> seen;
  for (const double value : {5.0, 5.0, 5.0, 0.0, 0.0, 5.0, 5.0}) {
    seen.push_back(filter.push(value));
  }
  EXPECT_EQ(seen, std::vector<double>(7, 5.0));
}

TEST(MedianOfFive, FollowsALastingChangeAfterTwoReadings) {
  MedianOfFive filter;
  for (int i = 0; i < 5; ++i) {
    filter.push(1);
  }
  EXPECT_EQ(filter.push(9), 1);
  EXPECT_EQ(filter.push(9), 1);
  EXPECT_EQ(filter.push(9), 9);
}

TEST(TroughExtractor, ReportsTheLowPointAfterADeepFallOnceTheSeriesRisesAgain) {
  TroughExtractor troughs(0.25, 0.1);
  EXPECT_FALSE(troughs.push(0, 100));
  EXPECT_FALSE(troughs.push(1, 200));
  EXPECT_FALSE(troughs.push(2, 140));
  EXPECT_FALSE(troughs.push(3, 100));
  EXPECT_FALSE(troughs.push(4, 110));  // regains exactly a tenth: not yet
  const auto trough = troughs.push(5, 115);
  ASSERT_TRUE(trough);
  EXPECT_EQ(trough->time_seconds, 3);
  EXPECT_EQ(trough->value, 100);
  EXPECT_EQ(trough->peak, 200);
}

TEST(TroughExtractor, IgnoresFallsThatAreNotDeep) {
  TroughExtractor troughs(0.25, 0.1);
  for (int i = 0; i < 100; ++i) {
    EXPECT_FALSE(troughs.push(i, i % 2 == 0 ? 100 : 80));
  }
}

TEST(Pyramid, KeepsTheMinimumOfEveryBucketAtEveryLevel) {
  Pyramid pyramid(10, 8, 10 * 8 * 4);
  ASSERT_EQ(pyramid.levels(), 3U);
  std::map<std::int64_t, double> minimum;
  for (int i = 0; i < 300; ++i) {
    const double time = 1000 + 2.5 * i;
    const double value = (i * 7919) % 1000;
    const auto bucket = static_cast<std::int64_t>(std::floor(time / 40));
    const auto [entry, fresh] = minimum.try_emplace(bucket, value);
    entry->second = fresh ? value : std::min(entry->second, value);
    pyramid.push(time, value);
  }
  FloorWindow window;
  pyramid.read(2, window);
  ASSERT_EQ(window.size, 8U);
  for (std::size_t i = 0; i < window.size; ++i) {
    const auto bucket = static_cast<std::int64_t>(std::floor(window.times[i] / 40));
    EXPECT_EQ(window.times[i], static_cast<double>(bucket) * 40 + 20);
    EXPECT_EQ(window.values[i], minimum.at(bucket));
  }
}

TEST(Pyramid, SaysHowManyLevelsClosed) {
  Pyramid pyramid(1, 8, 64);
  EXPECT_EQ(pyramid.push(0.5, 1), 0U);
  EXPECT_EQ(pyramid.push(0.9, 1), 0U);
  EXPECT_EQ(pyramid.push(1.5, 1), 1U);
  EXPECT_EQ(pyramid.push(2.5, 1), 2U);
  EXPECT_EQ(pyramid.push(3.5, 1), 1U);
  EXPECT_EQ(pyramid.push(4.5, 1), 3U);
}

TEST(Pyramid, KeepsTimesExactAcrossGapsAndAtUnixTimes) {
  Pyramid pyramid(4, 16, 4 * 16);
  const double start = 1'700'000'000;
  const std::vector<double> times = {0, 4, 8, 800, 804, 1800, 2800, 2804, 2808};
  for (const double time : times) {
    pyramid.push(start + time, time);
  }
  FloorWindow window;
  pyramid.read(0, window);
  ASSERT_EQ(window.size, times.size() - 1);
  for (std::size_t i = 0; i < window.size; ++i) {
    EXPECT_EQ(window.times[i], start + times[i] + 2) << i;
  }
}

TEST(Pyramid, ForgetsFloorsBeforeAGapThatItCannotNumberButNotTheirHeight) {
  Pyramid pyramid(1, 8, 8);
  pyramid.push(0, 900);
  pyramid.push(1, 100);
  pyramid.push(1e6, 50);
  pyramid.push(1e6 + 1, 60);
  FloorWindow window;
  pyramid.read(0, window);
  ASSERT_EQ(window.size, 1U);
  EXPECT_EQ(window.times[0], 1e6 + 0.5);
  EXPECT_EQ(window.prior_maximum, 900);
}

TEST(Pyramid, RemembersTheLargestHeightOfTwoFloorsInARowThatLeftTheRing) {
  Pyramid pyramid(1, 8, 8);
  FloorWindow window;
  pyramid.push(0, 7);
  pyramid.push(1, 8);
  pyramid.read(0, window);
  EXPECT_TRUE(std::isinf(window.prior_maximum));
  for (int i = 2; i < 20; ++i) {
    pyramid.push(i, 1);
  }
  pyramid.read(0, window);
  EXPECT_EQ(window.size, 8U);
  EXPECT_EQ(window.prior_maximum, 7);
  pyramid.push(20, 100);  // alone, as after a reading in the middle of a tooth
  for (int i = 21; i < 40; ++i) pyramid.push(i, 1);
  pyramid.read(0, window);
  EXPECT_EQ(window.prior_maximum, 7);
}

TEST(Pyramid, AddsTheOpenBucketOnceAQuarterOfItWasSeen) {
  Pyramid pyramid(4, 8, 4 * 8 * 4);
  for (int i = 0; i < 256; ++i) pyramid.push(i, 1000 + i);  // level 2 opens every 16 s
  FloorWindow window;
  pyramid.push(258, 900);
  EXPECT_FALSE(pyramid.read_with_open(2, 258, window));
  pyramid.push(262, 950);
  ASSERT_TRUE(pyramid.read_with_open(2, 262, window));
  FloorWindow closed;
  pyramid.read(2, closed);
  ASSERT_EQ(closed.size, 8U);
  ASSERT_EQ(window.size, 8U);
  for (std::size_t i = 0; i < 7; ++i) EXPECT_EQ(window.values[i], closed.values[i + 1]) << i;
  EXPECT_EQ(window.values[7], 900) << "the least of what the finer levels hold open";
  EXPECT_EQ(window.times[7], (256 + 262) / 2.0);
  EXPECT_GE(window.prior_maximum, closed.values[0]) << "it left the window";
}

TEST(SeasonRing, KeepsTheMinimaOfTwelfthsOfADayAndLeavesOutGaps) {
  SeasonRing ring(86400);
  FloorWindow window;
  for (int hour = 0; hour < 24 * 6; ++hour) {
    if (hour >= 100 && hour < 106) continue;
    ring.push(hour * 3600.0, 1000 + hour);
  }
  ring.read(window);
  EXPECT_EQ(window.bucket_seconds, 7200);
  EXPECT_EQ(window.size, SeasonRing::kFloors - 3);
  for (std::size_t i = 0; i < window.size; ++i) {
    EXPECT_EQ(window.values[i], 1000 + std::floor(window.times[i] / 7200) * 2) << i;
    EXPECT_TRUE(i == 0 || window.times[i] > window.times[i - 1]) << i;
  }
  EXPECT_EQ(window.times[window.size - 1], (24 * 6 - 3) * 3600.0) << "the open part is left out";
  EXPECT_EQ(window.prior_maximum, 1000 + 2 * (71 - 48 - 2))
      << "the lower of the last two that left it";
}

TEST(SeasonRing, ForgetsNothingButWhatIsFourDaysOldAndSurvivesItsOwnBytes) {
  SeasonRing ring(86400);
  ring.push(0, 5);
  ring.push(3 * 86400.0, 7);
  FloorWindow window;
  ring.read(window);
  ASSERT_EQ(window.size, 1U);
  EXPECT_EQ(window.values[0], 5);
  std::string bytes;
  ByteWriter out(bytes);
  ring.save(out);
  SeasonRing copy(86400);
  ByteReader in(bytes);
  ASSERT_TRUE(copy.restore(in));
  for (SeasonRing* one : {&ring, &copy}) {
    one->push(3 * 86400.0 + 7200, 9);
    one->read(window);
    EXPECT_EQ(window.size, 2U);
    EXPECT_EQ(window.values[1], 7);
    one->push(1e9, 9);
    one->read(window);
    EXPECT_EQ(window.size, 0U) << "long ago";
  }
  SeasonRing other(3600);
  ByteReader again(bytes);
  EXPECT_FALSE(other.restore(again)) << "of another season";
}

TEST(Pyramid, IgnoresReadingsOlderThanTheOpenBucketAndTimesBeyondNumbering) {
  Pyramid pyramid(1, 8, 8);
  pyramid.push(10, 5);
  EXPECT_EQ(pyramid.push(3, 1), 0U);
  EXPECT_EQ(pyramid.push(1e300, 1), 0U);
  EXPECT_EQ(pyramid.push(11, 5), 1U);
  EXPECT_EQ(pyramid.latest(0), 5);
}

TEST(Pyramid, KeepsWholePagesExactly) {
  Pyramid pyramid(1, 8, 8);
  const double pages = 4096.0 * ((1 << 24) - 1);
  pyramid.push(0, pages);
  pyramid.push(1, pages);
  EXPECT_EQ(pyramid.latest(0), pages);
}

// Two levels of four buckets of 10 s; a season of 7200 s keeps loads from the first level on.
class LoadedPyramid : public ::testing::Test {
 protected:
  // A reading in the middle of each bucket.
  void feed(double load) {
    pyramid_.push(now_, 100);
    if (load >= 0) pyramid_.note_load(load);
    now_ += 10;
  }
  [[nodiscard]] std::vector<double> loads(std::size_t level) const {
    FloorWindow window;
    pyramid_.read(level, window);
    if (!window.has_loads) return {};
    return {window.loads.begin(), window.loads.begin() + static_cast<std::ptrdiff_t>(window.size)};
  }

  Pyramid pyramid_{10, 8, 10 * 8 * 4, 7200};
  double now_ = 5;
};

TEST_F(LoadedPyramid, KeepsTheMeanLoadOfEveryBucketBesideItsFloor) {
  for (const double load : {100, 50, 80, 20, 60, 0, 10}) feed(load);
  EXPECT_THAT(loads(0), ElementsAre(DoubleNear(100, 0.2), DoubleNear(50, 0.2), DoubleNear(80, 0.2),
                                    DoubleNear(20, 0.2), DoubleNear(60, 0.2), 0));
  EXPECT_THAT(loads(1), ElementsAre(DoubleNear(75, 0.4), DoubleNear(50, 0.4), DoubleNear(30, 0.4)));
}

TEST_F(LoadedPyramid, MakesTheStepsCoarserWhenALoadExceedsAllBefore) {
  for (const double load : {1, 2, 3, 1000, 4}) feed(load);
  EXPECT_THAT(loads(0), ElementsAre(DoubleNear(1, 2.1), DoubleNear(2, 2.1), DoubleNear(3, 2.1),
                                    DoubleNear(1000, 1)));
}

TEST_F(LoadedPyramid, KnowsNoLoadsOfAWindowThatHasOneBucketWithout) {
  for (const double load : {1, -1, 3, 4}) feed(load);
  EXPECT_THAT(loads(0), IsEmpty());
  for (int i = 0; i < 8; ++i) feed(5);
  EXPECT_EQ(loads(0).size(), 8U);
}

TEST_F(LoadedPyramid, TakesOnlyLoadsThatCanBe) {
  feed(1);
  for (const double load : {std::nan(""), kInfinity, -3.0, 1e300}) pyramid_.note_load(load);
  feed(1);
  EXPECT_THAT(loads(0), ElementsAre(DoubleNear(1, 0.01)));
}

TEST_F(LoadedPyramid, IsTheSameAfterItWasSaved) {
  for (const double load : {1, 7, 3, 9, 2}) feed(load);
  std::string bytes;
  ByteWriter out(bytes);
  pyramid_.save(out);
  Pyramid again(10, 8, 10 * 8 * 4, 7200);
  ByteReader in(bytes);
  ASSERT_TRUE(again.restore(in));
  const std::vector<double> before = loads(1);
  pyramid_ = std::move(again);
  EXPECT_EQ(loads(1), before);
  EXPECT_FALSE(before.empty());
}

TEST(SparseRing, LeavesTheNewestPointOutSinceItMayStillSink) {
  SparseRing ring;
  for (int i = 0; i < 6; ++i) {
    EXPECT_TRUE(ring.push(100.0 * i, 10 + i));
  }
  FloorWindow window;
  ring.read(window);
  ASSERT_EQ(window.size, 5U);
  EXPECT_EQ(window.values[4], 14);
  EXPECT_EQ(window.bucket_seconds, 100);
}

TEST(SparseRing, MergesPointsNearerThanATenthOfTheUsualGapByMinimum) {
  SparseRing ring;
  ring.push(0, 10);
  ring.push(100, 11);
  ring.push(200, 12);
  EXPECT_FALSE(ring.push(205, 9));
  EXPECT_TRUE(ring.push(300, 13));
  FloorWindow window;
  ring.read(window);
  ASSERT_EQ(window.size, 3U);
  EXPECT_EQ(window.values[2], 9);
}

TEST(SparseRing, KeepsEightPointsAndTheHeightOfThoseThatLeft) {
  SparseRing ring;
  for (int i = 0; i < 20; ++i) {
    ring.push(100.0 * i, i == 0 ? 99 : i);
  }
  FloorWindow window;
  ring.read(window);
  EXPECT_EQ(window.size, 7U);
  EXPECT_EQ(window.prior_maximum, 99);
}

TEST(HighQuantile, EstimatesThe95thPercentileInConstantMemory) {
  HighQuantile quantile;
  EXPECT_EQ(quantile.value(), 0);
  for (int i = 0; i < 3000; ++i) {
    quantile.push((i * 7919) % 1000);
  }
  EXPECT_NEAR(quantile.value(), 950, 20);
}

TEST(HighQuantile, FollowsAStreamWhoseSpreadChanges) {
  HighQuantile quantile;
  for (int i = 0; i < 5000; ++i) {
    quantile.push((i * 7919) % 100);
  }
  for (int i = 0; i < 40000; ++i) {
    quantile.push((i * 7919) % 1000);
  }
  EXPECT_NEAR(quantile.value(), 950, 60);
}

}  // namespace
}  // namespace heapfloor
