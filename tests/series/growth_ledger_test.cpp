#include "agent/series/growth_ledger.h"

#include <gtest/gtest.h>

#include <functional>

namespace heapfloor {
namespace {

constexpr double kMiB = 1024.0 * 1024;

// One reading a minute for a day: sizes in MiB by the hour.
GrowthLedger day(const std::function<GrowthReading(double hour)>& reading_at) {
  GrowthLedger ledger;
  for (int minute = 0; minute < 24 * 60; ++minute) {
    GrowthReading reading = reading_at(minute / 60.0);
    reading.time_seconds = 60.0 * minute;
    reading.anon_bytes *= kMiB;
    reading.live_bytes *= kMiB;
    if (reading.free_bytes) *reading.free_bytes *= kMiB;
    ledger.add(reading);
  }
  return ledger;
}

TEST(GrowthLedger, ALeakIsGrowthOfWhatTheProgramHolds) {
  const auto causes = day([](double hour) {
                        return GrowthReading{0, 100 + 10 * hour, 90 + 10 * hour, 5};
                      }).causes_since(0);
  ASSERT_TRUE(causes);
  EXPECT_NEAR(causes->live_growth, 1, 1e-9);
  EXPECT_NEAR(causes->allocator_retention, 0, 1e-9);
}

TEST(GrowthLedger, FragmentationIsGrowthOfWhatTheAllocatorHoldsFree) {
  const auto causes = day([](double hour) {
                        return GrowthReading{0, 100 + 10 * hour, 90, 5 + 10 * hour};
                      }).causes_since(0);
  ASSERT_TRUE(causes);
  EXPECT_NEAR(causes->live_growth, 0, 1e-9);
  EXPECT_NEAR(causes->allocator_retention, 1, 1e-9);
}

TEST(GrowthLedger, HalfAndHalfAddsUpToOne) {
  const auto causes = day([](double hour) {
                        return GrowthReading{0, 100 + 10 * hour, 90 + 4 * hour, 6 * hour};
                      }).causes_since(0);
  ASSERT_TRUE(causes);
  EXPECT_NEAR(causes->live_growth, 0.4, 0.01);
  EXPECT_NEAR(causes->allocator_retention, 0.6, 0.01);
}

TEST(GrowthLedger, MemoryThatIsNeithersIsNotCalledRetention) {
  EXPECT_FALSE(day([](double hour) {
                 return GrowthReading{0, 100 + 10 * hour, 90, 5};
               }).causes_since(0));
}

TEST(GrowthLedger, AnAllocatorThatDoesNotSayWhatItHoldsIsTakenForTheRest) {
  const auto causes = day([](double hour) {
                        return GrowthReading{0, 100 + 10 * hour, 90, std::nullopt};
                      }).causes_since(0);
  ASSERT_TRUE(causes);
  EXPECT_EQ(causes->allocator_retention, 1);
}

TEST(GrowthLedger, NothingIsSaidOfMemoryThatDoesNotGrowOrIsNotKnownForLong) {
  EXPECT_FALSE(day([](double) { return GrowthReading{0, 100, 90, 5}; }).causes_since(0));
  EXPECT_FALSE(day([](double hour) {
                 return GrowthReading{0, 100 + hour, 90 + hour, 5};
               }).causes_since(23.9 * 3600));
  EXPECT_FALSE(GrowthLedger().causes_since(0));
}

TEST(GrowthLedger, OneReadingThatIsOffDoesNotCount) {
  const auto causes = day([](double hour) {
                        const double spike = hour == 23 ? 5000 : 0;
                        return GrowthReading{0, 100 + 10 * hour, 90 + spike, 5 + 10 * hour};
                      }).causes_since(0);
  ASSERT_TRUE(causes);
  EXPECT_NEAR(causes->live_growth, 0, 1e-9);
}

}  // namespace
}  // namespace heapfloor
