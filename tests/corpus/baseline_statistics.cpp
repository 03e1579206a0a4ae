#include "tests/corpus/baseline_statistics.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

namespace heapfloor::baseline {
namespace {

double median_of(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) {
    return *middle;
  }
  return (*middle + *std::max_element(values.begin(), middle)) / 2;
}

struct Kendall {
  double s = 0;
  double variance = 0;
};

Kendall kendall(std::span<const double> values) {
  Kendall result;
  for (std::size_t j = 1; j < values.size(); ++j) {
    int sum = 0;
    for (std::size_t i = 0; i < j; ++i) {
      sum += (values[j] > values[i] ? 1 : 0) - (values[j] < values[i] ? 1 : 0);
    }
    result.s += sum;
  }
  const auto term = [](double n) { return n * (n - 1) * (2 * n + 5); };
  std::map<double, double> ties;
  for (const double value : values) {
    ties[value] += 1;
  }
  double variance = term(static_cast<double>(values.size()));
  for (const auto& [value, count] : ties) {
    variance -= term(count);
  }
  result.variance = variance / 18;
  return result;
}

double z_of(const Kendall& kendall, double factor) {
  if (kendall.variance <= 0) {
    return 0;
  }
  const double sign = kendall.s > 0 ? 1 : kendall.s < 0 ? -1 : 0;
  return (kendall.s - sign) / std::sqrt(kendall.variance * factor);
}

double sen_slope(std::span<const double> times, std::span<const double> values) {
  std::vector<double> slopes;
  slopes.reserve(values.size() * (values.size() - 1) / 2);
  for (std::size_t i = 0; i < values.size(); ++i) {
    for (std::size_t j = i + 1; j < values.size(); ++j) {
      if (times[j] > times[i]) {
        slopes.push_back((values[j] - values[i]) / (times[j] - times[i]));
      }
    }
  }
  return slopes.empty() ? 0 : median_of(std::move(slopes));
}

// Mean ranks of ties, less their mean.
std::vector<double> centred_ranks(const std::vector<double>& values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return values[a] < values[b]; });
  const double centre = (static_cast<double>(values.size()) - 1) / 2;
  std::vector<double> ranks(values.size());
  for (std::size_t first = 0; first < order.size();) {
    std::size_t last = first;
    while (last + 1 < order.size() && values[order[last + 1]] == values[order[first]]) {
      ++last;
    }
    for (std::size_t k = first; k <= last; ++k) {
      ranks[order[k]] = static_cast<double>(first + last) / 2 - centre;
    }
    first = last + 1;
  }
  return ranks;
}

double inflation(const std::vector<double>& residuals) {
  const std::vector<double> ranks = centred_ranks(residuals);
  const double whole = std::inner_product(ranks.begin(), ranks.end(), ranks.begin(), 0.0);
  if (whole <= 0) {
    return 1;
  }
  const auto n = static_cast<double>(ranks.size());
  double sum = 0;
  for (std::size_t lag = 1; lag < std::max<std::size_t>(2, ranks.size() / 3); ++lag) {
    double product = 0;
    for (std::size_t i = lag; i < ranks.size(); ++i) {
      product += ranks[i] * ranks[i - lag];
    }
    const double rho = product / whole;
    const auto k = static_cast<double>(lag);
    if (lag == 1 || std::abs(rho) >= 1.96 / std::sqrt(n)) {
      sum += (n - k) * (n - k - 1) * (n - k - 2) * rho;
    }
  }
  return std::max(1.0, 1 + 2 * sum / (n * (n - 1) * (n - 2)));
}

}  // namespace

Regression::Regression(std::span<const double> times, std::span<const double> values)
    : before_(times.size() + 1) {
  const auto n = static_cast<double>(std::max<std::size_t>(1, times.size()));
  mean_time_ = std::accumulate(times.begin(), times.end(), 0.0) / n;
  mean_value_ = std::accumulate(values.begin(), values.end(), 0.0) / n;
  for (std::size_t i = 0; i < times.size(); ++i) {
    const double t = times[i] - mean_time_;
    const double y = values[i] - mean_value_;
    const Sums& sums = before_[i];
    before_[i + 1] = {sums.t + t, sums.y + y, sums.tt + t * t, sums.ty + t * y, sums.yy + y * y};
  }
}

Line Regression::fit(std::size_t first, std::size_t last) const {
  const Sums& a = before_[first];
  const Sums& b = before_[last];
  const auto n = static_cast<double>(last - first);
  const double t = b.t - a.t;
  const double y = b.y - a.y;
  const double tt = (b.tt - a.tt) - t * t / n;
  const double ty = (b.ty - a.ty) - t * y / n;
  const double yy = (b.yy - a.yy) - y * y / n;
  if (tt <= 0) {
    return {};
  }
  Line line;
  line.slope = ty / tt;
  line.intercept = mean_value_ + y / n - line.slope * (mean_time_ + t / n);
  // Sums of squares of a constant series are what is left of rounding.
  line.r_squared = yy > 1e-9 * n ? std::clamp(ty * ty / (tt * yy), 0.0, 1.0) : 0;
  return line;
}

double mann_kendall_z(std::span<const double> values) { return z_of(kendall(values), 1); }

CorrectedTrend hamed_rao(std::span<const double> times, std::span<const double> values) {
  CorrectedTrend result;
  result.slope = sen_slope(times, values);
  std::vector<double> residuals(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    residuals[i] = values[i] - result.slope * times[i];
  }
  result.z = z_of(kendall(values), inflation(residuals));
  return result;
}

}  // namespace heapfloor::baseline
