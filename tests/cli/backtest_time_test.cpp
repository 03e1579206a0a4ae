#include "agent/cli/backtest_time.h"

#include <gtest/gtest.h>

namespace heapfloor {
namespace {

TEST(BacktestTime, IsATimeOrADurationBeforeNow) {
  EXPECT_EQ(backtest_time("now", 1e9), 1e9);
  EXPECT_EQ(backtest_time("2h", 1e9), 1e9 - 7200);
  EXPECT_EQ(backtest_time("2026-01-31T12:00:00Z", 1e9), 1769860800);
  EXPECT_EQ(backtest_time("1700000000", 1e9), 1.7e9);
  for (const char* bad : {"", "yesterday", "-7d", "2026-01-31"})
    EXPECT_FALSE(backtest_time(bad, 1e9));
}

}  // namespace
}  // namespace heapfloor
