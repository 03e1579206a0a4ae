// The policy's time constants, in seconds, with its time scale applied.
#pragma once

#include "agent/trend/policy.h"

namespace heapfloor {

constexpr double scaled_hours(const TrendPolicy& policy, double hours) {
  return hours * 3600 * policy.time_scale;
}

constexpr double season_seconds(const TrendPolicy& policy) {
  return scaled_hours(policy, policy.season_hours);
}

}  // namespace heapfloor
