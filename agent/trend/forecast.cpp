#include "agent/trend/forecast.h"

#include <algorithm>

namespace heapfloor {

std::optional<Exhaustion> forecast(double now_seconds, double limit, double amplitude, double floor,
                                   const Growth& growth) {
  constexpr double kNearZero = 0.1;  // of the estimate: a bound ten times as late says nothing
  if (!(growth.estimate > 0) || !(growth.high > 0)) {
    return std::nullopt;
  }
  const double headroom = std::max(0.0, limit - amplitude - floor);
  Exhaustion result;
  result.at_seconds = now_seconds + headroom / growth.estimate;
  result.earliest_seconds = now_seconds + headroom / growth.high;
  if (growth.low > kNearZero * growth.estimate) {
    result.latest_seconds = now_seconds + headroom / growth.low;
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
