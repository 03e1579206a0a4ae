#include "agent/series/tiered_ring.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace heapfloor {
namespace {

TEST(TieredRing, KeepsEveryReadingOfTheNewestTier) {
  TieredRing ring;
  for (int index = 0; index < 100; ++index) ring.push(1000 + 15.0 * index, 4096.0 * index);
  const std::vector<Point> points = ring.points();
  ASSERT_EQ(points.size(), 100U);
  EXPECT_DOUBLE_EQ(points.front().time_seconds, 1000);
  EXPECT_DOUBLE_EQ(points.back().time_seconds, 1000 + 15.0 * 99);
  EXPECT_EQ(points.back().minimum, 4096.0 * 99);
  EXPECT_EQ(points.back().maximum, 4096.0 * 99);
}

TEST(TieredRing, IsSortedByTimeAndOverlapsOnlyAtItsSeamsHoweverLongItRuns) {
  TieredRing ring;
  for (int index = 0; index < 200000; ++index) ring.push(15.0 * index, index);
  const std::vector<Point> points = ring.points();
  EXPECT_TRUE(std::ranges::is_sorted(points, std::less<>(), &Point::time_seconds));
  std::size_t overlaps = 0;
  for (std::size_t index = 1; index < points.size(); ++index) {
    overlaps += points[index].minimum < points[index - 1].maximum ? 1U : 0U;
  }
  EXPECT_LE(overlaps, TieredRing::kTiers - 1);
  EXPECT_LE(points.size(), TieredRing::kTiers * TieredRing::kPointsPerTier);
  EXPECT_LT(points.front().time_seconds, 15.0 * (200000 - 60000)) << "eleven days are kept";
}

TEST(TieredRing, NeverLosesASpikeOrATroughToThinning) {
  TieredRing ring;
  for (int index = 0; index < 20000; ++index)
    ring.push(index, index == 5000 ? 9e9 : index == 6000 ? 1 : 1e6);
  const std::vector<Point> points = ring.points();
  EXPECT_FLOAT_EQ(static_cast<float>(std::ranges::max(points, {}, &Point::maximum).maximum), 9e9F);
  EXPECT_EQ(std::ranges::min(points, {}, &Point::minimum).minimum, 1);
}

TEST(TieredRing, ShowsASpikeWhereverItStandsAmongTheTiers) {
  TieredRing ring;
  ring.push(0, 1);
  ring.push(1, 7e9);
  for (int index = 2; index < 15000; ++index) {
    ring.push(index, 1);
    const std::vector<Point> points = ring.points();
    ASSERT_FLOAT_EQ(static_cast<float>(std::ranges::max(points, {}, &Point::maximum).maximum), 7e9F)
        << "after " << index;
    ASSERT_TRUE(std::ranges::is_sorted(points, {}, &Point::time_seconds));
  }
}

TEST(TieredRing, DropsReadingsThatRunBackwards) {
  TieredRing ring;
  ring.push(100, 1);
  ring.push(99, 2);
  ring.push(101, 3);
  ASSERT_EQ(ring.points().size(), 2U);
  EXPECT_EQ(ring.points().back().minimum, 3);
}

TEST(TieredRing, StaysWithinItsDocumentedMemory) {
  TieredRing ring;
  EXPECT_EQ(ring.heap_bytes(), 0U);
  for (int index = 0; index < 300000; ++index) ring.push(index, index);
  EXPECT_EQ(ring.heap_bytes(), TieredRing::kMostHeapBytes);
}

}  // namespace
}  // namespace heapfloor
