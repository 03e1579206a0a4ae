// Healthy scenarios 52 to 63 of the catalogue: what comes and goes.
#include <algorithm>
#include <cmath>

#include "tests/corpus/generators.h"

namespace heapfloor::generators {

using namespace shapes;  // NOLINT(google-build-using-namespace)

Draft log_rotation(Random& r) {
  const double phase = r.uniform(0, 24);
  return noisy(r, 3, kThreeDays, [=](double t) { return 200 + 8 * std::fmod(t + phase, 24); });
}

Draft nightly_batch(Random& r) {
  return noisy(r, 4, kThreeDays, [](double t) {
    const double hour = std::fmod(t, 24);
    return 200 + (hour > 2 && hour < 5 ? 300 * std::min(hour - 2, 1.0) : 0);
  });
}

Draft long_teeth_events(Random& r) {
  return toothed(r, {300, 10, 0.05}, 2, true, [](double) { return 150.0; });
}

Draft pool_growth(Random& r) {
  Values at(10);
  std::generate(at.begin(), at.end(), [&] { return r.exponential(6); });
  std::sort(at.begin(), at.end());
  return noisy(r, 2, kThreeDays, [&](double t) { return 220 + 9 * passed(at, t); });
}

Draft restarts_with_warm_up(Random& r) {
  Draft result =
      restarting(r.uniform(10, 16), 3, [](double age) { return 120 + 200 * saturating(age, 0.7); });
  add_noise(result, r, 3);
  return result;
}

Draft quantised_flat(Random& r) {
  Draft result = draft(kThreeDays, [](double) { return 55.0; });
  add(result, ar1(r, result.hours.size(), 0.97, 0.8));
  for (double& value : result.mib) {
    value = 10 * std::round(value);
  }
  return result;
}

Draft heavy_tail_flat(Random& r) {
  return draft(kThreeDays,
               [&](double) { return std::clamp(300 + 8 * r.student_t(1.8), 50.0, 2000.0); });
}

Draft decreasing(Random& r) {
  return noisy(r, 3, kThreeDays, [](double t) { return 500 - 2 * t; });
}

Draft lsm_memtable(Random& r) {
  double held = 0;
  double capacity = r.uniform(60, 140);
  return draft(kThreeDays, [&](double) {
    held += r.exponential(1.2);
    if (held > capacity) {
      held = 0;
      capacity = r.uniform(60, 140);
    }
    return 200 + held;
  });
}

Draft load_hump(Random& r) {
  const double centre = r.uniform(25, 40);
  return noisy(r, 3, kThreeDays, [=](double t) {
    const double z = (t - centre) / 9;
    return 250 + 120 * std::exp(-z * z);
  });
}

Draft gc_warm_up(Random& r) {
  return toothed(r, {120, 0.5}, 2, true, [](double t) { return 80 + 150 * saturating(t, 6); });
}

Draft gc_daily_load(Random& r) {
  const double phase = r.uniform(0, 24);
  Draft result =
      toothed(r, {150, 0.7}, 2, true, [=](double t) { return 200 + 80 * daily(t, phase); });
  set_load(result, r, [=](double t) { return 100 * daily(t, phase); });
  return result;
}

}  // namespace heapfloor::generators
