// Series of other servers, from their answers to verdicts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "agent/exposition/api_json.h"
#include "agent/external/external_source.h"
#include "agent/history/history_writer.h"
#include "agent/pipeline.h"
#include "agent/trend/explain.h"
#include "tests/support/agent_fixture.h"
#include "tests/support/fixture_host.h"

namespace heapfloor {
namespace {

using ::testing::HasSubstr;

constexpr double kMiBytes = 1024.0 * 1024;

// Answers that the test has put there.
class FakeFeed final : public ExternalFeed {
 public:
  std::vector<ExternalAnswer> take() override { return std::exchange(answers, {}); }
  [[nodiscard]] std::vector<ExternalTargetStatus> status() const override { return {}; }
  std::vector<ExternalAnswer> answers;
};

class ExternalPipeline : public testing::AgentFixture {
 protected:
  ExternalPipeline() {
    settings_.name = "t";
    settings_.query = "x";
    settings_.stale_seconds = 60;
    config_.targets.prometheus = {settings_};
    start();
  }
  void start() {
    pipeline_ = std::make_unique<Pipeline>(config_, clock_, sink_);
    pipeline_->set_external_feed(feed_);
  }

  static Observation reading(double time_seconds, double mebibytes) {
    Observation reading;
    reading.time_seconds = time_seconds;
    reading.value = mebibytes * kMiBytes;
    reading.limit = 512 * kMiBytes;  // near enough that minutes of evidence are enough
    return reading;
  }
  static ExternalSeries series(const std::string& pod, std::vector<Observation> readings) {
    return {"t{pod=\"" + pod + "\"}", "shop", std::move(readings), std::nullopt};
  }
  void answer(std::vector<ExternalSeries> all) {
    feed_.answers.push_back({std::make_shared<const PrometheusTarget>(settings_), std::move(all)});
  }
  // What the server says now of one series.
  void answer_now(const std::string& pod, double mebibytes) {
    answer({series(pod, {reading(clock_.wall_seconds(), mebibytes)})});
  }
  // So many seconds of two series, of which "leak" grows.
  std::shared_ptr<const Snapshot> run(int seconds) {
    std::shared_ptr<const Snapshot> last;
    for (int i = 0; i < seconds; ++i, ++second_) {
      const double now = clock_.wall_seconds();
      answer({series("leak", {reading(now, 100.0 + second_)}),
              series("level", {reading(now, 300 + std::fmod(second_, 3))})});
      last = tick();
      if (history_ != nullptr) history_->drain();  // it may be slower than a test's ticks
    }
    return last;
  }
  static const WatchRow* pod(const Snapshot& snapshot, const std::string& pod) {
    return watch_of(snapshot, "external:t{pod=\"" + pod + "\"}");
  }

  PrometheusTarget settings_;
  FakeFeed feed_;
  int second_ = 0;
  HistoryWriter* history_ = nullptr;
};

TEST_F(ExternalPipeline, TheSeriesThatLeaksIsFoundAndTheLevelOneIsNot) {
  const auto snapshot = run(320);
  const WatchRow* const leak = pod(*snapshot, "leak");
  ASSERT_NE(leak, nullptr);
  EXPECT_EQ(leak->scope, "external");
  EXPECT_EQ(leak->signal, "external");
  EXPECT_EQ(leak->group, "shop");
  EXPECT_EQ(leak->state, LeakState::leaking)
      << explain(leak->verdict, leak->verdict.window_end_seconds);
  EXPECT_NEAR(leak->verdict.growth.estimate, kMiBytes, 0.1 * kMiBytes);
  const WatchRow* const level = pod(*snapshot, "level");
  ASSERT_NE(level, nullptr);
  EXPECT_EQ(level->state, LeakState::stable);
  // Pages ask for a series by the name that they have shown.
  EXPECT_TRUE(pipeline_->read("external:t{pod=\"leak\"}/external"));
}

TEST_F(ExternalPipeline, ThePastGivesAVerdictAtOnce) {
  std::vector<Observation> past;
  const double now = clock_.wall_seconds();
  // The steady clock is younger than what the server remembers.
  for (int second = 4000; second > 0; second -= 2)
    past.push_back(reading(now - second, 5000.0 - second));
  answer({series("leak", past)});
  const auto snapshot = tick();
  ASSERT_NE(pod(*snapshot, "leak"), nullptr);
  EXPECT_EQ(pod(*snapshot, "leak")->state, LeakState::leaking);
}

TEST_F(ExternalPipeline, ReadingsThatAreNotNewAndOnesOfTheFutureAreNone) {
  const double now = clock_.wall_seconds();
  answer({series("a", {reading(now - 2, 100), reading(now, 101)})});
  tick();
  answer({series("a", {reading(now - 1, 500), reading(now, 500), reading(now + 0.5, 1e300),
                       reading(now + 3600, 500)})});
  const auto snapshot = tick();
  ASSERT_NE(pod(*snapshot, "a"), nullptr);
  EXPECT_EQ(pod(*snapshot, "a")->last_value, 101 * kMiBytes);
}

TEST_F(ExternalPipeline, WhatIsSmallIsNotWatched) {
  answer_now("a", 1);
  EXPECT_EQ(pod(*tick(), "a"), nullptr);
  settings_.minimum = 1000;
  config_.targets.prometheus = {settings_};
  pipeline_->reconfigure(config_);
  answer_now("a", 1);
  EXPECT_NE(pod(*tick(), "a"), nullptr);
}

TEST_F(ExternalPipeline, AnOutageEndsNothingAndAbsenceEndsAfterTheStaleTime) {
  answer_now("a", 100);
  tick();
  for (int second = 0; second < 600; ++second) EXPECT_NE(pod(*tick(), "a"), nullptr);
  // The server is back, and has not yet asked its targets.
  answer({});
  EXPECT_NE(pod(*tick(), "a"), nullptr);
  for (int second = 0; second < 20; ++second) {
    answer({});
    EXPECT_NE(pod(*tick(), "a"), nullptr);
  }
  for (int second = 0; second < 60; ++second) {
    answer({});
    tick();
  }
  EXPECT_EQ(pod(*tick(), "a"), nullptr);
}

TEST_F(ExternalPipeline, EndsWhereTheProcessesCannotBeListed) {
  config_.collectors["process"] = false;
  start();
  answer_now("a", 100);
  EXPECT_NE(pod(*tick(), "a"), nullptr);
  for (int second = 0; second < 70; ++second) {
    answer({});
    tick();
  }
  EXPECT_EQ(pod(*tick(), "a"), nullptr);
}

TEST_F(ExternalPipeline, AnotherStartIsAnotherLife) {
  const auto life = [this](int seconds, double start, double first) {
    std::shared_ptr<const Snapshot> last;
    for (int second = 0; second < seconds; ++second) {
      ExternalSeries one = series("a", {reading(clock_.wall_seconds(), first + second)});
      one.start_seconds = start;
      answer({one});
      last = tick();
    }
    return last;
  };
  const double start = clock_.wall_seconds();
  EXPECT_EQ(pod(*life(320, start, 100), "a")->state, LeakState::leaking);
  const auto snapshot = life(3, clock_.wall_seconds(), 100);
  const WatchRow* const row = pod(*snapshot, "a");
  EXPECT_EQ(row->state, LeakState::recovering);
  EXPECT_EQ(row->revocation, "restart");
  EXPECT_NEAR(row->start_seconds, start + 320 - 1.7e9, 1);
  const auto detail = pipeline_->read("external:t{pod=\"a\"}/external");
  ASSERT_TRUE(detail);
  EXPECT_EQ(detail->former_lives.size(), 1U);
  // The same start, a little off, is the same life.
  ExternalSeries one = series("a", {reading(clock_.wall_seconds(), 103)});
  one.start_seconds = clock_.wall_seconds();
  answer({one});
  tick();
  EXPECT_EQ(pipeline_->read("external:t{pod=\"a\"}/external")->former_lives.size(), 1U);
}

TEST_F(ExternalPipeline, ACounterOfCompactionsMarksFloorsAndGoesOnWhenItBeginsAnew) {
  settings_.epoch_query = "gcs";
  config_.targets.prometheus = {settings_};
  start();
  const auto answer_with = [this](double value, std::uint64_t epoch) {
    Observation one = reading(clock_.wall_seconds(), value);
    one.epoch = epoch;
    one.limit = 512 * kMiBytes;
    answer({series("a", {one})});
    return tick();
  };
  answer_with(100, 7);
  answer_with(100, 8);
  const auto snapshot = answer_with(100, 1);
  const WatchRow* const row = pod(*snapshot, "a");
  ASSERT_NE(row, nullptr);
  EXPECT_EQ(row->compactions, 2U);
  EXPECT_EQ(row->compaction_cause, "gc");
}

TEST_F(ExternalPipeline, CountsAreFollowedAsCounts) {
  settings_.unit = ExternalUnit::count;
  config_.targets.prometheus = {settings_};
  start();
  Observation one;
  one.time_seconds = clock_.wall_seconds();
  one.value = 100;
  Observation few = one;
  few.value = 10;
  answer({series("many", {one}), series("few", {few})});
  const auto snapshot = tick();
  EXPECT_EQ(pod(*snapshot, "few"), nullptr);
  ASSERT_NE(pod(*snapshot, "many"), nullptr);
  EXPECT_EQ(pod(*snapshot, "many")->signal, "external_count");
  EXPECT_THAT(subjects_document(*snapshot, {{"scope", "external"}}).json,
              HasSubstr(R"("unit":"units")"));
}

TEST_F(ExternalPipeline, AReloadDropsTheTargetsThatAreGoneOrAskForSomethingElse) {
  run(3);
  config_.targets.prometheus[0].limit_query = "limit";
  pipeline_->reconfigure(config_);
  EXPECT_NE(pod(*tick(), "leak"), nullptr) << "it measures the same";
  config_.targets.prometheus[0].query = "y";
  pipeline_->reconfigure(config_);
  EXPECT_EQ(pod(*tick(), "leak"), nullptr);
  answer_now("leak", 100);  // of before the reload
  EXPECT_EQ(pod(*tick(), "leak"), nullptr);
}

TEST_F(ExternalPipeline, NamesThatAServerChoosesAreShownAsTheyAreAskedFor) {
  answer({series("\x1b[31m\\x41\xE2\x80\xAE", {reading(clock_.wall_seconds(), 100)})});
  const auto snapshot = tick();
  ASSERT_EQ(snapshot->watches.size(), 1U);
  const std::string id = snapshot->watches[0].subject + "/external";
  EXPECT_EQ(id.find('\x1b'), std::string::npos);
  EXPECT_TRUE(pipeline_->read(id));
  EXPECT_THAT(subjects_document(*snapshot, {{"scope", "external"}}).json, HasSubstr("%x1B"));
}

TEST_F(ExternalPipeline, GoesOnOverARestartOfTheAgent) {
  const HistoryOptions options{
      testing::make_temporary_directory().string(), {86400, 64.0 * 1024 * 1024}, 60};
  const auto with_history = [&](const auto& body) {
    HistoryWriter history(options);
    ASSERT_TRUE(history.open());
    start();
    pipeline_->attach(history);
    history_ = &history;
    body();
    history_ = nullptr;
    pipeline_.reset();
  };
  with_history([this] { EXPECT_EQ(pod(*run(320), "leak")->state, LeakState::leaking); });
  with_history([this] {
    // Before the server has answered.
    for (int second = 0; second < 100; ++second) {
      const auto snapshot = tick();
      ASSERT_NE(pod(*snapshot, "leak"), nullptr);
      EXPECT_EQ(pod(*snapshot, "leak")->state, LeakState::leaking);
    }
    EXPECT_EQ(pod(*run(1), "leak")->state, LeakState::leaking);
  });
}

}  // namespace
}  // namespace heapfloor
