#include <algorithm>
#include <array>
#include <cmath>

#include "tests/corpus/random.h"
#include "tests/corpus/scenarios.h"
#include "tests/corpus/shapes.h"

namespace heapfloor {
namespace {

using shapes::Draft;
using shapes::Values;

constexpr double kSpacingSeconds = 15;
constexpr double kMinute = 1.0 / 60;

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

Draft leak(Draft base, double limit_mib, double onset_minutes = 0) {
  base.limit_mib = limit_mib;
  base.onset_hours = onset_minutes * kMinute;
  const auto dead = std::find_if(base.mib.begin(), base.mib.end(),
                                 [&](double value) { return value >= limit_mib; });
  const auto alive = static_cast<std::size_t>(dead - base.mib.begin());
  base.mib.resize(alive);
  base.hours.resize(alive);
  return base;
}

double ramp(double t, double from, double length) {
  return std::clamp((t - from) / length, 0.0, 1.0);
}
double saturating(double t, double tau) { return 1 - std::exp(-std::max(0.0, t) / tau); }
double tooth(double t, double period) { return std::fmod(t, period) / period; }

// ---- healthy

Draft flat(Random& r) {
  return draft(r, 4, [](double) { return 300.0; });
}
Draft linear_start(Random& r) {
  const double length = r.uniform(1, 25);
  const double top = r.uniform(50, 800);
  return draft(r, 4, [=](double t) { return 20 + top * ramp(t, 0, length); });
}
Draft exponential_start(Random& r) {
  const double tau = r.uniform(0.5, 20);
  return draft(r, 6, [=](double t) { return 30 + 400 * saturating(t, tau); });
}
Draft logarithmic_start(Random& r) {
  const double until = r.uniform(10, 90);
  const double pace = r.uniform(0.3, 5);
  return draft(r, 6, [=](double t) { return 60 + 40 * std::log1p(pace * std::min(t, until)); });
}
Draft sigmoid_start(Random& r) {
  const double middle = r.uniform(3, 15);
  const double width = middle / r.uniform(3, 6);
  return draft(r, 4, [=](double t) { return 30 + 350 / (1 + std::exp((middle - t) / width)); });
}
Draft doubling_start(Random& r) {
  const double pace = r.uniform(0.7, 4);
  return draft(r, 4,
               [=](double t) { return 20 + std::min(512.0, 8 * std::exp2(std::floor(t / pace))); });
}
Draft staged_start(Random& r) {
  const double pause = r.uniform(3, 10);
  return draft(r, 5, [=](double t) {
    return 40 + 120 * (ramp(t, 0, 4) + ramp(t, 4 + pause, 4) + ramp(t, 8 + 2 * pause, 4));
  });
}
Draft collector_start(Random& r) {
  const double tau = r.uniform(2, 15);
  const double period = r.uniform(0.4, 4);
  return draft(r, 5,
               [=](double t) { return 60 + saturating(t, tau) * (150 + 120 * tooth(t, period)); });
}
Draft reload_after_hours(Random& r) {
  const double at = r.uniform(60, 180);
  const double length = r.uniform(1, 12);
  return draft(r, 6, [=](double t) { return 250 + 120 * ramp(t, at, length); });
}
Draft burst_humps(Random& r) {
  const double period = r.uniform(25, 80);
  return draft(r, 6, [=](double t) {
    return 200 + 150 * std::pow(std::sin(3.14159265358979 * t / period), 2);
  });
}
Draft level_teeth(Random& r) {
  const double period = r.uniform(0.3, 20);
  return draft(r, 5, [=](double t) { return 100 + 150 * tooth(t, period); });
}
Draft wandering(Random& r) {
  Draft result = draft(r, 6, [](double) { return 300.0; });
  const Values noise = shapes::ar1(r, result.mib.size(), r.uniform(0.9, 0.995), 15);
  std::transform(result.mib.begin(), result.mib.end(), noise.begin(), result.mib.begin(),
                 std::plus<>());
  return result;
}
Draft worker_pool(Random& r) {
  Values joined(12);
  std::generate(joined.begin(), joined.end(), [&] { return r.exponential(30); });
  return draft(r, 6, [=](double t) {
    return 120 + 15 * static_cast<double>(std::count_if(joined.begin(), joined.end(),
                                                        [=](double at) { return t > at; }));
  });
}

// ---- leaks that meet the limit within hours

Draft steady_leak(Random& r) {
  const double hours = r.uniform(2, 8);
  return leak(draft(r, 10, [=](double t) { return 60 + 964 * t / (60 * hours); }), 1024);
}
Draft leak_after_start(Random& r) {
  const double hours = r.uniform(2.5, 8);
  const double tau = r.uniform(1, 6);
  return leak(
      draft(r, 10,
            [=](double t) { return 40 + 250 * saturating(t, tau) + 734 * t / (60 * hours); }),
      1024);
}
Draft toothed_leak(Random& r) {
  const double hours = r.uniform(2.5, 8);
  const double period = r.uniform(0.5, 8);
  return leak(
      draft(r, 10, [=](double t) { return 60 + 864 * t / (60 * hours) + 100 * tooth(t, period); }),
      1024);
}
Draft doubling_leak(Random& r) {
  const double hours = r.uniform(2.5, 8);
  return leak(draft(r, 10,
                    [=](double t) {
                      const double nodes = 20 + 800 * t / (60 * hours);
                      return 20 + nodes + std::exp2(std::ceil(std::log2(nodes / 8)));
                    }),
              1024);
}
Draft late_leak(Random& r) {
  const double at = r.uniform(60, 180);
  const double hours = r.uniform(2, 6);
  return leak(
      draft(r, 10, [=](double t) { return 200 + 824 * std::max(0.0, t - at) / (60 * hours); }),
      1024, at);
}
Draft batch_leak(Random& r) {
  const double hours = r.uniform(3, 8);
  const double period = r.uniform(2, 8);
  return leak(
      draft(r, 10,
            [=](double t) { return 100 + 924 * std::floor(t / period) * period / (60 * hours); }),
      1024);
}

Scenario scenario(std::string_view name, Draft (*make)(Random&)) {
  return {name, [make](std::uint64_t seed) {
            Random random(seed);
            return shapes::finish(make(random), kSpacingSeconds);
          }};
}

}  // namespace

const std::vector<Scenario>& short_scenarios() {
  static const std::vector<Scenario> scenarios = {
      scenario("SL1_steady", steady_leak),
      scenario("SL2_after_start", leak_after_start),
      scenario("SL3_toothed", toothed_leak),
      scenario("SL4_doubling", doubling_leak),
      scenario("SL5_late", late_leak),
      scenario("SL6_batches", batch_leak),
      scenario("SN1_flat", flat),
      scenario("SN2_linear_start", linear_start),
      scenario("SN3_exponential_start", exponential_start),
      scenario("SN4_logarithmic_start", logarithmic_start),
      scenario("SN5_sigmoid_start", sigmoid_start),
      scenario("SN6_doubling_start", doubling_start),
      scenario("SN7_staged_start", staged_start),
      scenario("SN8_collector_start", collector_start),
      scenario("SN9_reload_after_hours", reload_after_hours),
      scenario("SN10_burst_humps", burst_humps),
      scenario("SN11_level_teeth", level_teeth),
      scenario("SN12_wandering", wandering),
      scenario("SN13_worker_pool", worker_pool),
  };
  return scenarios;
}

}  // namespace heapfloor
