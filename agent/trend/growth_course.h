// How the pace of growth behaved within a window of floors, and what that says of its future: how
// much it bends, how much of it comes in lots, and whether it is the rise of a day.
//
// Pure and total, as statistics.h.
#pragma once

#include <optional>
#include <span>

#include "agent/trend/verdict.h"

namespace heapfloor {

// Floors and when they were, oldest first, of equal length.
struct FloorSpan {
  std::span<const double> times;
  std::span<const double> values;
};

struct GrowthCourse {
  // Of a parabola fitted by least squares: the pace is 1 - bend mean paces at the window's start
  // and 1 + bend at its end. 0 of a line, 1 of a pace that grows from nothing, about -0.9 of a
  // square root.
  double bend = 0;
  double bend_deviation = kUnknownBend;  // standard error, autocorrelation of residuals included
  // Standard deviation of what one gap between floors adds, in mean increments, as far as it stays:
  // noise about a line takes back at the next floor what it gave, growth in lots does not.
  double lot_deviation = 0;
  double gaps = 1;  // between the floors

  static constexpr double kUnknownBend = 1e3;
};

// Where the time of day explains most of the residuals, it is taken off: floors at whole multiples
// of `season_seconds` share a level of their own, and that costs as many degrees of freedom. Needs
// five floors, and 1.9 seasons for the second.
GrowthCourse measure_course(const FloorSpan& window, double bucket_seconds, double season_seconds);

// The pace over the last season, as a share of `growth.estimate`, where the window is shorter than
// a season and its hours rose the season before as well, by a quarter or more of what they rose
// now. `days` are floors that reach back that far. May be negative.
std::optional<double> pace_over_season(const FloorSpan& window, const FloorSpan& days,
                                       const Growth& growth, double season_seconds);

}  // namespace heapfloor
