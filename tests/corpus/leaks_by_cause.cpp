// Leaks 25 to 37 of the catalogue: as real programs make them.
#include <algorithm>
#include <cmath>

#include "tests/corpus/generators.h"

namespace heapfloor::generators {

using namespace shapes;  // NOLINT(google-build-using-namespace)

namespace {

// A staircase of `per_hour` steps an hour, drawn by `height()`, whose mean is `mean_height`.
Curve random_stairs(Random& r, double base, double per_hour, double hours, double mean_height,
                    const std::function<double()>& height) {
  const Values times = poisson_times(r, per_hour, hours);
  Values heights(times.size());
  std::generate(heights.begin(), heights.end(), height);
  return staircase(base, times, heights, hours, per_hour * mean_height);
}

}  // namespace

// Stacks and queues of blocked senders, 2 to 8 KiB each.
Draft goroutine_leak(Random& r) {
  const double per_hour = r.uniform(400, 900);
  const Curve clean = random_stairs(r, 180, per_hour, kThreeDays, 5.0 / 1024,
                                    [&] { return r.uniform(2, 8) / 1024; });
  return leak(noisy(r, 2, kThreeDays, clean), 0, clean);
}

// Every thread of a pool fills its ThreadLocal; the pool grows now and then.
Draft thread_local_in_pool(Random& r) {
  const double fill = r.uniform(8, 14);
  const double pause = r.uniform(6, 12);
  const double cycle = fill + pause;
  const Curve clean = [=](double t) {
    return 200 + 4 * (fill * std::floor(t / cycle) + std::min(std::fmod(t, cycle), fill));
  };
  return leak(noisy(r, 2, kThreeDays, clean), 0, clean);
}

// Native buffers of 1 to 4 MiB below a managed heap that stays flat.
Draft direct_buffers(Random& r) {
  const Curve clean = random_stairs(r, 350, 1.2, kThreeDays, 2.5, [&] { return r.uniform(1, 4); });
  return leak(wandering(r, 0.8, 4, kThreeDays, clean), 0, clean);
}

// Sub-slices of 1 MiB reads, in a heap that is collected at twice its live size.
Draft slice_keeps_array(Random& r) {
  const Curve live = random_stairs(r, 100, 2.5, kThreeDays, 1, [] { return 1.0; });
  return leak(toothed(r, {100, 0.3, 0.15, true}, 1, true, live), 0,
              [=](double t) { return 2 * live(t); });
}

// What the error path forgets: rare, in lots of all sizes.
Draft error_path_only(Random& r) {
  const Curve clean =
      random_stairs(r, 220, 1.5, kThreeDays, 1.5, [&] { return r.exponential(1.5); });
  return leak(noisy(r, 3, kThreeDays, clean), 0, clean);
}

Draft shared_pointer_cycles(Random& r) {
  const double rate = r.uniform(2, 6);
  const Curve clean = [=](double t) { return 160 + rate * t; };
  return leak(noisy(r, 2, kThreeDays, clean), 0, clean);
}

// A producer 1 % faster than its consumer: the pace of scenario 1, a tenth of it, for ten days.
Draft queue_growth(Random& r) {
  const Curve clean = [](double t) { return 200 + 0.4 * t; };
  return leak(noisy(r, 2, kTenDays, clean), 0, clean);
}

// Most strings are met early, then new ones come at a steady pace.
Draft string_interning(Random& r) {
  const double pace = r.uniform(1, 4);
  const Curve clean = [=](double t) { return 150 + 30 * std::log1p(pace * t) + 2.5 * t; };
  return leak(noisy(r, 2, kThreeDays, clean), 0, clean);
}

// A map whose keys never match again, as the collector sees it: scenario 7 below teeth.
Draft mutable_keys(Random& r) {
  const double rate = r.uniform(0.3, 0.8);
  const Curve live = [=](double t) {
    const double elements = 2000 * (1 + t * 60 * rate);
    const double slots = std::exp2(std::ceil(std::log2(elements / 0.75)));
    return 120 + (slots * 8 + elements * 120) / (1024 * 1024);
  };
  return leak(toothed(r, {140, 0.6}, 1.5, true, live), 0, [=](double t) { return live(t) + 140; });
}

// Files left behind in /dev/shm.
Draft shmem_leak(Random& r) {
  const Curve clean =
      random_stairs(r, 20, 0.4, kThreeDays, 12, [&] { return 2 + r.exponential(10); });
  return leak(draft(kThreeDays, clean), 0, clean);
}

// One forced collection a night, and none by itself: ten floors in ten days.
Draft nightly_collection_only(Random& r) {
  const double hour = r.uniform(1, 5);
  const double rate = r.uniform(1, 1.5);
  Draft result = draft(kTenDays, [=](double t) { return 250 + rate * t; });
  result.collected.assign(result.hours.size(), false);
  double collected_at = 0;
  double garbage_a_day = 300;
  for (std::size_t i = 0; i < result.hours.size(); ++i) {
    const double t = result.hours[i];
    if (std::floor((t - hour) / 24) > std::floor((t - hour - kMinute) / 24)) {
      result.collected[i] = true;
      collected_at = t;
      garbage_a_day = 300 * (1 + r.normal(0, 0.1));
    }
    result.mib[i] += garbage_a_day * (t - collected_at) / 24;
  }
  add_noise(result, r, 2);
  return leak(result, 0, [=](double t) { return 250 + 300 + rate * t; });
}

// Live bytes of the one leaking site among 20, as the sampler of one in 512 KiB estimates them.
Draft leaking_site(Random& r) {
  constexpr double kSample = 0.5;  // MiB that one sampled object stands for
  const double rate = r.uniform(2, 5);
  const Curve clean = [=](double t) { return 8 + rate * t; };
  const Curve kept =
      random_stairs(r, 8, rate / kSample, kThreeDays, kSample, [] { return kSample; });
  Draft result = draft(kThreeDays, kept);
  result.unmarked_traits = SignalTraits::exact;
  return leak(result, 0, clean);
}

// The list of a cache that every second request copies into itself.
Draft geometric_cache(Random& r) {
  const double per_hour = r.uniform(0.5, 1.5);
  const Values hits = poisson_times(r, per_hour, kThreeDays);
  const Curve clean = [=](double t) {
    const double later = per_hour * std::max(0.0, t - kThreeDays);
    return 150 + 0.1 * std::pow(1.4, passed(hits, t) + later);
  };
  Draft result = noisy(r, 2, kThreeDays, clean);
  end_at_limit(result);
  return leak(result, 0, clean);
}

}  // namespace heapfloor::generators
