#include "agent/cli/svg_chart.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <regex>

#include "agent/cli/chart_frame.h"
#include "tests/cli/replay_samples.h"

namespace heapfloor {
namespace {

using ::testing::Each;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Le;
using ::testing::Not;
using ::testing::SizeIs;

ChartSeries leaking_chart() {
  ChartSeries chart;
  chart.points = thin_readings(leaking_series().observations);
  const double end = kStart + 48 * 3600;
  for (int hour = 0; hour < 48; ++hour)
    chart.floors.push_back({kStart + 3600.0 * hour, 200 * kMiB + 10 * kMiB * hour});
  chart.line =
      ChartLine{kStart, end, 680 * kMiB, {10 * kMiB / 3600, 9 * kMiB / 3600, 11 * kMiB / 3600}};
  chart.limit = 1024 * kMiB;
  chart.exhaustion = Exhaustion{end + 34 * 3600, end + 31 * 3600, end + 38 * 3600};
  chart.changes = {{kStart + 600, LeakState::stable},
                   {kStart + 8 * 3600, LeakState::suspected},
                   {kStart + 30 * 3600, LeakState::leaking}};
  chart.with_future = true;
  return chart;
}

TEST(ThinReadings, KeepsTheExtremesOfEachColumn) {
  ReplaySeries series = series_of(100, [](double hour) { return 100 + hour; });
  series.observations[1234].value = 1e9;
  series.observations[4321].value = 1;
  const std::vector<ChartPoint> points = thin_readings(series.observations, 100);
  EXPECT_LE(points.size(), 101U);
  double low = 1e12;
  double high = 0;
  for (const ChartPoint& point : points) {
    low = std::min(low, point.minimum);
    high = std::max(high, point.maximum);
  }
  EXPECT_EQ(high, 1e9);
  EXPECT_EQ(low, 1);
  EXPECT_EQ(points.back().time_seconds, series.observations.back().time_seconds);
}

TEST(ThinReadings, LeavesGapsOpen) {
  ReplaySeries series = series_of(10, [](double) { return 5.0; });
  for (std::size_t i = 300; i < series.observations.size(); ++i)
    series.observations[i].time_seconds += 6 * 3600;
  std::size_t runs = 0;
  for (const ChartPoint& point : thin_readings(series.observations)) runs += point.begins_run;
  EXPECT_EQ(runs, 2U);
}

TEST(ThinReadings, TakesNoReadingOneReadingAndManyAtOneTime) {
  EXPECT_THAT(thin_readings({}), IsEmpty());
  ReplaySeries series;
  series.add({kStart, 7, {}, {}, {}});
  EXPECT_THAT(thin_readings(series.observations), SizeIs(1));
  series.add({kStart, 9, {}, {}, {}});
  const std::vector<ChartPoint> points = thin_readings(series.observations);
  ASSERT_THAT(points, SizeIs(1));
  EXPECT_EQ(points[0].minimum, 7);
  EXPECT_EQ(points[0].maximum, 9);
}

TEST(ValueTicks, AreWholeUnitsOfTwoForBytesAndOfTenForCounts) {
  EXPECT_EQ(value_ticks(0, 1024 * kMiB, 6, true).step, 256 * kMiB);
  EXPECT_EQ(value_ticks(0, 1000, 6, false).step, 200);
  EXPECT_THAT(value_ticks(300, 700, 6, true).values, Each(Ge(300)));
  EXPECT_THAT(value_ticks(300, 700, 6, true).values, Each(Le(700)));
}

TEST(TimeTicks, AreRoundInUtc) {
  const ChartTicks ticks = time_ticks(kStart, kStart + 48 * 3600, 11);
  EXPECT_EQ(ticks.step, 6 * 3600);
  for (const double time : ticks.values) EXPECT_EQ(std::fmod(time, 6 * 3600), 0);
}

TEST(SvgChart, DrawsEachPartOfALeak) {
  const std::string svg = svg_chart(leaking_chart());
  for (const std::string_view part :
       {"raw", "floor", "line", "cone", "forecast", "limit-line", "whisker", "cross",
        "change change-suspected", "change change-leaking"}) {
    EXPECT_NE(svg.find("class=\"" + std::string(part) + "\""), std::string::npos) << part;
  }
  EXPECT_THAT(svg, HasSubstr(">limit 1 GiB<"));
  EXPECT_THAT(svg, HasSubstr(">last reading<"));
  EXPECT_THAT(svg, HasSubstr(">2023-11-18 08:13<"));
  EXPECT_THAT(svg,
              HasSubstr("aria-label=\"Readings from 2023-11-14 22:13 to 2023-11-16 22:12 UTC"));
}

TEST(SvgChart, DrawsNoForecastWhereNothingIsSuspected) {
  ChartSeries chart = leaking_chart();
  chart.exhaustion.reset();
  chart.with_future = false;
  EXPECT_THAT(svg_chart(chart), Not(HasSubstr("forecast")));
  EXPECT_THAT(svg_chart(chart), HasSubstr("class=\"line\""));
}

TEST(SvgChart, NamesALimitThatWouldPressTheDataFlatAtTheUpperEdge) {
  ChartSeries chart = leaking_chart();
  chart.exhaustion.reset();
  chart.limit = 1e15;
  const std::string svg = svg_chart(chart);
  EXPECT_THAT(svg, HasSubstr("above this view"));
  EXPECT_THAT(svg, Not(HasSubstr("limit-line")));
}

TEST(SvgChart, SaysThatAnAxisDoesNotBeginAtZero) {
  ChartSeries chart;
  chart.points = thin_readings(level_series().observations);
  EXPECT_THAT(svg_chart(chart), HasSubstr("axis does not begin at 0"));
  EXPECT_THAT(svg_chart(leaking_chart()), Not(HasSubstr("axis does not begin at 0")));
}

TEST(SvgChart, CountsWhatIsNotBytes) {
  ChartSeries chart = leaking_chart();
  chart.counted = "threads";
  chart.limit = 900'000'000;
  EXPECT_THAT(svg_chart(chart), HasSubstr("limit 900,000,000 threads"));
  EXPECT_THAT(svg_chart(chart), Not(HasSubstr("MiB")));
}

TEST(SvgChart, StaysDrawableWithNumbersOfAnySize) {
  constexpr double kLargest = std::numeric_limits<double>::max();
  for (const double number : {0.0, 1e-300, 1e18, 1e300, kLargest}) {
    ChartSeries chart = leaking_chart();
    chart.points.push_back({kStart + number, number, number, true});
    chart.floors.push_back({number, number});
    chart.limit = number;
    chart.line->growth.high = number;
    chart.line->end_value = number;
    chart.exhaustion = Exhaustion{number, number, number};
    chart.changes.push_back({number, LeakState::recovering});
    const std::string svg = svg_chart(chart);
    EXPECT_LT(svg.size(), 200'000U);
    const std::regex not_drawable(R"re(="[^"]*(nan|inf|e\+)[^"]*")re");
    std::string coordinates = std::regex_replace(svg, std::regex(R"(aria-label="[^"]*")"), "");
    EXPECT_FALSE(std::regex_search(coordinates, not_drawable)) << number;
  }
}

}  // namespace
}  // namespace heapfloor
