#include "agent/series/cgroup_table.h"

#include <gtest/gtest.h>

#include "collectors/cgroup_metrics.h"

namespace heapfloor {
namespace {

constexpr MetricDesc kCapacity = {"heapfloor_host_memory_capacity_bytes", "MemTotal."};
const MetricDesc& kAnon = *cgroup_metric("heapfloor_cgroup_memory_component_bytes", "anon");
const MetricDesc& kUnreclaimable = *cgroup_metric("heapfloor_cgroup_unreclaimable_memory_bytes");
const MetricDesc& kLimit = *cgroup_metric("heapfloor_cgroup_memory_effective_limit_bytes");

class CgroupTableTest : public ::testing::Test {
 protected:
  CgroupTableTest() {
    batch_.begin({.kind = EntityKind::host});
    batch_.add(kCapacity, 1000);
  }
  void begin(std::string_view path, std::uint64_t id, double anon) {
    batch_.begin({.kind = EntityKind::cgroup, .name = path, .cgroup_id = id});
    batch_.add(kAnon, anon);
  }
  void limited(std::string_view path, std::uint64_t id, double limit, double unreclaimable) {
    begin(path, id, unreclaimable);
    batch_.add(kLimit, limit);
    batch_.add(kUnreclaimable, unreclaimable);
  }
  const CgroupEntry& at(std::string_view path) {
    table_.ingest(batch_);
    const CgroupEntry* const found = table_.find(path);
    if (found == nullptr) throw std::runtime_error("no such cgroup");
    return *found;
  }

  SampleBatch batch_;
  CgroupTable table_;
};

TEST_F(CgroupTableTest, ACgroupsShareIsWhatThoseBelowItDoNotHold) {
  begin("/a", 1, 100);
  begin("/a/b", 2, 60);
  begin("/a/c", 3, 30);
  begin("/a/b/d", 4, 60);
  EXPECT_EQ(at("/a").own_anon_bytes, 10);
  EXPECT_EQ(at("/a/b").own_anon_bytes, 0);
  EXPECT_EQ(at("/a/b/d").own_anon_bytes, 60);
  EXPECT_EQ(at("/a").own_shmem_bytes, std::nullopt);
}

TEST_F(CgroupTableTest, AShareIsNeverNegativeThoughItsPartsWereReadLater) {
  begin("/a", 1, 100);
  begin("/a/b", 2, 101);
  EXPECT_EQ(at("/a").own_anon_bytes, 0);
}

TEST_F(CgroupTableTest, TheRootOfANamespaceIsTheParentOfTheFirstLevel) {
  begin("/", 1, 100);
  begin("/a", 2, 60);
  EXPECT_EQ(at("/").own_anon_bytes, 40);
}

TEST_F(CgroupTableTest, APathOutsideOfANamespaceIsTheOneCgroupThatEndsSo) {
  begin("/system/agent", 1, 1);
  begin("/pods/a/worker", 2, 1);
  begin("/pods/b/worker", 3, 1);
  begin("/pods/b", 4, 1);
  EXPECT_EQ(at("/../../pods/a/worker").id, 2U);
  EXPECT_EQ(at("/../a/worker").id, 2U);
  EXPECT_EQ(at("/../../pods/b").id, 4U);
  EXPECT_EQ(table_.find("/../worker"), nullptr) << "there are two";
  EXPECT_EQ(table_.find("/../orker"), nullptr);
  EXPECT_EQ(table_.find("/.."), nullptr);
  EXPECT_EQ(table_.find("/../"), nullptr);
  EXPECT_EQ(table_.find("/../.."), nullptr);
}

TEST_F(CgroupTableTest, APathOutsideIsLookedForAgainOnceItsCgroupIsGone) {
  begin("/pods/a/worker", 2, 1);
  EXPECT_EQ(at("/../a/worker").id, 2U);
  batch_.clear();
  table_.ingest(batch_);
  EXPECT_EQ(table_.find("/../a/worker"), nullptr);
  begin("/moved/a/worker", 5, 1);
  EXPECT_EQ(at("/../a/worker").id, 5U);
}

TEST_F(CgroupTableTest, TheHostsMemoryIsNoLimitOfACgroup) {
  begin("/a", 1, 1);
  batch_.add(kLimit, 1000);
  begin("/b", 2, 1);
  batch_.add(kLimit, 999);
  EXPECT_EQ(at("/a").limit_bytes, std::nullopt);
  EXPECT_EQ(at("/b").limit_bytes, 999);
}

TEST_F(CgroupTableTest, WhatIsLeftIsTheLeastOfACgroupAndOfAllAboveIt) {
  limited("/a", 1, 300, 280);
  limited("/a/b", 2, 200, 100);
  limited("/a/b/c", 3, 200, 10);
  limited("/a/d", 4, 250, 240);
  begin("/free", 5, 1);
  EXPECT_EQ(at("/a").headroom_bytes, 20);
  EXPECT_EQ(at("/a/b").headroom_bytes, 20) << "those beside it hold the rest";
  EXPECT_EQ(at("/a/b/c").headroom_bytes, 20);
  EXPECT_EQ(at("/a/d").headroom_bytes, 10);
  EXPECT_EQ(at("/free").headroom_bytes, std::nullopt);
}

TEST_F(CgroupTableTest, WhatIsLeftIsNeverLessThanNothing) {
  limited("/a", 1, 300, 301);
  EXPECT_EQ(at("/a").headroom_bytes, 0);
}

TEST_F(CgroupTableTest, WhatIsLeftIsUnknownWhereSomethingOfItCouldNotBeRead) {
  begin("/a", 1, 1);
  batch_.add(kLimit, 300);
  limited("/a/b", 2, 200, 100);
  limited("/c", 3, 300, 100);
  batch_.begin({.kind = EntityKind::cgroup, .name = "/c/d", .cgroup_id = 4});
  limited("/c/d/e", 5, 300, 50);
  EXPECT_EQ(at("/a").headroom_bytes, std::nullopt);
  EXPECT_EQ(at("/a/b").headroom_bytes, std::nullopt);
  EXPECT_EQ(at("/c").headroom_bytes, 200);
  EXPECT_EQ(at("/c/d/e").headroom_bytes, std::nullopt);
}

TEST_F(CgroupTableTest, AShareIsUnknownWhereThatOfOneBelowIs) {
  begin("/a", 1, 100);
  begin("/a/b", 2, 60);
  batch_.begin({.kind = EntityKind::cgroup, .name = "/a/c", .cgroup_id = 3});
  EXPECT_EQ(at("/a").own_anon_bytes, std::nullopt) << "what /a/c holds is not its own";
  EXPECT_EQ(at("/a/b").own_anon_bytes, 60);
  EXPECT_FALSE(at("/a/c").is_read);
}

TEST_F(CgroupTableTest, CountsOfKillsGoOnWhereTheyStoodWhenTheyCannotBeRead) {
  const MetricDesc& kills = *cgroup_metric("heapfloor_cgroup_memory_events_total", "oom_kill");
  begin("/a", 1, 100);
  batch_.add(kills, 3);
  EXPECT_EQ(at("/a").oom_kills, 3);
  batch_.clear();
  batch_.begin({.kind = EntityKind::cgroup, .name = "/a", .cgroup_id = 1});
  EXPECT_EQ(at("/a").oom_kills, 3);
  EXPECT_EQ(at("/a").local_oom_kills, std::nullopt);
}

TEST_F(CgroupTableTest, WhatACgroupIsIsRememberedUntilItIsAnother) {
  begin("/system.slice/nginx.service", 1, 1);
  batch_.describe(Attribute::unit, "nginx.service");
  begin("/docker/x", 2, 1);
  batch_.describe(Attribute::container_id, "0123456789abcdef");
  begin("/plain", 3, 1);
  EXPECT_EQ(at("/system.slice/nginx.service").name, "nginx.service");
  EXPECT_EQ(at("/docker/x").name, "0123456789ab");
  EXPECT_EQ(at("/plain").name, "plain");
  batch_.clear();
  begin("/system.slice/nginx.service", 1, 1);
  EXPECT_EQ(at("/system.slice/nginx.service").words.size(), 1U);
  batch_.clear();
  begin("/system.slice/nginx.service", 9, 1);
  EXPECT_TRUE(at("/system.slice/nginx.service").words.empty());
}

TEST_F(CgroupTableTest, ACgroupInsideAUnitIsNotCalledLikeIt) {
  begin("/system.slice/docker.service/worker", 1, 1);
  batch_.describe(Attribute::unit, "docker.service");
  EXPECT_EQ(at("/system.slice/docker.service/worker").name, "worker");
}

TEST(CgroupPath, ParentsEndAtTheRoot) {
  EXPECT_EQ(parent_path("/a/b"), "/a");
  EXPECT_EQ(parent_path("/a"), "/");
  EXPECT_EQ(parent_path("/"), "");
}

}  // namespace
}  // namespace heapfloor
