#include "agent/cli/replay.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string>

namespace heapfloor {
namespace {

constexpr double kMiB = 1024.0 * 1024.0;
constexpr double kStart = 1700000000;

// A reading a minute for `hours`.
template <class Value>
ReplaySeries series_of(double hours, Value value, double limit = 1024 * kMiB) {
  ReplaySeries series;
  for (int minute = 0; minute < static_cast<int>(hours * 60); ++minute) {
    Observation reading;
    reading.time_seconds = kStart + 60.0 * minute;
    reading.value = value(minute / 60.0);
    reading.limit = limit;
    series.observations.push_back(reading);
  }
  return series;
}

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

TEST(Replay, DoesNotChokeOnANameThatIsNotUtf8) {
  const auto series = series_of(1, [](double) { return kMiB; });
  const std::string text = summary_json(replay_series("\xff\xfe", series, {}, {}));
  EXPECT_TRUE(nlohmann::json::accept(text));
}

}  // namespace
}  // namespace heapfloor
