#include "agent/series/load_meter.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>

namespace heapfloor {
namespace {

TEST(LoadMeter, GivesTheRateBetweenTwoTotals) {
  LoadMeter meter;
  EXPECT_EQ(meter.rate(5, 100), std::nullopt) << "of one total there is no rate";
  EXPECT_EQ(meter.rate(7, 104), 0.5);
  EXPECT_EQ(meter.rate(7.5, 105), 0.5);
}

TEST(LoadMeter, SpreadsWhatCameAtOnceOverTheTimeSinceTheTotalLastMoved) {
  LoadMeter meter;
  static_cast<void>(meter.rate(5, 100));
  EXPECT_EQ(meter.rate(5, 101), std::nullopt) << "perhaps it was not read";
  EXPECT_EQ(meter.rate(5, 102), std::nullopt);
  EXPECT_EQ(meter.rate(9, 104), 1.0);
}

TEST(LoadMeter, BeginsAnewWhereTheTotalFellOrNoTimePassed) {
  LoadMeter meter;
  static_cast<void>(meter.rate(5, 100));
  EXPECT_EQ(meter.rate(2, 101), std::nullopt);
  EXPECT_EQ(meter.rate(3, 102), 1.0);
  EXPECT_EQ(meter.rate(4, 102), std::nullopt);
  EXPECT_EQ(meter.rate(5, 103), 1.0);
}

TEST(LoadMeter, GoesOnAfterARestartWithTheRatesThatWereRecorded) {
  LoadMeter meter;
  static_cast<void>(meter.rate(5, 100));
  static_cast<void>(meter.rate(6, 101));
  std::string bytes;
  ByteWriter out(bytes);
  meter.save(out);
  const std::optional<double> recorded = meter.rate(9, 103);
  ASSERT_TRUE(recorded);
  LoadMeter again;
  ByteReader in(bytes);
  ASSERT_TRUE(again.restore(in));
  again.resume(*recorded, 103);
  EXPECT_EQ(again.rate(10, 104), meter.rate(10, 104));
}

TEST(LoadMeter, RefusesWhatIsNoState) {
  std::string bytes(17, '\xff');
  ByteReader in(bytes);
  LoadMeter meter;
  EXPECT_FALSE(meter.restore(in));
  EXPECT_EQ(meter.rate(5, 100), std::nullopt);
}

}  // namespace
}  // namespace heapfloor
