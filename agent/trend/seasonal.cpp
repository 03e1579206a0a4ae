#include "agent/trend/seasonal.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace heapfloor {
namespace {

using Work = std::array<double, kMaxWindow>;

struct PhasePairs {
  double s = 0;
  std::size_t count = 0;
  double slope = 0;
};

PhasePairs same_phase_pairs(std::span<const double> times, std::span<const double> values,
                            double period, double tolerance) {
  PhasePairs pairs;
  std::array<double, kMaxWindow*(kMaxWindow - 1) / 2> slopes;
  for (std::size_t i = 0; i < times.size(); ++i) {
    for (std::size_t j = i + 1; j < times.size(); ++j) {
      const double elapsed = times[j] - times[i];
      const double periods = std::round(elapsed / period);
      if (periods < 1 || std::abs(elapsed - periods * period) > tolerance) {
        continue;
      }
      const double rise = values[j] - values[i];
      pairs.s += (rise > 0) - (rise < 0);
      slopes[pairs.count++] = rise / elapsed;
    }
  }
  pairs.slope = median_in_place({slopes.data(), pairs.count});
  return pairs;
}

double variance(std::span<const double> values) {
  double sum = 0;
  double squares = 0;
  for (const double value : values) {
    sum += value;
  }
  const double mean = sum / static_cast<double>(values.size());
  for (const double value : values) {
    squares += (value - mean) * (value - mean);
  }
  return squares / static_cast<double>(values.size());
}

}  // namespace

std::optional<SeasonalTrend> seasonal_trend(std::span<const double> times,
                                            std::span<const double> values, double period_seconds,
                                            double bucket_seconds) {
  const std::size_t n = std::min(values.size(), kMaxWindow);
  times = times.first(n);
  values = values.first(n);
  const PhasePairs pairs = same_phase_pairs(times, values, period_seconds, 0.51 * bucket_seconds);
  if (pairs.count < 8) {
    return std::nullopt;
  }
  std::array<double, kMaxWindow> phases;
  Work residuals;
  for (std::size_t i = 0; i < n; ++i) {
    const double into = times[i] - std::floor(times[i] / period_seconds) * period_seconds;
    phases[i] = std::floor(into / bucket_seconds + 1e-6);
    residuals[i] = values[i] - pairs.slope * (times[i] - times[0]);
  }
  Work phase_median;
  double kendall_variance = 0;
  for (std::size_t i = 0; i < n; ++i) {
    Work members;
    std::size_t count = 0;
    bool first = true;
    for (std::size_t j = 0; j < n; ++j) {
      if (phases[j] == phases[i]) {
        first = first && j >= i;
        members[count++] = residuals[j];
      }
    }
    phase_median[i] = median({members.data(), count});
    if (first) {
      const auto m = static_cast<double>(count);
      kendall_variance += m * (m - 1) * (2 * m + 5) / 18;
    }
  }
  const double centre = median({phase_median.data(), n});
  SeasonalTrend result;
  Work rest;
  for (std::size_t i = 0; i < n; ++i) {
    const double seasonal = phase_median[i] - centre;
    result.adjusted[i] = values[i] - seasonal;
    rest[i] = residuals[i] - seasonal;
  }
  const double total = variance({residuals.data(), n});
  result.explained = total > 0 ? 1 - variance({rest.data(), n}) / total : 0;
  if (kendall_variance > 0) {
    const double toward_zero = (pairs.s > 0) - (pairs.s < 0);
    result.z = (pairs.s - toward_zero) / std::sqrt(kendall_variance);
  }
  return result;
}

std::span<const double> period_differences(std::span<const double> times,
                                           std::span<const double> values, double period_seconds,
                                           std::span<double> differences) {
  std::size_t count = 0;
  std::size_t left = 0;
  for (std::size_t i = 0; i < times.size(); ++i) {
    const double earlier = times[i] - period_seconds;
    if (earlier < times[0] - 1e-6 * period_seconds) {
      continue;
    }
    while (left + 1 < i && times[left + 1] <= earlier) {
      ++left;
    }
    const double share =
        std::clamp((earlier - times[left]) / (times[left + 1] - times[left]), 0.0, 1.0);
    const double before = values[left] + share * (values[left + 1] - values[left]);
    differences[count++] = values[i] - before;
  }
  return differences.first(count);
}

}  // namespace heapfloor
