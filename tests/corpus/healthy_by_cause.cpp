// Healthy scenarios 51 and 64 to 70 of the catalogue: as real programs make them.
#include <algorithm>
#include <cmath>

#include "tests/corpus/generators.h"

namespace heapfloor::generators {

using namespace shapes;  // NOLINT(google-build-using-namespace)

// A file of 2 GiB is read through the page cache, which then stays just below the limit. (The agent
// never watches the page cache; the shape must do no harm all the same.)
Draft page_cache_to_limit(Random& r) {
  const double from = r.uniform(2, 20);
  const double hours = r.uniform(5, 60) * kMinute;
  return noisy(r, 3, kThreeDays,
               [=](double t) { return 40 + 930 * std::clamp((t - from) / hours, 0.0, 1.0); });
}

// Softly held objects: what a full collection leaves climbs almost to the limit and is then let go.
Draft soft_references(Random& r) {
  const double climb = r.uniform(15, 40);
  Draft result = draft(kTenDays, [=](double t) { return 150 + 650 * std::fmod(t, climb) / climb; });
  add_teeth(result, r, {120, 0.7});
  add_noise(result, r, 2);
  return result;
}

// Go: a map grows to its peak, all is deleted, its buckets stay.
Draft map_peak_then_deletes(Random& r) {
  const double from = r.uniform(5, 40);
  const double hours = r.uniform(0.5, 3);
  return toothed(r, {60, 0.3}, 1.5, true, [=](double t) {
    const double grown = std::clamp((t - from) / hours, 0.0, 1.0);
    const double deleted = std::clamp((t - from - 2 * hours) / hours, 0.0, 1.0);
    return 80 + 160 * grown - 60 * deleted;
  });
}

// What jemalloc keeps dirty beside an allocated size that is flat.
Draft jemalloc_dirty_pages(Random& r) {
  const double tau = r.uniform(4, 12);
  return wandering(r, 0.95, 10, kThreeDays,
                   [=](double t) { return 200 + 120 * saturating(t, tau); });
}

// glibc: threads come one by one, and each of 16 arenas keeps what it once took.
Draft arena_per_thread(Random& r) {
  Values at(16);
  std::generate(at.begin(), at.end(), [&] { return r.exponential(5); });
  std::sort(at.begin(), at.end());
  Values heights(at.size());
  std::generate(heights.begin(), heights.end(), [&] { return r.uniform(6, 14); });
  return noisy(r, 2, kThreeDays, staircase(180, at, heights, kThreeDays, 0));
}

// A heap after its young collections: 40 h of climb, until an old one takes all of it back.
Draft young_collections_only(Random& r) {
  Draft result = draft(kTenDays, [](double) { return 180.0; });
  add_teeth(result, r, {560, 40, 0.05});
  add_noise(result, r, 4);
  return result;
}

// Adaptive sizing: teeth whose height drifts tenfold over a live size that is flat.
Draft drifting_amplitude(Random& r) {
  Draft teeth = draft(kThreeDays, [](double) { return 150.0; });
  add_teeth(teeth, r, {1, 0.5});
  const double phase = r.uniform(0, 24);
  const double period = r.uniform(20, 60);
  for (std::size_t i = 0; i < teeth.mib.size(); ++i) {
    const double wave = std::sin(6.283185307179586 * (teeth.hours[i] + phase) / period);
    teeth.mib[i] = 150 + (teeth.mib[i] - 150) * 95 * std::pow(10, 0.5 * wave);
  }
  teeth.collected.clear();
  add_noise(teeth, r, 2);
  return teeth;
}

// Daily traffic that is 1 % more every day, and memory that follows it.
Draft growing_traffic(Random& r) {
  const double phase = r.uniform(0, 24);
  const Curve load = [=](double t) { return (20 + 80 * daily(t, phase)) * std::pow(1.01, t / 24); };
  Draft result = wandering(r, 0.9, 5, 14 * 24, [=](double t) { return 150 + 2.5 * load(t); });
  set_load(result, r, load);
  return result;
}

}  // namespace heapfloor::generators
