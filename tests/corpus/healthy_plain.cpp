// Healthy scenarios 38 to 50 of the catalogue.
#include <algorithm>
#include <array>
#include <cmath>

#include "tests/corpus/generators.h"

namespace heapfloor::generators {

using namespace shapes;  // NOLINT(google-build-using-namespace)

Draft flat(Random& r) {
  return noisy(r, 3, kThreeDays, [](double) { return 300.0; });
}

Draft short_memory(Random& r) {
  return wandering(r, 0.98, 12, kThreeDays, [](double) { return 300.0; });
}

Draft long_memory(Random& r) {
  return wandering(r, 0.998, 20, kTenDays, [](double) { return 300.0; });
}

Draft gc_events(Random& r) {
  return toothed(r, {150, 0.6}, 2, true, [](double) { return 150.0; });
}

Draft gc_no_events(Random& r) {
  return toothed(r, {150, 0.6}, 2, false, [](double) { return 150.0; });
}

Draft warm_up_3h(Random& r) {
  return noisy(r, 3, kThreeDays, [](double t) { return 100 + 250 * saturating(t, 3); });
}

Draft warm_up_15h(Random& r) {
  return noisy(r, 3, kThreeDays, [](double t) { return 100 + 300 * saturating(t, 15); });
}

Draft cache_fill_to_cap(Random& r) {
  const double rate = r.uniform(10, 25);
  return noisy(r, 3, kThreeDays, [=](double t) { return 150 + std::min(t * rate, 260.0); });
}

Draft linear_fill_to_high_cap(Random& r) {
  return noisy(r, 4, kThreeDays, [](double t) { return std::min(300 + 12 * t, 760.0); });
}

Draft daily_load(Random& r) {
  const double phase = r.uniform(0, 24);
  Draft result =
      wandering(r, 0.9, 6, kThreeDays, [=](double t) { return 250 + 150 * daily(t, phase); });
  set_load(result, r, [=](double t) { return 100 * daily(t, phase); });
  return result;
}

Draft daily_and_weekly_load(Random& r) {
  const double phase = r.uniform(0, 24);
  const Curve share = [=](double t) {
    const bool weekend = static_cast<int>(t / 24) % 7 >= 5;
    return daily(t, phase) * (weekend ? 0.5 : 1);
  };
  Draft result = wandering(r, 0.9, 6, 24 * 8, [=](double t) { return 250 + 120 * share(t); });
  set_load(result, r, [=](double t) { return 100 * share(t); });
  return result;
}

Draft rising_limb_only(Random& r) {
  return wandering(r, 0.9, 5, 9, [](double t) { return 250 + 150 * daily(t, 1); });
}

Draft deploy_step(Random& r) {
  const double at = r.uniform(15, 50);
  return noisy(r, 3, kThreeDays, [=](double t) { return 250 + (t > at ? 80 : 0); });
}

Draft config_steps(Random& r) {
  const Values at = uniform_times(r, 5, 5, 68);
  constexpr std::array<double, 5> kSteps = {40, 35, -60, 50, -45};
  return noisy(r, 3, kThreeDays, [&](double t) {
    double sum = 280;
    for (std::size_t i = 0; i < at.size(); ++i) {
      sum += t > at[i] ? kSteps[i] : 0;
    }
    return sum;
  });
}

Draft jit_log(Random& r) {
  return noisy(r, 2, kThreeDays,
               [](double t) { return 180 + 25 * std::log1p(6 * std::min(t, 20.0)); });
}

Draft early_doublings(Random& r) {
  return noisy(r, 2, kThreeDays, [](double t) {
    return 64 * (1 + (t > 0.3 ? 1.0 : 0) + (t > 1 ? 2.0 : 0) + (t > 3 ? 1.5 : 0));
  });
}

Draft retention_ratchet(Random& r) {
  double peak = 0;
  Draft result = draft(kThreeDays, [&](double) {
    const double burst = std::abs(r.gumbel(25));
    peak = std::max(peak, r.uniform() < 0.01 ? burst : 0);
    return 200 + peak;
  });
  add_noise(result, r, 2);
  return result;
}

Draft fragmentation_plateau(Random& r) {
  return wandering(r, 0.95, 4, kTenDays, [](double t) { return 250 + 90 * t / (t + 8); });
}

}  // namespace heapfloor::generators
