#include "collectors/parse/pid_cgroup.h"

#include <gtest/gtest.h>

namespace heapfloor {
namespace {

TEST(PidCgroup, EachHierarchyHasItsPath) {
  const auto found = parse_pid_cgroup(
      "9:name=systemd:/system.slice\n4:cpu,memory:/docker/a:b\n1:cpuacct:/\n0::/user.slice\n");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->memory, "/docker/a:b");
  EXPECT_EQ(found->unified, "/user.slice");
}

TEST(PidCgroup, VersionTwoAloneHasOneLine) {
  const auto found = parse_pid_cgroup("0::/system.slice/nginx.service\n");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->unified, "/system.slice/nginx.service");
  EXPECT_EQ(found->memory, std::nullopt);
}

TEST(PidCgroup, AControllerThatOnlyBeginsLikeMemoryIsAnother) {
  const auto found = parse_pid_cgroup("4:memory_x,cpu:/a\n");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->memory, std::nullopt);
}

TEST(PidCgroup, WhatIsNotThreePartsIsMalformed) {
  for (const char* text : {"0::/a", "0:/a\n", "nothing\n", "0::relative\n"})
    EXPECT_FALSE(parse_pid_cgroup(text)) << text;
}

}  // namespace
}  // namespace heapfloor
