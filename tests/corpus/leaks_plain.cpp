// Leaks 1 to 12 of the catalogue.
#include <algorithm>
#include <cmath>

#include "tests/corpus/generators.h"

namespace heapfloor::generators {

using namespace shapes;  // NOLINT(google-build-using-namespace)

namespace {

// Running integral of `rate(t)` on the minute grid.
Curve integral(Curve rate) {
  return [rate = std::move(rate), sum = 0.0](double t) mutable { return sum += rate(t) * kMinute; };
}

// Integral of daily(t, phase) from 0.
double daily_integral(double t, double phase) {
  constexpr double kPace = 6.283185307179586 / 24;
  return 0.5 * t - 0.5 * (std::sin(kPace * (t + phase)) - std::sin(kPace * phase)) / kPace;
}

}  // namespace

Draft linear_native(Random& r) {
  const Curve clean = [](double t) { return 200 + 4 * t; };
  return leak(noisy(r, 2, kThreeDays, clean), 0, clean);
}

Draft gc_linear_events(Random& r) {
  const Curve live = [](double t) { return 150 + 2.5 * t; };
  return leak(toothed(r, {120, 0.5}, 1.5, true, live), 0, [=](double t) { return live(t) + 120; });
}

Draft gc_linear_no_events(Random& r) {
  const Curve live = [](double t) { return 150 + 2.5 * t; };
  return leak(toothed(r, {120, 0.5}, 1.5, false, live), 0, [=](double t) { return live(t) + 120; });
}

Draft slow_below_noise(Random& r) {
  const Curve clean = [](double t) { return 300 + 0.5 * t; };
  return leak(wandering(r, 0.9, 9, kTenDays, clean), 0, clean);
}

Draft rate_follows_load(Random& r) {
  const double phase = r.uniform(0, 24);
  auto leaked = integral([=](double t) { return 5 * daily(t, phase); });
  Draft result =
      noisy(r, 3, kThreeDays, [&](double t) { return 200 + leaked(t) + 20 * daily(t, phase); });
  set_load(result, r, [=](double t) { return 100 * daily(t, phase); });
  return leak(result, 0,
              [=](double t) { return 200 + 5 * daily_integral(t, phase) + 20 * daily(t, phase); });
}

Draft under_strong_daily_load(Random& r) {
  const double phase = r.uniform(0, 24);
  const Curve clean = [=](double t) { return 300 + 1.8 * t + 150 * daily(t, phase); };
  Draft result = wandering(r, 0.9, 6, kThreeDays, clean);
  set_load(result, r, [=](double t) { return 100 * daily(t, phase); });
  return leak(result, 0, clean);
}

Draft hash_map_doubling(Random& r) {
  const double rate = r.uniform(0.6, 1.4);
  const Curve clean = [=](double t) {
    const double elements = 2000 * (1 + t * 60 * rate);
    const double slots = std::exp2(std::ceil(std::log2(elements)));
    return 120 + (slots * 256 + elements * 100) / (1024 * 1024);
  };
  return leak(noisy(r, 1, kThreeDays, clean), 0, clean);
}

Draft equal_stairs(Random& r) {
  const double phase = r.uniform(0, 4);
  const Curve clean = [=](double t) { return 200 + 18 * std::floor((t + phase) / 4); };
  return leak(wandering(r, 0.5, 2, kThreeDays, clean), 0, clean);
}

Draft onset_at_deploy(Random& r) {
  const double onset = r.uniform(20, 30);
  const Curve clean = [=](double t) { return 250 + (t > onset ? 30 + 5 * (t - onset) : 0); };
  return leak(noisy(r, 3, kThreeDays, clean), onset, clean);
}

Draft masked_by_restart(Random& r) {
  const double period = r.uniform(9, 14);
  Draft result =
      restarting(period, r.uniform(0, period), [](double age) { return 150 + 10 * age; });
  add_noise(result, r, 2);
  return leak(result, 0, nullptr);  // the restarts keep it from ever meeting the limit
}

Draft partial_free(Random& r) {
  Draft result = draft(kThreeDays, [](double) { return 180.0; });
  Values temporary = ar1(r, result.hours.size(), 0.97, 40);
  double kept = 0;
  for (double& value : temporary) {
    kept += 0.05 * std::abs(r.normal());
    value = std::abs(value) + kept;
  }
  add(result, temporary);
  // 0.05 MiB times the mean of |N| a minute, below temporaries of 95 % of the time at most 1.96
  // sigma.
  return leak(result, 0, [](double t) { return 180 + 1.96 * 40 + 0.05 * 0.797885 * 60 * t; });
}

Draft accelerating(Random& r) {
  const Curve clean = [](double t) { return 200 + 0.06 * t * t; };
  return leak(noisy(r, 2.5, kThreeDays, clean), 0, clean);
}

}  // namespace heapfloor::generators
