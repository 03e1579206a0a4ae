#include "collectors/parse/vmstat.h"

#include <gtest/gtest.h>

namespace heapfloor {
namespace {

TEST(Vmstat, ReclaimIsTheSumOverReclaimersAndCountsNoPageTwice) {
  const auto stat = parse_vmstat(
      "pgscan_kswapd 1000\npgscan_direct 200\npgscan_khugepaged 30\npgscan_proactive 4\n"
      "pgscan_anon 234\npgscan_file 1000\npgscan_direct_throttle 100000\n"
      "pgsteal_kswapd 500\npgsteal_direct 60\npgsteal_khugepaged 7\npgsteal_proactive 1\n"
      "pgsteal_anon 68\npgsteal_file 500\n");
  ASSERT_TRUE(stat);
  EXPECT_EQ(stat->reclaim_scanned_pages, 1234U);
  EXPECT_EQ(stat->reclaim_stolen_pages, 568U);
}

TEST(Vmstat, TheZonesOfOldKernelsAreSummed) {
  const auto stat = parse_vmstat(
      "pgscan_kswapd_dma 1\npgscan_kswapd_dma32 20\npgscan_kswapd_normal "
      "300\npgscan_direct_movable 4000\n"
      "pgscan_direct_throttle 9\n");
  ASSERT_TRUE(stat);
  EXPECT_EQ(stat->reclaim_scanned_pages, 4321U);
  EXPECT_EQ(stat->reclaim_stolen_pages, std::nullopt);
}

TEST(Vmstat, WhatTheKernelDoesNotCountIsAbsent) {
  const auto stat = parse_vmstat("pgmajfault 7\nnr_free_pages 5\n");
  ASSERT_TRUE(stat);
  EXPECT_EQ(stat->major_faults, 7U);
  EXPECT_EQ(stat->oom_kills, std::nullopt);
}

TEST(Vmstat, AKnownKeyWithoutACountIsMalformed) {
  for (const char* text :
       {"oom_kill many\n", "oom_kill \n", "pgmajfault -1\n", "pgscan_kswapd 1 2\n"}) {
    EXPECT_FALSE(parse_vmstat(text)) << text;
  }
}

TEST(Vmstat, ASumThatDoesNotFitIsMalformed) {
  EXPECT_FALSE(parse_vmstat("pgscan_kswapd 18446744073709551615\npgscan_direct 1\n"));
}

}  // namespace
}  // namespace heapfloor
