#include "tests/corpus/shapes.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace heapfloor::shapes {

Values clock(double hours, double step_hours) {
  Values result(static_cast<std::size_t>(std::ceil(hours / step_hours - 1e-9)));
  for (std::size_t i = 0; i < result.size(); ++i) {
    result[i] = static_cast<double>(i) * step_hours;
  }
  return result;
}

Values map(const Values& hours, const Curve& value) {
  Values result;
  result.reserve(hours.size());
  for (const double t : hours) {
    result.push_back(value(t));
  }
  return result;
}

void add(Draft& draft, const Values& more) {
  std::transform(draft.mib.begin(), draft.mib.end(), more.begin(), draft.mib.begin(),
                 std::plus<>());
}

void add_noise(Draft& draft, Random& random, double sigma_mib) {
  for (double& value : draft.mib) {
    value += random.normal(0, sigma_mib);
  }
}

Values ar1(Random& random, std::size_t count, double phi, double sigma) {
  Values result(count);
  double state = random.normal(0, sigma);
  for (double& value : result) {
    value = state;
    state = phi * state + random.normal(0, sigma * std::sqrt(1 - phi * phi));
  }
  return result;
}

double daily(double hours, double phase) {
  return 0.5 - 0.5 * std::cos(6.283185307179586 * (hours + phase) / 24);
}

double saturating(double t, double tau) { return 1 - std::exp(-t / tau); }

Draft draft(double hours, const Curve& value) {
  Draft result;
  result.hours = clock(hours, kMinute);
  result.mib = map(result.hours, value);
  return result;
}

Draft noisy(Random& random, double sigma, double hours, const Curve& value) {
  Draft result = draft(hours, value);
  add_noise(result, random, sigma);
  return result;
}

Draft wandering(Random& random, double phi, double sigma, double hours, const Curve& value) {
  Draft result = draft(hours, value);
  add(result, ar1(random, result.hours.size(), phi, sigma));
  return result;
}

Draft leak(Draft base, double onset_hours, Curve truth) {
  base.onset_hours = onset_hours;
  base.truth = std::move(truth);
  return base;
}

void add_teeth(Draft& draft, Random& random, const Teeth& teeth) {
  const double first_live = draft.mib.front();
  double length = teeth.period_hours * (1 + random.normal(0, teeth.jitter));
  double start = 0;
  draft.collected.assign(draft.mib.size(), false);
  for (std::size_t i = 0; i < draft.mib.size(); ++i) {
    const double t = draft.hours[i];
    if (t - start >= length) {
      start = t;
      length = teeth.period_hours * std::max(0.3, 1 + random.normal(0, teeth.jitter));
      draft.collected[i] = true;
    }
    const double amplitude = teeth.amplitude * (teeth.grow ? draft.mib[i] / first_live : 1);
    draft.mib[i] += amplitude * (t - start) / teeth.period_hours;
  }
}

Draft toothed(Random& random, const Teeth& teeth, double sigma, bool marked, const Curve& live) {
  Draft result = draft(kThreeDays, live);
  add_teeth(result, random, teeth);
  add_noise(result, random, sigma);
  if (!marked) {
    result.collected.clear();
  }
  return result;
}

Draft restarting(double period, double phase, const Curve& of_age) {
  Draft result = draft(kThreeDays, [&](double t) { return of_age(std::fmod(t + phase, period)); });
  for (std::size_t i = 1; i < result.hours.size(); ++i) {
    if (std::fmod(result.hours[i] + phase, period) <
        std::fmod(result.hours[i - 1] + phase, period)) {
      result.restart_hours.push_back(result.hours[i]);
    }
  }
  return result;
}

void end_at_limit(Draft& draft) {
  const auto dead = std::find_if(draft.mib.begin(), draft.mib.end(),
                                 [&](double value) { return value >= draft.limit_mib; });
  const auto alive = static_cast<std::size_t>(dead - draft.mib.begin());
  draft.mib.resize(alive);
  draft.hours.resize(alive);
}

Values uniform_times(Random& random, std::size_t count, double low, double high) {
  Values result(count);
  std::generate(result.begin(), result.end(), [&] { return random.uniform(low, high); });
  std::sort(result.begin(), result.end());
  return result;
}

Values poisson_times(Random& random, double per_hour, double hours) {
  Values result;
  for (double t = random.exponential(1 / per_hour); t < hours;
       t += random.exponential(1 / per_hour)) {
    result.push_back(t);
  }
  return result;
}

double passed(const Values& times, double t) {
  return static_cast<double>(std::lower_bound(times.begin(), times.end(), t) - times.begin());
}

Curve staircase(double base, Values times, Values heights, double end, double rate) {
  double sum = base;
  for (double& height : heights) {
    height = sum += height;
  }
  return [=, times = std::move(times), tops = std::move(heights)](double t) {
    const auto below = static_cast<std::size_t>(passed(times, t));
    return (below == 0 ? base : tops[below - 1]) + rate * std::max(0.0, t - end);
  };
}

void set_load(Draft& draft, Random& random, const Curve& value) {
  draft.load = map(draft.hours, [&](double t) {
    return std::max(0.0, value(t) * (1 + random.normal(0, 0.05)));
  });
}

LabelledSeries finish(const Draft& draft, double spacing_seconds) {
  constexpr double kMiB = 1024.0 * 1024;
  LabelledSeries series;
  series.leaks = draft.onset_hours.has_value();
  series.onset_seconds = draft.onset_hours.value_or(0) * 3600;
  series.spacing_seconds = spacing_seconds;
  series.traits = draft.collected.empty() ? draft.unmarked_traits : SignalTraits::gc_marked;
  series.observations.reserve(draft.hours.size());
  std::uint64_t epoch = 0;
  for (std::size_t i = 0; i < draft.hours.size(); ++i) {
    Observation observation;
    observation.time_seconds = draft.hours[i] * 3600;
    observation.value = std::floor(std::max(draft.mib[i], 1.0) * 256) * 4096;
    if (draft.limit_mib) {
      observation.limit = *draft.limit_mib * kMiB;
    }
    if (!draft.collected.empty()) {
      epoch += draft.collected[i] ? 1U : 0U;
      observation.epoch = epoch;
    }
    if (!draft.load.empty()) {
      observation.load = draft.load[i];
    }
    series.observations.push_back(observation);
  }
  for (const double restart : draft.restart_hours) {
    series.restarts.push_back(restart * 3600);
  }
  if (draft.truth) {
    series.truth = [truth = draft.truth](double seconds) { return truth(seconds / 3600) * kMiB; };
  }
  return series;
}

}  // namespace heapfloor::shapes
