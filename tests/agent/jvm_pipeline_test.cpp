// JVMs, from their counters to verdicts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "agent/exposition/api_json.h"
#include "agent/pipeline.h"
#include "agent/trend/explain.h"
#include "collectors/parse/hsperfdata.h"
#include "tests/support/agent_fixture.h"

namespace heapfloor {
namespace {

using ::testing::HasSubstr;

constexpr double kMiBytes = 1024.0 * 1024;
constexpr double kYoungBytes = 22347776;  // maxCapacity of generation 0 in the fixture

// A JVM with Serial, -Xmx512m or so by its counters, and a full collection every three seconds.
class JvmPipeline : public testing::AgentFixture {
 protected:
  JvmPipeline() {
    std::ifstream file(std::string(HEAPFLOOR_SOURCE_DIR) + "/tests/fixtures/hsperfdata/serial",
                       std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    const auto bytes = std::as_bytes(std::span(text));
    counters_.assign(bytes.begin(), bytes.end());
    index_ = *index_hsperf(counters_);
    set(JvmCounter::old_limit, 512 * kMiBytes);
    config_.trend.limit_bytes.reset();
    pipeline_ = std::make_unique<Pipeline>(config_, clock_, sink_);
  }

  void set(JvmCounter counter, double value) {
    const auto word = static_cast<std::int64_t>(value);
    std::memcpy(counters_.data() + index_.offsets.at(static_cast<std::size_t>(counter)), &word,
                sizeof word);
  }

  // Seconds in which so many MiB live and so many are resident. What is garbage fills the old
  // generation until it is collected.
  struct Sizes {
    double live = 0, anon = 0;
  };
  std::shared_ptr<const Snapshot> run(int seconds, const std::function<Sizes(int)>& sizes_at) {
    constexpr int kCollected = 3;
    std::shared_ptr<const Snapshot> last;
    for (int second = 0; second < seconds; ++second, ++second_) {
      const Sizes sizes = sizes_at(second_);
      const double garbage = 40.0 * (second_ % kCollected);
      proc_.set(7, 700, "payments", static_cast<std::uint64_t>(sizes.anon * kMiB));
      proc_.set_mapped(7, 3072 * kMiB);
      const int collections = 5 + second_ / kCollected;
      set(JvmCounter::full_count, collections);
      set(JvmCounter::old_used, (sizes.live + garbage) * kMiBytes);
      set(JvmCounter::old_committed, sizes.anon * kMiBytes);
      proc_.set_memory(7, counters_, "/tmp/hsperfdata_app/7", 9);
      last = tick();
    }
    return last;
  }

  static const WatchRow* live(const Snapshot& snapshot) { return watch_of(snapshot, "jvm:7:700"); }

  std::vector<std::byte> counters_;
  HsperfIndex index_;
  int second_ = 0;
};

TEST_F(JvmPipeline, ALeakIsFoundInWhatLivesAfterCollectionsWithItsCollector) {
  const auto snapshot = run(320, [](int second) { return Sizes{100.0 + second, 600.0}; });
  const WatchRow* const row = live(*snapshot);
  ASSERT_NE(row, nullptr);
  EXPECT_EQ(row->scope, "jvm");
  EXPECT_EQ(row->signal, "gc_live");
  EXPECT_EQ(row->basis, "gc_live");
  EXPECT_EQ(row->collector, "serial");
  EXPECT_EQ(row->compaction_cause, "gc");
  EXPECT_EQ(row->state, LeakState::leaking)
      << explain(row->verdict, row->verdict.window_end_seconds);
  EXPECT_NEAR(row->verdict.growth.estimate, kMiBytes, 0.1 * kMiBytes);
  EXPECT_EQ(row->limit_source, "jvm");
  EXPECT_EQ(row->verdict.limit, 512 * kMiBytes + kYoungBytes) << "all of the heap";
  EXPECT_EQ(std::ranges::count(snapshot->alerts, "HeapfloorLeak", &AlertRow::name), 1);
}

TEST_F(JvmPipeline, GarbageIsNoLeak) {
  const auto snapshot = run(320, [](int) { return Sizes{100, 600}; });
  const WatchRow* const row = live(*snapshot);
  ASSERT_NE(row, nullptr);
  EXPECT_EQ(row->state, LeakState::stable);
}

TEST_F(JvmPipeline, AHeapThatGrowsAroundWhatLivesIsHeld) {
  config_.trend.limit_bytes = 512 * kMiBytes;
  pipeline_ = std::make_unique<Pipeline>(config_, clock_, sink_);
  const auto snapshot = run(400, [](int second) { return Sizes{100, 300.0 + 2 * second}; });
  ASSERT_EQ(live(*snapshot)->state, LeakState::stable);
  const WatchRow* const memory = watch_of(*snapshot, "process:7:700");
  ASSERT_NE(memory, nullptr);
  EXPECT_TRUE(memory->is_retention);
  EXPECT_NE(memory->state, LeakState::leaking);
  EXPECT_THAT(suspects_document(*snapshot).json, HasSubstr("its JVM keeps what was freed"));
}

TEST_F(JvmPipeline, TheLimitOfTheProcessIsMetFirstWhereItIsSmaller) {
  config_.trend.limit_bytes = 300 * kMiBytes;
  pipeline_ = std::make_unique<Pipeline>(config_, clock_, sink_);
  const auto snapshot = run(60, [](int second) { return Sizes{100.0 + second, 600}; });
  EXPECT_EQ(live(*snapshot)->limit_source, "configured");
}

TEST_F(JvmPipeline, ThePageTellsItsPools) {
  const auto snapshot = run(10, [](int) { return Sizes{100, 600}; });
  ASSERT_EQ(snapshot->jvms.size(), 1U);
  EXPECT_EQ(snapshot->jvms[0].group, "payments");
  EXPECT_EQ(snapshot->jvms[0].collector, "serial");
  EXPECT_EQ(snapshot->jvms[0].vendor, "Debian");
  ASSERT_EQ(snapshot->jvm_pools.size(), 5U);
  EXPECT_EQ(snapshot->jvm_pools[3].pool, "old");
}

TEST_F(JvmPipeline, OneThatHasEndedLeavesNoPools) {
  run(10, [](int) { return Sizes{100, 600}; });
  proc_.end(7);
  const auto snapshot = tick();
  ASSERT_EQ(snapshot->jvms.size(), 1U);
  EXPECT_FALSE(snapshot->jvms[0].is_alive);
  for (const JvmPoolRow& pool : snapshot->jvm_pools) EXPECT_TRUE(pool.values.empty()) << pool.pool;
}

}  // namespace
}  // namespace heapfloor
