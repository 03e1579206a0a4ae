// The process collector with a source that says which processes moved.
#include <gtest/gtest.h>
#include <unistd.h>

#include <map>
#include <string>

#include "collectors/process_metrics.h"
#include "collectors/process_table.h"
#include "collectors/task_hints.h"
#include "tests/support/changing_host.h"
#include "tests/support/recording_sink.h"

namespace heapfloor {
namespace {

using testing::ChangingHost;
using testing::RecordingSink;

// Sees the processes of a host, each as it is when it is looked at.
class HostTasks final : public TaskSource {
 public:
  explicit HostTasks(const ChangingHost& host) : host_(host) {}

  [[nodiscard]] Result<void> look(std::vector<TaskVisit>& visits) override {
    ++looks;
    visits.clear();
    for (const auto& [pid, numbers] : host_.processes) {
      if (missed.contains(pid)) continue;
      const auto tick_nanoseconds = static_cast<std::uint64_t>(1000000000 / ::sysconf(_SC_CLK_TCK));
      visits.push_back({pid, numbers.kernel_thread,
                        numbers.start_ticks * tick_nanoseconds + offset_nanoseconds,
                        numbers.kernel_thread ? 0 : ran[pid] + numbers.user_ticks,
                        numbers.kernel_thread ? 0 : numbers.resident_pages});
    }
    if (refusal) return failure(*refusal, "tasks", "refused");
    return {};
  }

  std::map<std::int32_t, std::uint64_t> ran;  // what they ran beside user_ticks
  std::map<std::int32_t, bool> missed;
  std::optional<ErrorKind> refusal;  // after the visits, as when a reading fails midway
  std::uint64_t offset_nanoseconds = 0;
  int looks = 0;

 private:
  const ChangingHost& host_;
};

class ProcessHints : public ::testing::TestWithParam<std::size_t> {
 protected:
  ProcessHints() {
    host.add(1, {.comm = "init"});
    host.add(7);
  }
  void tick() {
    sink.entities.clear();
    const auto collected = table->tick(sink);
    ASSERT_TRUE(collected);
    report = *collected;
  }
  void start(std::uint32_t refresh_ticks, std::size_t tasks_from = 0) {
    CollectorOptions options;
    options.descriptor_budget = GetParam();
    options.refresh_ticks = refresh_ticks;
    options.tasks = &tasks;
    options.tasks_from = tasks_from;
    table.emplace(host.root, options);
    for (int i = 0; i < 4; ++i) tick();  // names settle
    host.reads.clear();
  }
  double value_of(std::int32_t pid, const MetricDesc& desc) {
    const auto* process = sink.process(pid);
    return process == nullptr ? -1 : process->value(desc).value_or(-1);
  }
  std::optional<SourceAccess> access() const {
    for (const SourceAccess& source : report.sources) {
      if (source.source == "bpf_task_iterator") return source;
    }
    return std::nullopt;
  }
  int reads() const {
    const auto of = [this](const char* name) {
      const auto found = host.reads.find(name);
      return found == host.reads.end() ? 0 : found->second;
    };
    return of("stat") + of("statm") + of("status");
  }

  static constexpr std::uint32_t kRarely = 1000000;
  ChangingHost host;
  HostTasks tasks{host};
  std::optional<ProcessTable> table;
  RecordingSink sink;
  CollectReport report;
};

INSTANTIATE_TEST_SUITE_P(KeptOpenOrNot, ProcessHints, ::testing::Values(0, 16384));

TEST_P(ProcessHints, NothingIsReadOfProcessesThatDidNotMove) {
  start(kRarely);
  tick();
  tick();
  EXPECT_EQ(reads(), 0);
  EXPECT_EQ(value_of(7, kProcessResidentAnon), 8192 * 1024);
  EXPECT_EQ(report.entities_read, 2U);
  ASSERT_TRUE(access());
  EXPECT_TRUE(access()->is_accessible);
}

TEST_P(ProcessHints, WhoRanIsReadInTheSameTick) {
  start(kRarely);
  host.processes[7].resident_pages = 5120;
  host.processes[7].anon_kilobytes = 18432;
  tick();
  EXPECT_EQ(value_of(7, kProcessResidentAnon), 18432 * 1024);
  EXPECT_EQ(host.reads.count("1/status"), 0U) << "the other one did not";
}

TEST_P(ProcessHints, WhatRanAndMovedNothingIsReadAsLittleAsWithoutHints) {
  start(kRarely);
  ++tasks.ran[7];
  tick();
  EXPECT_EQ(reads(), 1) << "statm of a kept process, stat of another";
  tick();
  EXPECT_EQ(reads(), 1);
}

TEST_P(ProcessHints, WhatTheSourceSawTooEarlyShowsInTheNextTick) {
  start(kRarely);
  ++tasks.ran[7];
  tick();  // it ran, and only then it grows
  host.processes[7].resident_pages = 5120;
  host.processes[7].anon_kilobytes = 18432;
  tick();
  EXPECT_EQ(value_of(7, kProcessResidentAnon), 18432 * 1024);
}

TEST_P(ProcessHints, StatOfWhoRanSinceItWasReadIsReadAtItsRefresh) {
  start(4);
  host.processes[7].user_ticks = 250;  // its memory did not move
  for (int i = 0; i < 4; ++i) tick();
  EXPECT_EQ(value_of(7, kProcessCpu), 251.0 / static_cast<double>(::sysconf(_SC_CLK_TCK)));
}

TEST_P(ProcessHints, WhatTheCountersOfTheKernelDoNotShowIsFoundAtTheRefresh) {
  start(4);
  // Somebody else reclaims less than a CPU's share of the counter: the source sees the old number.
  class Stale final : public TaskSource {
   public:
    Result<void> look(std::vector<TaskVisit>& visits) override {
      visits = kept;
      return {};
    }
    std::vector<TaskVisit> kept;
  } stale;
  ASSERT_TRUE(tasks.look(stale.kept));
  CollectorOptions options;
  options.descriptor_budget = GetParam();
  options.refresh_ticks = 4;
  options.tasks = &stale;
  table.emplace(host.root, options);
  for (int i = 0; i < 4; ++i) tick();
  host.processes[7].resident_pages = 2537;
  host.processes[7].anon_kilobytes = 8008;
  for (int i = 0; i < 4; ++i) tick();
  EXPECT_EQ(value_of(7, kProcessResidentAnon), 8008 * 1024);
}

TEST_P(ProcessHints, EveryKeptProcessIsReadWholeAtEverySixteenthRefreshAndOthersAtEach) {
  start(4);
  for (int i = 0; i < 64; ++i) tick();
  EXPECT_EQ(host.reads["7/status"], GetParam() == 0 ? 16 : 1);
}

TEST_P(ProcessHints, AReusedPidIsAnotherProcessInTheSameTick) {
  start(kRarely);
  host.reuse(7, {.comm = "next", .start_ticks = 9000});
  tick();
  const auto* process = sink.process(7);
  ASSERT_NE(process, nullptr);
  EXPECT_EQ(process->process.start_ticks, 9000U);
  EXPECT_EQ(process->name, "next");
}

TEST_P(ProcessHints, WhoEndedIsNoLongerSaidAndWhoIsNewIs) {
  start(kRarely);
  host.remove(7);
  host.add(8, {.comm = "young"});
  tick();
  EXPECT_EQ(sink.process(7), nullptr);
  EXPECT_EQ(value_of(8, kProcessResidentAnon), 8192 * 1024);
}

TEST_P(ProcessHints, AProcessThatTheSourceNeverSeesIsReadAsWithoutHints) {
  tasks.missed[7] = true;
  start(4);
  for (std::uint64_t i = 1; i <= 8; ++i) {
    host.processes[7].anon_kilobytes = 9000 + 4 * i;
    host.processes[7].resident_pages = 2762 + i;
    tick();
    EXPECT_EQ(value_of(7, kProcessResidentAnon), static_cast<double>(9000 + 4 * i) * 1024);
  }
}

TEST_P(ProcessHints, WhoIsSeenLateIsListedOnce) {
  tasks.missed[7] = true;
  start(kRarely);
  tasks.missed.clear();
  tick();
  EXPECT_EQ(sink.entities.size(), 2U);
}

TEST_P(ProcessHints, StartTimesThatDisagreeWithStatVouchForNothing) {
  tasks.offset_nanoseconds = 60'000'000'000;  // the agent lives in a time namespace
  start(kRarely);
  tick();
  EXPECT_EQ(reads(), 2) << "one of each, as without hints";
}

TEST_P(ProcessHints, KernelThreadsAreReadAtEverySixteenthRefresh) {
  host.add(9, {.comm = "kworker/0:1", .kernel_thread = true});
  start(4);
  for (int i = 0; i < 64; ++i) tick();
  EXPECT_EQ(host.reads["9/stat"], 1);
  host.processes[9].kernel_thread = false;
  tick();
  EXPECT_NE(sink.process(9), nullptr) << "it grew into a program";
}

TEST_P(ProcessHints, ARefusalIsToldOnceAndEverythingIsReadAsWithoutHints) {
  tasks.refusal = ErrorKind::denied;
  start(1);
  EXPECT_EQ(tasks.looks, 1);
  host.processes[7].resident_pages = 5120;
  host.processes[7].anon_kilobytes = 18432;
  tick();
  EXPECT_EQ(value_of(7, kProcessResidentAnon), 18432 * 1024);
  ASSERT_TRUE(access());
  EXPECT_FALSE(access()->is_accessible);
  EXPECT_EQ(access()->needs, "CAP_BPF and CAP_PERFMON");
  EXPECT_FALSE(report.first_error) << "told in the tick of the refusal";
}

TEST_P(ProcessHints, AFailingSourceIsAskedAgainAndCountsOneError) {
  tasks.refusal = ErrorKind::malformed;
  CollectorOptions options;
  options.descriptor_budget = GetParam();
  options.tasks = &tasks;
  table.emplace(host.root, options);
  tick();
  ASSERT_TRUE(report.first_error);
  EXPECT_EQ(report.first_error->kind, ErrorKind::malformed);
  std::uint64_t errors = 0;
  for (std::uint32_t i = 0; i <= TaskHints::kRetryTicks; ++i) {
    tick();
    for (const std::uint64_t count : report.errors) errors += count;
  }
  EXPECT_EQ(tasks.looks, 2);
  EXPECT_EQ(errors, 0U);
  tasks.refusal = std::nullopt;
  for (std::uint32_t i = 0; i <= TaskHints::kRetryTicks; ++i) tick();
  EXPECT_EQ(tasks.looks, 3);
  ASSERT_TRUE(access());
  EXPECT_TRUE(access()->is_accessible);
}

TEST_P(ProcessHints, AreNotAskedForOnASmallHost) {
  start(kRarely, 3);
  EXPECT_EQ(tasks.looks, 0);
  EXPECT_FALSE(access());
  host.add(8);
  tick();
  tick();
  EXPECT_EQ(tasks.looks, 1);
}

TEST_P(ProcessHints, DoNotListWhatIsHiddenFromTheAgent) {
  host.add(8);
  host.root.pids = {7};  // as with hidepid=2
  start(4);
  for (int i = 0; i < 8; ++i) {
    tick();
    EXPECT_EQ(sink.process(8), nullptr);
    EXPECT_EQ(sink.process(1), nullptr);
  }
}

}  // namespace
}  // namespace heapfloor
