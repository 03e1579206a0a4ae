// The chart of one recorded series as SVG, as the web page draws it: raw readings, floors, fitted
// line with the interval of its growth, limit, forecast and state changes. It needs no script; its
// colours are classes that a style sheet defines. Every mark has a shape of its own.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/alerts/state_change.h"
#include "agent/series/point.h"
#include "agent/trend/observation.h"
#include "agent/trend/verdict.h"

namespace heapfloor {

struct ChartPoint {
  double time_seconds = 0;  // of the last reading in it; of the first where a run begins
  double minimum = 0;
  double maximum = 0;
  bool begins_run = false;  // a gap is before it
};

struct ChartLine {
  double start_seconds = 0;
  double end_seconds = 0;
  double end_value = 0;
  Growth growth;
};

struct ChartSeries {
  std::vector<ChartPoint> points;
  std::vector<Floor> floors;
  std::vector<StateChange> changes;  // oldest first
  std::optional<ChartLine> line;
  std::optional<double> limit;
  std::optional<Exhaustion> exhaustion;  // where it is to be shown
  bool with_future = false;              // whether the line is drawn on beyond the last reading
  std::string_view counted;              // as in explain.h; static text
};

// How many pixels wide the readings are at most: more points than that cannot be seen.
inline constexpr std::size_t kChartColumns = 880;

// The least and the largest reading of each of `columns` equal stretches of time. Gaps stay gaps.
// What the detector ignores (beyond 2^63) is left out.
std::vector<ChartPoint> thin_readings(const std::vector<Observation>& readings,
                                      std::size_t columns = kChartColumns);

// An <svg> element. Any numbers are fine: what lies outside is cut off.
std::string svg_chart(const ChartSeries& series);

// The inside of an <svg viewBox="0 0 16 16"> whose shape tells a leak state.
std::string svg_state_icon(LeakState state);

}  // namespace heapfloor
