// The probe collector on a /proc of files.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "collectors/collector.h"
#include "collectors/host_root.h"
#include "collectors/parse/probe_segment.h"
#include "collectors/probe_board.h"
#include "collectors/probe_metrics.h"
#include "collectors/process_board.h"
#include "collectors/stopwatch.h"
#include "tests/support/fake_proc.h"
#include "tests/support/recording_sink.h"
#include "tests/support/segment_writer.h"

namespace heapfloor {

extern const CollectorEntry process_collector;
extern const CollectorEntry probe_collector;

namespace {

using testing::FakeProc;
using testing::RecordedEntity;
using testing::RecordingSink;
using testing::SegmentWriter;

class SetStopwatch final : public Stopwatch {
 public:
  [[nodiscard]] double seconds() const override { return now_seconds; }
  double now_seconds = 1000;
};

class ProbeCollector : public ::testing::Test {
 protected:
  static constexpr int kPid = 42;
  static constexpr std::uint64_t kStart = 777;

  ProbeCollector() : root_(HostPaths{proc_.path(), proc_.path(), proc_.path()}) {
    CollectorOptions options;
    options.refresh_ticks = 1;
    options.board = &processes_board_;
    options.probe_board = &board_;
    options.stopwatch = &stopwatch_;
    processes_ = process_collector.make(root_, options);
    probe_ = probe_collector.make(root_, options);
    proc_.set(kPid, kStart, "app", 4096);
    writer_.header().pid = kPid;
    writer_.header().start_ticks = kStart;
  }

  void publish(std::uint64_t inode = 7) { proc_.set_segment(kPid, writer_.bytes(), inode); }

  // A tick, so many seconds after the last.
  void tick(double seconds = 0) {
    stopwatch_.now_seconds += seconds;
    RecordingSink ignored;
    ASSERT_TRUE(processes_->collect(ignored));
    sink_.entities.clear();
    const auto report = probe_->collect(sink_);
    ASSERT_TRUE(report) << report.error().reason;
    report_ = *report;
  }
  [[nodiscard]] const RecordedEntity* entity(EntityKind kind, std::string_view name = {}) const {
    for (const RecordedEntity& entity : sink_.entities) {
      if (entity.kind == kind && (name.empty() || entity.name == name)) return &entity;
    }
    return nullptr;
  }
  [[nodiscard]] double count(std::string_view metric, std::string_view label = {}) const {
    return entity(EntityKind::agent)->value(metric, label).value_or(-1);
  }
  [[nodiscard]] double targets() const { return count("heapfloor_probe_targets"); }
  [[nodiscard]] double rejected(std::string_view reason) const {
    return count("heapfloor_probe_reads_rejected_total", reason);
  }

  FakeProc proc_;
  DirectoryHostRoot root_;
  ProcessBoard processes_board_;
  ProbeBoard board_;
  SetStopwatch stopwatch_;
  std::unique_ptr<Collector> processes_, probe_;
  SegmentWriter writer_;
  RecordingSink sink_;
  CollectReport report_;
};

TEST_F(ProbeCollector, WhatAProbeKnowsIsToldInTheTickInWhichItIsFound) {
  writer_.header().live_bytes = 3'000'000;
  writer_.header().allocated_bytes = 9'000'000;
  writer_.header().allocated_objects_q10 = 4096;
  writer_.set_allocator(4'000'000, 500'000, 2);
  auto& cache = writer_.add_structure("user_cache", HEAPFLOOR_KIND_UNORDERED_MAP);
  cache.line = 88;
  std::memcpy(cache.file, "cache.cpp", 10);
  cache.epochs = 5;
  writer_.add_instance(1, 100, 6400);
  const auto site = writer_.add_site(0xabc, {0x55550000123, 0x55550000456}, 2'000'000);
  writer_.site(site).structure_name_index = 1;
  publish();
  tick();
  const RecordedEntity* const process = entity(EntityKind::process);
  ASSERT_NE(process, nullptr);
  EXPECT_EQ(process->process, (ProcessId{kPid, kStart}));
  EXPECT_EQ(process->value(kProbedInUse), 4'000'000);
  EXPECT_EQ(process->value(kProbedFree), 500'000);
  EXPECT_EQ(process->value(kProbedTrims), 2);
  EXPECT_EQ(process->value(kProbedSampledLive), 3'000'000);
  const RecordedEntity* const allocator = entity(EntityKind::allocator);
  ASSERT_NE(allocator, nullptr);
  EXPECT_EQ(allocator->name, "glibc");
  EXPECT_EQ(allocator->attribute(Attribute::version), "2.36");
  EXPECT_EQ(allocator->value("heapfloor_allocator_freed_bytes_total"), 6'000'000);
  EXPECT_EQ(allocator->value("heapfloor_allocator_allocations_total"), 4);
  EXPECT_EQ(allocator->value("heapfloor_allocator_resident_bytes"), std::nullopt);
  const RecordedEntity* const structure = entity(EntityKind::structure, "user_cache");
  ASSERT_NE(structure, nullptr);
  EXPECT_EQ(structure->value(kStructureElements), 100);
  EXPECT_EQ(structure->value(kStructureMemory), 6400);
  EXPECT_EQ(structure->value(kStructureEpochs), 5);
  EXPECT_EQ(structure->attribute(Attribute::file), "cache.cpp:88");
  EXPECT_EQ(structure->attribute(Attribute::kind), "unordered_map");
  const RecordedEntity* const found = entity(EntityKind::site);
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->name, "0000000000000abc");
  EXPECT_EQ(found->value(kSiteLive), 2'000'000);
  EXPECT_EQ(found->attribute(Attribute::structure), "user_cache");
  EXPECT_EQ(found->attribute(Attribute::location), "/usr/bin/app+0x1122");
  EXPECT_EQ(targets(), 1);
}

TEST_F(ProbeCollector, WhatDoesNotChangeIsDescribedOnce) {
  writer_.set_allocator(1, 1, 0);
  writer_.add_structure("jobs", HEAPFLOOR_KIND_DEQUE);
  publish();
  tick();
  EXPECT_FALSE(entity(EntityKind::structure)->attributes.empty());
  tick(15);
  EXPECT_TRUE(entity(EntityKind::structure)->attributes.empty());
  EXPECT_TRUE(entity(EntityKind::allocator)->attributes.empty());
}

TEST_F(ProbeCollector, EachTickReadsTheSegmentAnewAndItsSitesOnceAMinute) {
  writer_.add_site(1, {0x1000}, 1'000'000);
  writer_.header().live_bytes = 1;
  publish();
  tick();
  EXPECT_NE(entity(EntityKind::site), nullptr);
  writer_.header().live_bytes = 2;
  publish();
  tick(15);
  EXPECT_EQ(entity(EntityKind::process)->value(kProbedSampledLive), 2);
  EXPECT_EQ(entity(EntityKind::site), nullptr);
  tick(45);
  EXPECT_NE(entity(EntityKind::site), nullptr);
}

TEST_F(ProbeCollector, OnlyTheLargestSitesAreToldAndLabelsOfOneStackAreAddedUp) {
  for (std::uint64_t hash = 1; hash <= 60; ++hash) writer_.add_site(hash, {hash}, hash * 1000);
  writer_.add_site(60, {60}, 5'000);
  publish();
  tick();
  EXPECT_EQ(std::ranges::count(sink_.entities, EntityKind::site, &RecordedEntity::kind), 32);
  EXPECT_EQ(entity(EntityKind::site)->value(kSiteLive), 65'000);
}

TEST_F(ProbeCollector, AProbeThatComesLateIsFoundAfterTenSecondsOrAMinute) {
  proc_.set_segment(kPid, {});
  tick();
  EXPECT_EQ(targets(), 0);
  publish();
  tick(5);
  EXPECT_EQ(targets(), 0);
  tick(5);
  EXPECT_EQ(targets(), 1);
}

TEST_F(ProbeCollector, AfterAMinuteOnlyAProcessWhoseAddressSpaceMovedIsLookedAt) {
  proc_.set_segment(kPid, {});
  tick();
  tick(10);
  tick(50);
  publish();
  tick(7200);
  EXPECT_EQ(targets(), 0) << "its size is what it was";
  proc_.set(kPid, kStart, "app", 8192);
  tick(15);
  EXPECT_EQ(targets(), 1);
}

TEST_F(ProbeCollector, ASegmentWithAnotherMagicIsNotBelieved) {
  ++writer_.header().magic;
  publish();
  tick();
  EXPECT_EQ(targets(), 0);
  EXPECT_EQ(count("heapfloor_probe_quarantined_targets"), 1);
}

TEST_F(ProbeCollector, ASegmentThatIsStillBeingMadeIsReadOnceItIsThere) {
  writer_.header().magic = 0;
  publish();
  tick();
  EXPECT_EQ(targets(), 0);
  EXPECT_EQ(count("heapfloor_probe_quarantined_targets"), 0);
  EXPECT_EQ(rejected("malformed"), 0);
  tick(10);
  tick(50);
  EXPECT_EQ(targets(), 0);
  writer_.header().magic = HEAPFLOOR_SEGMENT_MAGIC;
  publish();
  tick(120);
  EXPECT_EQ(targets(), 1) << "its size is what it was, and so is the file";
}

TEST_F(ProbeCollector, AMalformedSegmentIsQuarantinedUntilAnotherIsMapped) {
  writer_.section(HEAPFLOOR_SECTION_SITES).offset = 1;
  publish();
  tick();
  EXPECT_EQ(targets(), 0);
  EXPECT_EQ(count("heapfloor_probe_quarantined_targets"), 1);
  EXPECT_EQ(rejected("malformed"), 1);
  tick(10);
  tick(60);
  proc_.set(kPid, kStart, "app", 8192);
  tick(3600);
  EXPECT_EQ(rejected("malformed"), 1) << "the same segment is not read again";
  SegmentWriter good;
  good.header().start_ticks = kStart;
  proc_.set_segment(kPid, good.bytes(), 8);
  proc_.set(kPid, kStart, "app", 4096);
  tick(3600);
  EXPECT_EQ(targets(), 1);
  EXPECT_EQ(count("heapfloor_probe_quarantined_targets"), 0);
}

TEST_F(ProbeCollector, ATargetWhoseSegmentTurnsBadIsGivenUp) {
  publish();
  tick();
  ASSERT_EQ(targets(), 1);
  writer_.header().sections[2].used = UINT64_MAX;
  publish();
  tick(15);
  EXPECT_EQ(targets(), 0);
  EXPECT_EQ(count("heapfloor_probe_quarantined_targets"), 1);
  EXPECT_TRUE(board_.targets().empty());
  EXPECT_EQ(entity(EntityKind::process), nullptr);
}

TEST_F(ProbeCollector, AnotherLayoutVersionIsCountedAsThat) {
  writer_.header().abi_major = 2;
  publish();
  tick();
  EXPECT_EQ(rejected("version"), 1);
  EXPECT_EQ(count("heapfloor_probe_quarantined_targets"), 1);
}

TEST_F(ProbeCollector, ASegmentOfTheParentIsNotTheChildsOwn) {
  writer_.header().start_ticks = kStart - 1;
  publish();
  tick();
  EXPECT_EQ(targets(), 0);
  EXPECT_EQ(rejected("identity"), 1);
  EXPECT_EQ(count("heapfloor_probe_quarantined_targets"), 0);
  tick(10);
  tick(50);
  writer_.header().start_ticks = kStart;
  proc_.set_segment(kPid, writer_.bytes(), 8);
  tick(120);
  EXPECT_EQ(targets(), 1) << "its own came to the same place, which moved no size";
}

TEST_F(ProbeCollector, ThePidThatTheProcessSeesMustBeThatOfTheSegment) {
  writer_.header().start_ticks = HEAPFLOOR_ABSENT;
  writer_.header().pid = kPid + 1;
  publish();
  tick();
  EXPECT_EQ(rejected("identity"), 1);
}

TEST_F(ProbeCollector, WhatATargetWroteLastIsKeptWhenItHasEnded) {
  writer_.header().live_bytes = 77;
  publish();
  tick();
  writer_.header().live_bytes = 99;
  publish();
  proc_.end(kPid);
  tick(15);
  EXPECT_EQ(targets(), 0);
  EXPECT_EQ(count("heapfloor_probe_kept_targets"), 1);
  const auto kept = board_.find(kPid);
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->ended_seconds, 1015);
  EXPECT_THAT(kept->mappings, ::testing::HasSubstr("/usr/bin/app"));
  EXPECT_THAT(kept->mappings, ::testing::Not(::testing::HasSubstr("memfd")));
  const auto segment = board_.read_segment(kept->id);
  ASSERT_TRUE(segment);
  EXPECT_EQ(parse_probe_header(*segment, segment->size())->sampler.live_bytes, 99);
  tick(24 * 3600 + 1);
  EXPECT_FALSE(board_.find(kPid));
}

TEST_F(ProbeCollector, OfManyThatEndedTheLastEightAreKept) {
  for (int pid = 100; pid < 112; ++pid) {
    SegmentWriter writer;
    writer.header().start_ticks = kStart;
    proc_.set(pid, kStart, "app", 4096);
    proc_.set_segment(pid, writer.bytes());
  }
  tick();
  EXPECT_EQ(targets(), 12);
  for (int pid = 100; pid < 112; ++pid) {
    proc_.end(pid);
    tick(15);
  }
  std::vector<int> kept;
  for (const ProbedTarget& target : board_.targets()) kept.push_back(target.id.pid);
  EXPECT_THAT(kept, ::testing::ElementsAre(104, 105, 106, 107, 108, 109, 110, 111));
}

TEST_F(ProbeCollector, APidThatIsReusedIsAnotherTarget) {
  publish();
  tick();
  proc_.end(kPid);
  proc_.set(kPid, kStart + 100, "other", 4096);
  writer_.header().start_ticks = kStart + 100;
  publish(9);
  tick(15);
  EXPECT_EQ(targets(), 1);
  EXPECT_EQ(entity(EntityKind::process)->process, (ProcessId{kPid, kStart + 100}));
  EXPECT_TRUE(board_.find(ProcessId{kPid, kStart})->ended_seconds);
  EXPECT_FALSE(board_.find(kPid)->ended_seconds) << "of one pid the latest is meant";
}

TEST_F(ProbeCollector, AProgramThatWasReplacedByAnotherIsNoTargetAnyMore) {
  publish();
  tick();
  proc_.set_segment(kPid, {});
  proc_.set(kPid, kStart, "other", 5000);
  tick(60);
  EXPECT_EQ(targets(), 0);
  EXPECT_EQ(count("heapfloor_probe_kept_targets"), 1);
}

TEST_F(ProbeCollector, TheDescriptorsOfSegmentsAreTakenFromTheBudgetOfTheProcesses) {
  publish();
  tick();
  EXPECT_EQ(board_.held_descriptors(), 1U);
  proc_.end(kPid);
  tick(15);
  EXPECT_EQ(board_.held_descriptors(), 0U);
}

}  // namespace
}  // namespace heapfloor
