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

}  // namespace
}  // namespace heapfloor
