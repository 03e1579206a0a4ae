#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "collectors/collector.h"
#include "collectors/process_board.h"
#include "collectors/smaps_metrics.h"
#include "collectors/stack_board.h"
#include "collectors/stack_meter.h"
#include "collectors/stopwatch.h"
#include "tests/support/fixture_host.h"
#include "tests/support/memory_host_root.h"
#include "tests/support/recording_sink.h"

namespace heapfloor {

extern const CollectorEntry process_collector;
extern const CollectorEntry smaps_collector;

namespace {

using testing::FixtureHost;
using testing::MemoryHostRoot;
using testing::RecordedEntity;
using testing::RecordingSink;

constexpr double kKiB = 1024;
constexpr std::uint64_t kMiBInKiB = 1024;

class TestStopwatch final : public Stopwatch {
 public:
  [[nodiscard]] double seconds() const override { return now_seconds; }
  double now_seconds = 5000;
};

// Both collectors over one host, tick by tick.
class Watcher {
 public:
  explicit Watcher(const HostRoot& root, CollectorOptions options = {}) {
    options.board = &board;
    options.stopwatch = &stopwatch;
    options.stack_board = &stacks;
    options.refresh_ticks = 1;
    processes_ = process_collector.make(root, options);
    smaps_ = smaps_collector.make(root, options);
  }

  void tick() {
    RecordingSink ignored;
    ASSERT_TRUE(processes_->collect(ignored));
    sink.entities.clear();
    const auto collected = smaps_->collect(sink);
    ASSERT_TRUE(collected);
    report = *collected;
    stopwatch.now_seconds += 15;
  }
  Result<CollectReport> collect_smaps_alone() {
    sink.entities.clear();
    return smaps_->collect(sink);
  }

  [[nodiscard]] std::optional<double> value(std::int32_t pid, const MetricDesc& desc) const {
    const RecordedEntity* const process = sink.process(pid);
    return process == nullptr ? std::nullopt : process->value(desc);
  }
  [[nodiscard]] std::uint64_t errors(ErrorKind kind) const {
    return report.errors.at(static_cast<std::size_t>(kind));
  }
  [[nodiscard]] std::optional<bool> is_accessible() const {
    if (report.sources.empty()) return std::nullopt;
    EXPECT_EQ(report.sources[0].source, "smaps_rollup");
    return report.sources[0].is_accessible;
  }
  [[nodiscard]] std::string_view needs() const {
    return report.sources.empty() ? std::string_view() : report.sources[0].needs;
  }

  ProcessBoard board;
  StackBoard stacks;
  TestStopwatch stopwatch;
  RecordingSink sink;
  CollectReport report;

 private:
  std::unique_ptr<Collector> processes_;
  std::unique_ptr<Collector> smaps_;
};

struct Numbers {
  std::uint64_t start_ticks = 5000;
  std::uint64_t rss_kib = 8 * kMiBInKiB;
  std::uint64_t pss_kib = 4 * kMiBInKiB;
  bool kernel_thread = false;
  bool zombie = false;
};

// A host of processes whose numbers the test changes, and which counts the reads of smaps_rollup.
class ChangingHost {
 public:
  ChangingHost() : root([this](std::string_view path) { return text(path); }) {}

  void add(std::int32_t pid, Numbers numbers = {}) {
    processes[pid] = numbers;
    root.pids.clear();
    for (const auto& [known, ignored] : processes) root.pids.push_back(known);
  }
  void remove(std::int32_t pid) {
    processes.erase(pid);
    root.replace_process(pid);
    std::erase(root.pids, pid);
  }

  std::map<std::int32_t, Numbers> processes;
  std::map<std::int32_t, int> reads;
  std::map<std::int32_t, int> stack_reads;
  // What reading smaps does beside answering; its error is the answer.
  std::function<std::optional<ErrorKind>(std::int32_t pid)> on_stack_read;
  std::map<std::int32_t, std::string> smaps;
  // What reading a rollup does beside answering; its error is the answer.
  std::function<std::optional<ErrorKind>(std::int32_t pid)> on_read;
  std::optional<std::string> garbled;
  MemoryHostRoot root;

 private:
  Result<std::string> text(std::string_view path) {
    const std::string_view rest = path.substr(std::string_view("proc/").size());
    const std::size_t slash = rest.find('/');
    const std::string_view file = rest.substr(slash + 1);
    const std::int32_t pid = std::stoi(std::string(rest.substr(0, slash)));
    if (file == "smaps_rollup") {
      ++reads[pid];
      const auto refused = on_read ? on_read(pid) : std::nullopt;
      if (refused) return failure(*refused, std::string(path), "refused");
      if (garbled) return *garbled;
    }
    if (file == "smaps") {
      ++stack_reads[pid];
      const auto refused = on_stack_read ? on_stack_read(pid) : std::nullopt;
      if (refused) return failure(*refused, std::string(path), "refused");
      return smaps[pid];
    }
    const auto found = processes.find(pid);
    if (found == processes.end())
      return failure(ErrorKind::gone, std::string(path), "no such process");
    return text_of(pid, found->second, file);
  }

  static std::string text_of(std::int32_t pid, const Numbers& numbers, std::string_view file) {
    const bool has_memory = !numbers.kernel_thread && !numbers.zombie;
    const std::uint64_t pages = has_memory ? numbers.rss_kib / 4 : 0;
    const auto line = [](const char* key, std::uint64_t kib) {
      return std::string(key) + ":\t" + std::to_string(kib) + " kB\n";
    };
    if (file == "stat") {
      return std::to_string(pid) + " (server) S 1 1 1 0 -1 " +
             (numbers.kernel_thread ? "2129984 " : "4194304 ") + "9 0 2 0 1 1 0 0 20 0 3 0 " +
             std::to_string(numbers.start_ticks) + (has_memory ? " 104857600 " : " 0 ") +
             std::to_string(pages) + " 0 0 0\n";
    }
    if (file == "statm") return "25600 " + std::to_string(pages) + " 0 5 0 7500 0\n";
    if (file == "smaps_rollup") {
      return line("Rss", numbers.rss_kib) + line("Pss", numbers.pss_kib) +
             line("Pss_Anon", numbers.pss_kib) + line("Private_Dirty", numbers.pss_kib) +
             line("Locked", 0);
    }
    if (!has_memory) return "Name:\tx\nThreads:\t1\n";
    return "Name:\tx\n" + line("VmSize", 102400) + line("RssAnon", numbers.rss_kib) +
           line("RssFile", 0) + line("RssShmem", 0) + "Threads:\t3\n";
  }
};

TEST(SmapsCollector, EveryMetricOfAProcessIsWrittenInBytes) {
  const FixtureHost host("smaps_growing");
  Watcher watcher(host.root());
  watcher.tick();
  EXPECT_EQ(watcher.value(42, kProportionalAnon), 8192 * kKiB);
  EXPECT_EQ(watcher.value(42, kProportionalFile), 1024 * kKiB);
  EXPECT_EQ(watcher.value(42, kProportionalShmem), 0);
  EXPECT_EQ(watcher.value(42, kProportionalEstimated), 9216 * kKiB);
  EXPECT_EQ(watcher.value(42, kUniqueClean), 512 * kKiB);
  EXPECT_EQ(watcher.value(42, kUniqueDirty), 8192 * kKiB);
  EXPECT_EQ(watcher.value(42, kProportionalSwap), 32 * kKiB);
  EXPECT_EQ(watcher.value(42, kLazyFree), 1024 * kKiB);
  EXPECT_EQ(watcher.value(42, kTransparentHugepage), 4096 * kKiB);
  EXPECT_EQ(watcher.value(42, kProportionalSampleTime), 5000);
  EXPECT_EQ(watcher.is_accessible(), true);
  EXPECT_FALSE(watcher.report.first_error);
}

TEST(SmapsCollector, BetweenReadsTheLastSampleStaysAndTheEstimateFollowsTheProcess) {
  FixtureHost host("smaps_growing");
  Watcher watcher(host.root(), {.smaps_duty = 1e-9, .smaps_max_read_seconds = 0.015});
  watcher.tick();
  host.show(1);
  watcher.tick();
  // The server grew by 4 MiB, which is a reason to read it; process 7 rests.
  EXPECT_EQ(watcher.value(42, kProportionalAnon), 12288 * kKiB);
  EXPECT_EQ(watcher.value(42, kProportionalSampleTime), 5015);
  EXPECT_EQ(watcher.value(7, kProportionalAnon), 8192 * kKiB);
  EXPECT_EQ(watcher.value(7, kProportionalSampleTime), 5000);
}

TEST(SmapsCollector, TheEstimateIsRssOfNowTimesTheLastRatio) {
  ChangingHost host;
  host.add(42, {.rss_kib = 8 * kMiBInKiB, .pss_kib = 2 * kMiBInKiB});
  Watcher watcher(host.root);
  watcher.tick();
  EXPECT_EQ(watcher.value(42, kProportionalEstimated), 2 * kMiBInKiB * kKiB);
  host.processes[42].rss_kib += 512;  // too little to be read for
  watcher.tick();
  EXPECT_EQ(host.reads[42], 1);
  EXPECT_EQ(watcher.value(42, kProportionalAnon), 2 * kMiBInKiB * kKiB);
  EXPECT_EQ(watcher.value(42, kProportionalEstimated), (2 * kMiBInKiB + 128) * kKiB);
}

TEST(SmapsCollector, KernelThreadsAndZombiesAreNeverRead) {
  ChangingHost host;
  host.add(2, {.kernel_thread = true});
  host.add(3, {.zombie = true});
  host.add(42);
  Watcher watcher(host.root);
  for (int tick = 0; tick < 20; ++tick) watcher.tick();
  EXPECT_EQ(host.reads.count(2), 0U);
  EXPECT_EQ(host.reads.count(3), 0U);
  EXPECT_GE(host.reads[42], 3);
}

TEST(SmapsCollector, ANewProcessWaitsUntilItIsOldEnoughToStay) {
  ChangingHost host;
  host.add(42);
  Watcher watcher(host.root);
  watcher.tick();
  EXPECT_EQ(host.reads[42], 1) << "it was there before the agent";
  host.add(43);
  watcher.tick();
  EXPECT_EQ(host.reads.count(43), 0U);
  EXPECT_EQ(watcher.sink.process(43), nullptr);
  watcher.tick();
  EXPECT_EQ(host.reads[43], 1);
}

class SmapsCollectorWithDescriptors : public ::testing::TestWithParam<std::size_t> {
 protected:
  [[nodiscard]] static CollectorOptions options() { return {.descriptor_budget = GetParam()}; }
};

TEST_P(SmapsCollectorWithDescriptors, AProcessThatEndsWhileItIsReadIsForgotten) {
  ChangingHost host;
  host.add(41);
  host.add(42);
  host.on_read = [&host](std::int32_t pid) {
    if (pid == 42) host.remove(42);
    return std::optional<ErrorKind>();
  };
  Watcher watcher(host.root, options());
  watcher.tick();
  EXPECT_EQ(watcher.errors(ErrorKind::gone), 1U);
  EXPECT_EQ(watcher.sink.process(42), nullptr);
  EXPECT_EQ(watcher.value(41, kProportionalAnon), 4 * kMiBInKiB * kKiB);
  watcher.tick();
  EXPECT_EQ(watcher.sink.process(42), nullptr);
  EXPECT_EQ(watcher.errors(ErrorKind::gone), 0U);
}

TEST_P(SmapsCollectorWithDescriptors, ASampleOfTheNextOwnerOfThePidIsNeverTaken) {
  ChangingHost host;
  host.add(42, {.start_ticks = 5000, .pss_kib = 4 * kMiBInKiB});
  host.on_read = [&host](std::int32_t) {
    // Behind the process collector's back another process takes over the pid.
    host.root.replace_process(42);
    host.processes[42] = {.start_ticks = 9000, .pss_kib = kMiBInKiB};
    return std::optional<ErrorKind>();
  };
  Watcher watcher(host.root, options());
  watcher.tick();
  const RecordedEntity* const seen = watcher.sink.process(42);
  if (GetParam() == 0) {
    EXPECT_EQ(seen, nullptr);
    EXPECT_EQ(watcher.errors(ErrorKind::gone), 1U);
  } else if (seen != nullptr) {
    EXPECT_EQ(seen->process.start_ticks, 5000U);
  }
  host.on_read = nullptr;
  watcher.tick();
  watcher.tick();
  ASSERT_NE(watcher.sink.process(42), nullptr);
  EXPECT_EQ(watcher.sink.process(42)->process.start_ticks, 9000U);
  EXPECT_EQ(watcher.value(42, kProportionalAnon), kMiBInKiB * kKiB);
}

TEST_P(SmapsCollectorWithDescriptors, NoDescriptorIsLeftOpen) {
  ChangingHost host;
  for (std::int32_t pid = 1; pid <= 10; ++pid) host.add(pid);
  host.on_read = [](std::int32_t pid) {
    return pid % 2 == 0 ? std::optional(ErrorKind::denied) : std::nullopt;
  };
  {
    Watcher watcher(host.root, options());
    for (int tick = 0; tick < 10; ++tick) watcher.tick();
    EXPECT_LE(host.root.open_handles(), GetParam());
  }
  EXPECT_EQ(host.root.open_handles(), 0U);
}

INSTANTIATE_TEST_SUITE_P(KeptOpenOrNot, SmapsCollectorWithDescriptors, ::testing::Values(0, 64));

TEST(SmapsCollector, ADeniedProcessIsCountedOnceAndAskedRarely) {
  ChangingHost host;
  host.add(1);
  host.add(42);
  host.on_read = [](std::int32_t pid) {
    return pid == 1 ? std::optional(ErrorKind::denied) : std::nullopt;
  };
  Watcher watcher(host.root);
  watcher.tick();
  EXPECT_EQ(watcher.errors(ErrorKind::denied), 1U);
  EXPECT_EQ(watcher.is_accessible(), false);
  EXPECT_EQ(watcher.needs(), "CAP_PERFMON since Linux 6.15, CAP_SYS_PTRACE before");
  EXPECT_EQ(watcher.sink.process(1), nullptr);
  EXPECT_NE(watcher.sink.process(42), nullptr);
  for (int tick = 0; tick < 39; ++tick) {
    watcher.tick();
    EXPECT_EQ(watcher.errors(ErrorKind::denied), 0U);
  }
  EXPECT_EQ(host.reads[1], 1) << "ten minutes have not passed";
  watcher.tick();
  EXPECT_EQ(host.reads[1], 2);
  EXPECT_EQ(watcher.errors(ErrorKind::denied), 0U) << "still the same refusal";
  EXPECT_EQ(watcher.is_accessible(), false);
  host.on_read = nullptr;
  for (int tick = 0; tick < 41; ++tick) watcher.tick();
  EXPECT_NE(watcher.sink.process(1), nullptr);
  EXPECT_EQ(watcher.is_accessible(), true);
}

TEST(SmapsCollector, AKernelWithoutTheFileIsAskedOnceAnHour) {
  ChangingHost host;
  for (std::int32_t pid = 1; pid <= 50; ++pid) host.add(pid);
  host.on_read = [](std::int32_t) { return std::optional(ErrorKind::unavailable); };
  Watcher watcher(host.root);
  watcher.tick();
  EXPECT_EQ(watcher.errors(ErrorKind::unavailable), 1U);
  EXPECT_EQ(watcher.is_accessible(), false);
  EXPECT_EQ(watcher.needs(), "Linux 4.14 with CONFIG_PROC_PAGE_MONITOR");
  for (int tick = 0; tick < 200; ++tick) watcher.tick();
  int reads = 0;
  for (const auto& [pid, count] : host.reads) reads += count;
  EXPECT_EQ(reads, 1);
  EXPECT_TRUE(watcher.sink.process(7) == nullptr);
  for (int tick = 0; tick < 60; ++tick) watcher.tick();
  for (const auto& [pid, count] : host.reads) reads += count;
  EXPECT_EQ(reads, 1 + 2);
}

TEST(SmapsCollector, GarbledTextKeepsTheLastSampleAndIsCounted) {
  ChangingHost host;
  host.add(42);
  Watcher watcher(host.root);
  watcher.tick();
  host.garbled = "Rss: 8 kB\nPss: lots\n";
  host.processes[42].rss_kib += 4 * kMiBInKiB;
  watcher.tick();
  EXPECT_EQ(watcher.errors(ErrorKind::malformed), 1U);
  EXPECT_EQ(watcher.value(42, kProportionalAnon), 4 * kMiBInKiB * kKiB);
  EXPECT_EQ(watcher.value(42, kProportionalSampleTime), 5000);
  EXPECT_EQ(watcher.value(42, kProportionalEstimated), 6 * kMiBInKiB * kKiB);
}

TEST(SmapsCollector, APssAboveRssIsNoReasonToEstimateMoreThanThereIs) {
  ChangingHost host;
  host.add(42, {.rss_kib = 8 * kMiBInKiB, .pss_kib = 80 * kMiBInKiB});
  Watcher watcher(host.root);
  watcher.tick();
  EXPECT_EQ(watcher.value(42, kProportionalEstimated), 8 * kMiBInKiB * kKiB);
}

TEST(SmapsCollector, TheMeasuredTimeIsWhatCountsAndIsExported) {
  ChangingHost host;
  Watcher watcher(host.root);
  host.on_read = [&watcher](std::int32_t) {
    watcher.stopwatch.now_seconds += 0.005;
    return std::optional<ErrorKind>();
  };
  for (std::int32_t pid = 1; pid <= 100; ++pid) host.add(pid);
  const auto duty = [&watcher]() -> std::optional<double> {
    for (const RecordedEntity& entity : watcher.sink.entities) {
      if (entity.kind == EntityKind::agent) return entity.value(kSmapsDuty);
    }
    return std::nullopt;
  };
  watcher.tick();
  EXPECT_FALSE(duty());
  // 30 ms are saved at the start, and each read costs 5 ms though it was to cost 30 us.
  EXPECT_LE(host.reads.size(), 8U);
  EXPECT_EQ(watcher.report.skipped->budget, 100 - host.reads.size());
  double total = 0;
  for (int tick = 0; tick < 400; ++tick) {
    watcher.tick();
    ASSERT_TRUE(duty());
    total += *duty();
  }
  EXPECT_LE(total / 400, 0.00105);
  EXPECT_GE(total / 400, 0.0008);
}

TEST(SmapsCollector, ATooLargeProcessIsLeftOutAndCounted) {
  ChangingHost host;
  host.add(41);
  host.add(42, {.rss_kib = 64 * kMiBInKiB * 1024});
  Watcher watcher(host.root);
  for (int tick = 0; tick < 5; ++tick) {
    watcher.tick();
    EXPECT_EQ(watcher.report.skipped->too_large, 1U);
  }
  EXPECT_EQ(host.reads.count(42), 0U);
  EXPECT_EQ(watcher.sink.process(42), nullptr);
  EXPECT_NE(watcher.sink.process(41), nullptr);
}

// So many stacks of 264 KiB.
std::string stacks_of(int count) {
  std::string text;
  for (int index = 0; index < count; ++index) {
    const std::string base = "7f" + std::to_string(1000 + index);
    text += base + "001000-" + base + "002000 ---p 00000000 00:00 0 \nRss: 0 kB\n" + base +
            "002000-" + base + "802000 rw-p 00000000 00:00 0 \nRss: 264 kB\nSwap: 0 kB\n";
  }
  return text;
}

TEST(StackMeter, WhatAStackHoldsIsMeasuredOfThoseWhoAreWantedAlone) {
  ChangingHost host;
  for (const std::int32_t pid : {41, 42}) {
    host.add(pid);
    host.smaps[pid] = stacks_of(3);
  }
  Watcher watcher(host.root);
  watcher.tick();
  EXPECT_FALSE(watcher.value(42, kThreadStack));
  watcher.stacks.wanted = {{42, 5000}};
  watcher.tick();
  EXPECT_EQ(watcher.value(42, kThreadStack), 264 * kKiB);
  EXPECT_FALSE(watcher.value(41, kThreadStack));
  watcher.tick();
  EXPECT_EQ(watcher.value(42, kThreadStack), 264 * kKiB) << "it is told until the next read";
  watcher.stacks.wanted.clear();
  watcher.tick();
  EXPECT_FALSE(watcher.value(42, kThreadStack));
  EXPECT_EQ(host.stack_reads, (std::map<std::int32_t, int>{{42, 1}}));
}

TEST(StackMeter, OneIsReadInATickAndThenRests) {
  ChangingHost host;
  Watcher watcher(host.root);
  for (std::int32_t pid = 1; pid <= 5; ++pid) {
    host.add(pid);
    host.smaps[pid] = stacks_of(2);
    watcher.stacks.wanted.push_back({pid, 5000});
  }
  for (int tick = 0; tick < 20; ++tick) {
    const auto before = host.stack_reads;
    watcher.tick();
    int reads = 0;
    for (const auto& [pid, count] : host.stack_reads)
      reads += count - (before.contains(pid) ? before.at(pid) : 0);
    EXPECT_LE(reads, 1);
  }
  EXPECT_EQ(host.stack_reads.size(), 5U);
  for (const auto& [pid, count] : host.stack_reads) EXPECT_EQ(count, 1) << pid;
  for (int tick = 0; tick < 20; ++tick) watcher.tick();
  for (const auto& [pid, count] : host.stack_reads) EXPECT_EQ(count, 2) << pid;
}

TEST(StackMeter, ReadsAreMadeUnderTheBudgetOfTheOthers) {
  ChangingHost host;
  Watcher watcher(host.root);
  for (std::int32_t pid = 1; pid <= 20; ++pid) {
    host.add(pid);
    host.smaps[pid] = stacks_of(2);
    watcher.stacks.wanted.push_back({pid, 5000});
  }
  host.on_stack_read = [&watcher](std::int32_t) {
    watcher.stopwatch.now_seconds += 0.05;
    return std::optional<ErrorKind>();
  };
  double total = 0;
  for (int tick = 0; tick < 400; ++tick) {
    watcher.tick();
    for (const RecordedEntity& entity : watcher.sink.entities)
      if (entity.kind == EntityKind::agent) total += entity.value(kSmapsDuty).value_or(0);
  }
  EXPECT_LE(total / 400, 0.00105);
  EXPECT_GE(host.stack_reads.size(), 20U);
  EXPECT_GE(host.reads.size(), 20U) << "nor do they keep the others from it";
}

TEST(StackMeter, NothingIsReadWithoutABudget) {
  ChangingHost host;
  host.add(42);
  host.smaps[42] = stacks_of(3);
  Watcher watcher(host.root, {.smaps_duty = 0});
  watcher.stacks.wanted = {{42, 5000}};
  for (int tick = 0; tick < 5; ++tick) watcher.tick();
  EXPECT_TRUE(host.stack_reads.empty());
}

TEST(StackMeter, MoreGuardedMappingsThanThreadsCanHaveAreNoStacks) {
  ChangingHost host;
  host.add(42);  // 3 threads
  host.smaps[42] = stacks_of(71);
  Watcher watcher(host.root);
  watcher.stacks.wanted = {{42, 5000}};
  watcher.tick();
  EXPECT_EQ(host.stack_reads[42], 1);
  EXPECT_FALSE(watcher.value(42, kThreadStack));
}

TEST(StackMeter, ARefusalIsCountedOnce) {
  ChangingHost host;
  host.add(42);
  host.on_stack_read = [](std::int32_t) { return std::optional(ErrorKind::denied); };
  Watcher watcher(host.root);
  watcher.stacks.wanted = {{42, 5000}, {43, 5000}};
  std::uint64_t denied = 0;
  for (int tick = 0; tick < 100; ++tick) {
    watcher.tick();
    denied += watcher.errors(ErrorKind::denied);
  }
  EXPECT_EQ(denied, 1U);
  EXPECT_GT(host.stack_reads[42], 1);
  EXPECT_FALSE(watcher.value(42, kThreadStack));
}

TEST_P(SmapsCollectorWithDescriptors, StacksAreThoseOfTheProcessThatWasMeant) {
  ChangingHost host;
  host.add(42);
  host.smaps[42] = stacks_of(3);
  host.on_stack_read = [&host](std::int32_t) {
    host.root.replace_process(42);
    host.processes[42] = {.start_ticks = 9000};
    return std::optional<ErrorKind>();
  };
  Watcher watcher(host.root, options());
  watcher.stacks.wanted = {{42, 5000}};
  watcher.tick();
  const RecordedEntity* const seen = watcher.sink.process(42);
  if (seen != nullptr && seen->value(kThreadStack)) {
    EXPECT_EQ(seen->process.start_ticks, 5000U);
  }
  host.on_stack_read = nullptr;
  watcher.tick();
  EXPECT_FALSE(watcher.value(42, kThreadStack)) << "who has the pid now is not wanted";
  EXPECT_LE(host.root.open_handles(), GetParam());
}

TEST(SmapsCollector, WithoutTheProcessCollectorNothingIsReadAndItSaysSo) {
  const FixtureHost host("smaps_growing");
  RecordingSink sink;
  const auto alone = smaps_collector.make(host.root(), {})->collect(sink);
  ASSERT_FALSE(alone);
  EXPECT_EQ(alone.error().kind, ErrorKind::unavailable);
  Watcher watcher(host.root());
  EXPECT_FALSE(watcher.collect_smaps_alone());
  watcher.tick();
  EXPECT_FALSE(watcher.collect_smaps_alone()) << "the list is that of the tick before";
  EXPECT_TRUE(watcher.sink.entities.empty());
}

}  // namespace
}  // namespace heapfloor
