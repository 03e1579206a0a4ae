#include "collectors/parse/meminfo.h"

#include <gtest/gtest.h>

namespace heapfloor {
namespace {

TEST(Meminfo, KnownKeysAreReadInBytesAndUnknownOnesIgnored) {
  const auto info = parse_meminfo(
      "MemTotal:       1000 kB\nMemFree:   10 kB\nCached:  20 kB\nSwapCached:  99 kB\nShmem: 3 kB\n"
      "ShmemHugePages: 77 kB\nHugePages_Total:  5\nNextYearsKey: many\nCommitted_AS: 4 kB\n");
  ASSERT_TRUE(info);
  EXPECT_EQ(info->total_bytes, 1000U * 1024);
  EXPECT_EQ(info->free_bytes, 10U * 1024);
  EXPECT_EQ(info->cached_bytes, 20U * 1024);
  EXPECT_EQ(info->shmem_bytes, 3U * 1024);
  EXPECT_EQ(info->committed_bytes, 4U * 1024);
}

TEST(Meminfo, WhatTheKernelDoesNotWriteIsAbsentAndNotZero) {
  const auto info = parse_meminfo("MemTotal: 1000 kB\nSwapTotal: 0 kB\n");
  ASSERT_TRUE(info);
  EXPECT_EQ(info->swap_total_bytes, 0U);
  EXPECT_EQ(info->available_bytes, std::nullopt);
  EXPECT_EQ(info->percpu_bytes, std::nullopt);
}

TEST(Meminfo, AKnownKeyWithoutASizeIsMalformed) {
  for (const char* text : {"MemTotal: 1000 kB\nMemFree: few kB\n", "MemTotal: 1000\n",
                           "MemTotal: 1000 kB\nCached:", "MemTotal: 1000 kB\nShmem: -1 kB\n"}) {
    EXPECT_FALSE(parse_meminfo(text)) << text;
  }
}

TEST(Meminfo, ATextWithoutMemTotalIsMalformed) {
  EXPECT_FALSE(parse_meminfo(""));
  EXPECT_FALSE(parse_meminfo("MemFree: 10 kB\n"));
}

}  // namespace
}  // namespace heapfloor
