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

// Moves what `belongs` to the front of values[begin, end) and returns where the rest begins
// (Lomuto's partition). No branch depends on the data.
template <class Belongs>
std::size_t part(std::span<double> values, std::size_t begin, std::size_t end, Belongs belongs) {
  std::size_t front = begin;
  for (std::size_t i = begin; i < end; ++i) {
    const double value = values[i];
    values[i] = values[front];
    values[front] = value;
    front += belongs(value) ? 1U : 0U;
  }
  return front;
}

// The value that would be at `rank` were values[begin, end) sorted; then lies there, none before it
// is larger and none behind it smaller. Quickselect: at windows of chance the mispredicted branches
// of std::sort and std::nth_element take most of their time.
double select(std::span<double> values, std::size_t begin, std::size_t end, std::size_t rank) {
  constexpr int kMostRounds = 32;  // more than chance takes; then the library's bound holds
  for (int round = 0; end - begin > 1; ++round) {
    if (round == kMostRounds) {
      const auto start = values.begin();
      std::nth_element(start + static_cast<std::ptrdiff_t>(begin),
                       start + static_cast<std::ptrdiff_t>(rank),
                       start + static_cast<std::ptrdiff_t>(end));
      break;
    }
    const double first = values[begin];
    const double middle = values[begin + (end - begin) / 2];
    const double last = values[end - 1];
    const double pivot = std::max(std::min(first, middle), std::min(std::max(first, middle), last));
    const std::size_t below =
        part(values, begin, end, [pivot](double value) { return value < pivot; });
    if (rank < below) {
      end = below;
    } else if (below > begin) {
      begin = below;
    } else {
      // Nothing is below the pivot: what equals it comes first.
      begin = part(values, begin, end, [pivot](double value) { return value <= pivot; });
      if (rank < begin) return pivot;
    }
  }
  return values[rank];
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

// All pairwise slopes, in the used part of `work`.
std::span<double> pairwise_slopes(std::span<const double> times, std::span<const double> values,
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
  return {work.data(), pairs};
}

// The interval about the median of slopes that median_in_place() has parted.
SlopeEstimate interval_of(std::span<double> slopes, double median, double spread) {
  if (slopes.empty()) {
    return {};
  }
  const std::size_t middle = slopes.size() / 2;
  const auto total = static_cast<double>(slopes.size());
  const auto at = [&](double position) {
    const auto rank = static_cast<std::size_t>(std::clamp(position, 0.0, total - 1));
    if (rank == middle) return slopes[middle];
    return rank < middle ? select(slopes, 0, middle, rank)
                         : select(slopes, middle + 1, slopes.size(), rank);
  };
  const double low = at((total - spread) / 2);
  return {median, low, at((total + spread) / 2)};
}

}  // namespace

double median_in_place(std::span<double> values) {
  const std::size_t n = values.size();
  if (n == 0) {
    return 0;
  }
  const double middle = select(values, 0, n, n / 2);
  if (n % 2 == 1) return middle;
  const auto half = values.begin() + static_cast<std::ptrdiff_t>(n / 2);
  return (*std::max_element(values.begin(), half) + middle) / 2;
}

double median(std::span<const double> values) {
  Work work;
  const std::size_t n = std::min(values.size(), work.size());
  std::copy_n(values.begin(), n, work.begin());
  return median_in_place({work.data(), n});
}

double robust_sigma(std::span<const double> values) {
  const double middle = median(values);
  Work work;
  const std::size_t n = std::min(values.size(), work.size());
  for (std::size_t i = 0; i < n; ++i) {
    work[i] = std::abs(values[i] - middle);
  }
  return 1.4826 * median_in_place({work.data(), n});
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
  const std::size_t n = std::min(values.size(), kMaxWindow);
  std::int64_t rises = 0;
  std::int64_t falls = 0;
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = i + 1; j < n; ++j) {
      rises += values[j] > values[i] ? 1 : 0;
      falls += values[j] < values[i] ? 1 : 0;
    }
  }
  result.s = rises - falls;
  const auto term = [](double c) { return c * (c - 1) * (2 * c + 5); };
  double variance = term(static_cast<double>(n));
  const auto pairs = static_cast<std::int64_t>(n * (n - 1) / 2);
  if (rises + falls < pairs) {
    Work work;
    const std::span<const double> sorted = sorted_copy(values, work);
    for (std::size_t i = 0; i < n;) {
      std::size_t end = i + 1;
      while (end < n && sorted[end] == sorted[i]) {
        ++end;
      }
      variance -= term(static_cast<double>(end - i));
      i = end;
    }
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
  const std::span<double> slopes = pairwise_slopes(times, values, work);
  const double slope = median_in_place(slopes);
  return interval_of(slopes, slope, spread);
}

Trend fit_trend(std::span<const double> times, std::span<const double> values,
                const MannKendall& kendall, double z_interval) {
  Pairs work;
  const std::span<double> slopes = pairwise_slopes(times, values, work);
  Trend trend;
  trend.slope = median_in_place(slopes);
  trend.factor = hamed_rao_factor(times, values, trend.slope);
  const double deviation = std::sqrt(std::max(0.0, kendall.variance * trend.factor));
  const SlopeEstimate estimate = interval_of(slopes, trend.slope, z_interval * deviation);
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
