#include "agent/cli/human_text.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/cli/replay_samples.h"

namespace heapfloor {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

TEST(HumanText, WritesAmountsWithThreeDigitsInAHandyUnit) {
  EXPECT_EQ(human_amount(0), "0 B");
  EXPECT_EQ(human_amount(999), "999 B");
  EXPECT_EQ(human_amount(1000), "0.98 KiB");
  EXPECT_EQ(human_amount(312 * kMiB), "312 MiB");
  EXPECT_EQ(human_amount(99.96 * kMiB), "100 MiB");
  EXPECT_EQ(human_amount(1.5 * 1024 * kMiB), "1.5 GiB");
  EXPECT_EQ(human_amount(1024, "threads"), "1,024 threads");
  EXPECT_EQ(human_amount(1234567, "elements"), "1,234,567 elements");
}

TEST(HumanText, KeepsAnyNumberShort) {
  for (const double number : {1e300, -1e300, kInfinity, -kInfinity, std::nan(""), 9.2e18}) {
    EXPECT_LT(human_amount(number).size(), 24U);
    EXPECT_LT(human_amount(number, "threads").size(), 24U);
    EXPECT_LT(human_duration(number).size(), 24U);
    EXPECT_LT(utc_minute(number).size(), 24U);
    EXPECT_LT(utc_clock(number, true).size(), 24U);
    EXPECT_LT(utc_day(number).size(), 24U);
  }
}

TEST(HumanText, WritesGrowthPerHourWithItsIntervalInOneUnit) {
  const HumanGrowth growth =
      human_growth({10 * kMiB / 3600, 0.5 * kMiB / 3600, 2048 * kMiB / 3600});
  EXPECT_EQ(growth.value, "10 MiB/h");
  EXPECT_EQ(growth.interval, "0.5 to 2048");
  const HumanGrowth threads = human_growth({3.14 / 3600, 3.0 / 3600, 3.5 / 3600}, "threads");
  EXPECT_EQ(threads.value, "3.14 threads/h");
  EXPECT_EQ(threads.interval, "3 to 3.5");
}

TEST(HumanText, WritesDurationsInTwoUnitsAtMost) {
  EXPECT_EQ(human_duration(-5), "0 s");
  EXPECT_EQ(human_duration(59), "59 s");
  EXPECT_EQ(human_duration(125), "2 min 5 s");
  EXPECT_EQ(human_duration(3599), "1 h");
  EXPECT_EQ(human_duration(5 * 3600 + 12 * 60), "5 h 12 min");
  EXPECT_EQ(human_duration(76 * 3600), "3 d 4 h");
  EXPECT_EQ(human_duration(40 * 86400.0), "40 d");
  EXPECT_EQ(human_duration(4e9), "over 100 years");
}

TEST(HumanText, SaysHowLongTheLimitIsAway) {
  const HumanWait wait = human_wait({kStart + 7200, kStart + 3600, kStart + 10800}, kStart);
  EXPECT_EQ(wait.value, "in 2 h");
  EXPECT_EQ(wait.interval, "1 h to 3 h");
  EXPECT_EQ(human_wait({kStart + 7200, kStart + 3600, {}}, kStart).interval, "1 h at the earliest");
  EXPECT_EQ(human_wait({kStart, kStart, {}}, kStart + 1).value, "now");
}

TEST(HumanText, WritesTimesInUtc) {
  EXPECT_EQ(utc_minute(kStart), "2023-11-14 22:13");
  EXPECT_EQ(utc_second(kStart), "2023-11-14 22:13:20");
  EXPECT_EQ(utc_clock(kStart, false), "22:13");
  EXPECT_EQ(utc_clock(kStart, true), "22:13:20");
  EXPECT_EQ(utc_day(kStart), "14 Nov");
  EXPECT_EQ(utc_minute(951782400), "2000-02-29 00:00");
  EXPECT_EQ(utc_minute(0), "1970-01-01 00:00");
  EXPECT_EQ(utc_minute(253402300800), "2.53402e+11 s");
}

}  // namespace
}  // namespace heapfloor
