#include "agent/history/recorder.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace heapfloor {
namespace {

constexpr double kMiB = 1024.0 * 1024.0;

TrendPolicy fast_policy(Signal) {
  TrendPolicy policy;
  policy.bucket_seconds = 4;
  policy.time_scale = 1.0 / 60;
  return policy;
}

// A recorder with what it needs, and the rows that its batches make.
class RecorderTest : public ::testing::Test {
 protected:
  RecorderTest() { hook(); }

  void hook() {
    watches_.on_end([this](const Watch& watch) { recorder_.note_end(watch, time()); });
    watches_.on_exec([this](const Watch& watch) { recorder_.note_exec(watch, time()); });
    watches_.on_transition([this](const Watch& watch, LeakState before) {
      recorder_.note_transition(watch, before, time());
    });
  }
  [[nodiscard]] HistoryTime time() const { return {boot_, now_, 1.7e9}; }

  void observe(std::uint64_t start_ticks, double value) {
    WatchLabels labels;
    labels.name = name_;
    labels.group = "workers";
    labels.start_seconds = start_seconds_;
    labels.build = build_;
    Observation reading;
    reading.time_seconds = now_;
    reading.value = value;
    reading.limit = 512 * kMiB;
    watches_.observe(key(start_ticks), labels, reading);
  }
  static SeriesKey key(std::uint64_t start_ticks) {
    SeriesKey key;
    key.kind = EntityKind::process;
    key.process = {7, start_ticks};
    return key;
  }
  void finish_tick() {
    watches_.finish_tick(now_);
    put(recorder_.record(watches_, {&alerts_, &leaks_, &documents_}, time(), losses_,
                         [this](const Watch&) { return beside_; }));
    ++now_;
  }
  void put(const HistoryBatch& batch) {
    last_batch_ = batch;
    if (batch.starts_anew) {
      std::erase_if(rows_, [](const auto& row) {
        return row.first.kind == RowKind::series || row.first.kind == RowKind::tick;
      });
    }
    for (const RowId& id : batch.erased) rows_.erase(id);
    for (const HistoryRow& row : batch.rows) rows_[row.id] = row;
  }
  // A life of process 7 that grows by a MiB a second.
  void live(std::uint64_t start_ticks, int seconds) {
    start_seconds_ = now_;
    for (int second = 0; second < seconds; ++second) {
      observe(start_ticks, (100 + second) * kMiB);
      finish_tick();
    }
  }
  RestoreReport restore() {
    recorder_ = HistoryRecorder();
    watches_ = WatchList(fast_policy, 100);
    hook();
    restored_beside_.clear();
    recorder_.restore_beside_with([this](const Watch& watch, std::string_view bytes) {
      restored_beside_[watch.key.process.start_ticks] = std::string(bytes);
    });
    return recorder_.restore(
        [this](RowKind kind, const std::function<void(const HistoryRow&)>& visitor) {
          for (const auto& [id, row] : rows_) {
            if (id.kind == kind) visitor(row);
          }
        },
        time(), watches_, {&alerts_, &leaks_, &documents_});
  }
  static SharedBuild build_named(const std::string& id) {
    return std::make_shared<const BuildIdentity>(BuildIdentity{BuildKind::gnu, "worker", id, ""});
  }
  [[nodiscard]] bool has_series() const {
    return std::ranges::any_of(
        last_batch_.rows, [](const HistoryRow& row) { return row.id.kind == RowKind::series; });
  }
  [[nodiscard]] std::size_t count(RowKind kind) const {
    return static_cast<std::size_t>(
        std::ranges::count_if(rows_, [kind](const auto& row) { return row.first.kind == kind; }));
  }

  std::string beside_;
  std::map<std::uint64_t, std::string> restored_beside_;  // by start
  std::string boot_ = "boot-1";
  std::string name_ = "worker";
  SharedBuild build_;
  double now_ = 1000;
  double start_seconds_ = 0;
  std::uint64_t losses_ = 0;
  WatchList watches_{fast_policy, 100};
  AlertBook alerts_{60, 300};
  std::map<std::string, std::uint64_t> leaks_;
  std::map<std::string, std::string> documents_;
  HistoryRecorder recorder_;
  HistoryBatch last_batch_;
  std::map<RowId, HistoryRow> rows_;
};

TEST_F(RecorderTest, KeepsTheLastEightLivesOfAProgramOverRestarts) {
  for (std::uint64_t life = 1; life <= 10; ++life) {
    live(life, 120);
    finish_tick();
  }
  EXPECT_EQ(count(RowKind::incarnation), HistoryRecorder::kIncarnations);
  restore();
  const auto lives = recorder_.incarnations("worker", "workers", "rss_anon");
  ASSERT_EQ(lives.size(), HistoryRecorder::kIncarnations);
  EXPECT_EQ(lives.back().reason, EndReason::exited);
  EXPECT_GT(lives.back().growth.estimate, 0.5 * kMiB) << "it grew by a MiB a second";
  EXPECT_GT(lives.back().window_seconds, 0);
  EXPECT_EQ(lives.back().last_bytes, 219 * kMiB);
  EXPECT_LT(lives.front().end_unix_seconds, lives.back().end_unix_seconds);
  EXPECT_TRUE(recorder_.incarnations("worker", "others", "rss_anon").empty());
}

TEST_F(RecorderTest, WhatIsKeptBesideAWatchComesBackWithItAndWhatIsTooLargeDoesNot) {
  restore();  // from here on the boot is known
  beside_ = std::string("\0ledger", 7);
  live(1, 10);
  EXPECT_EQ(restore().watches, 1U);
  EXPECT_EQ(restored_beside_, (std::map<std::uint64_t, std::string>{{1, beside_}}));
  beside_ = std::string(HistoryRecorder::kMostBesideBytes + 1, 'x');
  live(2, 10);
  restore();
  EXPECT_TRUE(restored_beside_.empty());
  beside_ = "ledger";
  live(3, 10);
  boot_ = "boot-2";
  restore();
  EXPECT_TRUE(restored_beside_.empty()) << "its process is no more";
}

TEST_F(RecorderTest, AWatchOfAnOlderAgentWithNothingBesideItGoesOn) {
  restore();
  live(1, 10);
  for (auto& [id, row] : rows_) {
    if (id.kind == RowKind::series) row.bytes.resize(row.bytes.size() - sizeof(std::uint32_t));
  }
  EXPECT_EQ(restore().watches, 1U);
}

TEST_F(RecorderTest, KnowsTheLivesOfALongNameByAllOfIt) {
  const std::string pods(300, 'p');  // a nested path of cgroups
  for (const std::string_view end : {"/a", "/b", "/b"}) {
    name_ = pods + std::string(end);
    live(static_cast<std::uint64_t>(now_), 120);
    finish_tick();
  }
  restore();
  EXPECT_EQ(recorder_.incarnations(pods + "/a", "workers", "rss_anon").size(), 1U);
  EXPECT_EQ(recorder_.incarnations(pods + "/b", "workers", "rss_anon").size(), 2U);
}

TEST_F(RecorderTest, AddsUpTheLivesThatFollowedEachOther) {
  for (std::uint64_t life = 1; life <= 3; ++life) {
    live(life, 120);
    finish_tick();
  }
  restore();
  const EarlierLives earlier =
      recorder_.earlier_lives("worker", "workers", "rss_anon", 1.7e9 + now_);
  EXPECT_EQ(earlier.lives(), 3U);
  const double evidence = earlier.evidence_seconds(kMiB);
  EXPECT_GT(evidence, 250);
  EXPECT_LE(evidence, 360);
  EXPECT_EQ(recorder_.earlier_lives("worker", "others", "rss_anon", 1.7e9 + now_).lives(), 0U);
}

TEST_F(RecorderTest, DoesNotTakeSiblingsForEarlierLives) {
  start_seconds_ = now_;
  for (int second = 0; second < 400; ++second) {
    for (std::uint64_t sibling = 1; sibling <= 4; ++sibling)
      observe(sibling, (100 + second) * kMiB);
    finish_tick();
  }
  finish_tick();
  ASSERT_EQ(recorder_.incarnations("worker", "workers", "rss_anon").size(), 4U);
  const auto lives = [this](double start_seconds) {
    return recorder_.earlier_lives("worker", "workers", "rss_anon", 1.7e9 + start_seconds).lives();
  };
  EXPECT_EQ(lives(now_), 1U) << "one time, however many grew in it";
  EXPECT_EQ(lives(now_ - 100), 1U) << "a handover takes a while";
  EXPECT_EQ(lives(start_seconds_), 0U) << "a fifth sibling";
}

// What newer versions have added at the end of a row.
constexpr std::size_t kEvidenceBytes = 9;
constexpr std::size_t kBuildBytes = 34;  // of no build, and a course

TEST_F(RecorderTest, ReadsTheRowsOfAnOlderAgentWithoutTheirEvidence) {
  live(1, 120);
  finish_tick();
  for (auto& [id, row] : rows_) {
    if (id.kind != RowKind::incarnation) continue;
    row.bytes.resize(row.bytes.size() - kEvidenceBytes - kBuildBytes);
    row.bytes[0] = 1;
  }
  restore();
  ASSERT_EQ(recorder_.incarnations("worker", "workers", "rss_anon").size(), 1U);
  EXPECT_EQ(recorder_.earlier_lives("worker", "workers", "rss_anon", 1.7e9 + now_).lives(), 0U);
}

TEST_F(RecorderTest, ReadsTheRowsOfAnOlderAgentWithoutABuild) {
  live(1, 120);
  finish_tick();
  for (auto& [id, row] : rows_) {
    if (id.kind != RowKind::incarnation) continue;
    row.bytes.resize(row.bytes.size() - kBuildBytes);
    row.bytes[0] = 2;
  }
  restore();
  const auto runs = recorder_.build_runs("worker", "workers", "rss_anon");
  ASSERT_EQ(runs.size(), 1U);
  EXPECT_FALSE(runs[0].build);
  EXPECT_EQ(runs[0].course.move, FloorMove::unknown);
  EXPECT_EQ(recorder_.earlier_lives("worker", "workers", "rss_anon", 1.7e9 + now_).lives(), 1U);
}

TEST_F(RecorderTest, KeepsOfEachLifeItsBuildAndHowItWentOverRestarts) {
  build_ = build_named("w");
  live(1, 120);
  restore();
  finish_tick();  // it has ended meanwhile
  restore();
  const auto runs = recorder_.build_runs("worker", "workers", "rss_anon");
  ASSERT_EQ(runs.size(), 1U);
  ASSERT_TRUE(runs[0].build);
  EXPECT_EQ(*runs[0].build, *build_);
  EXPECT_EQ(runs[0].course.move, FloorMove::rising);
  EXPECT_NEAR(runs[0].course.growth.estimate, kMiB, 0.1 * kMiB);
  EXPECT_NEAR(runs[0].course.seconds, 116, 8);
}

TEST_F(RecorderTest, ACrashLoopOfOneBuildLeavesWhatIsKnownOfTheOneBefore) {
  build_ = build_named("w");
  live(1, 120);
  finish_tick();
  build_ = build_named("x");
  for (std::uint64_t life = 2; life <= 12; ++life) {
    live(life, 40);
    finish_tick();
  }
  const auto runs = recorder_.build_runs("worker", "workers", "rss_anon");
  ASSERT_EQ(runs.size(), HistoryRecorder::kIncarnations);
  EXPECT_EQ(count(RowKind::incarnation), HistoryRecorder::kIncarnations);
  EXPECT_EQ(runs.front().build->id, "w");
  EXPECT_EQ(runs.back().build->id, "x");
}

TEST_F(RecorderTest, OfABuildThatNobodyCouldJudgeOneLifeIsKept) {
  build_ = build_named("w");
  for (std::uint64_t life = 1; life <= 5; ++life) {
    live(life, 10);
    finish_tick();
  }
  EXPECT_EQ(count(RowKind::incarnation), 1U);
  const auto runs = recorder_.build_runs("worker", "workers", "rss_anon");
  ASSERT_EQ(runs.size(), 1U);
  EXPECT_EQ(runs[0].course.move, FloorMove::unknown);
  EXPECT_NEAR(runs[0].end_seconds - runs[0].start_seconds, 10, 1);
  EXPECT_TRUE(recorder_.incarnations("worker", "workers", "rss_anon").empty());
  live(6, 120);
  finish_tick();
  EXPECT_EQ(recorder_.earlier_lives("worker", "workers", "rss_anon", 1.7e9 + now_).lives(), 1U);
}

TEST_F(RecorderTest, WhatAProcessRanBeforeAnExecIsALifeOfItsOwn) {
  build_ = build_named("w");
  live(1, 120);
  const double exec_seconds = now_;
  build_ = build_named("x");
  start_seconds_ = 1000;  // the process is the same
  for (int second = 0; second < 60; ++second) {
    observe(1, 300 * kMiB);
    finish_tick();
  }
  restore();
  finish_tick();
  const auto lives = recorder_.incarnations("worker", "workers", "rss_anon");
  ASSERT_EQ(lives.size(), 2U);
  EXPECT_EQ(lives[0].reason, EndReason::exec);
  EXPECT_EQ(lives[0].build->id, "w");
  EXPECT_EQ(lives[0].course.move, FloorMove::rising);
  EXPECT_EQ(lives[1].build->id, "x");
  EXPECT_EQ(lives[1].course.move, FloorMove::level);
  EXPECT_EQ(lives[1].start_unix_seconds, 1.7e9 + exec_seconds);
}

TEST_F(RecorderTest, KeepsLivesInMemoryWhenThereIsNoStore) {
  for (std::uint64_t life = 1; life <= 2; ++life) {
    start_seconds_ = now_;
    for (int second = 0; second < 120; ++second, ++now_) {
      observe(life, (100 + second) * kMiB);
      watches_.finish_tick(now_);
      recorder_.drop_batch();
    }
  }
  watches_.finish_tick(now_);
  EXPECT_EQ(recorder_.earlier_lives("worker", "workers", "rss_anon", 1.7e9 + now_).lives(), 2U);
}

TEST_F(RecorderTest, MakesAnIncarnationOfWhatARebootEnded) {
  live(1, 120);
  boot_ = "boot-2";
  now_ = 5;
  const RestoreReport report = restore();
  EXPECT_EQ(report.ended_by_reboot, 1U);
  EXPECT_EQ(report.watches, 0U);
  const auto lives = recorder_.incarnations("worker", "workers", "rss_anon");
  ASSERT_EQ(lives.size(), 1U);
  EXPECT_EQ(lives[0].reason, EndReason::reboot);
  EXPECT_EQ(lives[0].end_unix_seconds, 1.7e9 + 1119);
  finish_tick();
  EXPECT_TRUE(last_batch_.starts_anew);
  EXPECT_EQ(count(RowKind::series), 0U);
}

TEST_F(RecorderTest, LeavesNothingOfAProcessThatNobodyCouldJudge) {
  live(1, 10);
  finish_tick();
  EXPECT_EQ(count(RowKind::incarnation), 0U);
  EXPECT_EQ(count(RowKind::series), 0U);
}

TEST_F(RecorderTest, WritesAWatchWholeOnlyNowAndThen) {
  live(1, 200);
  std::size_t copies = 0;
  for (int second = 0; second < 640; ++second) {
    observe(1, 300 * kMiB);
    finish_tick();
    copies += static_cast<std::size_t>(std::ranges::count_if(
        last_batch_.rows, [](const HistoryRow& row) { return row.id.kind == RowKind::series; }));
  }
  EXPECT_GE(copies, 10U);
  EXPECT_LE(copies, 14U) << "every 64 ticks, and when its state changes";
}

TEST_F(RecorderTest, WritesEverythingAgainAfterSomethingWasLost) {
  live(1, 5);
  observe(1, 105 * kMiB);
  ++losses_;
  finish_tick();
  EXPECT_TRUE(has_series());
  observe(1, 106 * kMiB);
  ++losses_;
  finish_tick();
  EXPECT_FALSE(has_series()) << "but not again and again, or a slow disk would never catch up";
  live(1, 63);
  EXPECT_TRUE(has_series());
}

TEST_F(RecorderTest, WhatEndedWhileNothingCouldBeWrittenDoesNotComeBack) {
  restore();  // tells which boot this is
  for (std::uint64_t life = 1; life <= 3; ++life) {
    live(life, 120);
    finish_tick();
  }
  observe(9, 100 * kMiB);
  finish_tick();
  ASSERT_GT(count(RowKind::series), 0U);
  const auto before = rows_;
  for (int lost = 0; lost < 2000; ++lost) {  // the disk is full
    observe(10, (100 + lost) * kMiB);
    finish_tick();
  }
  rows_ = before;
  ++losses_;
  observe(10, 2100 * kMiB);
  finish_tick();
  EXPECT_EQ(count(RowKind::series), 1U) << "of the one that lives";
  restore();
  EXPECT_TRUE(watches_.find(key(10)));
  EXPECT_FALSE(watches_.find(key(9)));
  EXPECT_EQ(recorder_.incarnations("worker", "workers", "rss_anon").size(), std::size_t{3});
}

TEST_F(RecorderTest, KeepsNoMoreOfDocumentsThanCanBeReadBack) {
  restore();
  documents_ = {{"large", std::string(std::size_t{20} << 20U, 'x')}, {"small", "y"}};
  finish_tick();
  documents_.clear();
  ASSERT_TRUE(restore().alerts);
  EXPECT_EQ(documents_, (std::map<std::string, std::string>{{"small", "y"}}));
}

TEST_F(RecorderTest, LogsEveryTransition) {
  live(1, 260);
  EXPECT_EQ(watches_.find(key(1))->judge.state(), LeakState::leaking);
  EXPECT_EQ(count(RowKind::transition), watches_.find(key(1))->changes.size() - 1)
      << "each but the first, into learning";
}

TEST_F(RecorderTest, TakesNothingFromRowsThatAreNotWhatItWrites) {
  live(1, 100);
  for (auto& [id, row] : rows_) row.bytes.resize(row.bytes.size() / 2);
  const RestoreReport report = restore();
  EXPECT_EQ(report.watches, 0U);
  EXPECT_EQ(report.discarded, 1U);
  EXPECT_FALSE(report.alerts);
  finish_tick();
  EXPECT_EQ(count(RowKind::series), 0U) << "and does not keep them";
}

}  // namespace
}  // namespace heapfloor
