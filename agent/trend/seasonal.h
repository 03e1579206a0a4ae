// Trend under a known period: only readings of the same phase are compared (seasonal Kendall;
// Hirsch and Slack 1984).
#pragma once

#include <array>
#include <optional>
#include <span>

#include "agent/trend/statistics.h"

namespace heapfloor {

struct SeasonalTrend {
  double z = 0;          // seasonal Kendall, variance summed over phases
  double explained = 0;  // share of the residual variance that the phase medians explain
  std::array<double, kMaxWindow> adjusted = {};  // the values without their phase medians
};

// `bucket_seconds` is the tolerance of a phase. Nothing when fewer than 8 pairs lie a whole number
// of periods apart.
std::optional<SeasonalTrend> seasonal_trend(std::span<const double> times,
                                            std::span<const double> values, double period_seconds,
                                            double bucket_seconds);

// Differences of every value to the (interpolated) value one period earlier, for times that have
// one. Writes into `differences` and returns the used part.
std::span<const double> period_differences(std::span<const double> times,
                                           std::span<const double> values, double period_seconds,
                                           std::span<double> differences);

}  // namespace heapfloor
