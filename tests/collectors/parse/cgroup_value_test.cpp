#include "collectors/parse/cgroup_value.h"

#include <gtest/gtest.h>

namespace heapfloor {
namespace {

TEST(CgroupValue, ALimitIsANumberAndMaxIsNone) {
  EXPECT_EQ(parse_cgroup_limit("1048576\n")->bytes, 1048576U);
  EXPECT_EQ(parse_cgroup_limit("0\n")->bytes, 0U);
  EXPECT_EQ(parse_cgroup_limit("max\n")->bytes, std::nullopt);
}

TEST(CgroupValue, WhatVersion1WritesForNoLimitIsNoneForEveryPageSize) {
  EXPECT_EQ(parse_cgroup_limit("9223372036854771712\n")->bytes, std::nullopt);  // 4 KiB
  EXPECT_EQ(parse_cgroup_limit("9223372036854710272\n")->bytes, std::nullopt);  // 64 KiB
  EXPECT_EQ(parse_cgroup_limit("9223372036854775807\n")->bytes, std::nullopt);
}

TEST(CgroupValue, AnythingElseIsNotALimit) {
  for (const char* text : {"", "\n", "maximum\n", "-1\n", "1 2\n", "1\n2\n"})
    EXPECT_FALSE(parse_cgroup_limit(text)) << text;
}

TEST(CgroupValue, EventsAreThoseThatTheKernelCounts) {
  const auto events = parse_cgroup_events(
      "low 1\nhigh 2\nmax 3\noom 4\noom_kill 5\noom_group_kill 6\nsock_throttled 7\n");
  ASSERT_TRUE(events);
  EXPECT_EQ(*events, (CgroupEvents{1, 2, 3, 4, 5, 6}));
  const auto v1 = parse_cgroup_events("oom_kill_disable 0\nunder_oom 0\noom_kill 2\n");
  ASSERT_TRUE(v1);
  EXPECT_EQ(v1->oom_kill, 2U);
  EXPECT_EQ(v1->max, std::nullopt);
}

TEST(CgroupValue, EventsThatWereCutOrAreNoCountsAreMalformed) {
  EXPECT_FALSE(parse_cgroup_events(""));
  EXPECT_FALSE(parse_cgroup_events("oom_kill 12"));
  EXPECT_FALSE(parse_cgroup_events("oom_kill many\n"));
}

TEST(CgroupValue, ProcessesAreLines) {
  EXPECT_EQ(parse_cgroup_procs(""), 0U);
  EXPECT_EQ(parse_cgroup_procs("1\n22\n0\n"), 3U);
  EXPECT_FALSE(parse_cgroup_procs("1\n2"));
  EXPECT_FALSE(parse_cgroup_procs("1\nx\n"));
}

TEST(CgroupValue, TheControllerMemoryIsAWord) {
  EXPECT_TRUE(controllers_include_memory("cpuset cpu io memory pids\n"));
  EXPECT_FALSE(controllers_include_memory("hugetlb memory2\n"));
  EXPECT_FALSE(controllers_include_memory(""));
}

}  // namespace
}  // namespace heapfloor
