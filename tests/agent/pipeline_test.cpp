#include "agent/pipeline.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "agent/trend/explain.h"
#include "collectors/process_metrics.h"
#include "collectors/smaps_metrics.h"
#include "tests/support/agent_fixture.h"
#include "tests/support/fixture_host.h"

namespace heapfloor {
namespace {

class PipelineTest : public testing::AgentFixture {
 protected:
  PipelineTest() { config_.limits.exposed_processes = 2; }
  void start() { pipeline_ = std::make_unique<Pipeline>(config_, clock_, sink_); }
};

TEST_F(PipelineTest, TakesALeakFromProcToAFiringAlertWhileItsNeighboursStayQuiet) {
  proc_.set(8, 800, "steady", 200 * kMiB);
  proc_.set(9, 900, "small", 1 * kMiB);
  start();
  const auto snapshot = leak(260);
  const WatchRow* const leaky = watch_of(*snapshot, "process:7:700");
  ASSERT_NE(leaky, nullptr);
  EXPECT_EQ(leaky->state, LeakState::leaking);
  EXPECT_EQ(leaky->name, "payments");
  EXPECT_EQ(leaky->limit_source, "configured");
  EXPECT_NEAR(leaky->verdict.growth.estimate, 1024.0 * 1024, 0.05 * 1024 * 1024);
  const WatchRow* const steady = watch_of(*snapshot, "process:8:800");
  ASSERT_NE(steady, nullptr);
  EXPECT_EQ(steady->state, LeakState::stable);
  EXPECT_EQ(watch_of(*snapshot, "process:9:900"), nullptr) << "below the minimum size";
  ASSERT_FALSE(snapshot->alerts.empty());
  EXPECT_EQ(snapshot->alerts.back().name, "HeapfloorLeak");
  EXPECT_EQ(snapshot->alerts.back().phase, AlertPhase::firing);
  EXPECT_EQ(snapshot->alerts.back().subject, "process:7:700");
  const DetectedLeaks& leaks = snapshot->leaks_detected_by_scope.at("process");
  EXPECT_EQ(leaks.count, 1U);
  ASSERT_TRUE(leaks.last.has_value());
  EXPECT_EQ(leaks.last->subject, "process:7:700");
  EXPECT_EQ(leaks.last->pid, 7);
  EXPECT_EQ(leaks.last->time_seconds, leaky->state_since_seconds);
}

TEST_F(PipelineTest, FindsALeakOfDescriptorsAndWhenTheyRunOut) {
  proc_.set(7, 700, "gateway", 100 * kMiB);
  proc_.set_descriptors(7, 200, 700);
  proc_.set(8, 800, "pool", 100 * kMiB);
  proc_.set_descriptors(8, 300, 4000);
  start();
  std::shared_ptr<const Snapshot> snapshot;
  for (int second = 1; second <= 300; ++second) {
    proc_.set_descriptors(7, 200 + second, 700);
    snapshot = tick();
  }
  const auto found = [&snapshot](const std::string& subject) {
    return std::ranges::find_if(snapshot->watches, [&subject](const WatchRow& watch) {
      return watch.subject == subject && watch.signal == "file_descriptors";
    });
  };
  const auto leaky = found("process:7:700");
  ASSERT_NE(leaky, snapshot->watches.end());
  EXPECT_EQ(leaky->state, LeakState::leaking)
      << explain(leaky->verdict, leaky->verdict.window_end_seconds, "descriptors");
  EXPECT_NEAR(leaky->verdict.growth.estimate, 1, 0.1) << "one a second";
  EXPECT_EQ(leaky->limit_source, "rlimit");
  ASSERT_TRUE(leaky->verdict.exhaustion);
  EXPECT_NEAR(leaky->verdict.exhaustion->at_seconds, snapshot->time_seconds + 200, 40);
  ASSERT_NE(found("process:8:800"), snapshot->watches.end());
  EXPECT_EQ(found("process:8:800")->state, LeakState::stable);
  const WatchRow* const memory = watch_of(*snapshot, "process:7:700");
  ASSERT_NE(memory, nullptr);
  std::vector<std::string> summaries;
  for (const AlertRow& alert : snapshot->alerts) {
    if (alert.signal == "file_descriptors") summaries.push_back(alert.summary);
  }
  EXPECT_EQ(summaries, (std::vector<std::string>{"gateway is about to run out of descriptors.",
                                                 "gateway leaks descriptors."}));
  const auto row = std::ranges::find(snapshot->processes, 7,
                                     [](const ProcessRow& process) { return process.id.pid; });
  ASSERT_TRUE(row->watch);
  EXPECT_EQ(snapshot->watches[*row->watch].signal, "rss_anon") << "a row shows the memory";
}

TEST_F(PipelineTest, FindsALeakOfThreadsWhileThoseOfAPoolAreStable) {
  start();
  std::shared_ptr<const Snapshot> snapshot;
  for (int second = 1; second <= 300; ++second) {
    proc_.set(7, 700, "gateway", 100 * kMiB);
    proc_.set_threads(7, 100 + second);
    proc_.set(8, 800, "pool", 100 * kMiB);
    proc_.set_threads(8, 400);
    snapshot = tick();
  }
  const auto found = [&snapshot](const std::string& subject) {
    return std::ranges::find_if(snapshot->watches, [&subject](const WatchRow& watch) {
      return watch.subject == subject && watch.signal == "threads";
    });
  };
  const auto leaky = found("process:7:700");
  ASSERT_NE(leaky, snapshot->watches.end());
  EXPECT_EQ(leaky->basis, "count");
  EXPECT_GE(leaky->last_value, 396) << "status is read every fourth tick";
  EXPECT_GE(leaky->state, LeakState::suspected)
      << explain(leaky->verdict, leaky->verdict.window_end_seconds, "threads");
  EXPECT_NEAR(leaky->verdict.growth.estimate, 1, 0.1) << "one a second";
  EXPECT_FALSE(leaky->verdict.limit) << "of threads none is known";
  ASSERT_NE(found("process:8:800"), snapshot->watches.end());
  EXPECT_EQ(found("process:8:800")->state, LeakState::stable);
}

TEST_F(PipelineTest, DoesNotFollowAFewThreadsOrDescriptors) {
  proc_.set(7, 700, "gateway", 100 * kMiB);
  proc_.set_descriptors(7, 20, 1024);
  start();
  const auto snapshot = tick();
  EXPECT_TRUE(std::ranges::none_of(snapshot->watches, [](const WatchRow& watch) {
    return watch.signal == "file_descriptors" || watch.signal == "threads";
  }));
}

TEST_F(PipelineTest, ResolvesTheAlertOfALeakThatDied) {
  start();
  leak(260);
  proc_.end(7);
  const auto snapshot = tick();
  EXPECT_TRUE(snapshot->alerts.empty());
  EXPECT_EQ(sink_.transitions.back().change, AlertChange::resolved);
  const WatchRow* const ended = watch_of(*snapshot, "process:7:700");
  ASSERT_NE(ended, nullptr) << "it stays visible for a while";
  EXPECT_EQ(ended->state, LeakState::recovering);
  EXPECT_TRUE(ended->ended_seconds);
}

TEST_F(PipelineTest, EndsNothingWhenNothingCouldBeListed) {
  start();
  leak(260);
  proc_.hide();
  const auto snapshot = tick();
  const WatchRow* const leaky = watch_of(*snapshot, "process:7:700");
  ASSERT_NE(leaky, nullptr);
  EXPECT_EQ(leaky->state, LeakState::leaking);
  EXPECT_FALSE(std::ranges::find(snapshot->collectors, "process", &CollectorHealth::name)->success);
  EXPECT_TRUE(snapshot->groups.empty()) << "what was not read is absent, not zero";
  proc_.show();
}

TEST_F(PipelineTest, GoesOnCountingWhereItStoodAfterATickThatListedNothing) {
  proc_.set(8, 800, "steady", 200 * kMiB);
  start();
  const auto faults = [](const Snapshot& snapshot) {
    const auto& values = snapshot.groups.at(0).values;
    return std::ranges::find(values, &kProcessMinorFaults, &MetricValue::desc)->value;
  };
  const double before = faults(*tick());
  proc_.hide();
  EXPECT_TRUE(tick()->groups.empty());
  proc_.show();
  const auto after = tick();
  EXPECT_EQ(faults(*after), before);
  EXPECT_EQ(after->groups.at(0).starts, 0U);
  EXPECT_EQ(after->groups.at(0).exits, 0U);
}

TEST_F(PipelineTest, EndsALeakThatWasKilledThoughNobodyHasReapedIt) {
  start();
  leak(260);
  proc_.make_zombie(7, 700, "payments");
  const auto snapshot = tick();
  EXPECT_TRUE(snapshot->alerts.empty());
  const WatchRow* const dead = watch_of(*snapshot, "process:7:700");
  ASSERT_NE(dead, nullptr);
  EXPECT_TRUE(dead->ended_seconds);
  EXPECT_EQ(dead->state, LeakState::recovering);
}

TEST_F(PipelineTest, CountsTheHostsLimitFromAllThatTheProcessHasSwapIncluded) {
  config_.trend.limit_bytes.reset();
  proc_.set_available(1000 * kMiB);
  proc_.set(9, 900, "swapped", 100 * kMiB, 3000 * kMiB);
  start();
  std::shared_ptr<const Snapshot> last;
  for (int second = 0; second < 60; ++second) last = tick();
  EXPECT_EQ(watch_of(*last, "process:9:900")->verdict.limit, 4100.0 * 1048576);
}

TEST_F(PipelineTest, TakesTheSmallerOfTheConfiguredLimitAndTheHosts) {
  config_.trend.limit_bytes = 64e9;
  proc_.set_available(1000 * kMiB);
  start();
  EXPECT_EQ(watch_of(*leak(60), "process:7:700")->limit_source, "host");
}

TEST_F(PipelineTest, KeepsConstantTimesConstantThoughTheClocksAreReadApart) {
  proc_.set(8, 800, "steady", 200 * kMiB);
  start();
  const double first = tick()->wall_offset_seconds;
  clock_.set_wall_offset(1.7e9 + 0.01);
  EXPECT_EQ(tick()->wall_offset_seconds, first);
  clock_.set_wall_offset(1.7e9 + 3600);
  EXPECT_EQ(tick()->wall_offset_seconds, 1.7e9 + 3600);
}

TEST_F(PipelineTest, NeverContinuesTheSeriesOfAProcessUnderAReusedPid) {
  start();
  leak(100);
  proc_.end(7);
  proc_.set(7, 99999, "payments", 300 * kMiB);
  const auto snapshot = tick();
  const WatchRow* const old = watch_of(*snapshot, "process:7:700");
  ASSERT_NE(old, nullptr) << "a suspect stays visible for a while";
  EXPECT_TRUE(old->ended_seconds);
  const WatchRow* const fresh = watch_of(*snapshot, "process:7:99999");
  ASSERT_NE(fresh, nullptr);
  EXPECT_EQ(fresh->state, LeakState::learning);
  ASSERT_TRUE(pipeline_->read("process:7:99999/rss_anon"));
  EXPECT_EQ(pipeline_->read("process:7:99999/rss_anon")->points.size(), 1U);
}

TEST_F(PipelineTest, GivesValuesOfTheirOwnToTheLargestAndToEverySuspect) {
  for (int pid = 20; pid < 30; ++pid) {
    proc_.set(pid, 5, "filler", 200 * kMiB + static_cast<std::uint64_t>(pid) * kMiB);
  }
  start();
  const auto snapshot = leak(80);
  std::vector<int> exposed;
  for (const ProcessRow& row : snapshot->processes) {
    if (!row.values.empty()) exposed.push_back(row.id.pid);
  }
  EXPECT_EQ(exposed, (std::vector<int>{7, 28, 29}));
  EXPECT_EQ(watch_of(*snapshot, "process:7:700")->state, LeakState::suspected);
}

TEST_F(PipelineTest, UsesWhatTheHostHasLeftWhereNoLimitIsConfigured) {
  config_.trend.limit_bytes.reset();
  proc_.set_available(1000 * kMiB);
  start();
  const auto snapshot = leak(60);
  const WatchRow* const leaky = watch_of(*snapshot, "process:7:700");
  ASSERT_NE(leaky, nullptr);
  EXPECT_EQ(leaky->limit_source, "host");
  ASSERT_TRUE(leaky->verdict.limit);
  EXPECT_NEAR(*leaky->verdict.limit, (1000 + 160) * 1048576.0, 8 * 1048576.0);
}

TEST_F(PipelineTest, ReadsPointsAndFloorsOfAWatchedSeries) {
  start();
  leak(60);
  const auto detail = pipeline_->read("process:7:700/rss_anon");
  ASSERT_TRUE(detail);
  EXPECT_EQ(detail->points.size(), 60U);
  EXPECT_GE(detail->floors.size(), 10U);
  EXPECT_FALSE(pipeline_->read("process:7:700/other"));
}

TEST_F(PipelineTest, TakesNewLimitsWhileItRuns) {
  start();
  leak(10);
  Config changed = config_;
  changed.trend.limit_bytes = 2048.0 * 1024 * 1024;
  pipeline_->reconfigure(changed);
  pipeline_->note_reload(true);
  pipeline_->note_reload(false);
  const auto snapshot = leak(60);
  EXPECT_EQ(watch_of(*snapshot, "process:7:700")->verdict.limit, 2048.0 * 1024 * 1024);
  EXPECT_EQ(snapshot->reloads, 2U);
  EXPECT_EQ(snapshot->reloads_failed, 1U);
  EXPECT_FALSE(snapshot->last_reload_successful);
}

TEST_F(PipelineTest, MakesGroupsThatSumUpToTheHost) {
  proc_.set(1, 10, "web", 10 * kMiB);
  proc_.set(2, 20, "web", 20 * kMiB);
  proc_.set(3, 30, "db", 40 * kMiB);
  start();
  const auto snapshot = tick();
  ASSERT_EQ(snapshot->groups.size(), 2U);
  EXPECT_EQ(snapshot->groups[0].name, "db");
  EXPECT_EQ(snapshot->groups[1].name, "web");
  EXPECT_EQ(snapshot->groups[1].processes, 2U);
  const auto anon = std::ranges::find_if(snapshot->groups[1].values, [](const MetricValue& value) {
    return value.desc->label_value == "anon";
  });
  ASSERT_NE(anon, snapshot->groups[1].values.end());
  EXPECT_EQ(anon->value, 30.0 * 1024 * 1024);
  double host = 0;
  double groups = 0;
  for (const ProcessRow& row : snapshot->processes)
    host += static_cast<double>(row.anon_bytes.value_or(0));
  for (const GroupRow& row : snapshot->groups) {
    groups += std::ranges::find(row.values, &kProcessResidentAnon, &MetricValue::desc)->value;
  }
  EXPECT_EQ(groups, host);
  for (const ProcessRow& row : snapshot->processes)
    EXPECT_EQ(snapshot->groups[row.group].name, row.comm);
}

TEST_F(PipelineTest, ForecastsAgainstTheBudgetOfTheGroupAndFollowsAReload) {
  config_.groups = {{.name = "pay", .comm = {"payments"}, .limit_bytes = 300.0 * 1024 * 1024}};
  start();
  auto snapshot = leak(5);
  const WatchRow* watched = watch_of(*snapshot, "process:7:700");
  ASSERT_NE(watched, nullptr);
  EXPECT_EQ(watched->group, "pay");
  EXPECT_EQ(watched->limit_source, "configured");
  EXPECT_EQ(watched->verdict.limit, 300.0 * 1024 * 1024) << "the group's, not trend.limit";
  Config changed = config_;
  changed.groups = {{.name = "renamed", .comm = {"payments"}}};
  pipeline_->reconfigure(changed);
  snapshot = leak(5);
  watched = watch_of(*snapshot, "process:7:700");
  ASSERT_NE(watched, nullptr);
  EXPECT_EQ(watched->group, "renamed");
  EXPECT_EQ(watched->verdict.limit, config_.trend.limit_bytes);
}

TEST_F(PipelineTest, ShowsTheProcessesOfAnExposedGroupBesideTheLargest) {
  config_.limits.exposed_processes = 1;
  config_.groups = {{.name = "shown", .comm = {"shown"}, .is_exposed = true}};
  proc_.set(1, 10, "large", 50 * kMiB);
  proc_.set(2, 20, "shown", 1 * kMiB);
  proc_.set(3, 30, "hidden", 2 * kMiB);
  start();
  const auto snapshot = tick();
  std::vector<std::string> with_values;
  for (const ProcessRow& row : snapshot->processes) {
    if (!row.values.empty()) with_values.push_back(row.comm);
  }
  EXPECT_EQ(with_values, (std::vector<std::string>{"large", "shown"}));
}

TEST_F(PipelineTest, ShowsNoMoreProcessesOfExposedGroupsThanAllowedAndCountsTheRest) {
  config_.limits.exposed_processes = 1;
  config_.limits.exposed_group_processes = 2;
  config_.groups = {{.name = "shown", .comm = {"shown"}, .is_exposed = true}};
  proc_.set(1, 10, "shown", 50 * kMiB);
  proc_.set(2, 20, "shown", 1 * kMiB);
  proc_.set(3, 30, "shown", 3 * kMiB);
  proc_.set(4, 40, "shown", 2 * kMiB);
  start();
  auto snapshot = tick();
  std::vector<std::int32_t> with_values;
  for (const ProcessRow& row : snapshot->processes) {
    if (!row.values.empty()) with_values.push_back(row.id.pid);
  }
  EXPECT_EQ(with_values, (std::vector<std::int32_t>{1, 3, 4})) << "the largest, and two beside it";
  EXPECT_EQ(snapshot->exposed_processes_dropped, 1U);
  snapshot = tick();
  EXPECT_EQ(snapshot->exposed_processes_dropped, 2U) << "in each interval";
}

const double* value_of(const std::vector<MetricValue>& values, const MetricDesc& desc) {
  const auto found = std::ranges::find(values, &desc, &MetricValue::desc);
  return found == values.end() ? nullptr : &found->value;
}

TEST_F(PipelineTest, TellsProportionalMemoryOfGroupsAndOfExposedProcesses) {
  proc_.set(7, 700, "payments", 100 * kMiB);
  proc_.set(8, 800, "payments", 20 * kMiB);
  start();
  const auto first = tick();
  ASSERT_EQ(first->groups.size(), 1U);
  const GroupRow& group = first->groups[0];
  EXPECT_EQ(group.unread_smaps, 0U);
  const double* const anon = value_of(group.values, kProportionalAnon);
  ASSERT_NE(anon, nullptr);
  EXPECT_EQ(*anon, 120.0 * 1024 * 1024);
  const double* const time = value_of(group.values, kProportionalSampleTime);
  ASSERT_NE(time, nullptr);
  EXPECT_EQ(*time, clock_.steady_seconds());
  const double* const estimated = value_of(first->processes[0].values, kProportionalEstimated);
  ASSERT_NE(estimated, nullptr);
  EXPECT_EQ(*estimated, 102.0 * 1024 * 1024);
  // One that is too young to be read leaves the group without a sum, and counts in the estimate.
  proc_.set(9, 900, "payments", 120 * kMiB);
  const auto second = tick();
  EXPECT_EQ(second->groups[0].unread_smaps, 1U);
  EXPECT_EQ(value_of(second->groups[0].values, kProportionalAnon), nullptr);
  const double* const scaled = value_of(second->groups[0].values, kProportionalEstimated);
  ASSERT_NE(scaled, nullptr);
  EXPECT_NEAR(*scaled, 124.0 * 252 / 128 * 1024 * 1024, 1);
}

TEST_F(PipelineTest, WithoutTheSmapsCollectorNothingIsSaidOfProportionalMemory) {
  config_.collectors["smaps"] = false;
  proc_.set(7, 700, "payments", 100 * kMiB);
  start();
  const auto snapshot = tick();
  EXPECT_FALSE(snapshot->groups[0].unread_smaps);
  EXPECT_EQ(value_of(snapshot->groups[0].values, kProportionalEstimated), nullptr);
  EXPECT_EQ(value_of(snapshot->groups[0].values, kProportionalAnon), nullptr);
}

TEST_F(PipelineTest, ACgroupThatLeaksIsFoundAndWhatItIsInIsNot) {
  constexpr auto kBytes = std::uint64_t{1024} * 1024;
  start();
  std::shared_ptr<const Snapshot> last;
  for (std::uint64_t second = 0; second < 260; ++second) {
    host_.set_cgroup("system.slice", (180 + second) * kBytes);
    host_.set_cgroup("system.slice/leaky.service", (100 + second) * kBytes, 0,
                     std::to_string(512 * kBytes));
    host_.set_cgroup("system.slice/steady.service", 80 * kBytes);
    last = tick();
  }
  const WatchRow* const leaky = watch_of(*last, "cgroup:/system.slice/leaky.service");
  ASSERT_NE(leaky, nullptr);
  EXPECT_EQ(leaky->state, LeakState::leaking);
  EXPECT_EQ(leaky->scope, "cgroup");
  EXPECT_EQ(leaky->signal, "cgroup_anon");
  EXPECT_EQ(leaky->name, "leaky.service");
  EXPECT_EQ(leaky->limit_source, "cgroup");
  EXPECT_EQ(leaky->verdict.limit, 512.0 * kBytes);
  const WatchRow* const steady = watch_of(*last, "cgroup:/system.slice/steady.service");
  ASSERT_NE(steady, nullptr);
  EXPECT_EQ(steady->state, LeakState::stable);
  EXPECT_EQ(watch_of(*last, "cgroup:/system.slice"), nullptr);
  EXPECT_EQ(last->leaks_detected_by_scope.at("cgroup").count, 1U);
  host_.end_cgroup("system.slice/leaky.service");
  last = tick();
  const WatchRow* const ended = watch_of(*last, "cgroup:/system.slice/leaky.service");
  ASSERT_NE(ended, nullptr);
  EXPECT_TRUE(ended->ended_seconds);
}

TEST_F(PipelineTest, SharedMemoryAndSlabOfACgroupAreFollowedEachAlone) {
  constexpr std::uint64_t kBytes = 1024ULL * 1024;
  start();
  const auto set = [this](const std::string& path, std::uint64_t shmem, std::uint64_t slab) {
    constexpr std::uint64_t kAnon = 50 * kBytes;
    host_.set_cgroup(path, kAnon, 0, std::to_string(600 * kBytes));
    host_.set_cgroup_file(path, "memory.current", std::to_string(kAnon + shmem + slab) + "\n");
    host_.set_cgroup_file(path, "memory.stat",
                          "anon " + std::to_string(kAnon) + "\nfile " + std::to_string(shmem) +
                              "\nshmem " + std::to_string(shmem) +
                              "\ninactive_file 0\nactive_file 0\nslab_reclaimable 0\n" +
                              "slab_unreclaimable " + std::to_string(slab) + "\n");
  };
  std::shared_ptr<const Snapshot> last;
  for (std::uint64_t second = 0; second < 260; ++second) {
    set("tmpfs.service", (100 + second) * kBytes, 40 * kBytes);
    set("slab.service", 40 * kBytes, (100 + second) * kBytes);
    last = tick();
  }
  const auto state_of = [&last](const std::string& id) {
    const auto row = std::ranges::find_if(last->watches, [&id](const WatchRow& watch) {
      return watch.subject + "/" + watch.signal == id;
    });
    return row == last->watches.end() ? std::nullopt : std::optional(row->state);
  };
  EXPECT_EQ(state_of("cgroup:/tmpfs.service/cgroup_shmem"), LeakState::leaking);
  EXPECT_EQ(state_of("cgroup:/tmpfs.service/cgroup_slab"), LeakState::stable);
  EXPECT_EQ(state_of("cgroup:/tmpfs.service/cgroup_anon"), LeakState::stable);
  EXPECT_EQ(state_of("cgroup:/slab.service/cgroup_slab"), LeakState::leaking);
  EXPECT_EQ(state_of("cgroup:/slab.service/cgroup_shmem"), LeakState::stable);
  EXPECT_EQ(state_of("cgroup:/slab.service/cgroup_anon"), LeakState::stable);
}

TEST_F(PipelineTest, ALeakOfACgroupGoesOnOverATickThatCouldNotReadIt) {
  constexpr auto kBytes = std::uint64_t{1024} * 1024;
  start();
  const auto leak_until = [this](std::uint64_t second) {
    host_.set_cgroup("leaky.service", (100 + second) * kBytes, 2, std::to_string(512 * kBytes));
    return tick();
  };
  for (std::uint64_t second = 0; second < 260; ++second) leak_until(second);
  const auto check = [](const Snapshot& snapshot, const std::string& what) {
    const WatchRow* const leaky = watch_of(snapshot, "cgroup:/leaky.service");
    ASSERT_NE(leaky, nullptr) << what;
    EXPECT_EQ(leaky->state, LeakState::leaking) << what;
    EXPECT_FALSE(leaky->ended_seconds) << what;
    EXPECT_FALSE(snapshot.alerts.empty()) << what;
    EXPECT_EQ(snapshot.workloads.at(0).oom_kills, 0U) << what << ": all are from before the start";
  };
  check(*leak_until(260), "before");
  host_.set_cgroup_file("leaky.service", "memory.stat", "anon nonsense\n");
  check(*tick(), "memory.stat");
  leak_until(262);
  host_.set_cgroup_file("leaky.service", "memory.current", "nonsense\n");
  const auto unread = tick();
  check(*unread, "memory.current");
  ASSERT_EQ(unread->cgroups.size(), 1U);
  EXPECT_TRUE(unread->cgroups[0].values.empty()) << "what was not read is absent, not zero";
  leak_until(264);
  const std::filesystem::path sysfs = config_.path.sysfs;
  std::filesystem::rename(sysfs, sysfs.string() + ".away");
  check(*tick(), "the hierarchy");
  std::filesystem::rename(sysfs.string() + ".away", sysfs);
  check(*leak_until(266), "after");
}

TEST_F(PipelineTest, WhatElseOfACgroupCannotBeReclaimedTakesItsPartOfTheLimit) {
  constexpr auto kBytes = std::uint64_t{1024} * 1024;
  start();
  host_.set_cgroup("a", 100 * kBytes, 0, std::to_string(400 * kBytes));
  host_.set_cgroup_file("a", "memory.current", std::to_string(150 * kBytes) + "\n");
  std::shared_ptr<const Snapshot> last;
  for (int second = 0; second < 20; ++second) last = tick();
  const WatchRow* const watch = watch_of(*last, "cgroup:/a");
  ASSERT_NE(watch, nullptr);
  EXPECT_EQ(watch->verdict.limit, 350.0 * kBytes);
}

TEST_F(PipelineTest, AProcessIsLimitedByItsCgroupWhereThatIsTheSmallestLimit) {
  constexpr auto kBytes = std::uint64_t{1024} * 1024;
  proc_.set(7, 700, "payments", 100 * kMiB);
  testing::write_file(std::filesystem::path(proc_.path()) / "7/cgroup", "0::/a/b\n");
  host_.set_cgroup("a", 150 * kBytes, 0, std::to_string(300 * kBytes));
  host_.set_cgroup("a/b", 100 * kBytes, 0, std::to_string(400 * kBytes));
  start();
  std::shared_ptr<const Snapshot> last;
  for (int second = 0; second < 20; ++second) last = tick();
  const WatchRow* const process = watch_of(*last, "process:7:700");
  ASSERT_NE(process, nullptr);
  EXPECT_EQ(process->limit_source, "cgroup");
  EXPECT_EQ(process->verdict.limit, 250.0 * kBytes) << "50 of the 300 are others'";
  EXPECT_EQ(last->processes.at(0).memory_limit_bytes, 300.0 * kBytes);
  EXPECT_EQ(process->cgroup, "/a/b");
}

TEST_F(PipelineTest, AWorkerThatLeaksHasNoMoreThanTheOthersOfItsCgroupLeaveIt) {
  constexpr auto kBytes = std::uint64_t{1024} * 1024;
  config_.trend.limit_bytes.reset();
  for (int pid = 7; pid < 27; ++pid) {
    proc_.set(pid, 700, "worker", 100 * kMiB);
    testing::write_file(std::filesystem::path(proc_.path()) / std::to_string(pid) / "cgroup",
                        "0::/pool\n");
  }
  start();
  std::shared_ptr<const Snapshot> last;
  for (std::uint64_t second = 0; second < 120; ++second) {
    proc_.set(7, 700, "worker", 100 * kMiB + second * kMiB);
    host_.set_cgroup("pool", (2000 + second) * kBytes, 0, std::to_string(2250 * kBytes));
    last = tick();
  }
  const WatchRow* const leaky = watch_of(*last, "process:7:700");
  ASSERT_NE(leaky, nullptr);
  EXPECT_EQ(leaky->limit_source, "cgroup");
  EXPECT_EQ(leaky->verdict.limit, 350.0 * kBytes);
  ASSERT_TRUE(leaky->verdict.exhaustion);
  EXPECT_NEAR(leaky->verdict.exhaustion->at_seconds, last->time_seconds + 130, 10);
  EXPECT_EQ(last->processes.at(0).memory_limit_bytes, 2250.0 * kBytes)
      << "what is shown is the limit";
}

TEST_F(PipelineTest, ACgroupThatItsSliceLimitsSharesThatLimitWithThoseBesideIt) {
  constexpr auto kBytes = std::uint64_t{1024} * 1024;
  start();
  host_.set_cgroup("a", 250 * kBytes, 0, std::to_string(400 * kBytes));
  host_.set_cgroup("a/leaky", 100 * kBytes);
  host_.set_cgroup("a/other", 150 * kBytes);
  std::shared_ptr<const Snapshot> last;
  for (int second = 0; second < 20; ++second) last = tick();
  const WatchRow* const watch = watch_of(*last, "cgroup:/a/leaky");
  ASSERT_NE(watch, nullptr);
  EXPECT_EQ(watch->verdict.limit, 250.0 * kBytes);
}

// A leak of a MiB a second in a cgroup of 1000 MiB whose others make a sawtooth of 100 to 400 MiB.
class SawtoothTest : public PipelineTest {
 protected:
  static constexpr std::uint64_t kBytes = std::uint64_t{1024} * 1024;
  std::shared_ptr<const Snapshot> tick_with_sawtooth(std::uint64_t period) {
    const std::uint64_t others = 100 + 300 * (second_ % period) / (period - 1);
    const std::uint64_t leaked = 100 + second_;
    ++second_;
    proc_.set(7, 700, "worker", leaked * kMiB);
    testing::write_file(std::filesystem::path(proc_.path()) / "7/cgroup", "0::/pool\n");
    host_.set_cgroup("pool", (leaked + others) * kBytes, 0, std::to_string(1000 * kBytes));
    return tick();
  }
  std::uint64_t second_ = 0;
};

TEST_F(SawtoothTest, WhatOthersHoldAtTheirPeaksIsNotLeftAndTheForecastDoesNotTremble) {
  config_.trend.limit_bytes.reset();
  start();
  double least = 1e18;
  double most = 0;
  std::size_t changes = 0;
  std::shared_ptr<const Snapshot> last;
  for (int second = 0; second < 300; ++second) {
    last = tick_with_sawtooth(15);
    const WatchRow* const leaky = watch_of(*last, "process:7:700");
    ASSERT_NE(leaky, nullptr);
    changes = leaky->changes.size();
    if (second < 150 || !leaky->verdict.exhaustion) continue;
    least = std::min(least, leaky->verdict.exhaustion->at_seconds);
    most = std::max(most, leaky->verdict.exhaustion->at_seconds);
  }
  const WatchRow* const leaky = watch_of(*last, "process:7:700");
  EXPECT_EQ(leaky->state, LeakState::leaking)
      << explain(leaky->verdict, leaky->verdict.window_end_seconds, "");
  EXPECT_LE(changes, 4U) << "learning, stable, suspected, leaking";
  // It meets the peaks of the others at 600 MiB, in second 500.
  EXPECT_NEAR(least, last->time_seconds + 200, 90);
  EXPECT_LT(most - least, 90) << "of 300 that the sawtooth is high";
}

TEST_F(PipelineTest, TheLimitThatIsShownIsTheOneThatForecastsUse) {
  constexpr double kBytes = 1024 * 1024;
  proc_.set(7, 700, "payments", 100 * kMiB);
  proc_.set(8, 800, "payments", 50 * kMiB);
  proc_.set(9, 900, "free", 20 * kMiB);
  proc_.set_limits(7,
                   "Max data size             314572800            unlimited            bytes\n");
  proc_.set_limits(8,
                   "Max address space         419430400            unlimited            bytes\n");
  config_.trend.limit_bytes.reset();
  start();
  std::shared_ptr<const Snapshot> last;
  for (int second = 0; second < 20; ++second) last = tick();
  const WatchRow* const watch = watch_of(*last, "process:7:700");
  ASSERT_NE(watch, nullptr);
  EXPECT_EQ(watch->limit_source, "rlimit");
  EXPECT_EQ(watch->verdict.limit, 300 * kBytes);
  EXPECT_EQ(last->processes[0].memory_limit_bytes, 300 * kBytes);
  EXPECT_EQ(last->processes[1].memory_limit_bytes, 400 * kBytes);
  EXPECT_EQ(last->processes[2].memory_limit_bytes, std::nullopt) << "what the host has is no limit";
  ASSERT_EQ(last->groups.size(), 2U);
  EXPECT_EQ(last->groups[0].memory_limit_bytes, std::nullopt) << last->groups[0].name;
  EXPECT_EQ(last->groups[1].memory_limit_bytes, 300 * kBytes) << last->groups[1].name;
  EXPECT_EQ(watch_of(*last, "process:9:900")->limit_source, "host");
}

TEST_F(PipelineTest, AKillIsCountedForItsWorkloadAndStaysWhenTheCgroupIsGone) {
  start();
  host_.set_cgroup("leaky.service", 1000);
  ASSERT_EQ(tick()->workloads.size(), 1U);
  host_.set_cgroup("leaky.service", 1000, 1);
  static_cast<void>(tick());
  host_.end_cgroup("leaky.service");
  const auto last = tick();
  ASSERT_EQ(last->workloads.size(), 1U);
  EXPECT_EQ(last->workloads[0].name, "leaky.service");
  EXPECT_EQ(last->workloads[0].oom_kills, 1U);
  EXPECT_TRUE(last->workloads[0].last_oom_seconds);
  const auto health = std::ranges::find(last->collectors, "kmsg", &CollectorHealth::name);
  ASSERT_NE(health, last->collectors.end());
  ASSERT_EQ(health->sources.size(), 1U);
  EXPECT_EQ(health->sources[0].source, "kmsg");
  EXPECT_FALSE(health->sources[0].is_accessible);
}

}  // namespace
}  // namespace heapfloor
