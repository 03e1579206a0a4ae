// A restart: the agent goes on where it stood.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/history/history_writer.h"
#include "agent/pipeline.h"
#include "tests/support/agent_fixture.h"
#include "tests/support/fixture_host.h"

namespace heapfloor {
namespace {

class ContinueTest : public testing::AgentFixture {
 protected:
  ContinueTest() { start(); }
  ~ContinueTest() override {
    stop();
    std::filesystem::remove_all(state_);
  }

  void start() {
    history_ =
        std::make_unique<HistoryWriter>(HistoryOptions{state_, {86400, 64.0 * 1024 * 1024}, 60});
    ASSERT_TRUE(history_->open());
    pipeline_ = std::make_unique<Pipeline>(config_, clock_, sink_);
    pipeline_->attach(*history_);
  }
  void stop() {
    pipeline_.reset();
    history_.reset();
  }
  void restart() {
    stop();
    start();
  }

  // The same beside process 8, which does nothing.
  std::shared_ptr<const Snapshot> leak(int seconds) {
    proc_.set(8, 800, "steady", 200 * kMiB);
    return AgentFixture::leak(seconds);
  }

  // Kills counted for a workload; nothing where there is no counter.
  static std::optional<std::uint64_t> kills_of(const Snapshot& snapshot, const std::string& name) {
    const auto found = std::ranges::find(snapshot.workloads, name, &WorkloadRow::name);
    return found == snapshot.workloads.end() ? std::nullopt : std::optional(found->oom_kills);
  }

  std::string state_ = testing::make_temporary_directory().string();
  std::unique_ptr<HistoryWriter> history_;
};

void expect_equal(const WatchRow& before, const WatchRow& after) {
  EXPECT_EQ(after.state, before.state);
  EXPECT_EQ(after.state_since_seconds, before.state_since_seconds);
  EXPECT_EQ(after.changes.size(), before.changes.size());
  EXPECT_EQ(after.verdict.evidence, before.verdict.evidence);
  EXPECT_EQ(after.verdict.growth.estimate, before.verdict.growth.estimate);
  EXPECT_EQ(after.verdict.growth.low, before.verdict.growth.low);
  EXPECT_EQ(after.verdict.floor, before.verdict.floor);
  EXPECT_EQ(after.verdict.z, before.verdict.z);
  EXPECT_EQ(after.verdict.evidence_seconds, before.verdict.evidence_seconds);
  EXPECT_EQ(after.compactions, before.compactions);
}

// Two agents see the same host, one of them is restarted at every phase of what it writes.
TEST_F(ContinueTest, JudgesAfterRestartsExactlyAsIfThereHadBeenNone) {
  testing::RecordingAlertSink other_sink;
  Pipeline undisturbed(config_, clock_, other_sink);
  for (int second = 0; second < 260; ++second) {
    const auto after = leak(1);
    const auto before = undisturbed.tick();
    for (const char* const subject : {"process:7:700", "process:8:800"}) {
      ASSERT_NE(watch_of(*after, subject), nullptr);
      expect_equal(*watch_of(*before, subject), *watch_of(*after, subject));
    }
    const auto kept = pipeline_->read("process:7:700/rss_anon");
    const auto whole = undisturbed.read("process:7:700/rss_anon");
    ASSERT_EQ(kept->points.size(), whole->points.size()) << "in second " << second;
    EXPECT_EQ(kept->points.back().maximum, whole->points.back().maximum);
    ASSERT_EQ(kept->floors.size(), whole->floors.size());
    ASSERT_EQ(after->alerts.size(), before->alerts.size()) << "in second " << second;
    for (std::size_t i = 0; i < after->alerts.size(); ++i) {
      EXPECT_EQ(after->alerts[i].active_since_seconds, before->alerts[i].active_since_seconds);
      EXPECT_EQ(after->alerts[i].phase, before->alerts[i].phase);
    }
    EXPECT_EQ(after->leaks_detected_by_scope.at("process").count,
              before->leaks_detected_by_scope.at("process").count);
    if (second % 7 == 3) restart();
  }
  ASSERT_EQ(sink_.transitions.size(), other_sink.transitions.size()) << "nobody is told twice";
  EXPECT_EQ(sink_.transitions.back().change, AlertChange::firing);
}

TEST_F(ContinueTest, EndsWhatDiedWhileNobodyWatchedAndResolvesItsAlert) {
  leak(260);
  stop();
  proc_.end(7);
  clock_.advance(30);
  start();
  const auto snapshot = tick();
  EXPECT_TRUE(snapshot->alerts.empty());
  EXPECT_EQ(sink_.transitions.back().change, AlertChange::resolved);
  ASSERT_NE(watch_of(*snapshot, "process:7:700"), nullptr);
  EXPECT_EQ(watch_of(*snapshot, "process:7:700")->state, LeakState::recovering);
}

TEST_F(ContinueTest, ContinuesNoProcessOverAReboot) {
  leak(260);
  proc_.set_boot_id("0f0b0d34-0000-4000-8000-000000000002");
  restart();
  const auto snapshot = leak(1);
  EXPECT_EQ(watch_of(*snapshot, "process:7:700")->state, LeakState::learning);
  EXPECT_EQ(pipeline_->read("process:7:700/rss_anon")->points.size(), 1U);
  EXPECT_TRUE(snapshot->alerts.empty());
  EXPECT_EQ(snapshot->leaks_detected_by_scope.at("process").count, 1U) << "a counter never falls";
  restart();
  EXPECT_EQ(pipeline_->read("process:7:700/rss_anon")->points.size(), 1U)
      << "and what was before the reboot is gone for good";
}

TEST_F(ContinueTest, ContinuesNothingWhereTheBootCannotBeTold) {
  proc_.set_boot_id("");
  std::filesystem::remove(std::filesystem::path(proc_.path()) / "sys/kernel/random/boot_id");
  restart();
  leak(100);
  restart();
  EXPECT_EQ(watch_of(*leak(1), "process:7:700")->state, LeakState::learning);
}

TEST_F(ContinueTest, NeverContinuesTheSeriesOfAProcessUnderAReusedPid) {
  leak(100);
  stop();
  proc_.end(7);
  proc_.set(7, 99999, "payments", 300 * kMiB);
  start();
  const auto snapshot = tick();
  ASSERT_NE(watch_of(*snapshot, "process:7:99999"), nullptr);
  EXPECT_EQ(watch_of(*snapshot, "process:7:99999")->state, LeakState::learning);
  EXPECT_EQ(pipeline_->read("process:7:99999/rss_anon")->points.size(), 1U);
}

TEST_F(ContinueTest, KeepsItsOrderThoughTheDateJumps) {
  leak(100);
  clock_.set_wall_offset(-1e6);  // before 1970
  leak(20);
  restart();
  clock_.set_wall_offset(4.2e9);  // 2103
  leak(20);
  restart();
  clock_.set_wall_offset(1.7e9);
  leak(1);
  const auto detail = pipeline_->read("process:7:700/rss_anon");
  EXPECT_EQ(detail->points.size(), 141U);
  EXPECT_TRUE(std::ranges::is_sorted(detail->points, {}, &Point::time_seconds));
  EXPECT_EQ(history_->stats().rows_rejected, 0U);
}

TEST_F(ContinueTest, WhatTheGrowthIsMadeOfGoesOn) {
  leak(260);
  restart();
  const auto snapshot = leak(1);
  const WatchRow* const row = watch_of(*snapshot, "process:7:700");
  ASSERT_TRUE(row != nullptr && row->causes) << "one reading alone says nothing";
}

TEST_F(ContinueTest, BeginsAnewWhereTheDetectorsShapeIsAnother) {
  leak(260);
  config_.trend.bucket_seconds = 10;
  restart();
  EXPECT_EQ(watch_of(*leak(1), "process:7:700")->state, LeakState::learning);
}

TEST_F(ContinueTest, CountsKillsOnOverEveryRestartAndTheRestartOfTheMachine) {
  host_.set_cgroup("leaky.service", 1000, 3);
  host_.set_cgroup("other.service", 1000, 0);
  EXPECT_EQ(kills_of(*tick(), "leaky.service"), 0U) << "what was before the agent is not its own";
  host_.set_cgroup("leaky.service", 1000, 5);
  EXPECT_EQ(kills_of(*tick(), "leaky.service"), 2U);
  restart();
  EXPECT_EQ(kills_of(*tick(), "leaky.service"), 2U) << "not lower, and not counted twice";
  stop();
  host_.set_cgroup("leaky.service", 1000, 6);
  start();
  EXPECT_EQ(kills_of(*tick(), "leaky.service"), 3U) << "killed while nobody watched";
  stop();
  host_.end_cgroup("leaky.service");
  start();
  EXPECT_EQ(kills_of(*tick(), "leaky.service"), 3U) << "the count outlives the cgroup";
  proc_.set_boot_id("0f0b0d34-0000-4000-8000-000000000002");
  host_.set_cgroup("leaky.service", 1000, 7);
  restart();
  EXPECT_EQ(kills_of(*tick(), "leaky.service"), 3U);
  host_.set_cgroup("leaky.service", 1000, 8);
  const auto last = tick();
  EXPECT_EQ(kills_of(*last, "leaky.service"), 4U);
  EXPECT_EQ(kills_of(*last, "other.service"), 0U);
}

TEST_F(ContinueTest, ForgetsTheRowsOfWhatEnded) {
  leak(20);
  proc_.end(8);
  tick();
  stop();
  HistoryWriter reader({state_, {86400, 64.0 * 1024 * 1024}, 60});
  ASSERT_TRUE(reader.open());
  std::size_t series = 0;
  reader.visit(RowKind::series, [&series](const HistoryRow&) { ++series; });
  EXPECT_EQ(series, 1U) << "that of process 7";
  std::size_t ticks = 0;
  reader.visit(RowKind::tick, [&ticks](const HistoryRow&) { ++ticks; });
  EXPECT_EQ(ticks, 21U);
}

}  // namespace
}  // namespace heapfloor
