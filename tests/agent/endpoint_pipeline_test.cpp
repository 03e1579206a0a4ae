// Go programs that are asked over HTTP, from their pages to verdicts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "agent/endpoint_follower.h"
#include "agent/exposition/api_json.h"
#include "agent/pipeline.h"
#include "agent/trend/explain.h"
#include "tests/support/agent_fixture.h"

namespace heapfloor {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr double kMiBytes = 1 << 20;

class NoFeed final : public ExternalFeed {
 public:
  std::vector<ExternalAnswer> take() override { return {}; }
  [[nodiscard]] std::vector<ExternalTargetStatus> status() const override { return {}; }
};

// A Go program that collects every three seconds, and whose page is read each second.
class EndpointPipeline : public testing::AgentFixture {
 protected:
  EndpointPipeline() {
    config_.trend.limit_bytes.reset();
    GoTargetSettings target;
    target.name = "shop";
    target.url = "http://shop.example:6060";
    config_.targets.go = {target};
    start();
  }
  void start() {
    pipeline_ = std::make_unique<Pipeline>(config_, clock_, sink_);
    pipeline_->set_endpoint_source([this] { return view_; });
    pipeline_->set_external_feed(feed_);
  }

  // What a program says in which so many MiB live, as `endpoint` of the view.
  void say(double live, double allocated) {
    GoReadingOfPage reading;
    reading.figures.goal = 2 * live * kMiBytes;
    reading.figures.allocated = allocated * kMiBytes;
    reading.figures.objects = 1000;
    reading.figures.in_use = (live + 10) * kMiBytes;
    reading.figures.idle = reading.figures.released = 0;
    reading.figures.system = (live + 20) * kMiBytes;
    reading.figures.stacks = 2 * kMiBytes;
    reading.figures.limit = 600 * kMiBytes;
    reading.figures.cycles = 5 + second_ / 3;
    reading.figures.version = "go1.22.3";
    reading.live = live * kMiBytes;
    reading.time_seconds = clock_.steady_seconds();
    reading.wall_seconds = clock_.wall_seconds();
    reading.valid_until_seconds = reading.time_seconds + 5;
    endpoint().reading = std::move(reading);
    endpoint().is_up = true;
    endpoint().last_success_seconds = clock_.steady_seconds();
  }
  GoEndpointStatus& endpoint() {
    if (view_.endpoints.empty()) view_.endpoints.emplace_back();
    return view_.endpoints.front();
  }
  void be_process() { endpoint().process = ProcessId{7, 700}; }
  void stand_alone() {
    endpoint().name = "shop";
    endpoint().group = "billing";
    endpoint().stands_alone = true;
  }
  std::shared_ptr<const Snapshot> run(int seconds, const std::function<double(int)>& live_at) {
    std::shared_ptr<const Snapshot> last;
    for (int i = 0; i < seconds; ++i, ++second_) {
      const double live = live_at(second_ / 3 * 3);
      say(live, live + 20 * (second_ % 3));
      proc_.set(7, 700, "payments", 600 * kMiB);
      last = tick();
    }
    return last;
  }
  static double growing(int second) { return 100.0 + second; }

  GoEndpointView view_;
  NoFeed recorded_;
  JoinedFeed feed_{recorded_, [this] { return view_; }};
  int second_ = 0;
};

TEST_F(EndpointPipeline, ALeakOfAProgramThatCannotBeReadIsFoundByWhatItsPageSays) {
  be_process();
  const auto snapshot = run(320, growing);
  const WatchRow* const row = watch_of(*snapshot, "go:7:700");
  ASSERT_NE(row, nullptr);
  EXPECT_EQ(row->signal, "gc_live");
  EXPECT_EQ(row->state, LeakState::leaking)
      << explain(row->verdict, row->verdict.window_end_seconds);
  EXPECT_NEAR(row->verdict.growth.estimate, kMiBytes, 0.1 * kMiBytes);
  EXPECT_EQ(row->limit_source, "go");
  ASSERT_THAT(snapshot->go_programs, SizeIs(1));
  EXPECT_EQ(snapshot->go_programs[0].version, "go1.22.3");
  const auto& values = snapshot->go_programs[0].values;
  const auto objects = std::ranges::find_if(values, [](const MetricValue& value) {
    return value.desc->name == "heapfloor_go_heap_objects";
  });
  ASSERT_NE(objects, values.end());
  EXPECT_EQ(objects->value, 1000);
}

TEST_F(EndpointPipeline, ALevelHeapIsStableHoweverMuchGarbageThereIs) {
  be_process();
  const auto snapshot = run(320, [](int) { return 100.0; });
  const WatchRow* const row = watch_of(*snapshot, "go:7:700");
  ASSERT_NE(row, nullptr);
  EXPECT_EQ(row->state, LeakState::stable);
}

TEST_F(EndpointPipeline, AProgramThatDoesNotAnswerForAWhileHasNotEnded) {
  be_process();
  run(60, growing);
  endpoint().is_up = false;
  for (int second = 0; second < 30; ++second) tick();
  const auto snapshot = tick();
  const WatchRow* row = watch_of(*snapshot, "go:7:700");
  ASSERT_NE(row, nullptr);
  EXPECT_FALSE(row->ended_seconds);
  proc_.end(7);
  const auto behind = tick();
  row = watch_of(*behind, "go:7:700");
  EXPECT_TRUE(row == nullptr || row->ended_seconds);
}

TEST_F(EndpointPipeline, WhatIsSaidOfAProcessThatIsNotThereIsLeftOut) {
  endpoint().process = ProcessId{7, 699};
  const auto snapshot = run(10, growing);
  EXPECT_EQ(watch_of(*snapshot, "go:7:699"), nullptr);
  EXPECT_THAT(snapshot->go_programs, SizeIs(0));
}

TEST_F(EndpointPipeline, AProgramThatStandsAloneIsASubjectOfItsOwnName) {
  stand_alone();
  const auto snapshot = run(320, growing);
  const WatchRow* const row = watch_of(*snapshot, "external:shop");
  ASSERT_NE(row, nullptr);
  EXPECT_EQ(row->group, "billing");
  EXPECT_EQ(row->state, LeakState::leaking)
      << explain(row->verdict, row->verdict.window_end_seconds);
  EXPECT_NEAR(row->verdict.growth.estimate, kMiBytes, 0.1 * kMiBytes);
  EXPECT_EQ(watch_of(*snapshot, "go:7:700"), nullptr);
}

TEST_F(EndpointPipeline, OneThatStandsAloneIsDroppedWithItsTarget) {
  stand_alone();
  run(10, growing);
  Config without = config_;
  without.targets.go.clear();
  pipeline_->reconfigure(without);
  view_ = {};
  EXPECT_EQ(watch_of(*tick(), "external:shop"), nullptr);
}

TEST_F(EndpointPipeline, TheStatusSaysHowAnEndpointAnswers) {
  stand_alone();
  be_process();
  endpoint().last_error = "http://shop.example:6060/metrics: timed out";
  view_.counts.is_searching = true;
  const auto snapshot = run(3, growing);
  const std::string json = status_document(*snapshot, {}).json;
  EXPECT_THAT(json, HasSubstr("\"go_endpoints\":[{"));
  EXPECT_THAT(json, HasSubstr("\"group\":\"payments\""));
  EXPECT_THAT(json, HasSubstr("timed out"));
  EXPECT_THAT(json, HasSubstr("\"go_search\":{"));
}

}  // namespace
}  // namespace heapfloor
