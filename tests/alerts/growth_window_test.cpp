#include "agent/alerts/growth_window.h"

#include <gtest/gtest.h>

namespace heapfloor {
namespace {

TEST(GrowthWindow, KnowsNoGrowthAtFirst) {
  GrowthWindow window;
  EXPECT_EQ(window.observe(100, 7, 300, true), 0);
}

TEST(GrowthWindow, WhatIsYoungerThanItCountsOverTheWholeOfIt) {
  GrowthWindow window;
  window.observe(0, 0, 300, true);
  EXPECT_DOUBLE_EQ(window.observe(30, 30, 300, true), 0.1);
  EXPECT_DOUBLE_EQ(window.observe(300, 300, 300, true), 1);
}

TEST(GrowthWindow, ForgetsWhatIsOlder) {
  GrowthWindow window;
  for (int second = 0; second <= 3600; ++second)
    EXPECT_LE(window.observe(second, second, 300, true), 1);
  EXPECT_DOUBLE_EQ(window.observe(3601, 3601, 300, true), 1);
  double growth = 0;
  for (int second = 3602; second <= 3960; ++second)
    growth = window.observe(second, 3601, 300, true);
  EXPECT_EQ(growth, 0) << "nothing has grown for longer than the window and a gap of its points";
}

TEST(GrowthWindow, ACounterThatFellHasBegunAnew) {
  GrowthWindow window;
  window.observe(0, 1000, 300, true);
  window.observe(1, 1010, 300, true);
  EXPECT_DOUBLE_EQ(window.observe(2, 4, 300, true), 14.0 / 300) << "10 before it fell, 4 since";
  EXPECT_DOUBLE_EQ(window.observe(3, 5, 300, true), 15.0 / 300);
}

TEST(GrowthWindow, AGaugeMayFall) {
  GrowthWindow window;
  window.observe(0, 1000, 300, false);
  EXPECT_DOUBLE_EQ(window.observe(1, 400, 300, false), -2);
}

TEST(GrowthWindow, ALongPauseIsPartOfTheTime) {
  GrowthWindow window;
  window.observe(0, 1, 300, true);
  window.observe(100, 2, 300, true);
  EXPECT_DOUBLE_EQ(window.observe(10100, 1002, 300, true), 0.1);
}

}  // namespace
}  // namespace heapfloor
