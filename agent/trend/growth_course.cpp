#include "agent/trend/growth_course.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

#include "agent/trend/statistics.h"

namespace heapfloor {
namespace {

using Work = std::array<double, kMaxWindow>;
using Phases = std::array<int, kMaxWindow>;

constexpr std::size_t kLeastFloors = 5;
constexpr double kSeasonsToTakeOff = 1.9;
constexpr double kSeasonalVariance = 0.4;  // of the residuals, left by a season worth taking off
constexpr double kDailyRise = 0.25;        // of the window's, the season before
constexpr double kMostCorrelation = 0.8;

// values = level of the phase + slope * x + square * x^2, by least squares.
struct Parabola {
  double slope = 0;
  double square = 0;
  double square_weight = 0;      // sum of squares of what x^2 has beside level and slope
  double residual_variance = 0;  // by degrees of freedom
  Work residuals;
};

// Takes off the mean of its phase; returns how many phases there are.
std::size_t centre(std::span<double> values, std::span<const int> phases) {
  Work means;
  std::size_t count = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    double sum = 0;
    double members = 0;
    bool is_first = true;
    for (std::size_t j = 0; j < values.size(); ++j) {
      if (phases[j] != phases[i]) continue;
      is_first = is_first && j >= i;
      sum += values[j];
      members += 1;
    }
    means[i] = sum / members;
    count += is_first ? 1U : 0U;
  }
  for (std::size_t i = 0; i < values.size(); ++i) values[i] -= means[i];
  return count;
}

double product(std::span<const double> a, std::span<const double> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

std::optional<Parabola> fit_parabola(std::span<const double> shares, std::span<const double> values,
                                     std::span<const int> phases) {
  const std::size_t n = shares.size();
  Work x;
  Work square;
  Work y;
  for (std::size_t i = 0; i < n; ++i) {
    x[i] = shares[i];
    square[i] = shares[i] * shares[i];
    y[i] = values[i];
  }
  const std::size_t levels = centre({x.data(), n}, phases);
  centre({square.data(), n}, phases);
  centre({y.data(), n}, phases);
  const double freedom = static_cast<double>(n) - static_cast<double>(levels) - 2;
  const double weight = product({x.data(), n}, {x.data(), n});
  if (!(weight > 0) || freedom < 1) return std::nullopt;
  const double common = product({x.data(), n}, {square.data(), n}) / weight;
  for (std::size_t i = 0; i < n; ++i) square[i] -= common * x[i];
  Parabola fitted;
  fitted.square_weight = product({square.data(), n}, {square.data(), n});
  if (!(fitted.square_weight > 1e-9)) return std::nullopt;
  fitted.slope = product({x.data(), n}, {y.data(), n}) / weight;
  fitted.square = product({square.data(), n}, {y.data(), n}) / fitted.square_weight;
  for (std::size_t i = 0; i < n; ++i)
    fitted.residuals[i] = y[i] - fitted.slope * x[i] - fitted.square * square[i];
  const std::span<const double> rest(fitted.residuals.data(), n);
  fitted.residual_variance = product(rest, rest) / freedom;
  return fitted;
}

Parabola without_season(const Parabola& plain, const FloorSpan& window,
                        std::span<const double> shares, double bucket, double season) {
  const std::size_t n = shares.size();
  Phases phases;
  for (std::size_t i = 0; i < n; ++i) {
    const double into = window.times[i] - std::floor(window.times[i] / season) * season;
    phases[i] = static_cast<int>(std::floor(into / bucket + 1e-6));
  }
  const auto fitted = fit_parabola(shares, window.values.first(n), {phases.data(), n});
  const bool is_seasonal =
      fitted && fitted->residual_variance < kSeasonalVariance * plain.residual_variance;
  return is_seasonal ? *fitted : plain;
}

// By how much autocorrelation of the residuals inflates the variance of a fit.
double inflation(std::span<const double> residuals) {
  const double power = product(residuals, residuals);
  if (!(power > 0)) return 1;
  const std::size_t n = residuals.size();
  const double lagged = product(residuals.first(n - 1), residuals.last(n - 1));
  // A fit takes off about 2/n of the correlation.
  const double correlation =
      std::clamp(lagged / power + 2 / static_cast<double>(n), 0.0, kMostCorrelation);
  return (1 + correlation) / (1 - correlation);
}

// Variance of an increment plus twice its covariance with the next.
double lasting_variance(const Parabola& fitted, std::size_t n) {
  const std::span<const double> residuals(fitted.residuals.data(), n);
  const double power = product(residuals, residuals);
  if (!(power > 0)) return 0;
  Work increments;
  for (std::size_t i = 1; i < n; ++i) increments[i - 1] = residuals[i] - residuals[i - 1];
  const std::span<const double> steps(increments.data(), n - 1);
  const double sum = product(steps, steps) + 2 * product(steps.first(n - 2), steps.last(n - 2));
  return std::max(0.0, sum) * fitted.residual_variance / power;
}

// Between the floors before and after `time`, and as far as a gap beyond them.
std::optional<double> floor_at(const FloorSpan& floors, double time) {
  const auto& times = floors.times;
  if (times.size() < 2 || time < 2 * times[0] - times[1] || time > times.back())
    return std::nullopt;
  std::size_t after = 1;
  while (after + 1 < times.size() && times[after] < time) ++after;
  const double share = (time - times[after - 1]) / (times[after] - times[after - 1]);
  return floors.values[after - 1] + share * (floors.values[after] - floors.values[after - 1]);
}

}  // namespace

GrowthCourse measure_course(const FloorSpan& window, double bucket_seconds, double season_seconds) {
  GrowthCourse course;
  const std::size_t n = std::min({window.times.size(), window.values.size(), kMaxWindow});
  if (n < kLeastFloors) return course;
  const double span = window.times[n - 1] - window.times[0];
  Work work;
  for (std::size_t i = 0; i < n; ++i) work[i] = (window.times[i] - window.times[0]) / span;
  const std::span<const double> shares(work.data(), n);
  const Phases one_phase = {};
  auto fitted = fit_parabola(shares, window.values.first(n), {one_phase.data(), n});
  if (!fitted) return course;
  if (span >= kSeasonsToTakeOff * season_seconds && bucket_seconds > 0 &&
      bucket_seconds <= season_seconds / 4)
    fitted = without_season(*fitted, window, shares, bucket_seconds, season_seconds);
  if (!(fitted->slope > 0)) return course;
  course.gaps = static_cast<double>(n - 1);
  course.bend = fitted->square / fitted->slope;
  course.bend_deviation = std::sqrt(fitted->residual_variance / fitted->square_weight *
                                    inflation({fitted->residuals.data(), n})) /
                          fitted->slope;
  course.lot_deviation = std::sqrt(lasting_variance(*fitted, n)) * course.gaps / fitted->slope;
  return course;
}

std::optional<double> pace_over_season(const FloorSpan& window, const FloorSpan& days,
                                       const Growth& growth, double season_seconds) {
  if (window.times.empty() || !(growth.estimate > 0)) return std::nullopt;
  const double start = window.times.front();
  const double end = window.times.back();
  if (end - start >= season_seconds) return std::nullopt;
  const auto before = floor_at(days, start - season_seconds);
  const auto after = floor_at(days, end - season_seconds);
  if (!before || !after) return std::nullopt;
  if (*after - *before < kDailyRise * growth.estimate * (end - start)) return std::nullopt;
  return (window.values.back() - *after) / season_seconds / growth.estimate;
}

}  // namespace heapfloor
