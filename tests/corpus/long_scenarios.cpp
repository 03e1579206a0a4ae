#include <algorithm>
#include <array>
#include <cmath>
#include <functional>

#include "tests/corpus/random.h"
#include "tests/corpus/scenarios.h"
#include "tests/corpus/shapes.h"

namespace heapfloor {
namespace {

using shapes::add_noise;
using shapes::add_teeth;
using shapes::ar1;
using shapes::daily;
using shapes::Draft;
using shapes::Teeth;
using shapes::Values;

constexpr double kMinute = 1.0 / 60;
constexpr double kThreeDays = 72;

// A draft of `hours` hours whose clean value is `value(t)`.
Draft draft(double hours, const std::function<double(double)>& value) {
  Draft result;
  result.hours = shapes::clock(hours, kMinute);
  result.mib = shapes::map(result.hours, value);
  return result;
}

Draft leak(Draft base, double onset_hours = 0) {
  base.onset_hours = onset_hours;
  return base;
}

void add(Draft& base, const Values& more) {
  std::transform(base.mib.begin(), base.mib.end(), more.begin(), base.mib.begin(), std::plus<>());
}

Draft noisy(Random& random, double sigma, double hours,
            const std::function<double(double)>& value) {
  Draft result = draft(hours, value);
  add_noise(result, random, sigma);
  return result;
}

Draft wandering(Random& random, double phi, double sigma, double hours,
                const std::function<double(double)>& value) {
  Draft result = draft(hours, value);
  add(result, ar1(random, result.hours.size(), phi, sigma));
  return result;
}

Draft toothed(Random& random, const Teeth& teeth, double sigma, bool marked,
              const std::function<double(double)>& live) {
  Draft result = draft(kThreeDays, live);
  add_teeth(result, random, teeth);
  add_noise(result, random, sigma);
  if (!marked) {
    result.collected.clear();
  }
  return result;
}

Values sorted_uniform(Random& random, std::size_t count, double low, double high) {
  Values result(count);
  std::generate(result.begin(), result.end(), [&] { return random.uniform(low, high); });
  std::sort(result.begin(), result.end());
  return result;
}

double passed(const Values& times, double t) {
  return static_cast<double>(
      std::count_if(times.begin(), times.end(), [&](double at) { return t > at; }));
}

// Running integral of `rate(t)` on the minute grid.
std::function<double(double)> integral(std::function<double(double)> rate) {
  return [rate = std::move(rate), sum = 0.0](double t) mutable { return sum += rate(t) * kMinute; };
}

double saturating(double t, double tau) { return 1 - std::exp(-t / tau); }

// Teeth of a series that restarts every `period` hours; marks the restarts.
Draft restarting(double period, double phase, const std::function<double(double)>& of_age) {
  Draft result = draft(kThreeDays, [&](double t) { return of_age(std::fmod(t + phase, period)); });
  for (std::size_t i = 1; i < result.hours.size(); ++i) {
    if (std::fmod(result.hours[i] + phase, period) <
        std::fmod(result.hours[i - 1] + phase, period)) {
      result.restart_hours.push_back(result.hours[i]);
    }
  }
  return result;
}

// ---- leaks

Draft linear_native(Random& r) {
  return leak(noisy(r, 2, kThreeDays, [](double t) { return 200 + 4 * t; }));
}
Draft gc_linear_events(Random& r) {
  return leak(toothed(r, {120, 0.5}, 1.5, true, [](double t) { return 150 + 2.5 * t; }));
}
Draft gc_linear_no_events(Random& r) {
  return leak(toothed(r, {120, 0.5}, 1.5, false, [](double t) { return 150 + 2.5 * t; }));
}
Draft slow_below_noise(Random& r) {
  return leak(wandering(r, 0.9, 9, 240, [](double t) { return 300 + 0.5 * t; }));
}
Draft rate_follows_load(Random& r) {
  const double phase = r.uniform(0, 24);
  auto leaked = integral([=](double t) { return 5 * daily(t, phase); });
  return leak(
      noisy(r, 3, kThreeDays, [&](double t) { return 200 + leaked(t) + 20 * daily(t, phase); }));
}
Draft under_strong_daily_load(Random& r) {
  const double phase = r.uniform(0, 24);
  return leak(wandering(r, 0.9, 6, kThreeDays,
                        [=](double t) { return 300 + 1.8 * t + 150 * daily(t, phase); }));
}
Draft hash_map_doubling(Random& r) {
  const double rate = r.uniform(0.6, 1.4);
  return leak(noisy(r, 1, kThreeDays, [=](double t) {
    const double elements = 2000 * (1 + t * 60 * rate);
    const double slots = std::exp2(std::ceil(std::log2(elements)));
    return 120 + (slots * 256 + elements * 100) / (1024 * 1024);
  }));
}
Draft equal_stairs(Random& r) {
  const double phase = r.uniform(0, 4);
  return leak(wandering(r, 0.5, 2, kThreeDays,
                        [=](double t) { return 200 + 18 * std::floor((t + phase) / 4); }));
}
Draft onset_at_deploy(Random& r) {
  const double onset = r.uniform(20, 30);
  return leak(noisy(r, 3, kThreeDays,
                    [=](double t) { return 250 + (t > onset ? 30 + 5 * (t - onset) : 0); }),
              onset);
}
Draft masked_by_restart(Random& r) {
  const double period = r.uniform(9, 14);
  Draft result =
      restarting(period, r.uniform(0, period), [](double age) { return 150 + 10 * age; });
  add_noise(result, r, 2);
  return leak(result);
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
  return leak(result);
}
Draft accelerating(Random& r) {
  return leak(noisy(r, 2.5, kThreeDays, [](double t) { return 200 + 0.06 * t * t; }));
}
Draft sublinear(Random& r) {
  return leak(noisy(r, 2.5, kThreeDays, [](double t) { return 200 + 18 * std::pow(t, 0.7); }));
}
bool business_hour(double t) { return std::fmod(t, 24) > 9 && std::fmod(t, 24) < 17; }
Draft business_hours(Random& r) {
  auto leaked = integral([](double t) { return business_hour(t) ? 6.0 : 0.0; });
  return leak(noisy(r, 2, kThreeDays,
                    [&](double t) { return 220 + leaked(t) + (business_hour(t) ? 10 : 0); }),
              9);
}
Draft after_warm_up(Random& r) {
  return leak(
      noisy(r, 3, kThreeDays, [](double t) { return 120 + 180 * saturating(t, 3) + 2 * t; }));
}
Draft with_cache_drops(Random& r) {
  const double period = r.uniform(5, 8);
  return leak(
      noisy(r, 3, kThreeDays, [=](double t) { return 200 + 2.5 * t + 15 * std::fmod(t, period); }));
}
Draft class_loader_steps(Random& r) {
  const Values steps = sorted_uniform(r, 12, 0, 72);
  return leak(
      wandering(r, 0.8, 3, kThreeDays, [&](double t) { return 300 + 25 * passed(steps, t); }),
      steps.front());
}
Draft gaps(Random& r) {
  const Draft whole = noisy(r, 3, kThreeDays, [](double t) { return 200 + 3.5 * t; });
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
  return leak(result);
}
Draft heavy_tail_leak(Random& r) {
  return leak(draft(kThreeDays, [&](double t) {
    return std::clamp(200 + 3 * t + 6 * r.student_t(1.8), 50.0, 2000.0);
  }));
}
Draft fast_to_limit(Random& r) {
  Draft result = noisy(r, 4, 6, [](double t) { return 200 + 300 * std::max(0.0, t - 2); });
  std::size_t alive = 0;
  while (alive < result.mib.size() && result.mib[alive] < 1024) {
    ++alive;
  }
  result.hours.resize(alive);
  result.mib.resize(alive);
  return leak(result, 2);
}
Draft gc_growing_heap(Random& r) {
  return leak(
      toothed(r, {100, 0.8, 0.15, true}, 1.5, true, [](double t) { return 100 + 2.5 * t; }));
}
Draft gc_under_daily_load(Random& r) {
  const double phase = r.uniform(0, 24);
  return leak(toothed(r, {150, 0.7}, 2, true,
                      [=](double t) { return 200 + 2.2 * t + 60 * daily(t, phase); }));
}
Draft quantised_leak(Random& r) {
  return leak(draft(kThreeDays,
                    [&](double t) { return 10 * std::round(30 + 0.25 * t + r.normal(0, 0.6)); }));
}
Draft late_slow_onset(Random& r) {
  const double onset = r.uniform(30, 36);
  return leak(wandering(r, 0.9, 5, kThreeDays,
                        [=](double t) { return 400 + 3 * std::max(0.0, t - onset); }),
              onset);
}

// ---- healthy

Draft flat(Random& r) {
  return noisy(r, 3, kThreeDays, [](double) { return 300.0; });
}
Draft short_memory(Random& r) {
  return wandering(r, 0.98, 12, kThreeDays, [](double) { return 300.0; });
}
Draft long_memory(Random& r) {
  return wandering(r, 0.998, 20, 240, [](double) { return 300.0; });
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
Draft daily_load(Random& r) {
  const double phase = r.uniform(0, 24);
  return wandering(r, 0.9, 6, kThreeDays, [=](double t) { return 250 + 150 * daily(t, phase); });
}
Draft daily_and_weekly_load(Random& r) {
  const double phase = r.uniform(0, 24);
  return wandering(r, 0.9, 6, 24 * 8, [=](double t) {
    const bool weekend = static_cast<int>(t / 24) % 7 >= 5;
    return 250 + 120 * daily(t, phase) * (weekend ? 0.5 : 1);
  });
}
Draft rising_limb_only(Random& r) {
  return wandering(r, 0.9, 5, 9, [](double t) { return 250 + 150 * daily(t, 1); });
}
Draft deploy_step(Random& r) {
  const double at = r.uniform(15, 50);
  return noisy(r, 3, kThreeDays, [=](double t) { return 250 + (t > at ? 80 : 0); });
}
Draft config_steps(Random& r) {
  const Values at = sorted_uniform(r, 5, 5, 68);
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
  return wandering(r, 0.95, 4, 240, [](double t) { return 250 + 90 * t / (t + 8); });
}
Draft linear_fill_to_high_cap(Random& r) {
  return noisy(r, 4, kThreeDays, [](double t) { return std::min(300 + 12 * t, 760.0); });
}
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
  return toothed(r, {150, 0.7}, 2, true, [=](double t) { return 200 + 80 * daily(t, phase); });
}

Scenario scenario(std::string_view name, Draft (*make)(Random&)) {
  return {name, [make](std::uint64_t seed) {
            Random random(seed);
            return shapes::finish(make(random), 60);
          }};
}

}  // namespace

const std::vector<Scenario>& long_scenarios() {
  static const std::vector<Scenario> scenarios = {
      scenario("L01_linear_native", linear_native),
      scenario("L02_gc_linear_events", gc_linear_events),
      scenario("L03_gc_linear_no_events", gc_linear_no_events),
      scenario("L04_slow_below_noise", slow_below_noise),
      scenario("L05_rate_follows_load", rate_follows_load),
      scenario("L06_under_strong_daily_load", under_strong_daily_load),
      scenario("L07_hash_map_doubling", hash_map_doubling),
      scenario("L08_equal_stairs", equal_stairs),
      scenario("L09_onset_at_deploy", onset_at_deploy),
      scenario("L10_masked_by_restart", masked_by_restart),
      scenario("L11_partial_free", partial_free),
      scenario("L12_accelerating", accelerating),
      scenario("L13_sublinear", sublinear),
      scenario("L14_business_hours", business_hours),
      scenario("L15_after_warm_up", after_warm_up),
      scenario("L16_with_cache_drops", with_cache_drops),
      scenario("L17_class_loader_steps", class_loader_steps),
      scenario("L18_gaps", gaps),
      scenario("L19_heavy_tail", heavy_tail_leak),
      scenario("L20_fast_to_limit", fast_to_limit),
      scenario("L21_gc_growing_heap", gc_growing_heap),
      scenario("L22_gc_under_daily_load", gc_under_daily_load),
      scenario("L23_quantised", quantised_leak),
      scenario("L24_late_slow_onset", late_slow_onset),
      scenario("N01_flat", flat),
      scenario("N02_short_memory", short_memory),
      scenario("N03_long_memory", long_memory),
      scenario("N04_gc_events", gc_events),
      scenario("N05_gc_no_events", gc_no_events),
      scenario("N06_warm_up_3h", warm_up_3h),
      scenario("N07_warm_up_15h", warm_up_15h),
      scenario("N08_cache_fill_to_cap", cache_fill_to_cap),
      scenario("N09_daily_load", daily_load),
      scenario("N10_daily_and_weekly_load", daily_and_weekly_load),
      scenario("N11_rising_limb_only", rising_limb_only),
      scenario("N12_deploy_step", deploy_step),
      scenario("N13_config_steps", config_steps),
      scenario("N14_jit_log", jit_log),
      scenario("N15_early_doublings", early_doublings),
      scenario("N16_retention_ratchet", retention_ratchet),
      scenario("N17_fragmentation_plateau", fragmentation_plateau),
      scenario("N18_linear_fill_to_high_cap", linear_fill_to_high_cap),
      scenario("N19_log_rotation", log_rotation),
      scenario("N20_nightly_batch", nightly_batch),
      scenario("N21_long_teeth_events", long_teeth_events),
      scenario("N22_pool_growth", pool_growth),
      scenario("N23_restarts_with_warm_up", restarts_with_warm_up),
      scenario("N24_quantised_flat", quantised_flat),
      scenario("N25_heavy_tail_flat", heavy_tail_flat),
      scenario("N26_decreasing", decreasing),
      scenario("N27_lsm_memtable", lsm_memtable),
      scenario("N28_load_hump", load_hump),
      scenario("N29_gc_warm_up", gc_warm_up),
      scenario("N30_gc_daily_load", gc_daily_load),
  };
  return scenarios;
}

}  // namespace heapfloor
