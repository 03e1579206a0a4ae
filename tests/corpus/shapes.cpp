#include "tests/corpus/shapes.h"

#include <algorithm>
#include <cmath>

namespace heapfloor::shapes {

Values clock(double hours, double step_hours) {
  Values result(static_cast<std::size_t>(std::ceil(hours / step_hours - 1e-9)));
  for (std::size_t i = 0; i < result.size(); ++i) {
    result[i] = static_cast<double>(i) * step_hours;
  }
  return result;
}

Values map(const Values& hours, const std::function<double(double)>& value) {
  Values result;
  result.reserve(hours.size());
  for (const double t : hours) {
    result.push_back(value(t));
  }
  return result;
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

LabelledSeries finish(const Draft& draft, double spacing_seconds) {
  constexpr double kMiB = 1024.0 * 1024;
  LabelledSeries series;
  series.leaks = draft.onset_hours.has_value();
  series.onset_seconds = draft.onset_hours.value_or(0) * 3600;
  series.spacing_seconds = spacing_seconds;
  series.traits = draft.collected.empty() ? SignalTraits::unmarked : SignalTraits::gc_marked;
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
    series.observations.push_back(observation);
  }
  for (const double restart : draft.restart_hours) {
    series.restarts.push_back(restart * 3600);
  }
  return series;
}

}  // namespace heapfloor::shapes
