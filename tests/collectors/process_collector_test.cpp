#include <unistd.h>

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "collectors/collector.h"
#include "collectors/process_board.h"
#include "collectors/process_metrics.h"
#include "collectors/process_table.h"
#include "tests/support/changing_host.h"
#include "tests/support/fixture_host.h"
#include "tests/support/memory_host_root.h"
#include "tests/support/recording_sink.h"

namespace heapfloor {

extern const CollectorEntry process_collector;

namespace {

using testing::ChangingHost;
using testing::FixtureHost;
using testing::MemoryHostRoot;
using testing::Numbers;
using testing::RecordedEntity;
using testing::RecordingSink;

constexpr double kKiB = 1024;
constexpr CollectorOptions kEveryTick = {.refresh_ticks = 1};
constexpr CollectorOptions kRarely = {.refresh_ticks = 1000000};

struct Collected {
  RecordingSink sink;
  CollectReport report;
};

void tick(ProcessTable& table, Collected& collected) {
  collected.sink.entities.clear();
  const auto report = table.tick(collected.sink);
  ASSERT_TRUE(report);
  collected.report = *report;
}

void collect(const HostRoot& root, Collected& collected) {
  ProcessTable table(root, {});
  tick(table, collected);
}

std::uint64_t errors_of(const CollectReport& report, ErrorKind kind) {
  return report.errors.at(static_cast<std::size_t>(kind));
}

TEST(ProcessCollector, CountsDescriptorsAndKnowsTheirLimit) {
  ChangingHost host;
  host.add(7);
  host.root.descriptors[7] = 900;
  host.limits = "Max open files            1024                 524288               files     \n";
  ProcessTable table(host.root, kEveryTick);
  Collected now;
  tick(table, now);
  const RecordedEntity* server = now.sink.process(7);
  ASSERT_NE(server, nullptr);
  EXPECT_EQ(server->value(kProcessDescriptors), 900);
  EXPECT_EQ(server->value(kProcessDescriptorLimit), 1024);
  host.root.descriptors[7] = 901;
  tick(table, now);
  EXPECT_EQ(now.sink.process(7)->value(kProcessDescriptors), 901);
  EXPECT_EQ(host.reads["7/limits"], 1) << "limits hardly ever change";
}

TEST(ProcessCollector, TakesNoLimitOverFromTheFormerOwnerOfAPid) {
  ChangingHost host;
  host.add(7);
  host.root.descriptors[7] = 900;
  host.limits = "Max open files            1024                 524288               files     \n";
  ProcessTable table(host.root, kEveryTick);
  Collected now;
  tick(table, now);
  host.reuse(7, {.start_ticks = 9000});
  host.limits.clear();
  tick(table, now);
  EXPECT_EQ(now.sink.process(7)->process.start_ticks, 9000U);
  EXPECT_EQ(now.sink.process(7)->value(kProcessDescriptors), 900);
  EXPECT_EQ(now.sink.process(7)->value(kProcessDescriptorLimit), std::nullopt);
}

TEST(ProcessCollector, KnowsTheLimitsOfMemoryWhereThereAreAny) {
  ChangingHost host;
  host.add(7);
  host.limits =
      "Max data size             67108864             unlimited            bytes     \n"
      "Max open files            1024                 524288               files     \n"
      "Max address space         unlimited            unlimited            bytes     \n";
  ProcessTable table(host.root, kEveryTick);
  Collected now;
  tick(table, now);
  EXPECT_EQ(now.sink.process(7)->value(kProcessDataLimit), 67108864);
  EXPECT_EQ(now.sink.process(7)->value(kProcessAddressSpaceLimit), std::nullopt);
  host.reuse(7, {.start_ticks = 9000});
  host.limits.clear();
  tick(table, now);
  EXPECT_EQ(now.sink.process(7)->value(kProcessDataLimit), std::nullopt) << "of another process";
}

TEST(ProcessCollector, CountsMappingsRarely) {
  ChangingHost host;
  host.add(7);
  host.maps = "a\nb\nc\n";
  ProcessTable table(host.root, kEveryTick);
  Collected now;
  tick(table, now);
  EXPECT_EQ(now.sink.process(7)->value(kProcessMappings), 3);
  host.maps += "d\n";
  host.processes[7].virtual_bytes += 4096;
  for (int ticks = 1; ticks < 16; ++ticks) tick(table, now);
  EXPECT_EQ(host.reads["7/maps"], 2) << "the first time, and once in sixteen";
  EXPECT_EQ(now.sink.process(7)->value(kProcessMappings), 4);
  for (int ticks = 0; ticks < 64; ++ticks) tick(table, now);
  EXPECT_EQ(host.reads["7/maps"], 3) << "once in sixty-four while the address space stays as large";
  host.reuse(7, {.start_ticks = 9000});
  host.maps.clear();
  tick(table, now);
  EXPECT_EQ(now.sink.process(7)->value(kProcessMappings), std::nullopt) << "of another process";
}

TEST(ProcessCollector, CountsNoMoreMappingsInATickThanItHasTimeFor) {
  ChangingHost host;
  for (std::int32_t pid = 1; pid <= 3; ++pid) host.add(pid);
  for (std::size_t line = 0; line < ProcessTable::kMostMappingsATick; ++line) host.maps += "m\n";
  ProcessTable table(host.root, kEveryTick);
  Collected now;
  for (std::int32_t ticks = 1; ticks <= 3; ++ticks) {
    tick(table, now);
    for (std::int32_t pid = 1; pid <= 3; ++pid)
      EXPECT_EQ(now.sink.process(pid)->value(kProcessMappings).has_value(), pid <= ticks) << pid;
  }
}

TEST(ProcessCollector, TellsOfMapsThatItMayNotRead) {
  ChangingHost host;
  host.add(1);
  host.refused["maps"] = ErrorKind::denied;
  ProcessTable table(host.root, kEveryTick);
  Collected now;
  tick(table, now);
  EXPECT_EQ(now.sink.process(1)->value(kProcessMappings), std::nullopt);
  EXPECT_EQ(now.sink.process(1)->value(kProcessUnreadableMaps), 1);
  EXPECT_EQ(now.report.errors, (std::array<std::uint64_t, kErrorKinds>{}));
  for (const SourceAccess& source : now.report.sources)
    EXPECT_EQ(source.is_accessible, source.source != "maps") << source.source;
}

TEST(ProcessCollector, LeavesOutDescriptorsThatItMayNotCount) {
  ChangingHost host;
  host.add(7);
  ProcessTable table(host.root, kEveryTick);
  Collected now;
  tick(table, now);
  EXPECT_EQ(now.sink.process(7)->value(kProcessDescriptors), std::nullopt);
  EXPECT_EQ(now.report.errors, (std::array<std::uint64_t, kErrorKinds>{})) << "no error either";
}

TEST(ProcessCollector, TellsTheCollectorsBehindItWhatItSaw) {
  ChangingHost host;
  host.add(7, {.anon_kilobytes = 4096, .swap_kilobytes = 512});
  host.add(8, {.kernel_thread = true});
  host.add(9, {.anon_kilobytes = 1024});
  CollectorOptions options;
  options.descriptor_budget = 2;
  ProcessBoard board;
  options.board = &board;
  const auto collector = process_collector.make(host.root, options);
  RecordingSink sink;
  ASSERT_TRUE(collector->collect(sink));
  ASSERT_EQ(board.processes.size(), 2U) << "kernel threads have no memory";
  const SeenProcess& first = board.processes[0];
  EXPECT_EQ(first.id.pid, 7);
  EXPECT_EQ(first.resident_bytes, (4096U + 2048U) * 1024U);
  EXPECT_EQ(first.swapped_bytes, 512U * 1024U);
  EXPECT_NE(first.directory, nullptr);
  EXPECT_EQ(board.processes[1].directory, nullptr) << "beyond the descriptor budget";
  host.remove(7);
  ASSERT_TRUE(collector->collect(sink));
  ASSERT_EQ(board.processes.size(), 1U);
  EXPECT_EQ(board.processes[0].id.pid, 9);
}

TEST(ProcessAttributes, AProcessThatIsMetIsDescribedInWords) {
  ChangingHost host;
  host.add(7);
  ProcessTable table(host.root, kRarely);
  Collected now;
  tick(table, now);
  const RecordedEntity* server = now.sink.process(7);
  ASSERT_NE(server, nullptr);
  EXPECT_EQ(server->attribute(Attribute::executable), "/usr/bin/server");
  EXPECT_EQ(server->attribute(Attribute::command_line), std::string("server\0--fast\0", 14));
  EXPECT_EQ(server->attribute(Attribute::user_id), "1000");
  EXPECT_EQ(server->attribute(Attribute::parent_id), "1");
  EXPECT_EQ(server->attribute(Attribute::cgroup), "/system.slice/server.service");
}

class ProcessAttributesWithBudget : public ::testing::TestWithParam<std::size_t> {
 protected:
  ProcessAttributesWithBudget() { host_.add(7); }
  [[nodiscard]] std::size_t described() const { return now_.sink.process(7)->attributes.size(); }
  void next() { tick(table_, now_); }

  ChangingHost host_;
  ProcessTable table_{host_.root, {.descriptor_budget = GetParam(), .refresh_ticks = 4}};
  Collected now_;
};

TEST_P(ProcessAttributesWithBudget, AreReadTwiceAndThenNearlyNeverWhileNothingChanges) {
  for (int round = 0; round < 100; ++round) {
    next();
    EXPECT_EQ(described(), round == 0 ? 5U : 0U) << "said once";
  }
  for (const char* file : {"exe", "cmdline", "cgroup"}) EXPECT_EQ(host_.reads[file], 2) << file;
  for (int round = 0; round < 1000; ++round) next();
  for (const char* file : {"exe", "cmdline", "cgroup"}) EXPECT_LE(host_.reads[file], 7) << file;
}

TEST_P(ProcessAttributesWithBudget, OfAProgramThatWasExecutedAfterTheForkAreSeenWhenItSettles) {
  next();
  host_.processes[7].exe = "/usr/bin/nginx";
  next();
  EXPECT_EQ(described(), 0U);
  next();
  EXPECT_EQ(now_.sink.process(7)->attribute(Attribute::executable), "/usr/bin/nginx");
}

TEST_P(ProcessAttributesWithBudget, AreReadAgainWhenTheNameChanges) {
  for (int round = 0; round < 20; ++round) next();
  host_.processes[7].comm = "renamed";
  host_.processes[7].resident_pages += 1;
  host_.processes[7].cmdline = "renamed";
  next();
  EXPECT_EQ(now_.sink.process(7)->attribute(Attribute::command_line), "renamed");
}

TEST_P(ProcessAttributesWithBudget, OfAnotherProgramUnderTheSameNameAreSeenAtOnce) {
  for (int round = 0; round < 20; ++round) next();
  Numbers& process = host_.processes[7];
  process.cmdline = "server other.py";
  process.resident_pages = 500;
  process.peak_kilobytes = 2000;
  next();
  EXPECT_EQ(now_.sink.process(7)->attribute(Attribute::command_line), "server other.py");
}

TEST_P(ProcessAttributesWithBudget, AreReadAgainWhenTheUserChanges) {
  for (int round = 0; round < 20; ++round) next();
  host_.processes[7].user = 33;
  ++host_.processes[7].minor_faults;  // nobody calls setuid(2) without running
  for (int round = 0; round < 4 && described() == 0; ++round) next();
  EXPECT_EQ(now_.sink.process(7)->attribute(Attribute::user_id), "33");
  EXPECT_EQ(described(), 5U) << "all are said again, not only what changed";
}

TEST_P(ProcessAttributesWithBudget, OfASilentMoveAreFoundInTurn) {
  for (int round = 0; round < 20; ++round) next();
  host_.processes[7].cgroup = "0::/elsewhere\n";
  int rounds = 0;
  do next();
  while (described() == 0 && ++rounds < 1000);
  EXPECT_EQ(now_.sink.process(7)->attribute(Attribute::cgroup), "/elsewhere");
  EXPECT_LE(rounds, 256);
}

TEST_P(ProcessAttributesWithBudget, OfTheNextOwnerOfAPidAreItsOwn) {
  next();
  host_.reuse(7, {.comm = "other", .start_ticks = 9000, .exe = "/bin/other", .cmdline = "other"});
  next();
  EXPECT_EQ(now_.sink.process(7)->process.start_ticks, 9000U);
  EXPECT_EQ(now_.sink.process(7)->attribute(Attribute::executable), "/bin/other");
}

TEST_P(ProcessAttributesWithBudget, ThatAreRefusedAreLeftOutCountedAndToldAsASource) {
  host_.refused["exe"] = ErrorKind::denied;
  next();
  const RecordedEntity* server = now_.sink.process(7);
  ASSERT_NE(server, nullptr);
  EXPECT_EQ(server->attribute(Attribute::executable), std::nullopt);
  EXPECT_TRUE(server->attribute(Attribute::command_line));
  EXPECT_EQ(server->value(kProcessUnreadableExe), 1);
  EXPECT_FALSE(server->value(kProcessUnreadableCmdline));
  EXPECT_EQ(errors_of(now_.report, ErrorKind::denied), 1U);
  EXPECT_FALSE(now_.report.first_error) << "a line in the log would come with every new process";
  for (const SourceAccess& source : now_.report.sources) {
    const bool open = source.source != "exe" && source.source != "processes";
    EXPECT_EQ(source.is_accessible, open) << source.source;
  }
  next();
  EXPECT_EQ(now_.sink.process(7)->value(kProcessUnreadableExe), 1) << "for as long as it is so";
  EXPECT_EQ(errors_of(now_.report, ErrorKind::denied), 0U) << "it was not asked for again";
}

TEST_P(ProcessAttributesWithBudget, ThatDoNotExistAreNoRefusal) {
  host_.refused["exe"] = ErrorKind::unavailable;
  next();
  EXPECT_FALSE(now_.sink.process(7)->value(kProcessUnreadableExe));
  EXPECT_EQ(errors_of(now_.report, ErrorKind::unavailable), 0U);
}

TEST_P(ProcessAttributesWithBudget, OfALongCommandLineAreItsStart) {
  host_.processes[7].cmdline = std::string(100000, 'x');
  next();
  EXPECT_EQ(now_.sink.process(7)->attribute(Attribute::command_line)->size(),
            kMostCommandLineBytes);
}

TEST_P(ProcessAttributesWithBudget, OfOneThatDiesWhileTheyAreReadAreNotSaid) {
  for (const char* file : {"stat", "status", "statm", "exe", "cmdline", "cgroup"}) {
    ChangingHost host;
    host.add(7);
    host.add(9, {.comm = "neighbour"});
    host.refused[file] = ErrorKind::gone;
    ProcessTable table(host.root, {.descriptor_budget = GetParam(), .refresh_ticks = 4});
    Collected now;
    tick(table, now);
    if (std::string_view(file) == "statm" && GetParam() == 0) continue;  // not read at all
    EXPECT_EQ(now.sink.process(7), nullptr) << file;
    host.refused.clear();
    tick(table, now);
    ASSERT_NE(now.sink.process(7), nullptr) << file;
    EXPECT_EQ(now.sink.process(7)->attributes.size(), 5U) << file;
  }
}

INSTANTIATE_TEST_SUITE_P(KeptOpenOrNot, ProcessAttributesWithBudget, ::testing::Values(0, 16384));

TEST(ProcessCollector, EveryMetricOfAProcessIsReadInBytesAndCounts) {
  const FixtureHost host("process_growing");
  Collected now;
  collect(host.root(), now);
  EXPECT_EQ(now.report.entities_read, 2U);
  const RecordedEntity* server = now.sink.process(42);
  ASSERT_NE(server, nullptr);
  EXPECT_EQ(server->kind, EntityKind::process);
  EXPECT_EQ(server->process, (ProcessId{42, 5000}));
  EXPECT_EQ(server->name, "server");
  EXPECT_EQ(server->value(kProcessResidentAnon), 8192 * kKiB);
  EXPECT_EQ(server->value(kProcessResidentFile), 2048 * kKiB);
  EXPECT_EQ(server->value(kProcessResidentShmem), 0);
  EXPECT_EQ(server->value(kProcessResidentPeak), 12288 * kKiB);
  EXPECT_EQ(server->value(kProcessVirtual), 102400 * kKiB);
  EXPECT_EQ(server->value(kProcessData), 30000 * kKiB);
  EXPECT_EQ(server->value(kProcessPageTable), 120 * kKiB);
  EXPECT_EQ(server->value(kProcessLocked), 0);
  EXPECT_EQ(server->value(kProcessHugetlb), 0);
  EXPECT_EQ(server->value(kProcessSwap), 64 * kKiB);
  EXPECT_EQ(server->value(kProcessThreads), 3);
  EXPECT_EQ(server->value(kProcessCpu), 200.0 / static_cast<double>(::sysconf(_SC_CLK_TCK)));
  EXPECT_EQ(server->value(kProcessMinorFaults), 100);
  EXPECT_EQ(server->value(kProcessMajorFaults), 2);
  EXPECT_FALSE(server->value(kProcessUnreadableStatus));
}

TEST(ProcessCollector, EverySampleHasADescriptorOfTheEntry) {
  const FixtureHost host("process_growing");
  Collected now;
  collect(host.root(), now);
  const MetricDesc* first = process_collector.metrics.data();
  for (const RecordedEntity& entity : now.sink.entities) {
    for (const auto& value : entity.values) {
      EXPECT_TRUE(value.desc >= first && value.desc < first + process_collector.metrics.size());
    }
  }
}

TEST(ProcessCollector, EntitiesComeInTheOrderOfTheirPids) {
  const FixtureHost host("process_growing");
  Collected now;
  collect(host.root(), now);
  ASSERT_EQ(now.sink.entities.size(), 2U);
  EXPECT_EQ(now.sink.entities[0].process.pid, 7);
  EXPECT_EQ(now.sink.entities[1].process.pid, 42);
}

class ProcessCollectorWithBudget : public ::testing::TestWithParam<std::size_t> {
 protected:
  [[nodiscard]] static CollectorOptions rarely() {
    return {.descriptor_budget = GetParam(), .refresh_ticks = 1000000};
  }
};

TEST_P(ProcessCollectorWithBudget, AGrowingProcessShowsAtOnceWithoutARefresh) {
  FixtureHost host("process_growing");
  ProcessTable table(host.root(), rarely());
  Collected now;
  tick(table, now);
  host.show(1);
  tick(table, now);
  const RecordedEntity* server = now.sink.process(42);
  ASSERT_NE(server, nullptr);
  EXPECT_EQ(server->value(kProcessResidentAnon), 12288 * kKiB);
  EXPECT_EQ(server->value(kProcessResidentPeak), 14336 * kKiB);
  EXPECT_EQ(server->value(kProcessMinorFaults), 1124);
  const RecordedEntity* idle = now.sink.process(7);
  ASSERT_NE(idle, nullptr);
  EXPECT_EQ(idle->value(kProcessResidentAnon), 8192 * kKiB);
}

TEST_P(ProcessCollectorWithBudget, AVanishedProcessIsNotMentionedAgain) {
  FixtureHost host("process_vanishing");
  ProcessTable table(host.root(), rarely());
  Collected now;
  tick(table, now);
  EXPECT_EQ(now.sink.entities.size(), 2U);
  host.show(1);
  tick(table, now);
  ASSERT_EQ(now.sink.entities.size(), 1U);
  EXPECT_EQ(now.sink.entities[0].process.pid, 42);
}

TEST_P(ProcessCollectorWithBudget, AReusedPidIsANewEntityInTheSameTickThoughAllItsSizesAreEqual) {
  ChangingHost host;
  host.add(42, {.comm = "old", .start_ticks = 5000, .minor_faults = 100});
  ProcessTable table(host.root, rarely());
  Collected now;
  tick(table, now);
  EXPECT_EQ(now.sink.process(42)->name, "old");
  host.reuse(42, {.comm = "new", .start_ticks = 9000, .minor_faults = 100});
  tick(table, now);
  ASSERT_EQ(now.sink.entities.size(), 1U);
  EXPECT_EQ(now.sink.entities[0].process, (ProcessId{42, 9000}));
  EXPECT_EQ(now.sink.entities[0].name, "new");
}

TEST_P(ProcessCollectorWithBudget, AnIdleProcessKeepsItsValuesAndIsNotReadWholeAgain) {
  ChangingHost host;
  host.add(42);
  ProcessTable table(host.root, rarely());
  Collected now;
  tick(table, now);
  const RecordedEntity first = *now.sink.process(42);
  const int whole = host.reads["status"];
  for (int i = 0; i < 10; ++i) tick(table, now);
  EXPECT_EQ(host.reads["status"], whole);
  ASSERT_NE(now.sink.process(42), nullptr);
  const RecordedEntity& last = *now.sink.process(42);
  ASSERT_EQ(last.values.size(), first.values.size());
  for (const auto& value : first.values)
    EXPECT_EQ(last.value(*value.desc), value.value) << value.desc->name;
}

TEST_P(ProcessCollectorWithBudget, IdleProcessesAreRefreshedInTurn) {
  constexpr std::uint32_t kTicks = 4;
  ChangingHost host;
  for (std::int32_t pid = 100; pid < 140; ++pid) host.add(pid);
  ProcessTable table(host.root, {.descriptor_budget = GetParam(), .refresh_ticks = kTicks});
  Collected now;
  tick(table, now);
  for (auto& [pid, numbers] : host.processes) {
    numbers.swap_kilobytes = 512;                // does not show in statm
    if (GetParam() > 0) ++numbers.minor_faults;  // nor does what came with it
  }
  int refreshed = 0;
  for (std::uint32_t i = 0; i < kTicks; ++i) {
    host.reads.clear();
    tick(table, now);
    EXPECT_EQ(host.reads["status"], 10);
    refreshed += host.reads["status"];
  }
  EXPECT_EQ(refreshed, 40);
  for (const RecordedEntity& entity : now.sink.entities)
    EXPECT_EQ(entity.value(kProcessSwap), 512 * kKiB);
}

INSTANTIATE_TEST_SUITE_P(KeptOpenOrNot, ProcessCollectorWithBudget, ::testing::Values(0, 16384));

TEST(ProcessCollector, APidReusedInAFixtureIsToldByItsStartTime) {
  FixtureHost host("process_pid_reuse");
  ProcessTable table(host.root(), kEveryTick);
  Collected now;
  tick(table, now);
  EXPECT_EQ(now.sink.process(42)->process.start_ticks, 5000U);
  host.show(1);
  tick(table, now);
  ASSERT_EQ(now.sink.entities.size(), 1U);
  EXPECT_EQ(now.sink.entities[0].process.start_ticks, 9000U);
  EXPECT_EQ(now.sink.entities[0].name, "new");
}

TEST(ProcessCollector, AnOldKernelGivesAnonFromStatmAndLeavesTheOtherKindsOut) {
  const FixtureHost host("process_old_kernel");
  Collected now;
  collect(host.root(), now);
  const RecordedEntity* server = now.sink.process(42);
  ASSERT_NE(server, nullptr);
  EXPECT_EQ(server->value(kProcessResidentAnon), (2560 - 512) * 4096);
  EXPECT_FALSE(server->value(kProcessResidentFile));
  EXPECT_FALSE(server->value(kProcessResidentShmem));
  EXPECT_FALSE(server->value(kProcessHugetlb));
  EXPECT_EQ(server->value(kProcessSwap), 64 * kKiB);
  EXPECT_FALSE(now.report.first_error);
}

TEST(ProcessCollector, AnUnreadableStatusLeavesWhatStatGaveAndIsCounted) {
  const FixtureHost host("process_unreadable_status");
  Collected now;
  collect(host.root(), now);
  EXPECT_EQ(now.report.entities_read, 2U);
  EXPECT_EQ(errors_of(now.report, ErrorKind::unavailable), 1U);
  const RecordedEntity* guarded = now.sink.process(42);
  ASSERT_NE(guarded, nullptr);
  EXPECT_EQ(guarded->name, "guarded");
  EXPECT_EQ(guarded->value(kProcessThreads), 3);
  EXPECT_EQ(guarded->value(kProcessVirtual), 104857600);
  EXPECT_EQ(guarded->value(kProcessResidentAnon), (2560 - 512) * 4096);
  EXPECT_FALSE(guarded->value(kProcessSwap));
  EXPECT_EQ(guarded->value(kProcessUnreadableStatus), 1);
  EXPECT_FALSE(now.sink.process(43)->value(kProcessUnreadableStatus));
}

TEST(ProcessCollector, AStatusThatBecomesReadableAgainEndsTheMark) {
  ChangingHost host;
  host.add(42);
  host.refused["status"] = ErrorKind::denied;
  ProcessTable table(host.root, kEveryTick);
  Collected now;
  tick(table, now);
  EXPECT_EQ(errors_of(now.report, ErrorKind::denied), 1U);
  EXPECT_EQ(now.sink.process(42)->value(kProcessUnreadableStatus), 1);
  host.refused.clear();
  tick(table, now);
  EXPECT_FALSE(now.sink.process(42)->value(kProcessUnreadableStatus));
  EXPECT_EQ(now.sink.process(42)->value(kProcessResidentAnon), 8192 * kKiB);
}

TEST(ProcessCollector, AProcessWhoseStatIsDeniedIsCountedAndTheOthersAreRead) {
  ChangingHost host;
  host.add(42);
  host.refused["stat"] = ErrorKind::denied;
  ProcessTable table(host.root, kEveryTick);
  Collected now;
  tick(table, now);
  EXPECT_TRUE(now.sink.entities.empty());
  EXPECT_EQ(errors_of(now.report, ErrorKind::denied), 1U);
  EXPECT_EQ(host.root.open_handles(), 0U);
  host.refused.clear();
  tick(table, now);
  EXPECT_NE(now.sink.process(42), nullptr);
}

class ProcessCollectorWithOneRefusal : public ::testing::TestWithParam<std::size_t> {
 protected:
  ProcessCollectorWithOneRefusal() {
    host_.add(42, {.comm = "server"});
    tick(table_, now_);
  }
  void expect_only_that_the_same_process_is_unreadable() {
    ASSERT_NE(now_.sink.process(42), nullptr);
    EXPECT_EQ(now_.sink.process(42)->process, (ProcessId{42, 5000}));
    EXPECT_EQ(now_.sink.process(42)->name, "server");
    EXPECT_EQ(now_.sink.process(42)->values.size(), 1U);
    EXPECT_EQ(now_.sink.process(42)->value(kProcessUnreadableStatus), 1);
    EXPECT_EQ(now_.report.entities_read, 0U);
  }

  ChangingHost host_;
  ProcessTable table_{host_.root, {.descriptor_budget = GetParam(), .refresh_ticks = 1}};
  Collected now_;
};

TEST_P(ProcessCollectorWithOneRefusal, AProcessThatCannotBeReadForATickIsStillThatProcess) {
  for (const ErrorKind kind :
       {ErrorKind::io, ErrorKind::denied, ErrorKind::malformed, ErrorKind::timeout}) {
    host_.refused = {{"stat", kind}, {"statm", kind}};
    tick(table_, now_);
    expect_only_that_the_same_process_is_unreadable();
    EXPECT_EQ(errors_of(now_.report, kind), 1U);
    tick(table_, now_);
    expect_only_that_the_same_process_is_unreadable();
    host_.refused.clear();
    tick(table_, now_);
    EXPECT_EQ(now_.sink.process(42)->process, (ProcessId{42, 5000}));
    EXPECT_EQ(now_.sink.process(42)->value(kProcessResidentAnon), 8192 * kKiB);
    EXPECT_FALSE(now_.report.first_error);
  }
}

TEST_P(ProcessCollectorWithOneRefusal, AProcessThatEndedIsNotMentioned) {
  for (const ErrorKind kind : {ErrorKind::gone, ErrorKind::unavailable}) {
    host_.refused = {{"stat", kind}, {"statm", kind}};
    tick(table_, now_);
    EXPECT_TRUE(now_.sink.entities.empty());
    host_.refused = {{"stat", ErrorKind::io}, {"statm", ErrorKind::io}};
    tick(table_, now_);
    EXPECT_TRUE(now_.sink.entities.empty()) << "whoever has the pid now is not known yet";
    host_.refused.clear();
    tick(table_, now_);
    EXPECT_NE(now_.sink.process(42), nullptr);
  }
}

TEST_P(ProcessCollectorWithOneRefusal, AProcessReplacedMeanwhileIsTheNewOne) {
  host_.refused = {{"stat", ErrorKind::io}, {"statm", ErrorKind::io}};
  tick(table_, now_);
  host_.refused.clear();
  host_.reuse(42, {.comm = "new", .start_ticks = 9000});
  tick(table_, now_);
  ASSERT_EQ(now_.sink.entities.size(), 1U);
  EXPECT_EQ(now_.sink.entities[0].process, (ProcessId{42, 9000}));
  EXPECT_EQ(now_.sink.entities[0].name, "new");
}

INSTANTIATE_TEST_SUITE_P(KeptOpenOrNot, ProcessCollectorWithOneRefusal,
                         ::testing::Values(0, 16384));

TEST(ProcessCollector, ARefreshThatFailsRepeatsForOneTickWhatStatmVouchesFor) {
  ChangingHost host;
  host.add(42);
  ProcessTable table(host.root, kEveryTick);
  Collected now;
  tick(table, now);
  host.refused["stat"] = ErrorKind::io;
  tick(table, now);
  ASSERT_NE(now.sink.process(42), nullptr);
  EXPECT_EQ(now.sink.process(42)->value(kProcessResidentAnon), 8192 * kKiB);
  EXPECT_EQ(errors_of(now.report, ErrorKind::io), 1U);
  tick(table, now);
  ASSERT_NE(now.sink.process(42), nullptr);
  EXPECT_EQ(now.sink.process(42)->values.size(), 1U);
  EXPECT_EQ(now.sink.process(42)->value(kProcessUnreadableStatus), 1);
  EXPECT_EQ(errors_of(now.report, ErrorKind::io), 1U);
}

TEST(ProcessCollector, AProcessWhoseDescriptorsSayThatItEndedIsNotMentionedThoughItsPidIsListed) {
  ChangingHost host;
  host.add(42);
  ProcessTable table(host.root, kEveryTick);
  Collected now;
  tick(table, now);
  host.reuse(42, {.comm = "new", .start_ticks = 9000});
  host.refused["stat"] = ErrorKind::io;
  tick(table, now);
  EXPECT_TRUE(now.sink.entities.empty());
}

TEST(ProcessCollector, HostileNamesArriveByteForByte) {
  const FixtureHost host("process_hostile_names");
  Collected now;
  collect(host.root(), now);
  EXPECT_EQ(now.report.entities_read, 4U);
  EXPECT_EQ(now.sink.process(42)->name, "a) R 1 (b");
  EXPECT_EQ(now.sink.process(43)->name, "x) Z\n1 (y");
  EXPECT_EQ(now.sink.process(44)->name, "\xff\xfe\"{} \\n");
  EXPECT_EQ(now.sink.process(45)->name, "");
  for (const RecordedEntity& entity : now.sink.entities)
    EXPECT_EQ(entity.process.start_ticks, 5000U);
}

TEST(ProcessCollector, KernelThreadsAreNoSamplesAndAZombieIsOneWithoutSizes) {
  const FixtureHost host("process_kinds");
  Collected now;
  collect(host.root(), now);
  EXPECT_EQ(now.report.entities_read, 2U);
  EXPECT_EQ(now.sink.process(2), nullptr);
  const RecordedEntity* zombie = now.sink.process(43);
  ASSERT_NE(zombie, nullptr);
  EXPECT_EQ(zombie->value(kProcessThreads), 1);
  EXPECT_EQ(zombie->value(kProcessMinorFaults), 100);
  EXPECT_FALSE(zombie->value(kProcessVirtual));
  EXPECT_FALSE(zombie->value(kProcessResidentAnon));
  EXPECT_FALSE(zombie->value(kProcessSwap));
  EXPECT_FALSE(zombie->value(kProcessUnreadableStatus));
}

TEST(ProcessCollector, AProcessThatEndsBetweenListingAndReadingIsCountedAsVanished) {
  ChangingHost host;
  host.add(42);
  host.add(43);
  ProcessTable table(host.root, kEveryTick);
  Collected now;
  tick(table, now);
  host.remove(43);
  host.root.pids = {42, 43};
  tick(table, now);
  EXPECT_EQ(now.report.entities_read, 1U);
  EXPECT_EQ(errors_of(now.report, ErrorKind::gone), 1U);
  EXPECT_FALSE(now.report.first_error);
  EXPECT_EQ(now.sink.process(43), nullptr);
}

TEST(ProcessCollector, AtMostTwoDescriptorsAProcessAreKeptAndNeverMoreThanTheBudget) {
  ChangingHost host;
  for (std::int32_t pid = 1; pid <= 20; ++pid) host.add(pid);
  ProcessTable table(host.root, {.descriptor_budget = 11, .refresh_ticks = 4});
  Collected now;
  for (int i = 0; i < 3; ++i) {
    tick(table, now);
    EXPECT_EQ(now.report.entities_read, 20U);
    EXPECT_EQ(table.held_descriptors(), 10U);
    EXPECT_EQ(host.root.open_handles(), 10U);
  }
}

TEST(ProcessCollector, KernelThreadsTakeNoneOfTheDescriptorBudget) {
  ChangingHost host;
  for (std::int32_t pid = 2; pid <= 400; ++pid) host.add(pid, {.kernel_thread = true});
  for (std::int32_t pid = 1001; pid <= 1005; ++pid) host.add(pid);
  ProcessTable table(host.root, {.descriptor_budget = 10, .refresh_ticks = 4});
  Collected now;
  for (int i = 0; i < 6; ++i) {
    tick(table, now);
    EXPECT_EQ(now.report.entities_read, 5U);
    EXPECT_EQ(table.held_descriptors(), 10U);
    EXPECT_EQ(host.root.open_handles(), 10U);
    host.reads.clear();
    tick(table, now);
    for (const char* statm : {"1001/statm", "1002/statm", "1003/statm", "1004/statm", "1005/statm"})
      EXPECT_EQ(host.reads[statm], 1) << statm;
  }
}

TEST(ProcessCollector, AStillProcessIsRefreshedWithoutItsStatus) {
  constexpr std::uint32_t kTicks = 4;
  ChangingHost host;
  for (std::int32_t pid = 100; pid < 140; ++pid) host.add(pid);
  ProcessTable table(host.root, {.refresh_ticks = kTicks});
  Collected now;
  tick(table, now);
  const std::vector<RecordedEntity> first = now.sink.entities;
  host.reads.clear();
  for (std::uint32_t i = 0; i < 16 * kTicks; ++i) tick(table, now);
  EXPECT_EQ(host.reads["stat"], 40 * 16);
  EXPECT_EQ(host.reads["status"], 40) << "once in sixteen refreshes";
  ASSERT_EQ(now.sink.entities.size(), first.size());
  for (std::size_t i = 0; i < first.size(); ++i) {
    for (const auto& value : first[i].values)
      EXPECT_EQ(now.sink.entities[i].value(*value.desc), value.value) << value.desc->name;
  }
}

TEST(ProcessCollector, AProcessWithSwappedMemoryIsNeverStill) {
  constexpr std::uint32_t kTicks = 4;
  ChangingHost host;
  host.add(42, {.swap_kilobytes = 512});
  ProcessTable table(host.root, {.refresh_ticks = kTicks});
  Collected now;
  tick(table, now);
  host.processes[42].swap_kilobytes = 8;  // given back without a fault
  for (std::uint32_t i = 0; i < kTicks; ++i) tick(table, now);
  EXPECT_EQ(now.sink.process(42)->value(kProcessSwap), 8 * kKiB);
}

TEST(ProcessCollector, AKernelThreadIsReadOnceInARefresh) {
  constexpr std::uint32_t kTicks = 4;
  ChangingHost host;
  for (std::int32_t pid = 100; pid < 140; ++pid) host.add(pid, {.kernel_thread = true});
  ProcessTable table(host.root, {.refresh_ticks = kTicks});
  Collected now;
  tick(table, now);
  for (std::uint32_t i = 0; i < kTicks; ++i) {
    host.reads.clear();
    tick(table, now);
    EXPECT_EQ(host.reads["stat"], 10);
    EXPECT_EQ(host.reads["status"] + host.reads["statm"], 0);
    EXPECT_TRUE(now.sink.entities.empty());
  }
}

TEST_P(ProcessCollectorWithBudget, AProcessWithThePidOfAKernelThreadIsMetWithinOneRefresh) {
  constexpr std::uint32_t kTicks = 4;
  ChangingHost host;
  for (std::int32_t pid = 100; pid < 108; ++pid) host.add(pid, {.kernel_thread = true});
  ProcessTable table(host.root, {.descriptor_budget = GetParam(), .refresh_ticks = kTicks});
  Collected now;
  tick(table, now);
  for (std::int32_t pid = 100; pid < 108; ++pid) {
    host.reuse(pid, {.comm = "new", .start_ticks = 9000});
  }
  for (std::uint32_t i = 0; i < kTicks; ++i) {
    tick(table, now);
    for (const RecordedEntity& entity : now.sink.entities) {
      EXPECT_EQ(entity.name, "new");
      EXPECT_EQ(entity.process.start_ticks, 9000U);
    }
  }
  EXPECT_EQ(now.sink.entities.size(), 8U);
}

TEST(ProcessCollector, AKeptProcessThatTurnsOutToBeAKernelThreadGivesItsDescriptorsBack) {
  ChangingHost host;
  host.add(42);
  ProcessTable table(host.root, kEveryTick);
  Collected now;
  tick(table, now);
  EXPECT_EQ(table.held_descriptors(), 2U);
  host.processes[42].kernel_thread = true;
  for (int i = 0; i < 3; ++i) {
    tick(table, now);
    EXPECT_TRUE(now.sink.entities.empty());
    EXPECT_EQ(host.root.open_handles(), 0U);
    EXPECT_EQ(table.held_descriptors(), 0U);
  }
}

TEST(ProcessCollector, DescriptorsAreGivenBackAfterChurn) {
  ChangingHost host;
  ProcessTable table(host.root, kRarely);
  Collected now;
  for (std::int32_t round = 0; round < 50; ++round) {
    for (std::int32_t i = 0; i < 10; ++i) host.add(1000 + round * 7 + i);
    tick(table, now);
    EXPECT_EQ(now.report.entities_read, host.processes.size());
    EXPECT_EQ(host.root.open_handles(), 2 * host.processes.size());
    while (host.processes.size() > 5) host.remove(host.processes.begin()->first);
  }
  while (!host.processes.empty()) host.remove(host.processes.begin()->first);
  tick(table, now);
  EXPECT_EQ(host.root.open_handles(), 0U);
  EXPECT_EQ(table.held_descriptors(), 0U);
}

TEST(ProcessCollector, RunningOutOfDescriptorsLosesNoProcessAndNoValue) {
  ChangingHost host;
  for (std::int32_t pid = 1; pid <= 20; ++pid) host.add(pid);
  for (const std::size_t left : {0U, 1U, 2U, 7U, 39U}) {
    host.root.descriptors_left = left;
    ProcessTable table(host.root, kEveryTick);
    Collected now;
    for (int i = 0; i < 4; ++i) {
      tick(table, now);
      EXPECT_EQ(now.report.entities_read, 20U) << left;
      EXPECT_FALSE(now.report.first_error) << left;
      for (const RecordedEntity& entity : now.sink.entities) {
        EXPECT_EQ(entity.value(kProcessResidentAnon), 8192 * kKiB);
      }
    }
  }
}

TEST(ProcessCollector, RefusedDescriptorsMakeTheTableGiveSomeBackAndRecover) {
  ChangingHost host;
  for (std::int32_t pid = 1; pid <= 40; ++pid) host.add(pid);
  ProcessTable table(host.root, kRarely);
  Collected now;
  host.root.descriptors_left = 40;
  tick(table, now);
  tick(table, now);
  EXPECT_LE(table.held_descriptors(), 40U);
  host.root.descriptors_left = SIZE_MAX;
  for (int i = 0; i < 4; ++i) tick(table, now);
  EXPECT_EQ(table.held_descriptors(), 80U);
  EXPECT_EQ(host.root.open_handles(), 80U);
}

TEST(ProcessCollector, AHostWithoutAProcessListFails) {
  FixtureHost host("process_growing");
  std::filesystem::remove_all(host.directory() / "proc");
  RecordingSink sink;
  const auto report = process_collector.make(host.root(), {})->collect(sink);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().kind, ErrorKind::unavailable);
}

}  // namespace
}  // namespace heapfloor
