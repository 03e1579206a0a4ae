#include "collectors/parse/pressure.h"

#include <gtest/gtest.h>

namespace heapfloor {
namespace {

TEST(Pressure, BothTotalsAreRead) {
  const auto pressure = parse_pressure(
      "some avg10=0.12 avg60=0.05 avg300=0.00 total=123456\nfull avg10=0.00 avg60=0.00 avg300=0.00 "
      "total=789\n");
  ASSERT_TRUE(pressure);
  EXPECT_EQ(pressure->some_microseconds, 123456U);
  EXPECT_EQ(pressure->full_microseconds, 789U);
}

TEST(Pressure, AMissingFullLineIsAbsent) {
  const auto pressure = parse_pressure("some avg10=0.00 avg60=0.00 avg300=0.00 total=5\n");
  ASSERT_TRUE(pressure);
  EXPECT_EQ(pressure->full_microseconds, std::nullopt);
}

TEST(Pressure, AnythingWithoutATotalIsMalformed) {
  for (const char* text :
       {"", "full avg10=0.00 total=5\n", "some avg10=0.00\n", "some total=x\n", "some total=\n"}) {
    EXPECT_FALSE(parse_pressure(text)) << text;
  }
}

}  // namespace
}  // namespace heapfloor
