// Programs that carry a probe, from their segments to verdicts, causes and names.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>

#include "agent/exposition/api_json.h"
#include "agent/pipeline.h"
#include "agent/trend/explain.h"
#include "tests/support/agent_fixture.h"
#include "tests/support/segment_writer.h"

namespace heapfloor {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using testing::SegmentWriter;

constexpr double kMiBytes = 1024.0 * 1024;

class ProbePipeline : public testing::AgentFixture {
 protected:
  ProbePipeline() {
    writer_.header().start_ticks = 700;
    cache_ = &writer_.add_structure("user_cache", HEAPFLOOR_KIND_UNORDERED_MAP);
    writer_.add_structure("sessions", HEAPFLOOR_KIND_MAP);
    writer_.add_instance(1, 100'000, mib(20));
    writer_.add_instance(2, 50'000, mib(10));
    site_ = writer_.add_site(0xabc, {0x55550000123}, mib(20));
    writer_.site(site_).structure_name_index = 1;
    pipeline_ = std::make_unique<Pipeline>(config_, clock_, sink_);
  }

  static std::uint64_t mib(double amount) { return static_cast<std::uint64_t>(amount * kMiBytes); }

  // What the process holds at a second, in MiB.
  struct Sizes {
    double anon = 0, in_use = 0, free = 0;
  };
  // Seconds in which the process has these sizes. What the heap has more than at first is the
  // cache's.
  std::shared_ptr<const Snapshot> run(int seconds, const std::function<Sizes(int)>& sizes_at) {
    std::shared_ptr<const Snapshot> last;
    for (int second = 0; second < seconds; ++second, ++second_) {
      const Sizes sizes = sizes_at(second_);
      const int told = second_ - second_ % statistics_seconds_;
      const double gained = sizes.in_use - sizes_at(0).in_use;
      proc_.set(7, 700, "payments", static_cast<std::uint64_t>(sizes.anon * kMiB));
      writer_.set_allocator(mib(sizes_at(told).in_use), mib(sizes_at(told).free), 0,
                            static_cast<std::uint64_t>(told + 1) * 1'000'000'000);
      writer_.header().live_bytes = mib(sizes.in_use);
      writer_.instance(0).bytes = mib(20 + gained);
      writer_.instance(0).elements = static_cast<std::uint64_t>(100'000 + 5000 * gained);
      writer_.site(site_).live_bytes = mib(20 + gained);
      proc_.set_segment(7, writer_.bytes());
      last = tick();
    }
    return last;
  }

  static const WatchRow* watch(const Snapshot& snapshot, const std::string& subject,
                               const std::string& signal) {
    const auto found = std::ranges::find_if(snapshot.watches, [&](const WatchRow& row) {
      return row.subject == subject && row.signal == signal;
    });
    return found == snapshot.watches.end() ? nullptr : &*found;
  }

  SegmentWriter writer_;
  heapfloor_structure* cache_ = nullptr;
  std::uint32_t site_ = 0;
  int second_ = 0;
  int statistics_seconds_ = 1;  // between two readings of the allocator
};

TEST_F(ProbePipeline, ALeakIsFoundInTheHeapAndInTheStructureThatGrows) {
  const auto snapshot = run(260, [](int second) {
    return Sizes{100.0 + second, 80.0 + second, 5};
  });
  const WatchRow* const heap = watch(*snapshot, "allocator:7:700", "allocator_live");
  ASSERT_NE(heap, nullptr);
  EXPECT_EQ(heap->scope, "allocator");
  EXPECT_EQ(heap->basis, "allocator_live");
  EXPECT_EQ(heap->state, LeakState::leaking)
      << explain(heap->verdict, heap->verdict.window_end_seconds);
  const WatchRow* const sampled = watch(*snapshot, "process:7:700", "sampled_live");
  ASSERT_NE(sampled, nullptr);
  EXPECT_EQ(sampled->basis, "sampled_live");
  EXPECT_EQ(sampled->state, LeakState::leaking);
  const WatchRow* const cache = watch(*snapshot, "structure:7:700:user_cache", "structure_bytes");
  ASSERT_NE(cache, nullptr);
  EXPECT_EQ(cache->scope, "structure");
  EXPECT_EQ(cache->name, "payments");
  EXPECT_EQ(cache->state, LeakState::leaking);
  EXPECT_NEAR(cache->verdict.growth.estimate, kMiBytes, 0.05 * kMiBytes);
  EXPECT_EQ(watch(*snapshot, "structure:7:700:sessions", "structure_bytes")->state,
            LeakState::stable);
  ASSERT_NE(watch(*snapshot, "site:7:700:0000000000000abc", "site_bytes"), nullptr);
}

TEST_F(ProbePipeline, OneLeakIsToldOnceThoughManySignalsSeeIt) {
  const auto snapshot = run(260, [](int second) {
    return Sizes{100.0 + second, 80.0 + second, 5};
  });
  EXPECT_EQ(std::ranges::count(snapshot->alerts, "HeapfloorLeak", &AlertRow::name), 1);
  EXPECT_GE(std::ranges::count(snapshot->watches, LeakState::leaking, &WatchRow::state), 3);
}

TEST_F(ProbePipeline, ElementsAreCountedAndMeetNoLimitOfMemory) {
  const auto snapshot = run(260, [](int second) {
    return Sizes{100.0 + second, 80.0 + second, 5};
  });
  const WatchRow* const elements =
      watch(*snapshot, "structure:7:700:user_cache", "structure_elements");
  ASSERT_NE(elements, nullptr);
  EXPECT_EQ(elements->basis, "count");
  EXPECT_FALSE(elements->verdict.limit);
  EXPECT_FALSE(elements->verdict.exhaustion);
  EXPECT_GE(elements->state, LeakState::suspected);
  for (const AlertRow& alert : snapshot->alerts) {
    if (alert.signal != "structure_elements") continue;
    EXPECT_EQ(alert.summary, "the structure user_cache of payments leaks elements.");
    EXPECT_THAT(alert.description, Not(HasSubstr("iB")));
  }
}

TEST_F(ProbePipeline, TheMemorysSuspectNamesItsCauseAndWhatGrows) {
  const auto snapshot = run(260, [](int second) {
    return Sizes{100.0 + second, 80.0 + second, 5};
  });
  const WatchRow* const memory = watch(*snapshot, "process:7:700", "rss_anon");
  ASSERT_NE(memory, nullptr);
  EXPECT_EQ(memory->state, LeakState::leaking);
  ASSERT_TRUE(memory->causes);
  EXPECT_NEAR(memory->causes->live_growth, 1, 0.05);
  double sum = 0;
  for (const auto& [name, share] : cause_shares(*memory->causes)) sum += share.value_or(0);
  EXPECT_DOUBLE_EQ(sum, 1);
  ASSERT_EQ(memory->structures.size(), 1U) << "sessions do not grow";
  EXPECT_EQ(memory->structures[0].name, "user_cache");
  EXPECT_NEAR(memory->structures[0].growth_bytes_per_second, kMiBytes, 0.05 * kMiBytes);
  ASSERT_TRUE(memory->structures[0].share);
  EXPECT_NEAR(*memory->structures[0].share, 1, 0.05);
  ASSERT_EQ(memory->sites.size(), 1U);
  EXPECT_EQ(memory->sites[0].name, "0000000000000abc");
  EXPECT_EQ(memory->sites[0].location, "/usr/bin/app+0x1122");
  EXPECT_EQ(memory->sites[0].structure, "user_cache");
  const std::string json = suspect_document(*snapshot, "process:7:700/rss_anon").json;
  EXPECT_THAT(json, HasSubstr(R"("name":"user_cache","phase":null)"));
  EXPECT_THAT(json, HasSubstr(R"("function":null)"));
  EXPECT_THAT(json, HasSubstr(R"("location":"/usr/bin/app+0x1122")"));
  EXPECT_THAT(json, HasSubstr(R"("live_growth":)"));
}

// A busy allocator is read seldom: its last figures are of less memory than there is now.
TEST_F(ProbePipeline, CausesAreThoseOfTheGrowthUntilTheAllocatorWasReadLast) {
  statistics_seconds_ = 100;
  run(300, [](int second) { return Sizes{100.0 + second, 80 + 0.9 * second, 5}; });
  for (int look = 0; look < 40; ++look) {
    const auto snapshot = run(9, [](int second) {
      return Sizes{100.0 + second, 80 + 0.9 * second, 5};
    });
    const WatchRow* const memory = watch(*snapshot, "process:7:700", "rss_anon");
    ASSERT_NE(memory, nullptr);
    ASSERT_TRUE(memory->causes);
    EXPECT_TRUE(memory->causes->is_live_known);
    EXPECT_NEAR(memory->causes->live_growth, 0.9, 0.01);
    EXPECT_NEAR(memory->causes->unattributed, 0.1, 0.01);
    EXPECT_LE(memory->causes->growth_bytes, mib(second_ - (second_ - 1) % 100));
  }
}

// Memory grows, what the program holds does not: its allocator keeps pages that it cannot return.
TEST_F(ProbePipeline, FragmentationIsSuspectedAsRetentionAndNobodyIsAlerted) {
  const auto snapshot = run(400, [](int second) {
    return Sizes{100.0 + second, 80, 5.0 + second};
  });
  const WatchRow* const memory = watch(*snapshot, "process:7:700", "rss_anon");
  ASSERT_NE(memory, nullptr);
  EXPECT_EQ(memory->state, LeakState::suspected)
      << explain(memory->verdict, memory->verdict.window_end_seconds);
  EXPECT_TRUE(memory->is_retention);
  EXPECT_LE(memory->verdict.confidence, 0.5);
  ASSERT_TRUE(memory->causes);
  EXPECT_NEAR(memory->causes->allocator_retention, 1, 1e-9);
  EXPECT_EQ(watch(*snapshot, "allocator:7:700", "allocator_live")->state, LeakState::stable);
  EXPECT_TRUE(snapshot->alerts.empty());
  EXPECT_THAT(suspect_document(*snapshot, "process:7:700/rss_anon").json,
              HasSubstr("its allocator keeps what was freed"));
}

// What neither the program nor its allocator holds is no retention: it may well be a leak by mmap.
TEST_F(ProbePipeline, GrowthBesideTheHeapStaysALeak) {
  const auto snapshot = run(260, [](int second) { return Sizes{100.0 + second, 80, 5}; });
  const WatchRow* const memory = watch(*snapshot, "process:7:700", "rss_anon");
  ASSERT_NE(memory, nullptr);
  EXPECT_EQ(memory->state, LeakState::leaking);
  ASSERT_TRUE(memory->causes);
  EXPECT_EQ(memory->causes->unattributed, 1);
}

TEST_F(ProbePipeline, WhatWasHeldBackAlertsOnceTheHeapItselfGrows) {
  run(400, [](int second) { return Sizes{100.0 + second, 80, 5.0 + second}; });
  const auto snapshot = run(500, [](int second) {
    const double leaked = std::max(0, second - 400);
    return Sizes{100.0 + second, 80 + leaked, 5.0 + second - leaked};
  });
  EXPECT_EQ(watch(*snapshot, "allocator:7:700", "allocator_live")->state, LeakState::leaking);
  EXPECT_FALSE(snapshot->alerts.empty());
}

TEST_F(ProbePipeline, TotalsOfAGroupOutliveTheProcess) {
  cache_->insertions = 500;
  run(5, [](int) { return Sizes{100, 80, 5}; });
  proc_.end(7);
  const auto snapshot = tick();
  const auto row = std::ranges::find(snapshot->structures, "user_cache", &StructureRow::name);
  ASSERT_NE(row, snapshot->structures.end());
  EXPECT_FALSE(row->is_alive);
  double insertions = 0;
  for (const MetricValue& value : row->values) {
    EXPECT_EQ(value.desc->type, MetricType::counter);
    if (value.desc->name == "heapfloor_structure_insertions_total") insertions = value.value;
  }
  EXPECT_EQ(insertions, 500);
}

TEST_F(ProbePipeline, ArenasThatTheProbeListsHaveSeriesByNumber) {
  const auto without = run(2, [](int) { return Sizes{100, 80, 5}; });
  EXPECT_TRUE(without->arenas.empty());
  writer_.add_arena(mib(60), mib(4));
  writer_.add_arena(mib(20), HEAPFLOOR_ABSENT);
  const auto snapshot = run(1, [](int) { return Sizes{100, 80, 5}; });
  ASSERT_EQ(snapshot->arenas.size(), 2U);
  EXPECT_EQ(snapshot->arenas[0].group, "payments");
  EXPECT_EQ(snapshot->arenas[0].number, "0");
  ASSERT_EQ(snapshot->arenas[0].values.size(), 2U);
  EXPECT_EQ(snapshot->arenas[0].values[0].desc->label_value, "used");
  EXPECT_EQ(snapshot->arenas[0].values[0].value, 60 * kMiBytes);
  EXPECT_EQ(snapshot->arenas[0].values[1].value, 4 * kMiBytes);
  EXPECT_EQ(snapshot->arenas[1].values.size(), 1U) << "what is not known is left out";
}

TEST_F(ProbePipeline, TheStatusTellsOfProbesAndOfQuarantine) {
  run(3, [](int) { return Sizes{100, 80, 5}; });
  writer_.header().section_count = 99;
  const auto snapshot = run(1, [](int) { return Sizes{100, 80, 5}; });
  EXPECT_THAT(status_document(*snapshot, {}).json,
              HasSubstr(R"("probes":{"targets":0,"quarantined":1,"kept":0})"));
}

}  // namespace
}  // namespace heapfloor
