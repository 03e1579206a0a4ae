// What the memory of suspects grew by, from the files of the kernel to the page.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>

#include "agent/exposition/api_json.h"
#include "agent/pipeline.h"
#include "tests/support/agent_fixture.h"

namespace heapfloor {
namespace {

using ::testing::HasSubstr;

constexpr std::uint64_t kMiBytes = std::uint64_t{1024} * 1024;

class CausePipeline : public testing::AgentFixture {
 protected:
  CausePipeline() { pipeline_ = std::make_unique<Pipeline>(config_, clock_, sink_); }

  // What process 7 has at a second, in MiB.
  struct Sizes {
    int anon = 0, file = 4, shmem = 0, threads = 3;
    static std::uint64_t kib(int mib) { return static_cast<std::uint64_t>(mib) * kMiB; }
  };
  std::shared_ptr<const Snapshot> run(int seconds, const std::function<Sizes(int)>& sizes_at) {
    std::shared_ptr<const Snapshot> last;
    for (int second = 0; second < seconds; ++second) {
      const Sizes sizes = sizes_at(second);
      proc_.set(7, 700, "payments", Sizes::kib(sizes.anon));
      proc_.set_shared(7, Sizes::kib(sizes.file), Sizes::kib(sizes.shmem));
      proc_.set_threads(7, sizes.threads);
      last = tick();
    }
    return last;
  }

  static const WatchRow* memory(const Snapshot& snapshot) {
    const auto found = std::ranges::find_if(snapshot.watches, [](const WatchRow& row) {
      return row.subject == "process:7:700" && row.signal == "rss_anon";
    });
    return found == snapshot.watches.end() ? nullptr : &*found;
  }
};

TEST_F(CausePipeline, WithoutAProbeTheHeapIsNotClaimedToLeak) {
  const auto snapshot = run(260, [](int second) { return Sizes{.anon = 100 + second}; });
  const WatchRow* const row = memory(*snapshot);
  ASSERT_NE(row, nullptr);
  EXPECT_EQ(row->state, LeakState::leaking) << "which it may do all the same";
  ASSERT_TRUE(row->causes);
  EXPECT_EQ(row->causes->live_growth, 0);
  EXPECT_EQ(row->causes->thread_stacks, 0);
  EXPECT_EQ(row->causes->unattributed, 1);
}

// A MiB a second, of which four fifths are in the stacks of two threads more.
TEST_F(CausePipeline, ThreadsThatArePiledUpAreNamed) {
  constexpr std::uint64_t kStackKib = 410;
  proc_.set_stacks(7, 12, kStackKib);
  const auto snapshot =
      run(260, [](int second) { return Sizes{.anon = 100 + second, .threads = 20 + 2 * second}; });
  const WatchRow* const row = memory(*snapshot);
  ASSERT_NE(row, nullptr);
  ASSERT_TRUE(row->causes && row->causes->thread_stacks);
  EXPECT_NEAR(*row->causes->thread_stacks, 0.8, 0.02);
  EXPECT_NEAR(row->causes->unattributed, 0.2, 0.02);
  const auto leak = std::ranges::find_if(snapshot->alerts, [](const AlertRow& alert) {
    return alert.name == "HeapfloorLeak" && alert.signal == "rss_anon";
  });
  ASSERT_NE(leak, snapshot->alerts.end());
  EXPECT_THAT(leak->description, HasSubstr("80 % of the growth is"));
  EXPECT_THAT(leak->description,
              HasSubstr("stacks of threads: 538 threads, +7200/h, 410 KiB of stack each"));
  const std::string json = suspect_document(*snapshot, "process:7:700/rss_anon").json;
  EXPECT_THAT(json, HasSubstr(R"("cause_summary":"80 % of the growth)"));
}

TEST_F(CausePipeline, StacksThatCannotBeReadAreAbsentAndNotZero) {
  const auto snapshot =
      run(260, [](int second) { return Sizes{.anon = 100 + second, .threads = 20 + 2 * second}; });
  const WatchRow* const row = memory(*snapshot);
  ASSERT_NE(row, nullptr);
  ASSERT_TRUE(row->causes);
  EXPECT_FALSE(row->causes->thread_stacks.has_value());
  EXPECT_EQ(row->causes->unattributed, 1);
  EXPECT_THAT(suspect_document(*snapshot, "process:7:700/rss_anon").json,
              HasSubstr(R"("thread_stacks":null)"));
}

TEST_F(CausePipeline, SharedMemoryAndFilesAreSharesOfWhatIsResident) {
  const auto snapshot = run(260, [](int second) {
    return Sizes{.anon = 100 + second, .file = 4 + second, .shmem = 2 * second};
  });
  const WatchRow* const row = memory(*snapshot);
  ASSERT_NE(row, nullptr);
  ASSERT_TRUE(row->causes);
  EXPECT_NEAR(row->causes->shared_memory, 0.5, 0.01);
  EXPECT_NEAR(row->causes->file_cache, 0.25, 0.01);
  EXPECT_NEAR(row->causes->unattributed, 0.25, 0.01);
}

TEST_F(CausePipeline, ThePageCacheOfACgroupIsToldFromItsLeak) {
  const auto snapshot = [&] {
    std::shared_ptr<const Snapshot> last;
    for (std::uint64_t second = 0; second < 260; ++second) {
      const std::uint64_t anon = (100 + second) * kMiBytes;
      const std::uint64_t file = 9 * second * kMiBytes;
      host_.set_cgroup("leaky.service", anon);
      host_.set_cgroup_file("leaky.service", "memory.current", std::to_string(anon + file));
      host_.set_cgroup_file("leaky.service", "memory.stat",
                            "anon " + std::to_string(anon) + "\nfile " + std::to_string(file) +
                                "\ninactive_file 0\nactive_file 0\nshmem 0\n");
      proc_.set(7, 700, "other", 100);
      last = tick();
    }
    return last;
  }();
  const WatchRow* const row = watch_of(*snapshot, "cgroup:/leaky.service");
  ASSERT_NE(row, nullptr);
  EXPECT_EQ(row->signal, "cgroup_anon");
  EXPECT_GE(row->state, LeakState::suspected);
  ASSERT_TRUE(row->causes);
  EXPECT_NEAR(row->causes->file_cache, 0.9, 0.01);
  EXPECT_NEAR(row->causes->unattributed, 0.1, 0.01);
  EXPECT_FALSE(row->causes->thread_stacks.has_value()) << "of whose threads nothing is known";
}

TEST_F(CausePipeline, WhatIsLevelHasNoCauses) {
  const auto snapshot = run(60, [](int second) { return Sizes{.anon = 100, .file = 4 + second}; });
  ASSERT_NE(memory(*snapshot), nullptr);
  EXPECT_FALSE(memory(*snapshot)->causes);
}

}  // namespace
}  // namespace heapfloor
