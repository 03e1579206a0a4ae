#include "agent/trend/statistics.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace heapfloor {
namespace {

using Work = std::array<double, kMaxWindow>;
using Pairs = std::array<double, kMaxWindow*(kMaxWindow - 1) / 2>;

int sign(double value) { return (value > 0) - (value < 0); }

double median_of_sorted(std::span<const double> sorted) {
  const std::size_t n = sorted.size();
  if (n == 0) {
    return 0;
  }
  return n % 2 == 1 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
}

// Copies, sorts and returns the part of `work` that holds the values.
std::span<const double> sorted_copy(std::span<const double> values, Work& work) {
  const std::size_t n = std::min(values.size(), work.size());
  std::copy_n(values.begin(), n, work.begin());
  const std::span<double> copy(work.data(), n);
  std::sort(copy.begin(), copy.end());
  return copy;
}

// Mid-ranks, centred on zero. Values nearer than `resolution` share a rank: the rounding of an
// exactly linear series must not look like autocorrelated noise.
void centred_ranks(std::span<const double> values, double resolution, std::span<double> ranks) {
  const std::size_t n = values.size();
  for (std::size_t i = 0; i < n; ++i) {
    int below = 0;
    int above = 0;
    for (std::size_t j = 0; j < n; ++j) {
      below += values[j] < values[i] - resolution ? 1 : 0;
      above += values[j] > values[i] + resolution ? 1 : 0;
    }
    ranks[i] = (below - above) / 2.0;
  }
}

// All pairwise slopes, ascending, in the used part of `work`.
std::span<const double> sorted_slopes(std::span<const double> times, std::span<const double> values,
                                      Pairs& work) {
  const std::size_t n = std::min(values.size(), kMaxWindow);
  std::size_t pairs = 0;
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = i + 1; j < n; ++j) {
      const double elapsed = times[j] - times[i];
      if (elapsed > 0) {
        work[pairs++] = (values[j] - values[i]) / elapsed;
      }
    }
  }
  const std::span<double> used(work.data(), pairs);
  std::sort(used.begin(), used.end());
  return used;
}

SlopeEstimate slope_of_sorted(std::span<const double> slopes, double spread) {
  if (slopes.empty()) {
    return {};
  }
  const auto total = static_cast<double>(slopes.size());
  const auto at = [&](double position) {
    return slopes[static_cast<std::size_t>(std::clamp(position, 0.0, total - 1))];
  };
  return {median_of_sorted(slopes), at((total - spread) / 2), at((total + spread) / 2)};
}

}  // namespace

double median(std::span<const double> values) {
  Work work;
  return median_of_sorted(sorted_copy(values, work));
}

double robust_sigma(std::span<const double> values) {
  const double middle = median(values);
  Work work;
  const std::size_t n = std::min(values.size(), work.size());
  for (std::size_t i = 0; i < n; ++i) {
    work[i] = std::abs(values[i] - middle);
  }
  return 1.4826 * median(std::span<const double>(work.data(), n));
}

double quantile(std::span<const double> values, double q) {
  Work work;
  const std::span<const double> sorted = sorted_copy(values, work);
  if (sorted.empty()) {
    return 0;
  }
  const double position = std::clamp(q, 0.0, 1.0) * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(position);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (position - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

MannKendall mann_kendall(std::span<const double> values) {
  MannKendall result;
  Work work;
  const std::span<const double> sorted = sorted_copy(values, work);
  const std::size_t n = sorted.size();
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = i + 1; j < n; ++j) {
      result.s += sign(values[j] - values[i]);
    }
  }
  const auto term = [](double c) { return c * (c - 1) * (2 * c + 5); };
  double variance = term(static_cast<double>(n));
  for (std::size_t i = 0; i < n;) {
    std::size_t end = i + 1;
    while (end < n && sorted[end] == sorted[i]) {
      ++end;
    }
    variance -= term(static_cast<double>(end - i));
    i = end;
  }
  result.variance = variance / 18;
  return result;
}

double uncorrected_z(const MannKendall& kendall) {
  const auto s = static_cast<double>(kendall.s);
  return kendall.variance > 0 ? (s - sign(s)) / std::sqrt(kendall.variance) : 0;
}

bool exact_trend(std::size_t points, std::int64_t s) {
  switch (points) {
    case 5:
      return s >= 10;
    case 6:
      return s >= 13;
    case 7:
      return s >= 17;
    default:
      return false;
  }
}

double hamed_rao_factor(std::span<const double> times, std::span<const double> values,
                        double slope) {
  const std::size_t n = std::min(values.size(), kMaxWindow);
  if (n < 4) {
    return 1;
  }
  Work residuals;
  Work ranks;
  double largest = 0;
  for (std::size_t i = 0; i < n; ++i) {
    residuals[i] = values[i] - slope * (times[i] - times[0]);
    largest = std::max(largest, std::abs(values[i]));
  }
  constexpr double kFloatResolution = 1.0 / (1 << 22);
  centred_ranks({residuals.data(), n}, largest * kFloatResolution, ranks);
  double power = 0;
  for (std::size_t i = 0; i < n; ++i) {
    power += ranks[i] * ranks[i];
  }
  if (power <= 0) {
    return 1;
  }
  const auto count = static_cast<double>(n);
  const double significant = 1.96 / std::sqrt(count);
  double sum = 0;
  for (std::size_t lag = 1; lag < std::max<std::size_t>(2, n / 3); ++lag) {
    double product = 0;
    for (std::size_t i = lag; i < n; ++i) {
      product += ranks[i] * ranks[i - lag];
    }
    const double correlation = product / power;
    if (lag > 1 && std::abs(correlation) < significant) {
      continue;
    }
    const double rest = count - static_cast<double>(lag);
    sum += rest * (rest - 1) * (rest - 2) * correlation;
  }
  return std::max(1.0, 1 + 2 * sum / (count * (count - 1) * (count - 2)));
}

SlopeEstimate theil_sen(std::span<const double> times, std::span<const double> values,
                        double spread) {
  Pairs work;
  return slope_of_sorted(sorted_slopes(times, values, work), spread);
}

Trend fit_trend(std::span<const double> times, std::span<const double> values,
                const MannKendall& kendall, double z_interval) {
  Pairs work;
  const std::span<const double> slopes = sorted_slopes(times, values, work);
  Trend trend;
  trend.slope = median_of_sorted(slopes);
  trend.factor = hamed_rao_factor(times, values, trend.slope);
  const double deviation = std::sqrt(std::max(0.0, kendall.variance * trend.factor));
  const SlopeEstimate estimate = slope_of_sorted(slopes, z_interval * deviation);
  trend.low = estimate.low;
  trend.high = estimate.high;
  trend.z = uncorrected_z(kendall) / std::sqrt(trend.factor);
  return trend;
}

double largest_undone_rise(std::span<const double> values) {
  std::array<double, kMaxWindow> later_minimum;
  const std::size_t n = std::min(values.size(), kMaxWindow);
  double minimum = std::numeric_limits<double>::infinity();
  for (std::size_t i = n; i > 0; --i) {
    minimum = std::min(minimum, values[i - 1]);
    later_minimum[i - 1] = minimum;
  }
  double undone = 0;
  minimum = std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < n; ++i) {
    minimum = std::min(minimum, values[i]);
    undone = std::max(undone, std::min(values[i] - minimum, values[i] - later_minimum[i]));
  }
  return undone;
}

double normal_tail(double z) { return 0.5 * std::erfc(z / std::sqrt(2.0)); }

}  // namespace heapfloor
