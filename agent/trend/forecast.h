// When a growing series meets its limit, and how urgent that is.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "agent/trend/verdict.h"

namespace heapfloor {

// T = (limit - amplitude - floor) / growth from `now_seconds`, earliest from the upper and latest
// from the lower bound of growth. No latest time when the lower bound is below a tenth of the
// estimate. Nothing without growth.
std::optional<Exhaustion> forecast(double now_seconds, double limit, double amplitude, double floor,
                                   const Growth& growth);

enum class Severity : std::uint8_t { info, warning, critical };

constexpr std::string_view severity_name(Severity severity) {
  switch (severity) {
    case Severity::critical:
      return "critical";
    case Severity::warning:
      return "warning";
    case Severity::info:
      break;
  }
  return "info";
}

// Critical when the limit may be met within 24 h, warning within 14 days, info otherwise and
// without a forecast.
Severity severity(const Verdict& verdict, double now_seconds);

}  // namespace heapfloor
