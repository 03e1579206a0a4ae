// What part of a series a chart shows, and where in the drawing that is.
#pragma once

#include "agent/cli/svg_chart.h"

namespace heapfloor {

// Distances in pixels of the drawing's own view.
inline constexpr double kChartWidth = 960;
inline constexpr double kChartHeight = 340;
inline constexpr double kPlotLeft = 66;
inline constexpr double kPlotRight = kChartWidth - 14;
inline constexpr double kPlotTop = 44;  // two rows of words are above
inline constexpr double kPlotBottom = kChartHeight - 26;

struct ChartFrame {
  double start_seconds = 0;
  double end_seconds = 1;
  double low = 0;
  double high = 1;

  [[nodiscard]] double x(double time_seconds) const;
  [[nodiscard]] double y(double value) const;
  [[nodiscard]] bool shows_future(double last_seconds) const;
};

// Never empty: the ends of each axis differ.
ChartFrame chart_frame(const ChartSeries& series);

// The time of the newest reading or floor; 0 without any.
double newest_seconds(const ChartSeries& series);

double line_at(const ChartLine& line, double time_seconds);

struct ChartTicks {
  std::vector<double> values;
  double step = 1;
};

// Multiples of a power of two (bytes), of 1, 2 or 5 times a power of ten (counts), and times that
// are round in UTC; about `count` of them.
ChartTicks value_ticks(double low, double high, double count, bool are_bytes);
ChartTicks time_ticks(double low, double high, double count);

}  // namespace heapfloor
