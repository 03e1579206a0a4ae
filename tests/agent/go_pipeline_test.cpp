// Go programs, from the figures of their runtime to verdicts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <memory>
#include <string>

#include "agent/exposition/api_json.h"
#include "agent/pipeline.h"
#include "agent/trend/explain.h"
#include "tests/support/agent_fixture.h"
#include "tests/support/go_writer.h"

namespace heapfloor {
namespace {

using testing::GoMemoryWriter;
using ::testing::HasSubstr;

constexpr std::int64_t kMiBytes = 1 << 20;

// A Go program that collects every three seconds.
class GoPipeline : public testing::AgentFixture {
 protected:
  GoPipeline() {
    config_.trend.limit_bytes.reset();
    pipeline_ = std::make_unique<Pipeline>(config_, clock_, sink_);
    testing::GoFileWriter file;
    GoMemoryWriter::add_variables(file);
    GoMemoryWriter::add_profile(file);
    std::ofstream(proc_.path() + "/payments", std::ios::binary) << file.bytes();
  }

  // Seconds in which so many MiB live on the heap, so many in stacks, and so many are resident.
  struct Sizes {
    std::int64_t live = 0, stacks = 0, anon = 0;
    std::int64_t goroutines = 10;
  };
  std::shared_ptr<const Snapshot> run(int seconds, const std::function<Sizes(int)>& sizes_at) {
    constexpr int kCollected = 3;
    std::shared_ptr<const Snapshot> last;
    for (int second = 0; second < seconds; ++second, ++second_) {
      const Sizes sizes = sizes_at(second_);
      proc_.set(7, 700, "payments", static_cast<std::uint64_t>(sizes.anon) * kMiB);
      proc_.set_mapped(7, 3072 * kMiB);
      proc_.set_executable(7, proc_.path() + "/payments");
      if (second_ % kCollected == 0) {
        memory_.set(GoStat::cycles, 5 + second_ / kCollected);
        memory_.set(GoControl::heap_marked, sizes.live * kMiBytes);
        memory_.put(GoMemoryWriter::kMemstats + memory_.layout().shards->stacks,
                    sizes.stacks * kMiBytes);
      }
      memory_.put(GoMemoryWriter::kAllGoroutines, sizes.goroutines);
      memory_.set(GoControl::heap_in_use, (sizes.live + 10) * kMiBytes);
      memory_.set(GoControl::heap_free,
                  std::max<std::int64_t>(0, sizes.anon - sizes.live - 10) * kMiBytes);
      proc_.set_memory(7, memory_.bytes(), "/dev/zero", 9);
      last = tick();
    }
    return last;
  }

  static const WatchRow* live(const Snapshot& snapshot) { return watch_of(snapshot, "go:7:700"); }

  GoMemoryWriter memory_;
  int second_ = 0;
};

TEST_F(GoPipeline, ALeakIsFoundInWhatLivesAfterCollectionsBeforeItsLimit) {
  memory_.set(GoControl::memory_limit, 600 * kMiBytes);
  const auto snapshot = run(320, [](int second) { return Sizes{100 + second, 0, 600}; });
  const WatchRow* const row = live(*snapshot);
  ASSERT_NE(row, nullptr);
  EXPECT_EQ(row->scope, "go");
  EXPECT_EQ(row->signal, "gc_live");
  EXPECT_EQ(row->basis, "gc_live");
  EXPECT_EQ(row->compaction_cause, "gc");
  EXPECT_EQ(row->state, LeakState::leaking)
      << explain(row->verdict, row->verdict.window_end_seconds);
  EXPECT_NEAR(row->verdict.growth.estimate, kMiBytes, 0.1 * kMiBytes);
  EXPECT_EQ(row->limit_source, "go");
  EXPECT_EQ(row->verdict.limit, 600 * kMiBytes);
  EXPECT_EQ(std::ranges::count(snapshot->alerts, "HeapfloorLeak", &AlertRow::name), 1);
  EXPECT_FALSE(row->goroutines) << "there are as many as before";
}

TEST_F(GoPipeline, ASuspectNamesTheSiteThatGrowsWithItsShare) {
  memory_.set(GoControl::memory_limit, 600 * kMiBytes);
  const auto snapshot = run(320, [this](int second) {
    memory_.set_site(0x401234, 1000, (50 + second) * kMiBytes);
    return Sizes{100 + second, 0, 600};
  });
  const WatchRow* const row = live(*snapshot);
  ASSERT_NE(row, nullptr);
  ASSERT_EQ(row->sites.size(), 1U);
  EXPECT_NEAR(row->sites[0].growth_bytes_per_second, kMiBytes, 0.15 * kMiBytes);
  ASSERT_TRUE(row->sites[0].share);
  EXPECT_GT(*row->sites[0].share, 0.85);
  EXPECT_THAT(suspects_document(*snapshot).json,
              HasSubstr("\"site\":\"" + row->sites[0].name + "\""));
  const auto site = std::ranges::find(snapshot->watches, "site", &WatchRow::scope);
  ASSERT_NE(site, snapshot->watches.end());
  EXPECT_EQ(site->signal, "site_bytes");
}

TEST_F(GoPipeline, TheAlertOfALeakSaysWhichSitesGrowAndWhereItsGoroutinesWait) {
  memory_.set(GoControl::memory_limit, 600 * kMiBytes);
  KnownSite site;
  site.function = "main.put";
  site.container = "map";
  const ProcessId id{7, 700};
  site.growth = KnownGrowth{60, 1024, 1000, 1048, 0.9};
  const auto sites = std::make_shared<const KnownSites>(KnownSites{{id, {site}}});
  GoroutineWaits waits;
  waits.goroutines = waits.seen = 12'412;
  waits.waits = {{{"main.consume", "/src/service.go", 33}, {}, "chan receive", 12'400}};
  const auto known = std::make_shared<const KnownWaits>(KnownWaits{{id, waits}});
  pipeline_->set_site_source([&sites] { return sites; });
  pipeline_->set_wait_source([&known] { return known; });
  const auto snapshot = run(320, [](int second) {
    return Sizes{100, second, 600, 10 + second * 512};
  });
  const auto leak = std::ranges::find(snapshot->alerts, "HeapfloorLeak", &AlertRow::name);
  ASSERT_NE(leak, snapshot->alerts.end());
  EXPECT_THAT(leak->description,
              HasSubstr("90 % of the growth is a map that grows, filled by main.put: 3.5 MiB/h."));
  EXPECT_THAT(leak->description, HasSubstr("12,400 of 12,412 goroutines wait in main.consume "
                                           "(service.go:33) for a channel receive."));
  ASSERT_TRUE(live(*snapshot)->goroutines);
  EXPECT_EQ(live(*snapshot)->goroutines->waits, waits);
}

TEST_F(GoPipeline, AFewSitesThatHoldMostOfTheHeapAreANote) {
  const auto share_of = [this](std::int64_t site_mebibytes) {
    const auto snapshot = run(60, [&](int) {
      memory_.set_site(0x401234, 1000, site_mebibytes * kMiBytes);
      return Sizes{100, 40, 600};
    });
    const WatchRow* const row = live(*snapshot);
    return row == nullptr ? std::nullopt : row->concentration;
  };
  const auto few = share_of(80);
  ASSERT_TRUE(few);
  EXPECT_NEAR(*few, 0.8, 0.01) << "of the heap, its stacks left aside";
  const auto snapshot = tick();
  EXPECT_EQ(std::ranges::count(snapshot->alerts, "HeapfloorConcentration", &AlertRow::name), 1);
  EXPECT_NEAR(share_of(20).value_or(0), 0.2, 0.01);
  EXPECT_EQ(std::ranges::count_if(tick()->alerts,
                                  [](const AlertRow& alert) {
                                    return alert.name == "HeapfloorConcentration" &&
                                           alert.phase == AlertPhase::firing;
                                  }),
            0);
}

TEST_F(GoPipeline, TheSitesOfAProgramThatHasEndedGrowNoMore) {
  run(30, [this](int second) {
    memory_.set_site(0x401234, 1000, (50 + second) * kMiBytes);
    return Sizes{100 + second, 0, 600};
  });
  proc_.end(7);
  const auto snapshot = tick();
  for (const WatchRow& watch : snapshot->watches) {
    EXPECT_TRUE(watch.scope != "site" || watch.ended_seconds) << watch.subject;
  }
}

TEST_F(GoPipeline, TheStacksOfGoroutinesThatNeverEndAreALeakToo) {
  memory_.set(GoControl::memory_limit, 600 * kMiBytes);
  const auto snapshot = run(320, [](int second) {
    return Sizes{100, second, 600, 10 + second * 512};
  });
  const WatchRow* const row = live(*snapshot);
  ASSERT_NE(row, nullptr);
  EXPECT_EQ(row->state, LeakState::leaking);
  ASSERT_TRUE(row->goroutines);
  EXPECT_GT(row->goroutines->now, 100'000);
  EXPECT_NEAR(row->goroutines->stack_bytes / (row->goroutines->now - row->goroutines->before), 2048,
              200);
  EXPECT_THAT(suspects_document(*snapshot).json, HasSubstr("\"kind\":\"goroutines\""));
}

TEST_F(GoPipeline, AHeapThatGrowsAroundWhatLivesIsHeld) {
  config_.trend.limit_bytes = 512 * kMiBytes;
  pipeline_ = std::make_unique<Pipeline>(config_, clock_, sink_);
  const auto snapshot = run(400, [](int second) { return Sizes{100, 0, 300 + 2 * second}; });
  ASSERT_EQ(live(*snapshot)->state, LeakState::stable);
  const WatchRow* const memory = watch_of(*snapshot, "process:7:700");
  ASSERT_NE(memory, nullptr);
  EXPECT_TRUE(memory->is_retention);
  EXPECT_NE(memory->state, LeakState::leaking);
  EXPECT_THAT(suspects_document(*snapshot).json, HasSubstr("its Go runtime keeps what was freed"));
}

TEST_F(GoPipeline, ThePageTellsOfTheGroup) {
  const auto snapshot = run(10, [](int) { return Sizes{100, 0, 600}; });
  ASSERT_EQ(snapshot->go_programs.size(), 1U);
  EXPECT_EQ(snapshot->go_programs[0].group, "payments");
  EXPECT_EQ(snapshot->go_programs[0].version, "go1.19.8");
  EXPECT_TRUE(snapshot->go_programs[0].is_alive);
  proc_.end(7);
  EXPECT_FALSE(tick()->go_programs.at(0).is_alive);
}

}  // namespace
}  // namespace heapfloor
