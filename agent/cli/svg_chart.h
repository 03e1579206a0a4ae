// The chart of one recorded series as SVG, as the web page draws it: raw readings, floors, fitted
// line with the interval of its growth, limit, forecast and state changes. It needs no script; its
// colours are classes that a style sheet defines. Every mark has a shape of its own.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
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

// Keeps the least and the largest reading of each stretch of time, the column. Gaps stay gaps. What
// the detector ignores (beyond 2^63) is left out.
class ReadingThinner {
 public:
  // Where there are more points than `most`, columns become twice as wide. More than some of
  // `spacing_seconds`, the usual distance of readings, and than two columns is a gap.
  ReadingThinner(double column_seconds, double spacing_seconds, std::size_t most);
  void add(const Observation& reading);
  [[nodiscard]] std::vector<ChartPoint> take() { return std::move(points_); }

 private:
  [[nodiscard]] double column_of(double time_seconds) const;
  [[nodiscard]] double gap_seconds() const;
  void widen();

  double column_seconds_, spacing_seconds_;
  std::size_t most_;
  std::vector<ChartPoint> points_;
  double start_seconds_ = 0, last_seconds_ = 0, last_column_ = -1;
  bool has_start_ = false;
};

// For all of these readings in `columns` equal stretches of time.
[[nodiscard]] ReadingThinner thinner_for(const std::vector<Observation>& readings,
                                         std::size_t columns = kChartColumns);
// The readings so.
std::vector<ChartPoint> thin_readings(const std::vector<Observation>& readings,
                                      std::size_t columns = kChartColumns);

// An <svg> element. Any numbers are fine: what lies outside is cut off.
std::string svg_chart(const ChartSeries& series);

// The inside of an <svg viewBox="0 0 16 16"> whose shape tells a leak state.
std::string svg_state_icon(LeakState state);

}  // namespace heapfloor
