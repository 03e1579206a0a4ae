// Building blocks of scenarios. Times are hours, values MiB.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "tests/corpus/random.h"
#include "tests/corpus/scenarios.h"

namespace heapfloor::shapes {

using Values = std::vector<double>;

struct Draft {
  Values hours;
  Values mib;
  std::vector<bool> collected;  // first reading after a collection; empty where unmarked
  std::vector<double> restart_hours;
  std::optional<double> limit_mib = 1024;
  std::optional<double> onset_hours;  // absent: healthy
};

Values clock(double hours, double step_hours);
// Draws one value a time, in order.
Values map(const Values& hours, const std::function<double(double)>& value);
void add_noise(Draft& draft, Random& random, double sigma_mib);
// Autoregressive noise of order one with standard deviation `sigma`.
Values ar1(Random& random, std::size_t count, double phi, double sigma);
// Between 0 (midnight) and 1 (noon), shifted by `phase` hours.
double daily(double hours, double phase);

struct Teeth {
  double amplitude = 0;
  double period_hours = 0;
  double jitter = 0.15;
  bool grow = false;  // amplitude grows with the live size
};
// Puts the teeth of a collector on the live size and marks the first reading after each collection.
void add_teeth(Draft& draft, Random& random, const Teeth& teeth);

LabelledSeries finish(const Draft& draft, double spacing_seconds);

}  // namespace heapfloor::shapes
