// A point of a stored series: what was seen between two times, thinned without losing its extremes.
#pragma once

namespace heapfloor {

struct Point {
  double time_seconds = 0;  // steady axis, of the last reading in it
  double minimum = 0;
  double maximum = 0;  // equal to minimum in the newest, unthinned tier
};

struct Floor {
  double time_seconds = 0;
  double value = 0;
};

}  // namespace heapfloor
