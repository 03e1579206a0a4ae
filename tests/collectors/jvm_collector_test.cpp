// The jvm collector on a /proc of files, with the counters of real JVMs.
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "collectors/collector.h"
#include "collectors/host_root.h"
#include "collectors/jvm_metrics.h"
#include "collectors/parse/hsperfdata.h"
#include "collectors/process_board.h"
#include "collectors/runtime/jvm_live.h"
#include "collectors/runtime/jvm_target.h"
#include "collectors/stopwatch.h"
#include "tests/support/fake_proc.h"
#include "tests/support/memory_host_root.h"
#include "tests/support/recording_sink.h"
#include "tests/support/vm_structs_writer.h"

namespace heapfloor {

extern const CollectorEntry process_collector;
extern const CollectorEntry jvm_collector;

namespace {

using testing::FakeProc;
using testing::RecordedEntity;
using testing::RecordingSink;
using testing::VmStructsWriter;

constexpr const char* kPath = "/tmp/hsperfdata_app/42";

std::vector<std::byte> fixture(const std::string& name) {
  std::ifstream file(std::string(HEAPFLOOR_SOURCE_DIR) + "/tests/fixtures/hsperfdata/" + name,
                     std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

class SetStopwatch final : public Stopwatch {
 public:
  [[nodiscard]] double seconds() const override { return now_seconds; }
  double now_seconds = 1000;
};

class JvmCollectorTest : public ::testing::Test {
 protected:
  static constexpr int kPid = 42;
  static constexpr std::uint64_t kStart = 777;
  static constexpr std::uint64_t kLargeKib = std::uint64_t{2} << 20;

  JvmCollectorTest() : root_(HostPaths{proc_.path(), proc_.path(), proc_.path()}) {
    CollectorOptions options;
    options.refresh_ticks = 1;
    options.board = &board_;
    options.stopwatch = &stopwatch_;
    processes_ = process_collector.make(root_, options);
    jvms_ = jvm_collector.make(root_, options);
    proc_.set(kPid, kStart, "java", 4096);
    proc_.set_mapped(kPid, kLargeKib);
  }

  void map(const std::vector<std::byte>& counters, std::uint64_t inode = 7,
           const std::string& path = kPath) {
    proc_.set_memory(kPid, counters, path, inode);
  }
  void set(const HsperfIndex& index, JvmCounter counter, std::int64_t value) {
    std::memcpy(counters_.data() + index.offsets.at(static_cast<std::size_t>(counter)), &value,
                sizeof value);
  }

  // A tick, so many seconds after the last.
  void tick(double seconds = 0) {
    stopwatch_.now_seconds += seconds;
    RecordingSink ignored;
    ASSERT_TRUE(processes_->collect(ignored));
    sink_.entities.clear();
    const auto report = jvms_->collect(sink_);
    ASSERT_TRUE(report) << report.error().reason;
    report_ = *report;
  }
  [[nodiscard]] const RecordedEntity* entity(EntityKind kind, std::string_view name = {}) const {
    for (const RecordedEntity& entity : sink_.entities) {
      if (entity.kind == kind && (name.empty() || entity.name == name)) return &entity;
    }
    return nullptr;
  }
  [[nodiscard]] double watched() const {
    return entity(EntityKind::agent)->value("heapfloor_watched_jvms").value_or(-1);
  }
  [[nodiscard]] double unreadable(std::string_view reason) const {
    return entity(EntityKind::agent)->value("heapfloor_unreadable_jvms", reason).value_or(-1);
  }

  FakeProc proc_;
  DirectoryHostRoot root_;
  ProcessBoard board_;
  SetStopwatch stopwatch_;
  std::unique_ptr<Collector> processes_, jvms_;
  std::vector<std::byte> counters_;
  RecordingSink sink_;
  CollectReport report_;
};

TEST_F(JvmCollectorTest, AJvmIsToldInTheTickInWhichItIsFound) {
  map(fixture("parallel"));
  tick();
  EXPECT_EQ(watched(), 1);
  const RecordedEntity* const jvm = entity(EntityKind::jvm, "parallel");
  ASSERT_NE(jvm, nullptr);
  EXPECT_EQ(jvm->process, (ProcessId{kPid, kStart}));
  EXPECT_EQ(jvm->value("heapfloor_jvm_gc_collections_total", "young"), 62);
  EXPECT_EQ(jvm->value("heapfloor_jvm_gc_collections_total", "old"), 5);
  EXPECT_EQ(jvm->value("heapfloor_jvm_gc_collections_total", "concurrent"), std::nullopt);
  EXPECT_DOUBLE_EQ(*jvm->value("heapfloor_jvm_gc_seconds_total", "young"), 0.063674003);
  EXPECT_EQ(jvm->value("heapfloor_jvm_heap_limit_bytes"), 64 << 20);
  EXPECT_EQ(jvm->value("heapfloor_jvm_threads"), 6);
  EXPECT_EQ(jvm->attribute(Attribute::vendor), "Debian");
  const RecordedEntity* const old = entity(EntityKind::jvm_pool, "old");
  ASSERT_NE(old, nullptr);
  EXPECT_EQ(old->value("heapfloor_jvm_memory_used_bytes", "heap"), 13571496);
  EXPECT_NE(entity(EntityKind::jvm_pool, "metaspace"), nullptr);
}

TEST_F(JvmCollectorTest, WhatDoesNotChangeIsDescribedOnce) {
  map(fixture("g1"));
  tick();
  tick(1);
  EXPECT_EQ(entity(EntityKind::jvm)->attribute(Attribute::version), std::nullopt);
}

TEST_F(JvmCollectorTest, WhatLivesIsToldOnceAFullCollectionWasSeen) {
  counters_ = fixture("serial");
  const HsperfIndex index = *index_hsperf(counters_);
  map(counters_);
  tick();
  EXPECT_EQ(entity(EntityKind::jvm_pool, "old")->value(kJvmAfterGc), std::nullopt)
      << "nobody knows what was promoted since the last one";
  set(index, JvmCounter::full_count, 6);
  set(index, JvmCounter::old_used, 9 << 20);
  map(counters_);
  tick(1);
  EXPECT_EQ(entity(EntityKind::jvm_pool, "old")->value(kJvmAfterGc), 9 << 20);
  set(index, JvmCounter::old_used, 30 << 20);
  map(counters_);
  tick(1);
  EXPECT_EQ(entity(EntityKind::jvm_pool, "old")->value(kJvmAfterGc), 9 << 20) << "promoted since";
  EXPECT_EQ(entity(EntityKind::jvm)->value(kJvmOldCollections), 6);
}

TEST_F(JvmCollectorTest, AProcessOfLittleAddressSpaceIsNotLookedAt) {
  map(fixture("g1"));
  proc_.set_mapped(kPid, 100 << 10);
  tick();
  EXPECT_EQ(watched(), 0);
}

TEST_F(JvmCollectorTest, AShellThatBecomesAJvmIsFound) {
  tick();
  EXPECT_EQ(watched(), 0);
  map(fixture("g1"));
  tick(3);
  EXPECT_EQ(watched(), 1);
}

TEST_F(JvmCollectorTest, AJvmThatHasEndedIsForgotten) {
  map(fixture("g1"));
  tick();
  proc_.end(kPid);
  tick(1);
  EXPECT_EQ(watched(), 0);
  EXPECT_EQ(entity(EntityKind::jvm), nullptr);
}

TEST_F(JvmCollectorTest, MalformedCountersAreReadOnceAndAnotherFileAgain) {
  auto broken = fixture("g1");
  broken[0] = std::byte{0};
  map(broken, 7);
  tick();
  EXPECT_EQ(watched(), 0);
  EXPECT_EQ(unreadable("implausible"), 1);
  tick(10);
  EXPECT_EQ(report_.entities_read, 0U);
  EXPECT_EQ(unreadable("implausible"), 1);
  map(fixture("g1"), 8);
  tick(60);
  EXPECT_EQ(watched(), 1);
  EXPECT_EQ(unreadable("implausible"), 0);
}

TEST_F(JvmCollectorTest, OneThatIsStartingIsReadWhenItHasItsCounters) {
  auto counters = fixture("g1");
  counters[7] = std::byte{0};  // accessible
  map(counters);
  tick();
  EXPECT_EQ(entity(EntityKind::jvm), nullptr);
  map(fixture("g1"));
  tick(1);
  EXPECT_NE(entity(EntityKind::jvm, "g1"), nullptr);
}

TEST_F(JvmCollectorTest, ANameOfAnotherKindIsNotRead) {
  for (const char* const path : {"/tmp/hsperfdata_app", "/tmp/hsperfdata_app/42x", "/tmp/x/42",
                                 "/tmp/hsperfdata_app/", "hsperfdata_app/42"}) {
    EXPECT_FALSE(is_hsperf_path(path)) << path;
  }
  EXPECT_TRUE(is_hsperf_path("/tmp/hsperfdata_app/42"));
  EXPECT_TRUE(is_hsperf_path("/tmp/hsperfdata_app/42 (deleted)"));
}

TEST_F(JvmCollectorTest, TheCountersOfAnotherJvmThatAToolReadsAreNotItsOwn) {
  map(fixture("g1"));
  const std::string path = proc_.path() + "/42/maps";
  std::ifstream file(path);
  std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  text.replace(text.find("rw-s"), 4, "r--s");
  std::ofstream(path) << text;
  tick();
  EXPECT_EQ(watched(), 0);
}

// A JVM that maps no file of its counters, as with -XX:+PerfDisableSharedMem.
class JvmWithoutFile : public JvmCollectorTest {
 protected:
  JvmWithoutFile() {
    memory_.add_perf_memory();
    memory_.set_counters(fixture("g1"));
    library_ = memory_.library();
  }
  // The process maps the library; `file` is what its path leads to.
  void load(const std::string& file) {
    const std::filesystem::path path = proc_.path() + "/42/root/usr/lib/jvm/libjvm.so";
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << file;
    proc_.set_memory(kPid, memory_.memory(), "/usr/lib/jvm/libjvm.so", 7);
  }
  VmStructsWriter memory_;
  std::string library_;
};

TEST_F(JvmWithoutFile, IsReadInItsMemory) {
  load(library_);
  tick();
  EXPECT_EQ(watched(), 1);
  ASSERT_NE(entity(EntityKind::jvm, "g1"), nullptr);
  EXPECT_EQ(entity(EntityKind::jvm)->attribute(Attribute::vendor), "Debian");
  tick(1);
  EXPECT_EQ(report_.entities_read, 1U);
}

TEST_F(JvmWithoutFile, ThatRunsZgcTellsTheHeapOfThisMoment) {
  constexpr std::uint64_t kUsed = 22 << 20;
  memory_.set_counters(fixture("zgc"));
  memory_.add_z_heap(kUsed);
  load(library_);
  tick();
  const RecordedEntity* const heap = entity(EntityKind::jvm_pool, "heap");
  ASSERT_NE(heap, nullptr);
  EXPECT_EQ(heap->value("heapfloor_jvm_memory_used_bytes", "heap"), kUsed);
  constexpr std::uint64_t kTooMuch = std::uint64_t{1} << 40;
  memory_.put(VmStructsWriter::kHeap + 0x38, kTooMuch);
  load(library_);
  tick(1);
  EXPECT_LT(entity(EntityKind::jvm_pool, "heap")->value("heapfloor_jvm_memory_used_bytes", "heap"),
            1 << 30)
      << "more than the heap may hold: the counter's is taken";
}

TEST_F(JvmWithoutFile, NorCountersIsCountedOnceItCannotBeStartingAnyMore) {
  memory_.put(VmStructsWriter::kStart, std::uint64_t{0});
  load(library_);
  tick();
  EXPECT_EQ(unreadable("no_counters"), 0);
  tick(3);
  EXPECT_EQ(unreadable("no_counters"), 1);
  EXPECT_EQ(watched(), 0);
  EXPECT_FALSE(report_.first_error) << "it was meant so";
}

TEST_F(JvmWithoutFile, ThatIsStartingIsReadWhenItHasItsCounters) {
  memory_.put(VmStructsWriter::kStart, std::uint64_t{0});
  load(library_);
  tick();
  memory_.put(VmStructsWriter::kStart, VmStructsWriter::kCounters);
  load(library_);
  tick(3);
  EXPECT_EQ(watched(), 1);
  EXPECT_EQ(unreadable("no_counters"), 0);
}

TEST_F(JvmWithoutFile, IsNotReadByTheSymbolsOfAnotherFile) {
  std::string other = library_;
  other.at(100) = static_cast<char>(other.at(100) + 1);
  load(other);
  tick();
  EXPECT_EQ(watched(), 0);
  EXPECT_EQ(unreadable("no_symbols"), 1);
}

TEST_F(JvmWithoutFile, AndOfAnotherMakeIsCounted) {
  memory_.put(VmStructsWriter::kBase, std::string(4096, 'x'));
  load(std::string(4096, 'x'));
  tick();
  EXPECT_EQ(unreadable("no_symbols"), 1);
}

TEST_F(JvmWithoutFile, WhoseTableLeadsNowhereIsImplausible) {
  memory_.put(VmStructsWriter::kVariables, std::uint64_t{1} << 55);
  load(library_);
  tick();
  tick(3);
  EXPECT_EQ(unreadable("implausible"), 1);
  EXPECT_EQ(watched(), 0);
}

TEST_F(JvmWithoutFile, WhoseCountersAreNoneIsImplausible) {
  memory_.put(VmStructsWriter::kCounters, std::uint64_t{0x1234});
  load(library_);
  tick();
  EXPECT_EQ(unreadable("implausible"), 1);
  EXPECT_EQ(entity(EntityKind::jvm), nullptr);
}

// A host that refuses the memory of processes, as ptrace_scope does, and shows their files.
class RefusedMemory : public ::testing::Test {
 protected:
  static Result<std::string> text(std::string_view path) {
    if (path == "proc/42/mem") return failure(ErrorKind::denied, std::string(path), "refused");
    if (!path.ends_with(kPath)) return failure(ErrorKind::unavailable, std::string(path), "none");
    const auto bytes = fixture("g1");
    std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    text.resize(0x8000);
    return text;
  }
  RefusedMemory() : root_(text) {
    root_.pids = {42};
    directory_ = std::move(root_.open_process(42).value());
  }
  testing::MemoryHostRoot root_;
  ProcessDir directory_;
};

TEST_F(RefusedMemory, TheFileThatIsMappedIsReadInItsPlace) {
  const std::uint64_t inode = directory_.open_in_root(kPath)->facts().inode;
  auto bytes = JvmCounterBytes::open(directory_, {0x100000, 0x108000, inode, kPath});
  ASSERT_TRUE(bytes) << bytes.error().reason;
  JvmTarget jvm({42, 777}, std::move(*bytes));
  ASSERT_TRUE(jvm.read());
  EXPECT_EQ(jvm.index().gc, JvmGc::g1);
}

TEST_F(RefusedMemory, AnotherFileOfItsNameIsNotRead) {
  const std::uint64_t inode = directory_.open_in_root(kPath)->facts().inode;
  const auto bytes = JvmCounterBytes::open(directory_, {0x100000, 0x108000, inode + 1, kPath});
  ASSERT_FALSE(bytes);
  EXPECT_EQ(bytes.error().kind, ErrorKind::unavailable);
}

TEST_F(RefusedMemory, AFileThatWasCutIsMalformed) {
  const std::uint64_t inode = directory_.open_in_root(kPath)->facts().inode;
  auto bytes = JvmCounterBytes::open(directory_, {0x100000, 0x110000, inode, kPath});
  ASSERT_TRUE(bytes);
  std::vector<std::byte> more(0x8001);
  const Result<void> read = bytes->read(more);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().kind, ErrorKind::malformed);
}

// The rules of the collectors.
class Live : public ::testing::Test {
 protected:
  static JvmReading reading(double full, double cycle_pauses, double used) {
    JvmReading reading;
    reading.collections[static_cast<std::size_t>(JvmCollector::full)].count = full;
    reading.collections[static_cast<std::size_t>(JvmCollector::cycle)].count = cycle_pauses;
    reading.old.used = used;
    return reading;
  }
};

TEST_F(Live, IsNotTakenWhileACollectionRuns) {
  JvmLive live(JvmGc::serial);
  live.take(reading(1, 0, 100));
  JvmReading running = reading(2, 0, 100);
  running.collections[1].is_running = true;
  EXPECT_EQ(live.take(running), std::nullopt) << "counted, and nothing freed yet";
  EXPECT_EQ(live.take(reading(2, 0, 40)), (LiveAfterGc{40, 2}));
}

TEST_F(Live, OfG1IsTheLeastBetweenTwoCycles) {
  JvmLive live(JvmGc::g1);
  live.take(reading(0, 2, 90));
  live.take(reading(0, 2, 60));  // mixed collections
  live.take(reading(0, 2, 80));  // promotion
  EXPECT_EQ(live.take(reading(0, 3, 85)), std::nullopt) << "the cycle has not ended";
  EXPECT_EQ(live.take(reading(0, 4, 95)), (LiveAfterGc{60, 2}));
  EXPECT_EQ(live.take(reading(1, 4, 50)), (LiveAfterGc{50, 3})) << "a full one frees at once";
}

TEST_F(Live, OfZIsTheLeastBetweenTwoCyclesOfThreePauses) {
  JvmLive live(JvmGc::z);
  live.take(reading(0, 3, 475));
  live.take(reading(0, 4, 199));
  live.take(reading(0, 5, 300));
  EXPECT_EQ(live.take(reading(0, 6, 400)), (LiveAfterGc{199, 2}));
}

// By the counters that its source names; not seen running: Debian has no such JDK.
TEST_F(Live, OfGenerationalZIsTheLeastBetweenTwoPausesOfMajorCollections) {
  JvmLive live(JvmGc::z_generational);
  live.take(reading(0, 1, 300));
  live.take(reading(0, 1, 120));
  EXPECT_EQ(live.take(reading(0, 2, 180)), (LiveAfterGc{120, 2}));
}

TEST_F(Live, OfACollectorThatIsNotKnownIsNotTold) {
  JvmLive live(JvmGc::other);
  live.take(reading(1, 1, 100));
  EXPECT_EQ(live.take(reading(9, 9, 50)), std::nullopt);
}

TEST_F(Live, OfShenandoahIsTheLeastBetweenTwoPauses) {
  JvmLive live(JvmGc::shenandoah);
  live.take(reading(1, 0, 100));
  live.take(reading(1, 0, 70));
  EXPECT_EQ(live.take(reading(2, 0, 90)), (LiveAfterGc{70, 2}));
}

}  // namespace
}  // namespace heapfloor
