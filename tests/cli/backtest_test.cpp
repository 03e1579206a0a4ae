#include "agent/cli/backtest.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <string>
#include <vector>

#include "agent/cli/svg_chart.h"
#include "tests/support/scripted_server.h"

namespace heapfloor {
namespace {

constexpr double kStep = 60;
constexpr double kStart = 1'700'000'040;
constexpr double kMiB = 1024 * 1024;
const TimeRange kRange{kStart, kStart + 1999 * kStep, kStep};

double number(const std::string& body, const std::string& name) {
  return std::stod(body.substr(body.find(name + "=") + name.size() + 1));
}

double value_at(const std::string& pod, double seconds) {
  const double minutes = (seconds - kStart) / kStep;
  const double noise = std::fmod(minutes * 7919, 101) / 101;
  if (pod == "leak") return (300 + minutes + noise) * kMiB;
  return (300 + noise) * kMiB;
}

// What the server has of each pod, from a minute on: `late` comes after the first parts.
constexpr std::array<std::pair<const char*, double>, 3> kPods = {
    {{"late", 700}, {"leak", 0}, {"level", 0}}};

// Answers each query over the range that it is asked for.
ScriptedServer server_of_pods() {
  return ScriptedServer([](const ScriptedServer::Seen& seen) {
    const bool is_limit = seen.body.starts_with("query=limit");
    std::string all;
    for (const auto& [pod, first_minute] : kPods) {
      std::string values;
      for (double t = number(seen.body, "start"); t <= number(seen.body, "end"); t += kStep) {
        if (t < kStart + first_minute * kStep) continue;
        // Limits are set once in an hour.
        if (is_limit && std::fmod(t, 3600) >= kStep) continue;
        const double value = is_limit ? 4096 * kMiB : value_at(pod, t);
        values += (values.empty() ? "[" : ",[") + std::to_string(static_cast<long>(t)) + ",\"" +
                  std::to_string(value) + "\"]";
      }
      if (values.empty() || (is_limit && std::string_view(pod) == "level")) continue;
      all += (all.empty() ? "" : ",") + (R"({"metric":{"pod":")" + std::string(pod)) +
             R"("},"values":[)" + values + "]}";
    }
    return ScriptedServer::answer(
        200, R"({"status":"success","data":{"resultType":"matrix","result":[)" + all + "]}}");
  });
}

std::vector<std::string> lines_of(const ReplayedFile& judged) {
  std::vector<std::string> lines;
  for (const ReplaySummary& summary : judged.series) lines.push_back(summary_json(summary));
  return lines;
}

class BacktestTest : public ::testing::Test {
 protected:
  Result<BacktestResult> run(std::size_t most_readings, std::size_t workers = 2) {
    FetchOptions options;
    options.most_readings = most_readings;
    SeriesFetcher fetcher(server_.url(), {}, options);
    Backtest backtest(config_, settings_, workers, [this](const ReplayProgress& progress) {
      EXPECT_LT(progress.files_done, progress.files);
      parts_ = progress.files;
    });
    return backtest.run(fetcher, {"used", {{"limit", JoinedColumn::limit, "limits"}}}, kRange);
  }
  // The same with all readings at hand at once.
  [[nodiscard]] std::vector<std::string> whole() const {
    SeriesFetcher fetcher(server_.url(), {}, {});
    auto series = fetcher.fetch("used", kRange).value();
    join(series, fetcher.fetch("limit", kRange).value(), JoinedColumn::limit);
    std::vector<std::string> lines;
    for (const auto& [labels, readings] : series)
      lines.push_back(summary_json(replay_series(labels, readings, config_, settings_)));
    return lines;
  }

  const ScriptedServer server_ = server_of_pods();
  Config config_;
  ReplaySettings settings_;
  std::size_t parts_ = 0;
};

TEST_F(BacktestTest, SaysTheSameAsWithAllReadingsAtOnce) {
  const auto result = run(Backtest::kMostReadings);
  ASSERT_TRUE(result) << result.error().reason;
  EXPECT_EQ(lines_of(result->judged), whole());
  ASSERT_EQ(result->judged.series.size(), 3U);
  EXPECT_EQ(result->judged.series[1].state, LeakState::suspected);
  EXPECT_EQ(result->judged.series[1].points, 2000U);
  EXPECT_EQ(result->judged.series[2].state, LeakState::stable);
  EXPECT_EQ(result->without, std::vector<std::size_t>{1});
  EXPECT_GE(parts_, 2U);
}

TEST_F(BacktestTest, WhatIsTooMuchAtOnceIsAskedForInShorterPartsAndComesToTheSame) {
  const auto result = run(100, 1);
  ASSERT_TRUE(result) << result.error().reason;
  EXPECT_EQ(lines_of(result->judged), whole());
  EXPECT_GE(parts_, 40U) << "some 6,000 readings, at most 100 at once";
}

TEST_F(BacktestTest, AChartHasNoMorePointsThanCanBeSeen) {
  settings_.charts = true;
  const auto result = run(Backtest::kMostReadings);
  ASSERT_TRUE(result);
  for (const ReplaySummary& summary : result->judged.series) {
    ASSERT_TRUE(summary.chart);
    EXPECT_LE(summary.chart->points.size(), kChartColumns) << summary.series;
    EXPECT_GE(summary.chart->points.size(), kChartColumns / 2) << summary.series;
    EXPECT_EQ(summary.chart->points.back().time_seconds, kRange.end_seconds);
  }
}

TEST_F(BacktestTest, TellsWhatTheServerRefuses) {
  const ScriptedServer refusing([](const ScriptedServer::Seen&) {
    return ScriptedServer::answer(
        400, R"({"status":"error","errorType":"bad_data","error":"parse error"})");
  });
  SeriesFetcher fetcher(refusing.url(), {}, {});
  Backtest backtest(config_, settings_, 1, [](const ReplayProgress&) {});
  const auto result = backtest.run(fetcher, {"used", {}}, kRange);
  ASSERT_FALSE(result);
  EXPECT_NE(result.error().reason.find("parse error"), std::string::npos);
}

}  // namespace
}  // namespace heapfloor
