// When a growing series meets its limit, and how urgent that is.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "agent/trend/growth_course.h"
#include "agent/trend/tooth_growth.h"
#include "agent/trend/verdict.h"

namespace heapfloor {

// What is known of a series that grows. Times are seconds on one axis, amounts bytes.
struct ForecastInput {
  double now_seconds = 0;
  double season_seconds = 86400;
  double limit = 0;
  double line = 0;  // the fitted line, now
  Growth growth;
  double amplitude = 0;        // 95th percentile of peaks above the line
  double usual_amplitude = 0;  // their median
  ToothGrowth::Estimate tooth_growth;
  FloorSpan window;  // that the growth was measured in; may be empty
  double bucket_seconds = 0;
  FloorSpan days;  // the floors of the last days; may be empty
};

// T = (limit - amplitude - line) / growth from now on. Teeth that certainly grow with the floor
// speed it up, a pace that certainly bends goes on bending (as the power of time that the bend
// amounts to), and a rise that belongs to the hours of the day is taken at the pace of the day.
//
// The interval adds up in squares of logarithms what each thing that is not known would change: the
// slope's own interval, the bend, growth in lots, peaks against their median, the teeth, and the
// length of the extrapolation against the window. It asks for 95 % (tests/corpus/README.md has what
// it gets). No latest time when that is more than 20 times as far as the point. Nothing without
// growth; now, once the limit is met.
std::optional<Exhaustion> forecast(const ForecastInput& input);

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
