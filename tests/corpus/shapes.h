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
using Curve = std::function<double(double)>;  // over hours

inline constexpr double kMinute = 1.0 / 60;
inline constexpr double kThreeDays = 72;
inline constexpr double kTenDays = 240;

struct Draft {
  Values hours;
  Values mib;
  Values load;                  // requests a second; empty where no load drives the series
  std::vector<bool> collected;  // first reading after a collection; empty where unmarked
  std::vector<double> restart_hours;
  std::optional<double> limit_mib = 1024;
  std::optional<double> onset_hours;  // absent: healthy
  Curve truth;                        // LabelledSeries::truth in hours and MiB; pure
  SignalTraits unmarked_traits = SignalTraits::unmarked;  // where nothing is collected
};

Values clock(double hours, double step_hours);
// Draws one value a time, in order.
Values map(const Values& hours, const Curve& value);
void add(Draft& draft, const Values& more);
void add_noise(Draft& draft, Random& random, double sigma_mib);
// Autoregressive noise of order one with standard deviation `sigma`.
Values ar1(Random& random, std::size_t count, double phi, double sigma);
// Between 0 (midnight) and 1 (noon), shifted by `phase` hours.
double daily(double hours, double phase);
// 1 - exp(-t / tau).
double saturating(double t, double tau);

// A draft of `hours` hours, one reading a minute, whose clean value is `value(t)`; the others add
// white noise, or noise with a memory.
Draft draft(double hours, const Curve& value);
Draft noisy(Random& random, double sigma, double hours, const Curve& value);
Draft wandering(Random& random, double phi, double sigma, double hours, const Curve& value);

// Labels a draft as a leak.
Draft leak(Draft base, double onset_hours, Curve truth);

struct Teeth {
  double amplitude = 0;
  double period_hours = 0;
  double jitter = 0.15;
  bool grow = false;  // amplitude grows with the live size
};
// Puts the teeth of a collector on the live size and marks the first reading after each collection.
void add_teeth(Draft& draft, Random& random, const Teeth& teeth);
// Three days of them, with white noise; the marks are taken off again unless `marked`.
Draft toothed(Random& random, const Teeth& teeth, double sigma, bool marked, const Curve& live);

// A series that starts anew every `period` hours; marks the restarts.
Draft restarting(double period, double phase, const Curve& of_age);

// Ends the draft before its first reading at the limit.
void end_at_limit(Draft& draft);

// Sorted.
Values uniform_times(Random& random, std::size_t count, double low, double high);
// Of a Poisson process, until `hours`.
Values poisson_times(Random& random, double per_hour, double hours);
// How many of the sorted times lie before t.
double passed(const Values& times, double t);

// A staircase through sorted times whose steps have their own heights; beyond `end` it goes on at
// `rate` an hour.
Curve staircase(double base, Values times, Values heights, double end, double rate);

// The request rate that drives the series: `value(t)` with 5 % of noise. Drawn last, so that the
// readings of memory do not depend on it.
void set_load(Draft& draft, Random& random, const Curve& value);

LabelledSeries finish(const Draft& draft, double spacing_seconds);

}  // namespace heapfloor::shapes
