#include "tests/corpus/compositions.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>

#include "tests/corpus/random.h"
#include "tests/corpus/shapes.h"

namespace heapfloor {
namespace {

using shapes::Values;

constexpr double kMiB = 1024.0 * 1024;
constexpr double kDay = 24;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

double between_logs(Random& random, double low, double high) {
  return std::exp(random.uniform(std::log(low), std::log(high)));
}

enum class LeakShape : std::uint8_t {
  linear,
  equal_stairs,
  with_load,
  accelerating,
  sublinear,
  doubling_table,
  business_hours,
  random_steps,
};
// Times in hours, sizes in MiB.
struct Recipe {
  double hours = 0;
  double spacing_hours = 0;
  double base = 0;
  double noise = 0;
  double noise_memory = 0;  // coefficient of the noise from one reading to the next

  double warm_up = 0;
  double warm_up_hours = 0;
  double daily = 0;
  double daily_phase = 0;
  double hump = 0;
  double hump_at = 0;
  double hump_width = 0;
  double ratchet = 0;
  struct Step {
    double at = 0;
    double size = 0;
  };
  std::vector<Step> steps;
  double tooth = 0;
  double tooth_hours = 0;
  bool has_epochs = false;
  std::size_t gaps = 0;

  bool leaks = false;
  LeakShape shape = LeakShape::linear;
  double onset = 0;
  double leaked = 0;                  // by the end
  std::optional<double> limit_ratio;  // of the highest reading
};

void draw_steps(Random& random, Recipe& recipe) {
  const auto count = static_cast<std::size_t>(random.uniform(1, 4.999));
  for (std::size_t i = 0; i < count; ++i) {
    const double size = recipe.base * random.uniform(0.05, 0.4);
    recipe.steps.push_back(
        {random.uniform(0.05, 0.95) * recipe.hours, random.uniform() < 0.6 ? size : -size});
  }
}

void draw_leak(Random& random, Recipe& recipe) {
  recipe.onset = random.uniform() < 0.5 ? 0 : random.uniform(0.1, 0.6) * recipe.hours;
  recipe.leaked = recipe.base * between_logs(random, 0.05, 3);
}

Recipe draw(Random& random, std::optional<std::size_t> shape) {
  Recipe recipe;
  recipe.hours = between_logs(random, 3, 7 * kDay);
  recipe.spacing_hours = (recipe.hours < 8 ? 15.0 : recipe.hours < kDay ? 30.0 : 60.0) / 3600;
  recipe.base = between_logs(random, 30, 4000);
  recipe.noise = recipe.base * between_logs(random, 0.002, 0.04);
  constexpr std::array<double, 4> kMemories = {0, 0.9, 0.98, 0.998};
  recipe.noise_memory = kMemories.at(static_cast<std::size_t>(random.uniform() * 3.999));
  if (random.uniform() < 0.5) {
    recipe.warm_up = recipe.base * random.uniform(0.2, 1.5);
    recipe.warm_up_hours = std::min(between_logs(random, 0.05, 8), recipe.hours / 5);
  }
  if (random.uniform() < 0.4) {
    recipe.daily = recipe.base * random.uniform(0.1, 1);
    recipe.daily_phase = random.uniform(0, kDay);
  }
  if (random.uniform() < 0.3) draw_steps(random, recipe);
  if (random.uniform() < 0.2) {
    recipe.hump = recipe.base * random.uniform(0.2, 1);
    recipe.hump_width = std::min(between_logs(random, 0.3, 10), recipe.hours / 4);
    recipe.hump_at = random.uniform(0, recipe.hours);
  }
  if (random.uniform() < 0.15) recipe.ratchet = recipe.base * random.uniform(0.02, 0.1);
  if (random.uniform() < 0.5) {
    recipe.tooth = recipe.base * random.uniform(0.2, 1.5);
    recipe.tooth_hours = std::max(between_logs(random, 0.03, 3), 6 * recipe.spacing_hours);
    recipe.tooth_hours = std::min(recipe.tooth_hours, recipe.hours / 12);
    recipe.has_epochs = random.uniform() < 0.5;
  }
  if (random.uniform() < 0.3) recipe.gaps = static_cast<std::size_t>(random.uniform(1, 8.999));
  if (random.uniform() < 0.9) {
    recipe.limit_ratio =
        random.uniform() < 0.5 ? random.uniform(1.05, 1.5) : between_logs(random, 1.5, 10);
  }
  if (shape) {
    recipe.leaks = true;
    recipe.shape = static_cast<LeakShape>(*shape);
    draw_leak(random, recipe);
  }
  return recipe;
}

// What the leak holds at each time.
Values leak_values(const Recipe& recipe, const Values& hours, Random& random) {
  const double active = recipe.hours - recipe.onset;
  const double chunks = std::floor(random.uniform(6, 20.999));
  struct Jump {
    double at = 0;
    double size = 0;
  };
  std::vector<Jump> jumps(static_cast<std::size_t>(random.uniform(12, 60)));
  for (Jump& jump : jumps) jump = {random.uniform(0, active), random.exponential(1)};
  double sum = 0;
  return shapes::map(hours, [&](double t) -> double {
    const double x = t - recipe.onset;
    if (x < 0) return 0.0;
    const double share = x / active;
    switch (recipe.shape) {
      case LeakShape::linear:
        return share;
      case LeakShape::equal_stairs:
        return std::floor(share * chunks) / chunks;
      case LeakShape::with_load:
        return sum += 0.15 + shapes::daily(t, recipe.daily_phase);
      case LeakShape::accelerating:
        return share * share;
      case LeakShape::sublinear:
        return std::pow(share, 0.7);
      case LeakShape::doubling_table:
        return 0.5 * share + 0.5 * std::exp2(std::ceil(std::log2(share * 1000 + 1))) / 1000;
      case LeakShape::business_hours: {
        const double hour = std::fmod(t, kDay);
        return sum += hour > 9 && hour < 17 ? 1 : 0;
      }
      case LeakShape::random_steps:
        break;
    }
    double held = 0;
    for (const Jump& jump : jumps) held += x >= jump.at ? jump.size : 0;
    return held;
  });
}

double hump_at(const Recipe& recipe, double t) {
  if (recipe.hump <= 0) return 0;
  const double z = (t - recipe.hump_at) / recipe.hump_width;
  return recipe.hump * std::exp(-z * z);
}

// All but leak, day, teeth and noise.
Values structure_values(const Recipe& recipe, const Values& hours, Random& random) {
  double highest_burst = 0;
  return shapes::map(hours, [&](double t) {
    double value = recipe.base + hump_at(recipe, t);
    if (recipe.warm_up > 0)
      value += recipe.warm_up * (1 - std::exp(-t / recipe.warm_up_hours)) - recipe.base * 0.5;
    for (const Recipe::Step& step : recipe.steps) value += t >= step.at ? step.size : 0;
    if (recipe.ratchet > 0 && random.uniform() < 0.01)
      highest_burst = std::max(highest_burst, std::abs(random.gumbel(recipe.ratchet)));
    return value + highest_burst;
  });
}

struct Parts {
  Values hours, structure, leak;
};

// Net rise from the lowest value since `from` to the end, and the deepest fall since then.
struct Course {
  double rise = 0;
  double fall = 0;
};
Course course_of(const Parts& parts, double from) {
  Course course;
  double lowest = kInfinity;
  double highest = -kInfinity;
  for (std::size_t i = 0; i < parts.hours.size(); ++i) {
    if (parts.hours[i] < from) continue;
    lowest = std::min(lowest, parts.structure[i]);
    highest = std::max(highest, parts.structure[i]);
    course.fall = std::max(course.fall, highest - parts.structure[i]);
  }
  course.rise = parts.structure.back() - lowest;
  return course;
}

double value_at(const Parts& parts, const Values& values, double t) {
  const auto found = std::ranges::lower_bound(parts.hours, t);
  const auto index =
      std::min(static_cast<std::size_t>(found - parts.hours.begin()), parts.hours.size() - 1);
  return values[index];
}

double growth_per_hour(const Recipe& recipe, const Parts& parts) {
  const double half = (recipe.hours + recipe.onset) / 2;
  return (parts.leak.back() - value_at(parts, parts.leak, half)) / (recipe.hours - half);
}

// The hours of evidence that DETECTION.md's gate 9 asks for.
double hours_of_patience(double hours_to_limit, bool is_large_rise) {
  const double slow = std::min(is_large_rise ? 48.0 : 14 * kDay, hours_to_limit / 12);
  return std::min(std::max(0.2, hours_to_limit / 4), std::max(30.0, slow));
}

// Whether a careful person who sees the whole series, and knows of which kinds of ingredients it is
// made but not of which, can call the leak by its end:
// - it is large: 5 % of the level, 4 MiB, six deviations of what noise leaves in floors;
// - it is the larger part of what rose since its onset, and nothing that fell since hides it;
// - it lasted ten collections, two days where it follows the day, and a quarter more than the
// patience that its remaining time asks;
// - the day is told apart: two and a half days are known, or as much was seen of the leak as is
//   left, at most six hours; and the leak is twice what the day moves, or 0.4 of it where two days
//   of the leak were seen.
bool is_leak_decidable(const Recipe& recipe, const Parts& parts, double limit) {
  const double active = recipe.hours - recipe.onset;
  const double level = value_at(parts, parts.structure, recipe.onset);
  const double deviation = recipe.noise * (recipe.noise_memory > 0.99 ? 1 : 0.4);
  if (recipe.leaked < std::max({4.0, 0.05 * level, 6 * deviation})) return false;
  const Course course = course_of(parts, recipe.onset);
  if (course.rise > 0.5 * recipe.leaked || course.fall > 0.4 * recipe.leaked) return false;
  if (active < 10 * recipe.tooth_hours || active < 1) return false;
  const bool is_daily =
      recipe.shape == LeakShape::with_load || recipe.shape == LeakShape::business_hours;
  if (is_daily && active < 2 * kDay) return false;
  const double growth = growth_per_hour(recipe, parts);
  if (growth <= 0) return false;
  const double top = parts.structure.back() + parts.leak.back() + recipe.daily;
  const double left = (limit - top) / growth;
  if (active < 1.25 * hours_of_patience(left, recipe.leaked > 0.12 * level)) return false;
  const bool knows_day = recipe.hours >= 2.5 * kDay;
  if (active < 30 && !knows_day && (left > 6 || left > active)) return false;
  if (recipe.daily <= 0) return true;
  return recipe.leaked >= (knows_day && active >= 2 * kDay ? 0.4 : 2.0) * recipe.daily;
}

// A healthy series must not end on the way up: before a warm-up has bent, or on a hump.
bool is_health_decidable(const Recipe& recipe) {
  if (recipe.warm_up > 0 && recipe.hours < 4 * recipe.warm_up_hours) return false;
  const double since_hump = recipe.hours - recipe.hump_at;
  return recipe.hump <= 0 || since_hump > 0.5 * recipe.hump_width;
}

std::string in_words(const Recipe& recipe) {
  const auto number = [](double value) {
    std::array<char, 32> text = {};
    std::snprintf(text.data(), text.size(), "%.3g", value);
    return std::string(text.data());
  };
  std::string words = number(recipe.hours) + " h, base " + number(recipe.base) + " MiB, noise " +
                      number(recipe.noise) + " (" + number(recipe.noise_memory) + ")";
  if (recipe.warm_up > 0)
    words += ", warm-up " + number(recipe.warm_up) + " in " + number(recipe.warm_up_hours) + " h";
  if (recipe.daily > 0) words += ", day " + number(recipe.daily);
  for (const Recipe::Step& step : recipe.steps)
    words += ", step " + number(step.size) + " at " + number(step.at);
  if (recipe.hump > 0)
    words += ", hump " + number(recipe.hump) + " at " + number(recipe.hump_at) + " of " +
             number(recipe.hump_width) + " h";
  if (recipe.ratchet > 0) words += ", ratchet " + number(recipe.ratchet);
  if (recipe.tooth > 0)
    words += ", teeth " + number(recipe.tooth) + " of " + number(recipe.tooth_hours) + " h" +
             (recipe.has_epochs ? " with epochs" : "");
  if (recipe.gaps > 0) words += ", gaps " + std::to_string(recipe.gaps);
  if (recipe.leaks)
    words += ", LEAK " + std::string(kLeakShapes.at(static_cast<std::size_t>(recipe.shape))) + " " +
             number(recipe.leaked) + " from " + number(recipe.onset);
  if (recipe.limit_ratio) words += ", limit x" + number(*recipe.limit_ratio);
  return words;
}

std::vector<bool> drawn_gaps(const Recipe& recipe, std::size_t count, Random& random) {
  std::vector<bool> kept(count, true);
  for (std::size_t gap = 0; gap < recipe.gaps; ++gap) {
    const auto from = static_cast<std::size_t>(random.uniform() * static_cast<double>(count));
    const auto length =
        static_cast<std::size_t>(random.uniform(0.005, 0.06) * static_cast<double>(count));
    for (std::size_t i = from; i < std::min(count, from + length); ++i) kept[i] = false;
  }
  return kept;
}

// The rate of requests that the day and the hump come from, where somebody measures it.
Values load_values(const Recipe& recipe, const Values& hours, Random& random) {
  return shapes::map(hours, [&](double t) {
    const double driven = recipe.daily * shapes::daily(t, recipe.daily_phase) + hump_at(recipe, t);
    return std::max(0.0, 1000 * (0.1 + driven / recipe.base) * (1 + random.normal(0, 0.03)));
  });
}

LabelledSeries series_of(const Recipe& recipe, const Parts& parts, Random& random, double& limit) {
  shapes::Draft draft;
  draft.hours = parts.hours;
  draft.mib = parts.structure;
  const Values noise = shapes::ar1(random, draft.hours.size(), recipe.noise_memory, recipe.noise);
  for (std::size_t i = 0; i < draft.hours.size(); ++i) {
    draft.mib[i] +=
        parts.leak[i] + noise[i] + recipe.daily * shapes::daily(draft.hours[i], recipe.daily_phase);
  }
  if (recipe.tooth > 0) {
    shapes::Teeth teeth;
    teeth.amplitude = recipe.tooth;
    teeth.period_hours = recipe.tooth_hours;
    shapes::add_teeth(draft, random, teeth);
    if (!recipe.has_epochs) draft.collected.clear();
  }
  limit = kInfinity;
  draft.limit_mib.reset();
  if (recipe.limit_ratio) {
    limit = *std::ranges::max_element(draft.mib) * *recipe.limit_ratio;
    draft.limit_mib = limit;
  }
  if (recipe.leaks) draft.onset_hours = recipe.onset;
  LabelledSeries series = shapes::finish(draft, recipe.spacing_hours * 3600);
  if (recipe.daily > 0 || recipe.hump > 0) {
    const Values load = load_values(recipe, parts.hours, random);
    for (std::size_t i = 0; i < load.size(); ++i) series.observations[i].load = load[i];
  }
  const std::vector<bool> kept = drawn_gaps(recipe, series.observations.size(), random);
  std::vector<Observation> rest;
  for (std::size_t i = 0; i < kept.size(); ++i) {
    if (kept[i]) rest.push_back(series.observations[i]);
  }
  series.observations = std::move(rest);
  return series;
}

}  // namespace

Composition compose(std::uint64_t seed, std::optional<std::size_t> shape) {
  Random random(seed * 31 + (shape ? *shape + 1 : 0));
  while (true) {
    const Recipe recipe = draw(random, shape);
    Parts parts;
    parts.hours = shapes::clock(recipe.hours, recipe.spacing_hours);
    parts.structure = structure_values(recipe, parts.hours, random);
    parts.leak.assign(parts.hours.size(), 0);
    if (recipe.leaks) {
      parts.leak = leak_values(recipe, parts.hours, random);
      const double scale = recipe.leaked / std::max(parts.leak.back(), 1e-9);
      for (double& value : parts.leak) value *= scale;
    }
    double limit = kInfinity;
    LabelledSeries series = series_of(recipe, parts, random, limit);
    const bool is_decidable =
        recipe.leaks ? is_leak_decidable(recipe, parts, limit) : is_health_decidable(recipe);
    const bool has_room = *std::ranges::min_element(parts.structure) > 0.2 * recipe.base;
    if (!is_decidable || !has_room || series.observations.size() < 100) continue;
    if (recipe.leaks) {
      const double growth = growth_per_hour(recipe, parts);
      const double top = parts.structure.back() + parts.leak.back() + recipe.daily + recipe.tooth;
      series.truth = [growth, top, end = recipe.hours](double seconds) {
        return kMiB * (top + growth * (seconds / 3600 - end));
      };
    }
    return {std::move(series), in_words(recipe)};
  }
}

const std::vector<Scenario>& composition_scenarios() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> result;
    for (const std::string_view shape : kLeakShapes) result.push_back("C_" + std::string(shape));
    for (std::size_t i = 0; i < kLeakShapes.size(); ++i)
      result.push_back("C_healthy_" + std::to_string(i + 1));
    return result;
  }();
  static const std::vector<Scenario> scenarios = [] {
    std::vector<Scenario> result;
    for (std::size_t i = 0; i < names.size(); ++i) {
      const auto shape =
          i < kLeakShapes.size() ? std::optional<std::size_t>(i) : std::optional<std::size_t>();
      result.push_back(
          {names[i], [shape](std::uint64_t seed) { return compose(seed, shape).series; }});
    }
    return result;
  }();
  return scenarios;
}

}  // namespace heapfloor
