// Leaks 13 to 24 of the catalogue: bent, hidden, torn or badly read.
#include <algorithm>
#include <cmath>

#include "tests/corpus/generators.h"

namespace heapfloor::generators {

using namespace shapes;  // NOLINT(google-build-using-namespace)

namespace {

bool business_hour(double t) { return std::fmod(t, 24) > 9 && std::fmod(t, 24) < 17; }

}  // namespace

Draft sublinear(Random& r) {
  const Curve clean = [](double t) { return 200 + 18 * std::pow(t, 0.7); };
  return leak(noisy(r, 2.5, kThreeDays, clean), 0, clean);
}

Draft business_hours(Random& r) {
  double leaked = 0;
  Draft result = noisy(r, 2, kThreeDays, [&](double t) {
    leaked += business_hour(t) ? 6 * kMinute : 0;
    return 220 + leaked + (business_hour(t) ? 10 : 0);
  });
  set_load(result, r, [](double t) { return business_hour(t) ? 100.0 : 3.0; });
  return leak(result, 9, [](double t) {
    const double today = std::clamp(std::fmod(t, 24) - 9, 0.0, 8.0);
    return 220 + 6 * (8 * std::floor(t / 24) + today) + (business_hour(t) ? 10 : 0);
  });
}

Draft after_warm_up(Random& r) {
  const Curve clean = [](double t) { return 120 + 180 * saturating(t, 3) + 2 * t; };
  return leak(noisy(r, 3, kThreeDays, clean), 0, clean);
}

Draft with_cache_drops(Random& r) {
  const double period = r.uniform(5, 8);
  const Curve clean = [=](double t) { return 200 + 2.5 * t + 15 * std::fmod(t, period); };
  return leak(noisy(r, 3, kThreeDays, clean), 0, clean);
}

Draft class_loader_steps(Random& r) {
  const Values steps = uniform_times(r, 12, 0, kThreeDays);
  const Curve clean = staircase(300, steps, Values(12, 25), kThreeDays, 25.0 * 12 / kThreeDays);
  return leak(wandering(r, 0.8, 3, kThreeDays, clean), steps.front(), clean);
}

Draft gaps(Random& r) {
  const Curve clean = [](double t) { return 200 + 3.5 * t; };
  const Draft whole = noisy(r, 3, kThreeDays, clean);
  std::vector<bool> kept(whole.hours.size(), true);
  for (int i = 0; i < 8; ++i) {
    const auto from = static_cast<std::size_t>(r.uniform(0, 4020));
    const auto length = static_cast<std::size_t>(r.uniform(60, 300));
    for (std::size_t k = from; k < std::min(from + length, kept.size()); ++k) {
      kept[k] = false;
    }
  }
  Draft result;
  for (std::size_t i = 0; i < kept.size(); ++i) {
    if (kept[i]) {
      result.hours.push_back(whole.hours[i]);
      result.mib.push_back(whole.mib[i]);
    }
  }
  return leak(result, 0, clean);
}

Draft heavy_tail_leak(Random& r) {
  return leak(
      draft(kThreeDays,
            [&](double t) { return std::clamp(200 + 3 * t + 6 * r.student_t(1.8), 50.0, 2000.0); }),
      0, [](double t) { return 200 + 3 * t; });
}

Draft fast_to_limit(Random& r) {
  const Curve clean = [](double t) { return 200 + 300 * std::max(0.0, t - 2); };
  Draft result = noisy(r, 4, 6, clean);
  end_at_limit(result);
  return leak(result, 2, clean);
}

Draft gc_growing_heap(Random& r) {
  const Curve live = [](double t) { return 100 + 2.5 * t; };
  return leak(toothed(r, {100, 0.8, 0.15, true}, 1.5, true, live), 0,
              [=](double t) { return 2 * live(t); });
}

Draft gc_under_daily_load(Random& r) {
  const double phase = r.uniform(0, 24);
  const Curve live = [=](double t) { return 200 + 2.2 * t + 60 * daily(t, phase); };
  Draft result = toothed(r, {150, 0.7}, 2, true, live);
  set_load(result, r, [=](double t) { return 100 * daily(t, phase); });
  return leak(result, 0, [=](double t) { return live(t) + 150; });
}

Draft quantised_leak(Random& r) {
  return leak(draft(kThreeDays,
                    [&](double t) { return 10 * std::round(30 + 0.25 * t + r.normal(0, 0.6)); }),
              0, [](double t) { return 300 + 2.5 * t; });
}

Draft late_slow_onset(Random& r) {
  const double onset = r.uniform(30, 36);
  const Curve clean = [=](double t) { return 400 + 3 * std::max(0.0, t - onset); };
  return leak(wandering(r, 0.9, 5, kThreeDays, clean), onset, clean);
}

}  // namespace heapfloor::generators
