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

TEST(PidCgroup, OnAUnifiedHostTheOneLineIsThePath) {
  const auto found = parse_pid_cgroup("0::/system.slice/nginx.service\n");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->path(), "/system.slice/nginx.service");
  EXPECT_EQ(found->memory, std::nullopt);
}

TEST(PidCgroup, OnAnOldHostTheMemoryHierarchyIsThePath) {
  const auto found = parse_pid_cgroup(
      "12:cpu,cpuacct:/c\n5:hugetlb,memory:/docker/abc\n1:name=systemd:/system.slice/x.service\n");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->path(), "/docker/abc");
  EXPECT_EQ(found->unified, std::nullopt);
}

TEST(PidCgroup, OnAHybridHostMemoryIsAccountedForWhereItsControllerIs) {
  const auto found = parse_pid_cgroup("4:memory:/batch\n0::/user.slice/x.scope\n");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->path(), "/batch");
}

TEST(PidCgroup, OnAHybridHostWithoutMemoryAccountingTheUnitIsStillKnown) {
  const auto found = parse_pid_cgroup("4:memory:/\n0::/system.slice/x.service\n");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->path(), "/system.slice/x.service");
}

TEST(PidCgroup, APathMayHoldColonsAndLeadOutOfTheNamespace) {
  const auto found = parse_pid_cgroup("0::/../a:b:c\n");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->path(), "/../a:b:c");
}

TEST(PidCgroup, ARemovedCgroupKeepsItsName) {
  EXPECT_EQ(parse_pid_cgroup("0::/gone.service (deleted)\n")->path(), "/gone.service");
}

TEST(PidCgroup, WithoutAHierarchyOfMemoryThereIsNoPath) {
  for (const char* text : {"", "3:pids:/x\n", "1:name=memory:/x\n", "7::/x\n"}) {
    const auto found = parse_pid_cgroup(text);
    ASSERT_TRUE(found) << text;
    EXPECT_EQ(found->path(), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace heapfloor
