#include "collectors/parse/smaps_rollup.h"

#include <gtest/gtest.h>

#include <string>

namespace heapfloor {
namespace {

constexpr std::string_view kHeader =
    "55fadd865000-7ffdf4563000 ---p 00000000 00:00 0                          [rollup]\n";

// As Linux 6.18 writes it.
std::string newest() {
  return std::string(kHeader) +
         "Rss:                1624 kB\nPss:                 179 kB\nPss_Dirty:           112 kB\n"
         "Pss_Anon:            111 kB\nPss_File:             67 kB\nPss_Shmem:             1 kB\n"
         "Shared_Clean:       1472 kB\nShared_Dirty:          0 kB\nPrivate_Clean:        40 kB\n"
         "Private_Dirty:       112 kB\nReferenced:         1624 kB\nAnonymous:           112 kB\n"
         "KSM:                   0 kB\nLazyFree:              8 kB\nAnonHugePages:      2048 kB\n"
         "ShmemPmdMapped:        0 kB\nFilePmdMapped:         0 kB\nShared_Hugetlb:        0 kB\n"
         "Private_Hugetlb:       0 kB\nSwap:                 20 kB\nSwapPss:              10 kB\n"
         "Locked:                0 kB\n";
}

TEST(SmapsRollup, EverySizeIsReadInBytes) {
  const auto rollup = parse_smaps_rollup(newest());
  ASSERT_TRUE(rollup);
  EXPECT_EQ(rollup->resident_bytes, 1624U * 1024);
  EXPECT_EQ(rollup->proportional_bytes, 179U * 1024);
  EXPECT_EQ(rollup->proportional_anon_bytes, 111U * 1024);
  EXPECT_EQ(rollup->proportional_file_bytes, 67U * 1024);
  EXPECT_EQ(rollup->proportional_shmem_bytes, 1U * 1024);
  EXPECT_EQ(rollup->private_clean_bytes, 40U * 1024);
  EXPECT_EQ(rollup->private_dirty_bytes, 112U * 1024);
  EXPECT_EQ(rollup->lazy_free_bytes, 8U * 1024);
  EXPECT_EQ(rollup->anon_huge_page_bytes, 2048U * 1024);
  EXPECT_EQ(rollup->proportional_swap_bytes, 10U * 1024);
}

// Linux 4.14 to 5.3: no split of PSS by kind, and everything else.
TEST(SmapsRollup, AnOldKernelDoesNotSplitPss) {
  const auto rollup = parse_smaps_rollup(
      std::string(kHeader) +
      "Rss:                 884 kB\nPss:                 385 kB\nShared_Clean:        696 kB\n"
      "Shared_Dirty:          0 kB\nPrivate_Clean:       120 kB\nPrivate_Dirty:        68 kB\n"
      "Referenced:          884 kB\nAnonymous:            68 kB\nLazyFree:              0 kB\n"
      "AnonHugePages:         0 kB\nShmemPmdMapped:        0 kB\nShared_Hugetlb:        0 kB\n"
      "Private_Hugetlb:       0 kB\nSwap:                  0 kB\nSwapPss:               0 kB\n"
      "Locked:              385 kB\n");
  ASSERT_TRUE(rollup);
  EXPECT_EQ(rollup->proportional_bytes, 385U * 1024);
  EXPECT_EQ(rollup->private_dirty_bytes, 68U * 1024);
  EXPECT_EQ(rollup->lazy_free_bytes, 0U);
  EXPECT_EQ(rollup->proportional_anon_bytes, std::nullopt);
  EXPECT_EQ(rollup->proportional_file_bytes, std::nullopt);
  EXPECT_EQ(rollup->proportional_shmem_bytes, std::nullopt);
}

TEST(SmapsRollup, ACutTextIsNotASmallerOne) {
  const std::string whole = newest();
  const std::size_t last_line = whole.rfind("Locked");
  for (std::size_t length = 0; length < last_line; ++length) {
    const auto rollup = parse_smaps_rollup(std::string_view(whole).substr(0, length));
    ASSERT_FALSE(rollup) << length;
    EXPECT_EQ(rollup.error().kind, ErrorKind::malformed);
  }
}

TEST(SmapsRollup, WhatIsNoSizeIsRefused) {
  for (const std::string_view text :
       {"Rss: x kB\nPss: 1 kB\nLocked: 0 kB\n", "Rss: 1 kB\nPss: -1 kB\nLocked: 0 kB\n",
        "Rss: 1 kB\nPss: 1 MB\nLocked: 0 kB\n", "Rss: 1 kB\nPss: 1 kB\nLocked: many\n",
        "Rss: 1 kB\nPss: 1 kB\nLazyFree:\nLocked: 0 kB\n",
        "Rss: 99999999999999999999 kB\nPss: 1 kB\nLocked: 0 kB\n"}) {
    EXPECT_FALSE(parse_smaps_rollup(text)) << text;
  }
}

TEST(SmapsRollup, WithoutRssOrPssThereIsNoRollup) {
  EXPECT_FALSE(parse_smaps_rollup("Pss: 1 kB\nLocked: 0 kB\n"));
  EXPECT_FALSE(parse_smaps_rollup("Rss: 1 kB\nLocked: 0 kB\n"));
  EXPECT_TRUE(parse_smaps_rollup("Rss: 1 kB\nPss: 1 kB\nLocked: 0 kB\n"));
}

TEST(SmapsRollup, UnknownLinesAreIgnored) {
  const auto rollup =
      parse_smaps_rollup("Pss_Next_Year: ? kB\nRss: 2 kB\nPss: 1 kB\nnoise\nLocked: 0 kB\n");
  ASSERT_TRUE(rollup);
  EXPECT_EQ(rollup->proportional_bytes, 1024U);
}

}  // namespace
}  // namespace heapfloor
