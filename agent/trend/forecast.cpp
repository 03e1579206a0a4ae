#include "agent/trend/forecast.h"

#include <algorithm>
#include <cmath>

namespace heapfloor {
namespace {

// Chosen on the tuning sets of the corpus.
constexpr double kCertain = 3;       // standard errors from which the point believes
constexpr double kBendSigmas = 2.2;  // standard errors of what the interval holds
constexpr double kLotSigmas = 1.5;
constexpr double kToothSigmas = 2;
constexpr double kUsualBend = 0.3;        // standard deviation of bends before anything was seen
constexpr double kLeastBendError = 0.03;  // no pace is known better
constexpr double kPeakWeight = 1.5;
constexpr double kExtrapolation = 0.05;  // a logarithm of 1 + time left in windows
constexpr double kUnforeseen = 1.25;     // times all of the above
constexpr double kLeastPace = 0.02;      // of the estimate: slower is no growth
constexpr double kNoEnd = 20;            // times the point
// Teeth that are a multiple of the live size grow by that multiple at most, estimated generously.
constexpr double kMostToothGrowth = 1.3;
constexpr double kLongestSeconds = 1e15;  // keeps everything finite

double square(double value) { return value * value; }

// A rise over the unit window like x^p whose first half gets the share that the bend gives it.
double exponent_of(double bend) { return -std::log2(std::clamp(0.5 - 0.25 * bend, 0.125, 0.95)); }

// Logarithmic deviations of each side, squared and summed.
struct Uncertainty {
  double early = 0;
  double late = 0;

  void add_both(double deviation) {
    early += square(deviation);
    late += square(deviation);
  }
  void add_early(double ratio) { early += square(std::log(std::max(1.0, ratio))); }
  void add_late(double ratio) { late += square(std::log(std::max(1.0, ratio))); }
};

// What teeth add to the growth of the floor.
struct ToothRange {
  double point = 0;
  double low = 0;
  double high = 0;
};

ToothRange tooth_range(const ForecastInput& input) {
  const ToothGrowth::Estimate& teeth = input.tooth_growth;
  const double most = kMostToothGrowth * std::max(0.0, input.amplitude / std::max(1.0, input.line));
  const auto bounded = [&](double ratio) { return std::clamp(ratio, 0.0, most); };
  ToothRange range;
  range.point = teeth.ratio > kCertain * teeth.deviation ? bounded(teeth.ratio) : 0;
  range.low = std::min(range.point, bounded(teeth.ratio - kToothSigmas * teeth.deviation));
  range.high = std::max(range.point, bounded(teeth.ratio + kToothSigmas * teeth.deviation));
  return range;
}

// Time to the limit along a power of time.
struct Curve {
  double window_seconds = 0;
  double windows_left = 0;  // at the mean pace

  [[nodiscard]] double seconds(double bend) const {
    return std::min(kLongestSeconds,
                    window_seconds * (std::pow(1 + windows_left, 1 / exponent_of(bend)) - 1));
  }
};

// Adds what the bend leaves open; returns the time to the limit along the bend that is certain.
double bent_seconds(const Curve& curve, const GrowthCourse& course, Uncertainty& uncertainty) {
  const double certain = std::max(0.0, std::abs(course.bend) - kCertain * course.bend_deviation);
  const double at = curve.seconds(std::copysign(certain, course.bend));
  const double variance = square(std::max(course.bend_deviation, kLeastBendError));
  const double trust = square(kUsualBend) / (square(kUsualBend) + variance);
  const double expected = course.bend * trust;
  const double spread = kBendSigmas * std::sqrt(variance * trust);
  uncertainty.add_early(at / curve.seconds(expected + spread));
  uncertainty.add_late(curve.seconds(expected - spread) / at);
  return at;
}

}  // namespace

std::optional<Exhaustion> forecast(const ForecastInput& input) {
  const Growth& growth = input.growth;
  if (!(growth.estimate > 0) || !(growth.high > 0)) {
    return std::nullopt;
  }
  const double now = input.now_seconds;
  const double headroom = input.limit - input.amplitude - input.line;
  if (!(headroom > 0)) {
    return Exhaustion{now, now, now};
  }
  const ToothRange teeth = tooth_range(input);
  const double linear = std::min(kLongestSeconds, headroom / ((1 + teeth.point) * growth.estimate));
  const bool has_window = !input.window.times.empty();
  const double start = has_window ? input.window.times.front() : now - linear;
  const Curve curve{std::max(1.0, now - start), linear / std::max(1.0, now - start)};
  const GrowthCourse course =
      measure_course(input.window, input.bucket_seconds, input.season_seconds);

  Uncertainty uncertainty;
  const double at = std::max(1e-3, bent_seconds(curve, course, uncertainty));
  uncertainty.add_early(growth.high / growth.estimate);
  uncertainty.add_late(growth.estimate / std::max(growth.low, kLeastPace * growth.estimate));
  uncertainty.add_early((1 + teeth.high) / (1 + teeth.point));
  uncertainty.add_late((1 + teeth.point) / (1 + teeth.low));
  const double gaps_left = std::max(1.0, course.gaps * curve.windows_left);
  uncertainty.add_both(kLotSigmas * course.lot_deviation *
                       std::sqrt(1 / course.gaps + 1 / gaps_left));
  uncertainty.add_both(
      kPeakWeight * std::log1p(std::max(0.0, input.amplitude - input.usual_amplitude) / headroom));
  uncertainty.add_both(kExtrapolation * std::log1p(curve.windows_left));
  // The rise of the hours ends with them: until then it goes on as it does.
  double point = at;
  double slow = at;
  if (const auto pace = pace_over_season(input.window, input.days, growth, input.season_seconds)) {
    slow = std::max(at, linear / std::max(*pace, kLeastPace));
    point = *pace > kLeastPace ? slow : at;
  }

  Exhaustion result;
  result.at_seconds = now + point;
  result.earliest_seconds = now + at * std::exp(-kUnforeseen * std::sqrt(uncertainty.early));
  const double latest = slow * std::exp(kUnforeseen * std::sqrt(uncertainty.late));
  if (latest < kNoEnd * point) {
    result.latest_seconds = now + latest;
  }
  return result;
}

Severity severity(const Verdict& verdict, double now_seconds) {
  constexpr double kDay = 86400;
  if (!verdict.exhaustion) {
    return Severity::info;
  }
  const double earliest = verdict.exhaustion->earliest_seconds - now_seconds;
  if (earliest < kDay) {
    return Severity::critical;
  }
  return earliest < 14 * kDay ? Severity::warning : Severity::info;
}

}  // namespace heapfloor
