#include "agent/series/memory_limit.h"

#include <gtest/gtest.h>

#include "collectors/cgroup_metrics.h"

namespace heapfloor {
namespace {

class MemoryLimitTest : public ::testing::Test {
 protected:
  void set_cgroup(std::string_view path, double limit_bytes) {
    SampleBatch batch;
    batch.begin({.kind = EntityKind::cgroup, .name = path, .cgroup_id = 1});
    batch.add(*cgroup_metric("heapfloor_cgroup_memory_effective_limit_bytes"), limit_bytes);
    cgroups_.ingest(batch);
    process_.cgroup = path;
  }
  // The limit of a forecast for a process of `value` bytes in a cgroup of 500 with `unreclaimable`.
  MemoryLimit forecast(double value, double unreclaimable) {
    SampleBatch batch;
    batch.begin({.kind = EntityKind::cgroup, .name = "/a", .cgroup_id = 1});
    batch.add(*cgroup_metric("heapfloor_cgroup_memory_effective_limit_bytes"), 500);
    batch.add(*cgroup_metric("heapfloor_cgroup_unreclaimable_memory_bytes"), unreclaimable);
    cgroups_.ingest(batch);
    process_.cgroup = "/a";
    const auto others = others_bytes(cgroups_.find("/a"), value);
    return memory_limit_of(process_, cgroups_, {}, others.value_or(0));
  }
  void expect(std::optional<double> configured_bytes, std::optional<double> bytes,
              std::string_view source) {
    const MemoryLimit limit = memory_limit_of(process_, cgroups_, configured_bytes);
    EXPECT_EQ(limit.bytes, bytes);
    EXPECT_EQ(limit.source, source);
  }

  CgroupTable cgroups_;
  ProcessEntry process_;
};

TEST_F(MemoryLimitTest, IsNothingWhereNoneIsKnown) { expect({}, {}, ""); }

TEST_F(MemoryLimitTest, IsTheSmallestOfAll) {
  set_cgroup("/a", 500);
  expect(600, 500, "cgroup");
  expect(400, 400, "configured");
  process_.address_space_limit_bytes = 300;
  expect(400, 300, "rlimit");
  process_.data_limit_bytes = 200;
  expect(400, 200, "rlimit");
  process_.data_limit_bytes = 0;
  expect(400, 0, "rlimit");
}

TEST_F(MemoryLimitTest, TakesWhatIsConfiguredForTheGroupInPlaceOfWhatIsForAll) {
  process_.limit_bytes = 700;
  expect(600, 700, "configured");
}

TEST_F(MemoryLimitTest, KnowsNothingOfACgroupThatIsNotRead) {
  set_cgroup("/a", 500);
  process_.cgroup = "/b";
  expect({}, {}, "");
}

TEST_F(MemoryLimitTest, OfAForecastIsWhatOthersInTheCgroupLeave) {
  EXPECT_EQ(forecast(100, 100).bytes, 500) << "it is alone";
  EXPECT_EQ(forecast(100, 480).bytes, 120) << "what it holds, and the 20 that are left";
  EXPECT_EQ(forecast(100, 510).bytes, 100) << "nothing is left";
  EXPECT_EQ(forecast(130, 100).bytes, 530) << "what it has in swap the cgroup is not charged for";
  EXPECT_EQ(forecast(100, 480).source, "cgroup");
}

TEST_F(MemoryLimitTest, TheShareOfOthersIsUnknownWhereTheCgroupIsOrHasNoLimit) {
  EXPECT_EQ(others_bytes(nullptr, 100), std::nullopt);
  set_cgroup("/a", 500);
  EXPECT_EQ(others_bytes(cgroups_.find("/a"), 100), std::nullopt) << "what it holds is not known";
}

TEST(HeldOthers, RisesAtOnceAndFallsByTheTimeConstant) {
  EXPECT_EQ(held_others({}, 100, 60, 3600), 100);
  EXPECT_EQ(held_others(80, 100, 60, 3600), 100);
  EXPECT_NEAR(*held_others(200, 100, 3600, 3600), 100 + 100 / 2.71828, 0.01);
  EXPECT_NEAR(*held_others(-50, -150, 3600, 3600), -150 + 100 / 2.71828, 0.01);
  EXPECT_EQ(held_others(200, {}, 3600, 3600), 200) << "what is not known changes nothing";
  EXPECT_EQ(held_others({}, {}, 60, 3600), std::nullopt);
}

}  // namespace
}  // namespace heapfloor
