#include "tests/corpus/moments.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>
#include <limits>
#include <optional>

#include "agent/trend/median_of_five.h"
#include "tests/corpus/parallel.h"

namespace heapfloor {
namespace {

constexpr std::size_t kParts = 16;
constexpr std::size_t kFirstMoment = 40;  // readings
constexpr double kMomentStep = 1.1;       // of the age
constexpr double kHourSeconds = 3600;
constexpr double kDaySeconds = 86400;
constexpr std::array<double, 5> kShares = {1, 0.5, 0.25, 0.125, 0.0625};  // of the age
constexpr double kDueFactor = 1.25;  // as compositions.cpp asks of a leak that it draws
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kLeast = 1e-9;

double log_of(double value) {
  return value > 0 && std::isfinite(value) ? std::log(std::max(value, kLeast)) : kNan;
}

// A reading that may be a floor, and the load beside it.
struct Known {
  double time = 0;
  double value = 0;
  double load = kNan;
};

using Parts = std::array<double, kParts>;

// Of equal parts of [from, to): lowest values, and mean loads.
struct Split {
  Parts floors;
  Parts loads;
};
Split split(std::span<const Known> known, double from, double to) {
  Split result;
  result.floors.fill(kNan);
  Parts sums = {};
  Parts counts = {};
  const auto begin = std::ranges::lower_bound(known, from, {}, &Known::time);
  for (auto it = begin; it != known.end() && it->time <= to; ++it) {
    const double share = (it->time - from) / (to - from);
    const auto part = std::min(static_cast<std::size_t>(share * kParts), kParts - 1);
    double& floor = result.floors.at(part);
    floor = std::isnan(floor) ? it->value : std::min(floor, it->value);
    if (std::isnan(it->load)) continue;
    sums.at(part) += it->load;
    counts.at(part) += 1;
  }
  for (std::size_t i = 0; i < kParts; ++i)
    result.loads.at(i) = counts.at(i) > 0 ? sums.at(i) / counts.at(i) : kNan;
  return result;
}

// Least squares of y on up to three columns; residual deviation beside the coefficients.
struct Fit {
  std::array<double, 3> slopes = {kNan, kNan, kNan};
  std::array<double, 3> t = {kNan, kNan, kNan};  // slope over its error
  double sigma = kNan;
};

template <std::size_t N>
Fit least_squares(const std::vector<std::array<double, N>>& rows, const std::vector<double>& y) {
  Fit fit;
  const std::size_t n = rows.size();
  if (n < N + 2) return fit;
  std::array<double, N> mean = {};
  double y_mean = 0;
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t k = 0; k < N; ++k) mean[k] += rows[i][k] / static_cast<double>(n);
    y_mean += y[i] / static_cast<double>(n);
  }
  // Gauss-Jordan on [X'X | X'y | 1].
  std::array<std::array<double, 2 * N + 1>, N> a = {};
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t k = 0; k < N; ++k) {
      for (std::size_t m = 0; m < N; ++m)
        a[k][m] += (rows[i][k] - mean[k]) * (rows[i][m] - mean[m]);
      a[k][N] += (rows[i][k] - mean[k]) * (y[i] - y_mean);
    }
  }
  for (std::size_t k = 0; k < N; ++k) a[k][N + 1 + k] = 1;
  for (std::size_t k = 0; k < N; ++k) {
    if (std::abs(a[k][k]) < 1e-12) return fit;
    const double pivot = a[k][k];
    for (double& cell : a[k]) cell /= pivot;
    for (std::size_t m = 0; m < N; ++m) {
      if (m == k) continue;
      const double factor = a[m][k];
      for (std::size_t c = 0; c < 2 * N + 1; ++c) a[m][c] -= factor * a[k][c];
    }
  }
  double squares = 0;
  for (std::size_t i = 0; i < n; ++i) {
    double rest = y[i] - y_mean;
    for (std::size_t k = 0; k < N; ++k) rest -= a[k][N] * (rows[i][k] - mean[k]);
    squares += rest * rest;
  }
  fit.sigma = std::sqrt(squares / static_cast<double>(n - N - 1));
  for (std::size_t k = 0; k < N; ++k) {
    fit.slopes.at(k) = a[k][N];
    fit.t.at(k) = a[k][N] / std::max(fit.sigma * std::sqrt(std::max(a[k][N + 1 + k], 0.0)), kLeast);
  }
  return fit;
}

class Row {
 public:
  explicit Row(std::vector<std::string>* names) : names_(names) {}
  void put(const std::string& name, double value) {
    if (names_ != nullptr) names_->push_back(name);
    values_.push_back(static_cast<float>(value));
  }
  std::vector<float> take() { return std::move(values_); }

 private:
  std::vector<std::string>* names_;
  std::vector<float> values_;
};

struct Scale {
  double age = 0;    // seconds
  double level = 0;  // median of all floors
  double range = 0;
  double last = 0;
  double left = kNan;  // to the limit
};

double median_of(std::vector<double> values) { return percentile(std::move(values), 0.5); }

// Ways up and down, and medians of thirds.
void put_course(Row& row, const std::string& name, const Split& parts, const Scale& scale) {
  double up = 0;
  double down = 0;
  double largest = 0;
  double before = kNan;
  double highest = -1;
  double drawdown = 0;
  for (const double floor : parts.floors) {
    if (std::isnan(floor)) continue;
    if (!std::isnan(before)) {
      const double step = floor - before;
      (step > 0 ? up : down) += std::abs(step);
      largest = std::max(largest, step);
    }
    highest = std::max(highest, floor);
    drawdown = std::max(drawdown, highest - floor);
    before = floor;
  }
  row.put(name + "up_share", up / std::max(up + down, kLeast));
  row.put(name + "largest_step", largest / std::max(up, kLeast));
  row.put(name + "drawdown", drawdown / std::max(up, kLeast));
  const auto third = [&](std::size_t first) {
    std::vector<double> some;
    for (std::size_t i = first; i < first + 5; ++i)
      if (!std::isnan(parts.floors.at(i))) some.push_back(parts.floors.at(i));
    return some.empty() ? kNan : median_of(some);
  };
  const double d1 = third(5) - third(0);
  const double d2 = third(11) - third(5);
  row.put(name + "thirds_early", d1 / scale.level);
  row.put(name + "thirds_late", d2 / scale.level);
  row.put(name + "thirds_ratio", d1 > 0 ? std::clamp(d2 / d1, -5.0, 5.0) : kNan);
}

// Slopes, bends and what the load explains of the last `share` of the age.
void put_fits(Row& row, const std::string& name, const Split& parts, const Scale& scale,
              double share) {
  std::vector<std::array<double, 1>> line;
  std::vector<std::array<double, 2>> bend;
  std::vector<std::array<double, 2>> with_load;
  std::vector<double> y;
  std::vector<double> y_load;
  for (std::size_t i = 0; i < kParts; ++i) {
    const double x = (static_cast<double>(i) + 0.5) / kParts - 0.5;
    const double floor = parts.floors.at(i);
    if (std::isnan(floor)) continue;
    y.push_back(floor / scale.level);
    line.push_back({x});
    bend.push_back({x, x * x});
    if (std::isnan(parts.loads.at(i))) continue;
    y_load.push_back(floor / scale.level);
    with_load.push_back({x, parts.loads.at(i) / 1000});
  }
  const Fit straight = least_squares(line, y);
  const Fit curved = least_squares(bend, y);
  const Fit loaded = least_squares(with_load, y_load);
  row.put(name + "slope", straight.slopes[0]);
  row.put(name + "t", straight.t[0]);
  row.put(name + "sigma", straight.sigma);
  row.put(name + "bend", curved.slopes[1] / std::max(std::abs(straight.slopes[0]), kLeast));
  row.put(name + "bend_t", curved.t[1]);
  row.put(name + "curved_sigma", curved.sigma);
  row.put(name + "beside_load", loaded.slopes[0]);
  row.put(name + "beside_load_t", loaded.t[0]);
  row.put(name + "load_slope", loaded.slopes[1]);
  row.put(name + "load_t", loaded.t[1]);
  const double slope = straight.slopes[0] * scale.level / share;  // bytes an age
  const double ages_left = slope > 0 ? scale.left / slope : kNan;
  row.put(name + "ages_left", log_of(ages_left));
  row.put(name + "hours_left", log_of(ages_left * scale.age / kHourSeconds));
  put_course(row, name, parts, scale);
}

void put_shape(Row& row, const std::string& name, const Split& parts, const Scale& scale) {
  for (std::size_t i = 0; i < kParts; ++i)
    row.put(name + std::to_string(i), (parts.floors.at(i) - scale.last) / scale.level);
}

// Against the same hours one and two days before.
void put_days(Row& row, std::span<const Known> known, double now) {
  for (int days = 1; days <= 2; ++days) {
    const std::string name = "day" + std::to_string(days) + "_";
    const bool is_known = now - days * kDaySeconds > 0;
    double least = kNan;
    double rising = kNan;
    double middle = kNan;
    double newest = kNan;
    double coverage = kNan;
    if (is_known) {
      const double span = std::min(kDaySeconds, now - days * kDaySeconds);
      const Split today = split(known, now - span, now);
      const Split before = split(known, now - span - days * kDaySeconds, now - days * kDaySeconds);
      std::vector<double> rises;
      for (std::size_t i = 0; i < kParts; ++i) {
        const double rise = today.floors.at(i) / before.floors.at(i) - 1;
        if (!std::isnan(rise)) rises.push_back(rise);
      }
      if (!rises.empty()) {
        least = *std::ranges::min_element(rises);
        middle = median_of(rises);
        newest = rises.back();
        rising = static_cast<double>(std::ranges::count_if(rises, [](double r) { return r > 0; })) /
                 static_cast<double>(rises.size());
        coverage = span / kDaySeconds;
      }
    }
    row.put(name + "least", least);
    row.put(name + "middle", middle);
    row.put(name + "newest", newest);
    row.put(name + "rising", rising);
    row.put(name + "coverage", coverage);
  }
}

void put_detector(Row& row, const Verdict& verdict, bool is_suspected, const Scale& scale) {
  row.put("evidence", static_cast<double>(verdict.evidence));
  row.put("was_suspected", is_suspected ? 1 : 0);
  row.put("gate", verdict.deciding_gate ? static_cast<double>(*verdict.deciding_gate) : kGates);
  row.put("level", verdict.level);
  row.put("z", verdict.z);
  row.put("window", (verdict.window_end_seconds - verdict.window_start_seconds) / scale.age);
  row.put("window_hours",
          log_of((verdict.window_end_seconds - verdict.window_start_seconds) / kHourSeconds));
  row.put("patience", log_of(verdict.evidence_seconds / verdict.evidence_needed_seconds));
  row.put("needed_hours", log_of(verdict.evidence_needed_seconds / kHourSeconds));
  row.put("follows_load", verdict.follows_load ? 1 : 0);
  row.put("growth", verdict.growth.estimate * scale.age / scale.level);
  row.put("growth_low", verdict.growth.low / std::max(verdict.growth.estimate, kLeast));
  row.put("gate_hours_left", log_of(scale.left / verdict.growth.estimate / kHourSeconds));
  row.put("amplitude", verdict.amplitude / scale.level);
  row.put("asymptote", verdict.asymptote ? std::min(10.0, *verdict.asymptote / scale.level) : kNan);
  for (std::size_t gate = 0; gate < kGates; ++gate) {
    const GateResult& result = verdict.gates.at(gate);
    const auto name = "gate_" + std::string(gate_name(static_cast<Gate>(gate)));
    row.put(name, static_cast<double>(result.outcome));
    row.put(name + "_by", std::clamp(static_cast<double>(result.measured) /
                                         std::max(static_cast<double>(result.required), kLeast),
                                     -100.0, 100.0));
  }
}

// Hours from its onset until a leak that meets its limit `hours_to_limit` after it (infinite
// without a limit) has lasted `factor` times as long as DETECTION.md's gate 9 asks of what is left;
// the end where that comes first.
double hours_of_evidence(double hours_to_limit, double factor) {
  constexpr double kStep = 0.02;
  const auto patience = [](double left) {
    return std::min(std::max(0.2, left / 4), std::max(30.0, std::min(48.0, left / 12)));
  };
  double elapsed = 0;
  while (elapsed < hours_to_limit && elapsed < factor * patience(hours_to_limit - elapsed))
    elapsed += kStep;
  return elapsed;
}

struct Truth {
  double leaks = 0, onset = 0, crossing = kNan, due = kNan, patience_headroom = kNan;
};

Truth truth_of(const LabelledSeries& series) {
  Truth truth;
  truth.leaks = series.leaks ? 1 : 0;
  truth.onset = series.onset_seconds / kHourSeconds;
  if (series.leaks) {
    const auto crossing = true_crossing_seconds(series);
    truth.crossing = crossing ? *crossing / kHourSeconds : std::numeric_limits<double>::infinity();
    const double hours_to_limit = truth.crossing - truth.onset;
    truth.due = truth.onset + hours_of_evidence(hours_to_limit, kDueFactor);
    if (crossing) {
      const double limit = *series.observations.front().limit;
      const double before = series.truth(series.onset_seconds);
      const double patient =
          series.onset_seconds + kHourSeconds * hours_of_evidence(hours_to_limit, 1);
      truth.patience_headroom = (series.truth(patient) - before) / (limit - before);
    }
  }
  return truth;
}

void put_known(Row& row, std::span<const Known> known, std::optional<double> limit, double now,
               const Verdict& verdict, bool is_suspected, bool is_marked) {
  std::vector<double> values;
  values.reserve(known.size());
  std::vector<double> steps;
  for (std::size_t i = 0; i < known.size(); ++i) {
    values.push_back(known[i].value);
    if (i > 0) steps.push_back(std::abs(known[i].value - known[i - 1].value));
  }
  Scale scale;
  scale.age = now;
  scale.level = std::max(1.0, median_of(values));
  const Split all = split(known, 0, now);
  double low = std::numeric_limits<double>::infinity();
  double high = 0;
  for (const double floor : all.floors) {
    if (std::isnan(floor)) continue;
    low = std::min(low, floor);
    high = std::max(high, floor);
    scale.last = floor;
  }
  scale.range = std::max(1.0, high - low);
  if (limit) scale.left = *limit - scale.last;
  row.put("age", std::log(now / kHourSeconds));
  row.put("marked", is_marked ? 1 : 0);
  row.put("floors_known", std::log(static_cast<double>(known.size())));
  row.put("size", log_of(scale.level));
  row.put("range", scale.range / scale.level);
  row.put("left", scale.left / scale.level);
  row.put("left_of_range", log_of(scale.left / scale.range));
  row.put("limit_of_highest", limit ? *limit / *std::ranges::max_element(values) : kNan);
  row.put("noise", steps.empty() ? kNan : median_of(steps) / scale.level);
  row.put("spread", (percentile(values, 0.9) - percentile(values, 0.1)) / scale.level);
  for (const double share : kShares) {
    const Split parts = split(known, now * (1 - share), now);
    const std::string name = "last" + std::to_string(static_cast<int>(1 / share)) + "_";
    put_fits(row, name, parts, scale, share);
    if (share == 1 || share == 0.25) put_shape(row, name + "floor", parts, scale);
    if (share == 1) {
      for (std::size_t i = 0; i < kParts; i += 3)
        row.put(name + "load" + std::to_string(i), parts.loads.at(i) / 1000);
    }
  }
  put_days(row, known, now);
  put_detector(row, verdict, is_suspected, scale);
}

std::vector<std::vector<float>> rows_of(const LabelledSeries& series, const TrendPolicy& policy,
                                        std::vector<std::string>* names) {
  std::vector<std::vector<float>> rows;
  const auto& readings = series.observations;
  const Truth truth = truth_of(series);
  std::vector<double> first;
  for (std::size_t i = 0; i < std::min<std::size_t>(30, readings.size()); ++i)
    first.push_back(readings[i].value);
  const double early_level = median_of(first);
  std::vector<Known> known;
  MedianOfFive filter;
  std::optional<std::uint64_t> epoch;
  bool is_suspected = false;
  double alarm_hours = kNan;
  double next = kFirstMoment;
  double count = 0;
  follow(
      series, policy, [&](const Observation& reading, LeakState state, const Detector& detector) {
        count += 1;
        const bool is_marked = series.traits == SignalTraits::gc_marked;
        const double load = reading.load.value_or(kNan);
        if (!is_marked) {
          known.push_back({reading.time_seconds, filter.push(reading.value), load});
        } else if (reading.epoch) {
          if (epoch && *reading.epoch > *epoch)
            known.push_back({reading.time_seconds, reading.value, load});
          epoch = reading.epoch;
        }
        is_suspected = is_suspected || state == LeakState::suspected || state == LeakState::leaking;
        const double hours = reading.time_seconds / kHourSeconds;
        if (state == LeakState::leaking && std::isnan(alarm_hours)) alarm_hours = hours;
        const bool is_last = &reading == &readings.back();
        if ((count < next && !is_last) || known.size() < 5) return true;
        next = std::max(next, count) * kMomentStep;
        Row row(rows.empty() ? names : nullptr);
        row.put("leaks", truth.leaks);
        row.put("onset", truth.onset);
        row.put("crossing", truth.crossing);
        row.put("due", truth.due);
        row.put("patience_headroom", truth.patience_headroom);
        row.put("hours", hours);
        row.put("detector_alarm", alarm_hours);
        row.put("headroom", reading.limit ? (detector.verdict().floor - early_level) /
                                                (*reading.limit - early_level)
                                          : kNan);
        put_known(row, known, reading.limit, reading.time_seconds, detector.verdict(), is_suspected,
                  is_marked);
        rows.push_back(row.take());
        return true;
      });
  return rows;
}

}  // namespace

bool write_moments(const std::vector<Scenario>& scenarios, const ScoreOptions& options,
                   const std::string& directory) {
  std::vector<std::vector<std::vector<float>>> all(scenarios.size() * options.seeds);
  std::vector<std::string> names;
  run_jobs(all.size(), options.threads, [&](std::size_t job) {
    const LabelledSeries series = make_series(scenarios[job / options.seeds],
                                              options.first_seed + job % options.seeds, options);
    all[job] = rows_of(series, policy_for(series, options), job == 0 ? &names : nullptr);
  });
  std::ofstream columns(directory + "/columns.txt");
  columns << "series\n";
  for (const std::string& name : names) columns << name << "\n";
  columns.close();
  std::ofstream out(directory + "/rows.f32", std::ios::binary);
  for (std::size_t job = 0; job < all.size(); ++job) {
    const auto series = static_cast<float>(job);
    for (const std::vector<float>& row : all[job]) {
      out.write(reinterpret_cast<const char*>(&series), sizeof series);
      out.write(reinterpret_cast<const char*>(row.data()),
                static_cast<std::streamsize>(row.size() * sizeof(float)));
    }
  }
  out.close();
  return columns && out;
}

}  // namespace heapfloor
