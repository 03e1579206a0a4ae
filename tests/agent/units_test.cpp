#include "agent/units.h"

#include <gtest/gtest.h>

namespace heapfloor {
namespace {

TEST(Units, ReadsDurationsAsPeopleWriteThem) {
  EXPECT_EQ(parse_duration("15s"), 15);
  EXPECT_EQ(parse_duration("1500ms"), 1.5);
  EXPECT_EQ(parse_duration("1h30m"), 5400);
  EXPECT_EQ(parse_duration("30d"), 30 * 86400.0);
  EXPECT_EQ(parse_duration("0"), 0);
  EXPECT_EQ(parse_duration("0.5s"), 0.5);
}

TEST(Units, RefusesWhatIsNotADuration) {
  for (const char* text :
       {"", "15", "s", "-1s", "15 s", "15x", "1e3s", "nan", "inf", "15s ", "1h-30m"}) {
    EXPECT_FALSE(parse_duration(text)) << text;
  }
}

TEST(Units, ReadsSizesInBothFamilies) {
  EXPECT_EQ(parse_size("512MiB"), 512.0 * 1024 * 1024);
  EXPECT_EQ(parse_size("1GB"), 1e9);
  EXPECT_EQ(parse_size("4096"), 4096);
  EXPECT_EQ(parse_size("1.5KiB"), 1536);
}

TEST(Units, RefusesWhatIsNotASize) {
  for (const char* text : {"", "MiB", "-1", "1 MiB", "1mb", "1M", "0x10", "nan"}) {
    EXPECT_FALSE(parse_size(text)) << text;
  }
}

TEST(Units, ReadsTimes) {
  EXPECT_EQ(parse_time("0"), 0);
  EXPECT_EQ(parse_time("1700000000.5"), 1700000000.5);
  EXPECT_EQ(parse_time("2023-11-14T22:13:20Z"), 1700000000);
  EXPECT_EQ(parse_time("2023-11-14t23:13:20.25+01:00"), 1700000000.25);
  EXPECT_EQ(parse_time("2023-11-14 20:43:20-01:30"), 1700000000);
  EXPECT_EQ(parse_time("2024-02-29T00:00:00Z"), 1709164800);
}

TEST(Units, RefusesWhatIsNotATime) {
  for (const char* text :
       {"", "soon", "-1", "nan", "inf", "1e300", "2023-11-14", "2023-11-14T22:13:20",
        "2023-02-29T00:00:00Z", "2023-13-01T00:00:00Z", "2023-11-14T24:00:00Z",
        "2023-11-14T22:60:00Z", "2023-11-14T22:13:20.Z", "2023-11-14T22:13:20Zx",
        "2023-11-14T22:13:20+1:00", "1969-12-31T23:59:59Z", "+023-11-14T22:13:20Z"}) {
    EXPECT_FALSE(parse_time(text)) << text;
  }
}

TEST(Units, WritesWhatItReads) {
  for (const char* text : {"15s", "90s", "1h", "30d", "500ms", "1w", "0.0167s"}) {
    const auto seconds = parse_duration(text);
    ASSERT_TRUE(seconds) << text;
    const auto again = parse_duration(format_duration(*seconds));
    ASSERT_TRUE(again) << format_duration(*seconds);
    EXPECT_DOUBLE_EQ(*again, *seconds);
  }
  EXPECT_EQ(format_size(16.0 * 1024 * 1024), "16MiB");
  EXPECT_EQ(format_duration(86400), "1d");
}

}  // namespace
}  // namespace heapfloor
