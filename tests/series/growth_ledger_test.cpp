#include "agent/series/growth_ledger.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>

namespace heapfloor {
namespace {

constexpr double kMiB = 1024.0 * 1024;
constexpr double kHour = 3600;

// One reading every 15 s: sizes in MiB by the hour.
GrowthLedger hours(double count, const std::function<GrowthReading(double hour)>& reading_at) {
  GrowthLedger ledger;
  const int readings = static_cast<int>(count * 240);
  for (int index = 0; index < readings; ++index) {
    GrowthReading reading = reading_at(index / 240.0);
    reading.time_seconds = 1e6 + 15.0 * index;
    reading.anon_bytes *= kMiB;
    for (auto* const part : {&reading.file_bytes, &reading.shmem_bytes, &reading.live_bytes})
      if (*part) **part *= kMiB;
    ledger.add(reading);
  }
  return ledger;
}

double begin_of(double hour) { return 1e6 + hour * kHour; }

TEST(GrowthLedger, EachPartGrowsByItsOwnOverTheSameTime) {
  const auto growth = hours(24, [](double hour) {
                        return GrowthReading{.anon_bytes = 100 + 10 * hour,
                                             .file_bytes = 50,
                                             .shmem_bytes = 5 * hour,
                                             .threads = 20 + hour,
                                             .live_bytes = 90 - hour};
                      }).growth_since(begin_of(0));
  ASSERT_TRUE(growth);
  EXPECT_GT(growth->seconds, 18 * kHour);
  EXPECT_LE(growth->seconds, 24 * kHour);
  const double passed = growth->seconds / kHour;
  EXPECT_NEAR(growth->anon_bytes / kMiB, 10 * passed, 0.1);
  EXPECT_EQ(growth->file_bytes, 0);
  EXPECT_NEAR(*growth->shmem_bytes / kMiB, 5 * passed, 0.1);
  EXPECT_NEAR(*growth->threads, passed, 0.1);
  EXPECT_LT(*growth->live_bytes, 0);
  EXPECT_FALSE(growth->free_bytes);
  EXPECT_NEAR(*growth->threads_now, 44, 0.1);
}

// A leak that begins after a month: the window is short beside what the ledger reaches back to.
TEST(GrowthLedger, AShortWindowLateInALongLifeIsToldApart) {
  const GrowthLedger ledger = hours(30 * 24, [](double hour) {
    const double leaked = std::max(0.0, hour - 718);
    return GrowthReading{.anon_bytes = 100 + 60 * leaked, .shmem_bytes = hour < 700 ? hour : 700};
  });
  const auto growth = ledger.growth_since(begin_of(719));
  ASSERT_TRUE(growth);
  EXPECT_GT(growth->seconds, 0.6 * kHour);
  EXPECT_LE(growth->seconds, kHour);
  EXPECT_NEAR(growth->anon_bytes / kMiB, growth->seconds / 60, 1);
  EXPECT_EQ(growth->shmem_bytes, 0) << "it grew before";
  const auto month = ledger.growth_since(begin_of(0));
  ASSERT_TRUE(month);
  EXPECT_GT(month->seconds, 20 * 24 * kHour);
}

TEST(GrowthLedger, EveryWindowOfAtLeastAFewMinutesIsAnswered) {
  const GrowthLedger ledger =
      hours(100, [](double hour) { return GrowthReading{.anon_bytes = 100 + 10 * hour}; });
  for (double back = 8.0 / 240; back < 110; back *= 1.1) {
    const auto growth = ledger.growth_since(begin_of(100 - back));
    ASSERT_TRUE(growth) << back;
    EXPECT_LE(growth->seconds, back * kHour + 1) << back;
    EXPECT_GE(growth->seconds, 0.4 * std::min(back, 100.0) * kHour) << back;
    EXPECT_NEAR(growth->anon_bytes / kMiB, 10 * growth->seconds / kHour, 0.01) << back;
  }
}

TEST(GrowthLedger, NothingIsSaidOfFewReadings) {
  EXPECT_FALSE(GrowthLedger().growth_since(0));
  const auto flat = [](double) { return GrowthReading{.anon_bytes = 100}; };
  EXPECT_FALSE(hours(7.0 / 240, flat).growth_since(0));
  EXPECT_TRUE(hours(8.0 / 240, flat).growth_since(0));
  EXPECT_FALSE(hours(24, flat).growth_since(begin_of(23.98)));
}

TEST(GrowthLedger, AReadingThatIsHighForOnceDoesNotCount) {
  const auto growth =
      hours(24, [](double hour) {
        const double spike = hour == 23 ? 5000 : 0;
        return GrowthReading{.anon_bytes = 100 + 10 * hour, .live_bytes = 90 + spike};
      }).growth_since(begin_of(0));
  ASSERT_TRUE(growth);
  EXPECT_EQ(growth->live_bytes, 0);
}

TEST(GrowthLedger, APartThatIsNotKnownForAWhileIsKnownFromTheRest) {
  const auto growth = hours(24, [](double hour) {
                        GrowthReading reading{.anon_bytes = 100 + 10 * hour};
                        const bool is_known = static_cast<int>(hour * 240) % 3 == 0;
                        if (is_known) reading.live_bytes = 90 + 10 * hour;
                        return reading;
                      }).growth_since(begin_of(0));
  ASSERT_TRUE(growth && growth->live_bytes);
  EXPECT_NEAR(*growth->live_bytes, growth->anon_bytes, kMiB);
}

TEST(GrowthLedger, TheGrowthEndsWhereTheProgramLastToldWhatItHolds) {
  for (const double told_until : {23.9, 20.0, 12.1}) {
    const auto growth = hours(24, [told_until](double hour) {
                          GrowthReading reading{.anon_bytes = 100 + 10 * hour, .shmem_bytes = hour};
                          const bool is_told = static_cast<int>(hour * 240) % 20 == 7;
                          if (hour < told_until && is_told) reading.live_bytes = 90 + 9 * hour;
                          return reading;
                        }).growth_since(begin_of(0));
    ASSERT_TRUE(growth && growth->live_bytes) << told_until;
    EXPECT_NEAR(*growth->live_bytes, 0.9 * growth->anon_bytes, 0.01 * kMiB) << told_until;
    EXPECT_LE(growth->seconds, told_until * kHour);
    EXPECT_GT(growth->seconds, 0.6 * told_until * kHour);
    EXPECT_NEAR(*growth->shmem_bytes / kMiB, growth->seconds / kHour, 0.1);
  }
}

TEST(GrowthLedger, WhatGrewAfterTheProgramLastToldIsNotSaidToBeHeldOrNot) {
  const auto growth = hours(24, [](double hour) {
                        GrowthReading reading{.anon_bytes = 100 + 10 * std::max(0.0, hour - 12)};
                        if (hour < 12) reading.live_bytes = 90;
                        return reading;
                      }).growth_since(begin_of(0));
  ASSERT_TRUE(growth);
  EXPECT_GT(growth->anon_bytes, 50 * kMiB);
  EXPECT_FALSE(growth->live_bytes);
}

std::string written(const GrowthLedger& ledger) {
  std::string bytes;
  ByteWriter out(bytes);
  ledger.save(out);
  return bytes;
}

TEST(GrowthLedger, GoesOnWhereItStoodWhenItIsReadBack) {
  const auto rising = [](double hour) {
    GrowthReading reading{.anon_bytes = 100 + 10 * hour, .threads = 4};
    if (hour < 1) reading.live_bytes = 90 + 10 * hour;
    return reading;
  };
  GrowthLedger whole = hours(7.3, rising);
  GrowthLedger back;
  const std::string bytes = written(whole);
  EXPECT_LE(bytes.size(), GrowthLedger::kMostBytes);
  ByteReader in(bytes);
  ASSERT_TRUE(back.restore(in) && in.finished());
  EXPECT_EQ(written(back), bytes);
  for (int i = 0; i < 500; ++i) {
    const GrowthReading reading{.time_seconds = begin_of(7.3) + 15.0 * i,
                                .anon_bytes = (173 + i / 24.0) * kMiB};
    whole.add(reading);
    back.add(reading);
  }
  for (const double hour : {0.0, 3.0, 7.0, 9.0}) {
    const auto before = whole.growth_since(begin_of(hour));
    const auto after = back.growth_since(begin_of(hour));
    ASSERT_TRUE(before && after);
    EXPECT_EQ(after->anon_bytes, before->anon_bytes);
    EXPECT_EQ(after->seconds, before->seconds);
    EXPECT_EQ(after->live_bytes, before->live_bytes);
  }
}

TEST(GrowthLedger, WhatIsNoLedgerIsRefusedWholeAndChangesNothing) {
  const std::string bytes =
      written(hours(1, [](double hour) { return GrowthReading{.anon_bytes = 100 + hour}; }));
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    GrowthLedger ledger;
    ByteReader in(std::string_view(bytes).substr(0, size));
    EXPECT_FALSE(ledger.restore(in)) << size;
    EXPECT_FALSE(ledger.growth_since(0));
  }
  std::string damaged = bytes;
  damaged[9] = 9;  // readings of a ring of eight
  GrowthLedger ledger;
  ByteReader in(damaged);
  EXPECT_FALSE(ledger.restore(in));
}

}  // namespace
}  // namespace heapfloor
