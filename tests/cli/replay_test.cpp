#include "agent/cli/replay.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/cli/replay_samples.h"

namespace heapfloor {
namespace {

nlohmann::json run(const ReplaySeries& series, const Config& config = {},
                   const ReplaySettings& settings = {}) {
  return nlohmann::json::parse(summary_json(replay_series("file.csv", series, config, settings)));
}

TEST(Replay, SaysWhatALeakCameTo) {
  const auto json = run(series_of(48, [](double hour) { return 200 * kMiB + 10 * kMiB * hour; }));
  EXPECT_EQ(json["series"], "file.csv");
  EXPECT_EQ(json["state"], "leaking");
  EXPECT_EQ(json["points"], 48 * 60);
  EXPECT_GT(json["first_suspected"].get<double>(), kStart);
  EXPECT_GE(json["first_leaking"].get<double>(), json["first_suspected"].get<double>());
  EXPECT_NEAR(json["growth_bytes_per_second"]["estimate"].get<double>(), 10 * kMiB / 3600, 300);
  EXPECT_EQ(json["predicted_exhaustion"]["limit_bytes"], 1024 * kMiB);
  const double at = json["predicted_exhaustion"]["at"].get<double>();
  EXPECT_NEAR(at, kStart + (1024 - 200) / 10.0 * 3600, 6 * 3600);
  EXPECT_FALSE(json["reason"].get<std::string>().empty());
}

TEST(Replay, SaysThatALevelSeriesIsStableAndLeavesOutWhatItDoesNotKnow) {
  const auto json = run(series_of(48, [](double) { return 300 * kMiB; }));
  EXPECT_EQ(json["state"], "stable");
  EXPECT_TRUE(json["first_suspected"].is_null());
  EXPECT_TRUE(json["first_leaking"].is_null());
  EXPECT_TRUE(json["growth_bytes_per_second"].is_null());
  EXPECT_TRUE(json["predicted_exhaustion"].is_null());
}

TEST(Replay, IsStillLearningAfterThreePoints) {
  const auto json = run(series_of(0.05, [](double) { return 300 * kMiB; }));
  EXPECT_EQ(json["points"], 3);
  EXPECT_EQ(json["state"], "learning");
  EXPECT_TRUE(json["floor_bytes"].is_null());
}

TEST(Replay, TellsTransitionsInOrderWhenAsked) {
  const auto series = series_of(48, [](double hour) { return 200 * kMiB + 10 * kMiB * hour; });
  ReplaySettings settings;
  settings.transitions = true;
  const ReplaySummary summary = replay_series("file.csv", series, {}, settings);
  ASSERT_GE(summary.transitions.size(), 3U);
  double last = 0;
  std::vector<std::string> states;
  for (const std::string& line : summary.transitions) {
    const auto json = nlohmann::json::parse(line);
    EXPECT_GE(json["at"].get<double>(), last);
    last = json["at"].get<double>();
    if (json["transition"] == "state") states.push_back(json["to"]);
  }
  EXPECT_EQ(states, (std::vector<std::string>{"stable", "suspected", "leaking"}));
}

TEST(Replay, TellsALeakUnderDeepSlowTeethOnceNotAtEveryTooth) {
  const auto series = series_of(
      120, [](double hour) { return (200 + 15 * hour + 600 * (std::fmod(hour, 2.0) / 2)) * kMiB; },
      4096 * kMiB);
  ReplaySettings settings;
  settings.transitions = true;
  const ReplaySummary summary = replay_series("file.csv", series, {}, settings);
  EXPECT_EQ(summary.state, LeakState::leaking);
  const auto told = [&summary](std::string_view what) {
    return std::ranges::count_if(summary.transitions, [what](const std::string& line) {
      return nlohmann::json::parse(line)["to"] == what;
    });
  };
  EXPECT_EQ(told("leaking"), 1);
  EXPECT_EQ(told("recovering"), 0);
}

TEST(Replay, TakesTheLimitFromTheConfigurationWhereTheFileHasNone) {
  auto series = series_of(48, [](double hour) { return 200 * kMiB + 10 * kMiB * hour; });
  for (Observation& reading : series.observations) reading.limit.reset();
  Config config;
  config.trend.limit_bytes = 900 * kMiB;
  EXPECT_EQ(run(series, config)["predicted_exhaustion"]["limit_bytes"], 900 * kMiB);
}

TEST(Replay, SpeaksOfWhatTheSignalCounts) {
  const auto threads = series_of(
      48, [](double hour) { return 100 + 10 * hour; }, std::nullopt);
  ReplaySettings settings;
  settings.signal = "threads";
  const std::string reason = run(threads, {}, settings)["reason"];
  EXPECT_NE(reason.find("threads/h"), std::string::npos) << reason;
}

TEST(Replay, KeepsWhatAChartNeedsOnlyWhenAsked) {
  const ReplaySeries series = leaking_series();
  EXPECT_EQ(replay_series("f", series, {}, {}).chart, nullptr);
  ReplaySettings settings;
  settings.charts = true;
  const ReplaySummary summary = replay_series("f", series, {}, settings);
  ASSERT_NE(summary.chart, nullptr);
  const ChartSeries& chart = *summary.chart;
  EXPECT_FALSE(chart.points.empty());
  EXPECT_LE(chart.points.size(), kChartColumns + 1);
  EXPECT_FALSE(chart.floors.empty());
  EXPECT_EQ(chart.limit, 1024 * kMiB);
  EXPECT_TRUE(chart.exhaustion);
  EXPECT_TRUE(chart.with_future);
  ASSERT_TRUE(chart.line);
  const double end_hours = (chart.line->end_seconds - kStart) / 3600;
  // A floor is the least of a bucket of 4.3 h.
  EXPECT_NEAR(chart.line->end_value, (200 + 10 * end_hours) * kMiB, 43 * kMiB);
  std::vector<LeakState> states;
  for (const StateChange& change : chart.changes) states.push_back(change.state);
  EXPECT_EQ(states.back(), LeakState::leaking);
}

TEST(Replay, PutsWhatDiesFirstFirst) {
  const auto of = [](LeakState state, std::optional<double> left) {
    ReplaySummary summary;
    summary.state = state;
    summary.last_seconds = kStart;
    if (left) summary.verdict.exhaustion = Exhaustion{kStart + *left, kStart, {}};
    return summary;
  };
  std::vector<ReplaySummary> series = {
      of(LeakState::learning, {}),      of(LeakState::stable, {}),
      of(LeakState::recovering, {}),    of(LeakState::suspected, {}),
      of(LeakState::suspected, 3600.0), of(LeakState::leaking, {}),
      of(LeakState::leaking, 864000.0), of(LeakState::leaking, 7200.0)};
  std::ranges::stable_sort(series, is_more_urgent);
  std::vector<std::pair<LeakState, bool>> order;
  for (const ReplaySummary& summary : series)
    order.emplace_back(summary.state, summary.verdict.exhaustion.has_value());
  const std::vector<std::pair<LeakState, bool>> wanted = {
      {LeakState::leaking, true},   {LeakState::leaking, true},    {LeakState::leaking, false},
      {LeakState::suspected, true}, {LeakState::suspected, false}, {LeakState::recovering, false},
      {LeakState::stable, false},   {LeakState::learning, false}};
  EXPECT_EQ(order, wanted);
  EXPECT_EQ(series[0].verdict.exhaustion->at_seconds, kStart + 7200);
}

TEST(Replay, DoesNotChokeOnANameThatIsNotUtf8) {
  const auto series = series_of(1, [](double) { return kMiB; });
  const std::string text = summary_json(replay_series("\xff\xfe", series, {}, {}));
  EXPECT_TRUE(nlohmann::json::accept(text));
}

}  // namespace
}  // namespace heapfloor
