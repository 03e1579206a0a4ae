// Start-ups, warm-ups and fast leaks: minutes to hours, one reading in 15 s.
#include <algorithm>
#include <cmath>

#include "tests/corpus/generators.h"

namespace heapfloor::generators {

using shapes::Draft;
using shapes::kMinute;
using shapes::Values;

namespace {

constexpr double kSpacingSeconds = 15;
constexpr double kLimitMib = 1024;  // of the leaks

// Value over minutes since the start, with a little noise; the limit is drawn between 1.4 and 5
// times the highest.
Draft draft(Random& random, double hours, const std::function<double(double)>& of_minutes) {
  Draft result;
  result.hours = shapes::clock(hours, kSpacingSeconds / 3600);
  result.mib = shapes::map(result.hours, [&](double t) { return of_minutes(t / kMinute); });
  const double highest = *std::max_element(result.mib.begin(), result.mib.end());
  shapes::add_noise(result, random, 0.003 * highest);
  result.limit_mib = highest * random.uniform(1.4, 5);
  return result;
}

// Ends the series where it meets the limit.
Draft leak(Random& random, const std::function<double(double)>& of_minutes,
           double onset_minutes = 0) {
  Draft result = draft(random, 10, of_minutes);
  result.limit_mib = kLimitMib;
  shapes::end_at_limit(result);
  return shapes::leak(result, onset_minutes * kMinute,
                      [=](double hours) { return of_minutes(hours / kMinute); });
}

double ramp(double t, double from, double length) {
  return std::clamp((t - from) / length, 0.0, 1.0);
}
double saturating(double t, double tau) { return 1 - std::exp(-std::max(0.0, t) / tau); }
double tooth(double t, double period) { return std::fmod(t, period) / period; }

}  // namespace

// ---- healthy

Draft short_flat(Random& r) {
  return draft(r, 4, [](double) { return 300.0; });
}
Draft short_linear_start(Random& r) {
  const double length = r.uniform(1, 25);
  const double top = r.uniform(50, 800);
  return draft(r, 4, [=](double t) { return 20 + top * ramp(t, 0, length); });
}
Draft short_exponential_start(Random& r) {
  const double tau = r.uniform(0.5, 20);
  return draft(r, 6, [=](double t) { return 30 + 400 * saturating(t, tau); });
}
Draft short_logarithmic_start(Random& r) {
  const double until = r.uniform(10, 90);
  const double pace = r.uniform(0.3, 5);
  return draft(r, 6, [=](double t) { return 60 + 40 * std::log1p(pace * std::min(t, until)); });
}
Draft short_sigmoid_start(Random& r) {
  const double middle = r.uniform(3, 15);
  const double width = middle / r.uniform(3, 6);
  return draft(r, 4, [=](double t) { return 30 + 350 / (1 + std::exp((middle - t) / width)); });
}
Draft short_doubling_start(Random& r) {
  const double pace = r.uniform(0.7, 4);
  return draft(r, 4,
               [=](double t) { return 20 + std::min(512.0, 8 * std::exp2(std::floor(t / pace))); });
}
Draft short_staged_start(Random& r) {
  const double pause = r.uniform(3, 10);
  return draft(r, 5, [=](double t) {
    return 40 + 120 * (ramp(t, 0, 4) + ramp(t, 4 + pause, 4) + ramp(t, 8 + 2 * pause, 4));
  });
}
Draft short_collector_start(Random& r) {
  const double tau = r.uniform(2, 15);
  const double period = r.uniform(0.4, 4);
  return draft(r, 5,
               [=](double t) { return 60 + saturating(t, tau) * (150 + 120 * tooth(t, period)); });
}
Draft short_reload_after_hours(Random& r) {
  const double at = r.uniform(60, 180);
  const double length = r.uniform(1, 12);
  return draft(r, 6, [=](double t) { return 250 + 120 * ramp(t, at, length); });
}
Draft short_burst_humps(Random& r) {
  const double period = r.uniform(25, 80);
  return draft(r, 6, [=](double t) {
    return 200 + 150 * std::pow(std::sin(3.14159265358979 * t / period), 2);
  });
}
Draft short_level_teeth(Random& r) {
  const double period = r.uniform(0.3, 20);
  return draft(r, 5, [=](double t) { return 100 + 150 * tooth(t, period); });
}
Draft short_wandering(Random& r) {
  Draft result = draft(r, 6, [](double) { return 300.0; });
  const Values noise = shapes::ar1(r, result.mib.size(), r.uniform(0.9, 0.995), 15);
  std::transform(result.mib.begin(), result.mib.end(), noise.begin(), result.mib.begin(),
                 std::plus<>());
  return result;
}
Draft short_worker_pool(Random& r) {
  Values joined(12);
  std::generate(joined.begin(), joined.end(), [&] { return r.exponential(30); });
  return draft(r, 6, [=](double t) {
    return 120 + 15 * static_cast<double>(std::count_if(joined.begin(), joined.end(),
                                                        [=](double at) { return t > at; }));
  });
}

// ---- leaks that meet the limit within hours

Draft short_steady_leak(Random& r) {
  const double hours = r.uniform(2, 8);
  return leak(r, [=](double t) { return 60 + 964 * t / (60 * hours); });
}
Draft short_leak_after_start(Random& r) {
  const double hours = r.uniform(2.5, 8);
  const double tau = r.uniform(1, 6);
  return leak(r, [=](double t) { return 40 + 250 * saturating(t, tau) + 734 * t / (60 * hours); });
}
Draft short_toothed_leak(Random& r) {
  const double hours = r.uniform(2.5, 8);
  const double period = r.uniform(0.5, 8);
  return leak(r, [=](double t) { return 60 + 864 * t / (60 * hours) + 100 * tooth(t, period); });
}
Draft short_doubling_leak(Random& r) {
  const double hours = r.uniform(2.5, 8);
  return leak(r, [=](double t) {
    const double nodes = 20 + 800 * t / (60 * hours);
    return 20 + nodes + std::exp2(std::ceil(std::log2(nodes / 8)));
  });
}
Draft short_late_leak(Random& r) {
  const double at = r.uniform(60, 180);
  const double hours = r.uniform(2, 6);
  return leak(
      r, [=](double t) { return 200 + 824 * std::max(0.0, t - at) / (60 * hours); }, at);
}
Draft short_batch_leak(Random& r) {
  const double hours = r.uniform(3, 8);
  const double period = r.uniform(2, 8);
  return leak(r,
              [=](double t) { return 100 + 924 * std::floor(t / period) * period / (60 * hours); });
}

}  // namespace heapfloor::generators
