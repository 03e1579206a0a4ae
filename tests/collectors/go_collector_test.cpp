// The go collector on a /proc of files, with programs laid out as Go 1.19 does.
#include <gtest/gtest.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "collectors/collector.h"
#include "collectors/go_board.h"
#include "collectors/go_metrics.h"
#include "collectors/host_root.h"
#include "collectors/process_board.h"
#include "collectors/runtime/go_target.h"
#include "collectors/stopwatch.h"
#include "tests/support/fake_proc.h"
#include "tests/support/go_writer.h"
#include "tests/support/memory_host_root.h"
#include "tests/support/recording_sink.h"

namespace heapfloor {

extern const CollectorEntry process_collector;
extern const CollectorEntry go_collector;

namespace {

using testing::FakeProc;
using testing::GoFileWriter;
using testing::GoMemoryWriter;
using testing::RecordedEntity;
using testing::RecordingSink;

class SetStopwatch final : public Stopwatch {
 public:
  [[nodiscard]] double seconds() const override { return now_seconds; }
  double now_seconds = 1000;
};

class GoCollectorTest : public ::testing::Test {
 protected:
  static constexpr int kPid = 42;
  static constexpr std::uint64_t kStart = 777;
  static constexpr std::uint64_t kLargeKib = std::uint64_t{1} << 20;

  GoCollectorTest() : root_(HostPaths{proc_.path(), proc_.path(), proc_.path()}) {
    CollectorOptions options;
    options.refresh_ticks = 1;
    options.board = &board_;
    options.go_board = &go_board_;
    options.stopwatch = &stopwatch_;
    processes_ = process_collector.make(root_, options);
    go_ = go_collector.make(root_, options);
    GoMemoryWriter::add_variables(file_);
    proc_.set(kPid, kStart, "server", 4096);
    proc_.set_mapped(kPid, kLargeKib);
  }

  // The process runs a file of these bytes.
  void run(const std::string& bytes, const std::string& name = "server") {
    const std::string path = proc_.path() + "/" + name;
    std::ofstream(path, std::ios::binary) << bytes;
    proc_.set_executable(kPid, path);
  }
  void run() {
    run(file_.bytes());
    remember();
  }
  // Its memory is what the test has set by now.
  void remember() { proc_.set_memory(kPid, memory_.bytes(), "/dev/zero", 7); }

  // A tick, so many seconds after the last.
  void tick(double seconds = 0) {
    stopwatch_.now_seconds += seconds;
    RecordingSink ignored;
    ASSERT_TRUE(processes_->collect(ignored));
    sink_.entities.clear();
    const auto report = go_->collect(sink_);
    ASSERT_TRUE(report) << report.error().reason;
    report_ = *report;
  }
  [[nodiscard]] const RecordedEntity* entity(EntityKind kind) const {
    for (const RecordedEntity& entity : sink_.entities) {
      if (entity.kind == kind) return &entity;
    }
    return nullptr;
  }
  [[nodiscard]] std::optional<double> value(std::string_view metric) const {
    const RecordedEntity* const go = entity(EntityKind::go);
    return go == nullptr ? std::nullopt : go->value(metric);
  }
  [[nodiscard]] double watched() const {
    return entity(EntityKind::agent)->value("heapfloor_watched_go_programs").value_or(-1);
  }
  [[nodiscard]] double unreadable(std::string_view reason) const {
    return entity(EntityKind::agent)
        ->value("heapfloor_unreadable_go_programs", reason)
        .value_or(-1);
  }

  FakeProc proc_;
  DirectoryHostRoot root_;
  ProcessBoard board_;
  GoBoard go_board_;
  SetStopwatch stopwatch_;
  std::unique_ptr<Collector> processes_, go_;
  GoFileWriter file_;
  GoMemoryWriter memory_;
  RecordingSink sink_;
  CollectReport report_;
};

TEST_F(GoCollectorTest, AGoProgramIsToldInTheTickInWhichItIsFound) {
  memory_.set(GoControl::heap_marked, 30 << 20);
  memory_.set(GoControl::heap_in_use, 40 << 20);
  memory_.set(GoControl::heap_free, 5 << 20);
  memory_.set(GoControl::heap_released, 7 << 20);
  memory_.set(GoControl::heap_goal, 60 << 20);
  memory_.set(GoControl::total_allocated, 90 << 20);
  memory_.set(GoControl::total_freed, 50 << 20);
  memory_.set(GoStat::cycles, 12);
  memory_.set(GoStat::pause_total, 2'500'000);
  memory_.set(GoStat::last_gc, 1'700'000'000'000'000'000);
  run();
  tick();
  EXPECT_EQ(watched(), 1);
  const RecordedEntity* const go = entity(EntityKind::go);
  ASSERT_NE(go, nullptr);
  EXPECT_EQ(go->process, (ProcessId{kPid, kStart}));
  EXPECT_EQ(go->attribute(Attribute::version), "go1.19.8");
  EXPECT_EQ(value("heapfloor_go_heap_live_bytes"), 30 << 20);
  EXPECT_EQ(value("heapfloor_go_gc_cycles_total"), 12);
  EXPECT_EQ(value("heapfloor_go_heap_inuse_bytes"), 40 << 20);
  EXPECT_EQ(value("heapfloor_go_heap_idle_bytes"), 12 << 20);
  EXPECT_EQ(value("heapfloor_go_heap_released_bytes"), 7 << 20);
  EXPECT_EQ(value("heapfloor_go_heap_allocated_bytes"), 40 << 20);
  EXPECT_EQ(value("heapfloor_go_allocated_bytes_total"), 90 << 20);
  EXPECT_EQ(value("heapfloor_go_heap_goal_bytes"), 60 << 20);
  EXPECT_EQ(value("heapfloor_go_gc_pause_seconds_total"), 0.0025);
  EXPECT_EQ(value("heapfloor_go_last_gc_timestamp_seconds"), 1.7e9);
  EXPECT_EQ(value("heapfloor_go_memory_limit_bytes"), std::nullopt) << "none is set";
}

TEST_F(GoCollectorTest, WhatLivesIsToldOnceThereWasACollection) {
  memory_.set(GoStat::cycles, 0);
  run();
  tick();
  EXPECT_NE(entity(EntityKind::go), nullptr);
  EXPECT_EQ(value("heapfloor_go_heap_live_bytes"), std::nullopt);
  memory_.set(GoStat::cycles, 1);
  remember();
  tick(1);
  EXPECT_EQ(value("heapfloor_go_heap_live_bytes"), 1 << 20);
}

TEST_F(GoCollectorTest, ACollectionIsSeenAlsoWhereTheRuntimeCountsItLaterThanItEnds) {
  run();
  tick();
  memory_.set(GoControl::mark_start, 99);
  remember();
  tick(1);
  memory_.set(GoControl::heap_marked, 2 << 20);
  memory_.set(GoControl::triggered, -1);
  remember();
  tick(1);
  EXPECT_EQ(value("heapfloor_go_gc_cycles_total"), 1);
  memory_.put(GoMemoryWriter::kMemstats + memory_.layout().of(GoStat::cycles).value(), 2, 4);
  remember();
  tick(1);
  EXPECT_EQ(value("heapfloor_go_gc_cycles_total"), 2);
}

TEST_F(GoCollectorTest, ACollectionOfWhichNothingWasSeenButItsCountIsFoundAfterAWhile) {
  run();
  for (int i = 0; i < 5; ++i) tick(1);
  memory_.put(GoMemoryWriter::kMemstats + memory_.layout().of(GoStat::cycles).value(), 2, 4);
  remember();
  int ticks = 0;
  do {
    tick(1);
  } while (value("heapfloor_go_gc_cycles_total") != 2 && ++ticks < 99);
  EXPECT_GT(ticks, 0) << "the count was read although nothing said that it changes";
  EXPECT_LT(ticks, 99);
}

TEST_F(GoCollectorTest, GoroutinesAreThoseThatHaveNotEnded) {
  const GoScheduler scheduler = memory_.layout().scheduler.value();
  memory_.put(GoMemoryWriter::kAllGoroutines, 100);
  memory_.put(GoMemoryWriter::kSched + scheduler.system, 5, 4);
  memory_.put(GoMemoryWriter::kSched + scheduler.ended, 20, 4);
  memory_.put(GoMemoryWriter::kP + scheduler.ended_of_p, 8, 4);
  run();
  tick();
  EXPECT_EQ(value("heapfloor_go_goroutines"), 67);
}

TEST_F(GoCollectorTest, MemoryBesideTheHeapIsTheSumOfThreeShards) {
  const GoShards shards = memory_.layout().shards.value();
  const auto shard = [&](std::uint32_t index) {
    return GoMemoryWriter::kMemstats + shards.offset + std::uint64_t{index} * shards.stride;
  };
  memory_.put(shard(0) + shards.stacks, 3 << 20);
  memory_.put(shard(1) + shards.stacks, -(1 << 20));
  memory_.put(shard(2) + shards.work_buffers, 4096);
  memory_.set(GoStat::gc_system, 1 << 20);
  run();
  tick();
  EXPECT_EQ(value("heapfloor_go_stack_inuse_bytes"), 2 << 20);
  EXPECT_EQ(value("heapfloor_go_system_bytes"), (5 << 20) + 4096);
}

TEST_F(GoCollectorTest, ObjectsAreWhatAllShardsHaveAllocatedLessWhatAllHaveFreed) {
  const GoObjects objects = memory_.layout().objects.value();
  const auto put = [&](std::uint64_t shard, std::uint64_t offset, std::int64_t count) {
    const GoShards& shards = memory_.layout().shards.value();
    memory_.put(GoMemoryWriter::kMemstats + shards.offset + shard * shards.stride + offset, count);
  };
  const std::uint64_t last_class = std::uint64_t{8} * (objects.classes - 1);
  put(0, objects.small_allocated, 1000);
  put(0, objects.small_allocated + last_class, 50);
  put(1, objects.large_allocated, 7);
  put(2, objects.small_freed, 300);
  put(2, objects.small_freed + last_class, 20);
  put(2, objects.large_freed, 2);
  run();
  tick();
  EXPECT_EQ(value("heapfloor_go_heap_objects"), 735);
}

TEST_F(GoCollectorTest, MoreObjectsFreedThanAllocatedAreNoCount) {
  const GoShards shards = memory_.layout().shards.value();
  memory_.put(GoMemoryWriter::kMemstats + shards.offset + memory_.layout().objects->large_freed, 1);
  run();
  tick();
  EXPECT_FALSE(value("heapfloor_go_heap_objects"));
  EXPECT_EQ(value("heapfloor_go_heap_live_bytes"), 1 << 20);
}

TEST_F(GoCollectorTest, APositionIndependentProgramIsReadWhereItWasLoaded) {
  constexpr std::uint64_t kBias = 0x40000;
  file_ = GoFileWriter();
  file_.is_movable = true;
  GoMemoryWriter::add_variables(file_, kBias);
  run();
  const std::array<Elf64_auxv_t, 2> entries = {
      {{AT_PHDR, {kBias + sizeof(Elf64_Ehdr)}}, {AT_NULL, {0}}}};
  std::ofstream(proc_.path() + "/42/auxv", std::ios::binary)
      << std::string(reinterpret_cast<const char*>(entries.data()), sizeof entries);
  tick();
  EXPECT_EQ(value("heapfloor_go_heap_live_bytes"), 1 << 20);
}

TEST_F(GoCollectorTest, WhatCouldNotBeReadAtTheFirstLookIsAtTheNext) {
  file_.is_movable = true;
  run();
  tick();
  EXPECT_EQ(watched(), 0) << "nothing says yet where it was loaded";
  const std::array<Elf64_auxv_t, 2> entries = {{{AT_PHDR, {sizeof(Elf64_Ehdr)}}, {AT_NULL, {0}}}};
  std::ofstream(proc_.path() + "/42/auxv", std::ios::binary)
      << std::string(reinterpret_cast<const char*>(entries.data()), sizeof entries);
  tick(3);
  EXPECT_EQ(watched(), 1);
}

TEST_F(GoCollectorTest, AProgramWithoutSymbolsIsCountedAndLeftAlone) {
  file_.has_symbols = false;
  run();
  tick();
  EXPECT_EQ(watched(), 0);
  EXPECT_EQ(unreadable("no_symbols"), 1);
}

TEST_F(GoCollectorTest, AnotherVersionWithoutDebuggingInformationIsNotGuessedAt) {
  for (const char* const version : {"go1.25.1", "devel go1.19-abcdef", "go1.19.8 X:boringcrypto"}) {
    file_.version = version;
    run(file_.bytes(), version);
    remember();
    tick(100);
    EXPECT_EQ(watched(), 0) << version;
  }
  EXPECT_EQ(unreadable("no_layout"), 1);
}

TEST_F(GoCollectorTest, WhatIsNoGoProgramIsNotCounted) {
  file_.version.clear();
  run();
  tick();
  EXPECT_EQ(watched(), 0);
  for (const char* const reason : {"no_symbols", "no_layout", "implausible", "denied"})
    EXPECT_EQ(unreadable(reason), 0) << reason;
}

TEST_F(GoCollectorTest, FiguresThatCanBeNoneAreNotBelieved) {
  memory_.set(GoControl::heap_in_use, std::int64_t{1} << 40);  // of a GiB of address space
  run();
  tick();
  EXPECT_EQ(watched(), 0);
  EXPECT_EQ(unreadable("implausible"), 1);
  memory_ = GoMemoryWriter();
  remember();
  tick(3);
  EXPECT_EQ(watched(), 0) << "and not asked again while the same program runs";
}

TEST_F(GoCollectorTest, ACountOfCollectionsThatFallsIsNotBelieved) {
  memory_.set(GoStat::cycles, 7);
  run();
  tick();
  memory_.set(GoStat::cycles, 6);
  remember();
  tick(1);
  EXPECT_EQ(unreadable("implausible"), 1);
}

TEST_F(GoCollectorTest, OneThatIsStartingIsToldWhenItHasFigures) {
  const GoMemoryWriter started = memory_;
  for (std::uint64_t at = 0; at < 0x200; at += 8) memory_.put(GoMemoryWriter::kController + at, 0);
  run();
  tick();
  EXPECT_EQ(entity(EntityKind::go), nullptr);
  EXPECT_EQ(watched(), 1);
  memory_ = started;
  remember();
  tick(1);
  EXPECT_NE(entity(EntityKind::go), nullptr);
}

TEST_F(GoCollectorTest, AShellThatBecomesAGoProgramIsFound) {
  run("#!/bin/sh\n", "shell");
  tick();
  EXPECT_EQ(watched(), 0);
  run();
  tick(3);
  EXPECT_EQ(watched(), 1);
}

TEST_F(GoCollectorTest, AProgramThatHasEndedIsForgotten) {
  run();
  tick();
  proc_.end(kPid);
  tick(1);
  EXPECT_EQ(watched(), 0);
  EXPECT_EQ(entity(EntityKind::go), nullptr);
}

TEST_F(GoCollectorTest, ThePidOfAProgramThatHasEndedIsAnotherProcess) {
  run();
  tick();
  proc_.end(kPid);
  proc_.set(kPid, kStart + 1, "server", 4096);
  proc_.set_mapped(kPid, kLargeKib);
  memory_.set(GoStat::cycles, 0);  // less than before
  run();
  tick(1);
  ASSERT_NE(entity(EntityKind::go), nullptr);
  EXPECT_EQ(entity(EntityKind::go)->process, (ProcessId{kPid, kStart + 1}));
}

TEST_F(GoCollectorTest, ASmallProcessIsNotLookedAt) {
  run();
  proc_.set_mapped(kPid, 32 << 10);
  tick();
  EXPECT_EQ(watched(), 0);
}

// A host that shows files and refuses the memory of processes, as ptrace_scope does.
TEST(GoTargetOpen, IsDeniedWhereTheMemoryIs) {
  testing::MemoryHostRoot root([](std::string_view path) -> Result<std::string> {
    if (path == "proc/42/mem") return failure(ErrorKind::denied, std::string(path), "refused");
    return std::string();
  });
  root.pids = {42};
  const ProcessDir directory = std::move(root.open_process(42).value());
  std::vector<char> buffer(4096);
  const auto target =
      GoTarget::open({42, 777}, std::make_shared<const GoProgram>(), directory, buffer);
  ASSERT_FALSE(target);
  EXPECT_EQ(target.error().kind, ErrorKind::denied);
}

TEST_F(GoCollectorTest, ItsSitesAreToldWhenTheyAreReadAndNotInBetween) {
  GoMemoryWriter::add_profile(file_);
  memory_.set_site(0x401234, 3, 12288);
  run();
  tick();
  const RecordedEntity* const site = entity(EntityKind::site);
  ASSERT_NE(site, nullptr);
  EXPECT_EQ(site->value(kGoSiteLive), 12288);
  EXPECT_EQ(site->name.size(), 16U);
  const std::string name = site->name;
  tick(1);
  EXPECT_EQ(entity(EntityKind::site), nullptr);
  memory_.set_site(0x401234, 4, 16384);
  remember();
  tick(10);
  ASSERT_NE(entity(EntityKind::site), nullptr);
  EXPECT_EQ(entity(EntityKind::site)->name, name);
  EXPECT_EQ(entity(EntityKind::site)->value(kGoSiteLive), 16384);
}

TEST_F(GoCollectorTest, TheBoardHasThoseWhoseSitesCanBeReadAndWhyOthersCannot) {
  GoMemoryWriter::add_profile(file_);
  memory_.set_site(0x401234, 3, 12288);
  run();
  tick();
  const auto entry = go_board_.find(kPid);
  ASSERT_TRUE(entry && entry->source != nullptr);
  EXPECT_EQ(entry->id.start_ticks, kStart);
  EXPECT_EQ(entry->source->read()->live_bytes, 12288);
  EXPECT_EQ(go_board_.sources().size(), 1U);
  proc_.end(kPid);
  tick(1);
  EXPECT_FALSE(go_board_.find(kPid));
  EXPECT_FALSE(go_board_.find(ProcessId{kPid, kStart}));
}

TEST_F(GoCollectorTest, AStrippedProgramIsOnTheBoardWithItsReason) {
  file_.has_symbols = false;
  run();
  tick();
  const auto entry = go_board_.find(ProcessId{kPid, kStart});
  ASSERT_TRUE(entry);
  EXPECT_EQ(entry->source, nullptr);
  EXPECT_EQ(entry->refusal, GoRefusal::no_symbols);
}

TEST_F(GoCollectorTest, AProgramWithoutAMemoryProfileIsReadAllTheSame) {
  run();
  tick();
  EXPECT_NE(entity(EntityKind::go), nullptr);
  EXPECT_EQ(entity(EntityKind::site), nullptr);
  const auto sites = go_board_.find(kPid)->source->read();
  ASSERT_FALSE(sites);
  EXPECT_EQ(sites.error().kind, ErrorKind::unavailable);
}

}  // namespace
}  // namespace heapfloor
