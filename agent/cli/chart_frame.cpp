#include "agent/cli/chart_frame.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace heapfloor {
namespace {

constexpr double kDay = 86400;

// Coordinates that a renderer can bear; a series may hold any number.
double bounded(double coordinate) {
  constexpr double kFar = 20000;
  if (std::isnan(coordinate)) return 0;
  return std::clamp(coordinate, -kFar, kFar);
}

ChartTicks multiples(double low, double high, double step) {
  constexpr int kMost = 64;
  ChartTicks ticks;
  ticks.step = step;
  const double first = std::ceil(low / step);
  for (int i = 0; i < kMost && (first + i) * step <= high; ++i)
    ticks.values.push_back((first + i) * step);
  return ticks;
}

// How much of the future is worth the width: up to the forecast, but never so much that the past
// gets small.
double end_of_time(const ChartSeries& series, double first, double newest) {
  constexpr double kShareWithoutForecast = 0.2;
  constexpr double kMostFuture = 1.2;
  const double past = newest - first;
  if (!series.with_future || !series.line) return newest;
  if (!series.exhaustion) return newest + kShareWithoutForecast * past;
  const double at = series.exhaustion->at_seconds;
  const double wanted =
      series.exhaustion->latest_seconds.value_or(at + 0.2 * std::max(0.0, at - newest));
  return std::max(newest, std::min(wanted + 0.04 * past, newest + kMostFuture * past));
}

void frame_values(const ChartSeries& series, ChartFrame& frame) {
  constexpr double kLimitNear = 1.6;  // a limit farther above would press the data flat
  double low = std::numeric_limits<double>::infinity();
  double high = -low;
  for (const ChartPoint& point : series.points) {
    low = std::min(low, point.minimum);
    high = std::max(high, point.maximum);
  }
  for (const Floor& floor : series.floors) {
    low = std::min(low, floor.value);
    high = std::max(high, floor.value);
  }
  if (!std::isfinite(low) || !std::isfinite(high)) {
    low = 0;
    high = 1024 * 1024;
  }
  // Nothing lives above its limit, so neither does the forecast.
  if (series.line) {
    const double most = series.limit.value_or(std::numeric_limits<double>::max());
    const double end = std::min(line_at(*series.line, frame.end_seconds), most);
    if (std::isfinite(end)) high = std::max(high, std::min(end, high * 4));
  }
  if (series.limit && *series.limit <= high * kLimitNear) high = std::max(high, *series.limit);
  const double spread = high > low ? high - low : high * 0.1;
  frame.low = low < 0.55 * high ? 0 : low - 0.15 * spread;
  frame.high = high + 0.05 * std::max(high - frame.low, 1.0);
}

}  // namespace

double ChartFrame::x(double time_seconds) const {
  const double share = (time_seconds - start_seconds) / (end_seconds - start_seconds);
  return bounded(kPlotLeft + share * (kPlotRight - kPlotLeft));
}

double ChartFrame::y(double value) const {
  const double share = (value - low) / (high - low);
  return bounded(kPlotBottom - share * (kPlotBottom - kPlotTop));
}

bool ChartFrame::shows_future(double last_seconds) const {
  return end_seconds - last_seconds >= 0.02 * (end_seconds - start_seconds);
}

double newest_seconds(const ChartSeries& series) {
  double newest = series.points.empty() ? 0 : series.points.back().time_seconds;
  if (!series.floors.empty()) newest = std::max(newest, series.floors.back().time_seconds);
  return newest;
}

double line_at(const ChartLine& line, double time_seconds) {
  return line.end_value + line.growth.estimate * (time_seconds - line.end_seconds);
}

ChartFrame chart_frame(const ChartSeries& series) {
  ChartFrame frame;
  const double newest = newest_seconds(series);
  double first = newest;
  if (!series.points.empty()) first = std::min(first, series.points.front().time_seconds);
  if (!series.floors.empty()) first = std::min(first, series.floors.front().time_seconds);
  frame.start_seconds = first;
  // Times so far out that a second is lost in them still need an axis with two ends.
  const double least = std::max(1.0, std::abs(first) * 1e-9);
  frame.end_seconds = end_of_time(series, first, std::max(newest, first + least));
  frame_values(series, frame);
  return frame;
}

ChartTicks value_ticks(double low, double high, double count, bool are_bytes) {
  const double least = std::max(1.0, (high - low) / count);
  if (are_bytes) return multiples(low, high, std::exp2(std::ceil(std::log2(least))));
  const double power = std::pow(10.0, std::floor(std::log10(least)));
  double step = power;
  for (const double factor : {1.0, 2.0, 5.0, 10.0}) {
    step = factor * power;
    if (step >= least) break;
  }
  return multiples(low, high, step);
}

ChartTicks time_ticks(double low, double high, double count) {
  constexpr std::array<double, 24> kSteps = {
      1,     2,    5,        10,       15,        30,        60,        120,
      300,   600,  900,      1800,     3600,      7200,      10800,     21600,
      43200, kDay, 2 * kDay, 7 * kDay, 14 * kDay, 28 * kDay, 91 * kDay, 364 * kDay};
  double step = kSteps.back();
  for (const double candidate : kSteps) {
    if ((high - low) / candidate > count) continue;
    step = candidate;
    break;
  }
  while ((high - low) / step > count) step *= 10;
  return multiples(low, high, step);
}

}  // namespace heapfloor
