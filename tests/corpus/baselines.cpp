#include "tests/corpus/baselines.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <optional>
#include <vector>

#include "tests/corpus/baseline_statistics.h"

namespace heapfloor {
namespace {

using baseline::Line;
using baseline::Regression;

constexpr double kMiB = 1024.0 * 1024;
constexpr double kHourSeconds = 3600;
constexpr double kResampleHours = 5.0 / 60;
constexpr double kEps = 1e-9;

struct Points {
  std::vector<double> hours;
  std::vector<double> mib;
  std::optional<double> limit_mib;

  [[nodiscard]] std::size_t until(double hour) const {  // how many lie at or before
    return static_cast<std::size_t>(std::upper_bound(hours.begin(), hours.end(), hour) -
                                    hours.begin());
  }
  // The first of the points [0, last) that is at most `width` older than the newest of them.
  [[nodiscard]] std::size_t from(std::size_t last, double width) const {
    return static_cast<std::size_t>(
        std::lower_bound(hours.begin(), hours.begin() + static_cast<std::ptrdiff_t>(last),
                         hours[last - 1] - width) -
        hours.begin());
  }
};

void start_points(const LabelledSeries& series, Points& points) {
  if (const auto limit = series.observations.front().limit) {
    points.limit_mib = *limit / kMiB;
  }
}

Points medians_of_five_minutes(const LabelledSeries& series) {
  Points points;
  start_points(series, points);
  std::vector<double> open;
  double open_bucket = 0;
  const auto close = [&] {
    std::sort(open.begin(), open.end());
    const std::size_t n = open.size();
    points.hours.push_back((open_bucket + 0.5) * kResampleHours);
    points.mib.push_back(n % 2 == 1 ? open[n / 2] : (open[n / 2 - 1] + open[n / 2]) / 2);
    open.clear();
  };
  for (const Observation& observation : series.observations) {
    const double bucket = std::floor(observation.time_seconds / kHourSeconds / kResampleHours);
    if (!open.empty() && bucket != open_bucket) {
      close();
    }
    open_bucket = bucket;
    open.push_back(observation.value / kMiB);
  }
  if (!open.empty()) {
    close();
  }
  return points;
}

// The readings right after a collection; medians of five minutes where none is marked.
Points after_collections(const LabelledSeries& series) {
  if (series.traits != SignalTraits::gc_marked) {
    return medians_of_five_minutes(series);
  }
  Points points;
  start_points(series, points);
  std::optional<std::uint64_t> epoch;
  for (const Observation& observation : series.observations) {
    if (epoch && observation.epoch && *observation.epoch > *epoch) {
      points.hours.push_back(observation.time_seconds / kHourSeconds);
      points.mib.push_back(observation.value / kMiB);
    }
    epoch = observation.epoch;
  }
  return points;
}

// A rule over the first `count` points, at least eight.
using Rule = bool (*)(const Points& points, const Regression& regression, std::size_t count);

Outcome alarm_at(const Points& points, double hour) {
  Outcome outcome;
  outcome.leaking_at_seconds = hour * kHourSeconds;
  outcome.suspected_at_seconds = outcome.leaking_at_seconds;
  outcome.rightly_suspected_at_seconds = outcome.leaking_at_seconds;
  outcome.value_at_alarm = points.mib[points.until(hour) - 1] * kMiB;
  outcome.reason = "alarm";
  return outcome;
}

Outcome hourly(const Points& points, double start_hours, Rule rule) {
  if (points.hours.size() < 10) {
    return {};
  }
  const Regression regression(points.hours, points.mib);
  for (double hour = points.hours.front() + start_hours; hour <= points.hours.back() + kEps;
       hour += 1) {
    const std::size_t count = points.until(hour);
    if (count >= 8 && rule(points, regression, count)) {
      return alarm_at(points, hour);
    }
  }
  return {};
}

// ---- rules

bool backward_regression(const Points& /*points*/, const Regression& regression,
                         std::size_t count) {
  for (std::size_t width = std::max<std::size_t>(60, count / 5); width <= count; width += 50) {
    const Line line = regression.fit(count - width, count);
    if (line.slope > 0 && line.r_squared > 0.8) {
      return true;
    }
  }
  return false;
}

constexpr double kPrecogShortestHours = 6;
constexpr double kPrecogCriticalHours = 168;

struct PrecogTrend {
  double slope = 0;
  double width_hours = 0;
  bool critical = false;  // rising, and the limit less than a week away
};

PrecogTrend judge_precog(const Points& points, const Line& line, double width, std::size_t last) {
  PrecogTrend trend{line.slope, width, false};
  trend.critical = points.limit_mib && line.slope > 0 &&
                   (*points.limit_mib - points.mib[last - 1]) / line.slope < kPrecogCriticalHours;
  return trend;
}

// The longest suffix window that is a line, among `windows` lengths from the whole to six hours.
std::optional<PrecogTrend> longest_line(const Points& points, const Regression& regression,
                                        std::size_t count, int windows) {
  const double whole = points.hours[count - 1] - points.hours.front();
  for (int i = 0; i < windows; ++i) {
    const double width = whole + (kPrecogShortestHours - whole) * i / (windows - 1);
    if (width < kPrecogShortestHours) {
      return std::nullopt;
    }
    const Line line = regression.fit(points.from(count, width), count);
    if (line.r_squared > 0.88) {
      return judge_precog(points, line, width, count);
    }
  }
  return std::nullopt;
}

bool precog_untrained(const Points& points, const Regression& regression, std::size_t count) {
  const auto trend = longest_line(points, regression, count, 40);
  return trend && trend->critical;
}

// Learns from the first third how long and steep a harmless line is.
Outcome watch_precog_trained(const LabelledSeries& series, const TrendPolicy& /*policy*/) {
  const Points points = medians_of_five_minutes(series);
  if (points.hours.size() < 10) {
    return {};
  }
  const Regression regression(points.hours, points.mib);
  const double begin = points.hours.front();
  const double trained_until = begin + (points.hours.back() - begin) / 3;
  double steepest = 0;
  double longest = 0;
  for (int i = 0; i < 30; ++i) {
    const double width =
        (trained_until - begin) + (kPrecogShortestHours - (trained_until - begin)) * i / 29;
    const std::size_t last = points.until(begin + width);
    if (width < kPrecogShortestHours || last < 2) {
      break;
    }
    const Line line = regression.fit(0, last);
    if (line.r_squared > 0.88 && judge_precog(points, line, width, last).critical) {
      steepest = std::max(steepest, line.slope);
      longest = std::max(longest, width);
    }
  }
  for (double hour = trained_until + 1; hour <= points.hours.back() + kEps; hour += 1) {
    const auto trend = longest_line(points, regression, points.until(hour), 30);
    if (trend && trend->critical && (trend->slope > steepest || trend->width_hours > longest)) {
      return alarm_at(points, hour);
    }
  }
  return {};
}

// At most `most` of the first `count` points, evenly spread.
std::vector<std::size_t> thinned(std::size_t count, std::size_t most) {
  std::vector<std::size_t> result(std::min(count, most));
  for (std::size_t i = 0; i < result.size(); ++i) {
    result[i] = count <= most ? i : i * (count - 1) / (most - 1);
  }
  return result;
}

bool mann_kendall_five_percent(const Points& points, const Regression& /*regression*/,
                               std::size_t count) {
  std::vector<double> values;
  for (const std::size_t i : thinned(count, 400)) {
    values.push_back(points.mib[i]);
  }
  return baseline::mann_kendall_z(values) > 1.645;
}

bool hamed_rao_one_percent(const Points& points, const Regression& /*regression*/,
                           std::size_t count) {
  std::vector<double> times;
  std::vector<double> values;
  for (const std::size_t i : thinned(count, 200)) {
    times.push_back(points.hours[i]);
    values.push_back(points.mib[i]);
  }
  const baseline::CorrectedTrend trend = baseline::hamed_rao(times, values);
  return trend.z > 2.33 && trend.slope > 0;
}

double slope_of_twelve_hours(const Points& points, const Regression& regression,
                             std::size_t count) {
  const std::size_t first = points.from(count, 12);
  return count - first < 10 ? 0 : regression.fit(first, count).slope;
}

bool coroot_ten(const Points& points, const Regression& regression, std::size_t count) {
  return slope_of_twelve_hours(points, regression, count) > 10;
}

bool coroot_one(const Points& points, const Regression& regression, std::size_t count) {
  return slope_of_twelve_hours(points, regression, count) > 1;
}

bool predicted_above_limit(const Points& points, const Regression& regression, std::size_t count,
                           double window_hours, double horizon_hours) {
  const double now = points.hours[count - 1];
  const std::size_t first = points.from(count, window_hours);
  if (!points.limit_mib || now - points.hours.front() < window_hours || count - first < 10) {
    return false;
  }
  const Line line = regression.fit(first, count);
  return line.intercept + line.slope * (now + horizon_hours) > *points.limit_mib;
}

bool predict_linear_day(const Points& points, const Regression& regression, std::size_t count) {
  return predicted_above_limit(points, regression, count, 6, 24);
}

bool predict_linear_days(const Points& points, const Regression& regression, std::size_t count) {
  return predicted_above_limit(points, regression, count, 24, 96);
}

bool mean_of_ten_above_85_percent(const Points& points, const Regression& /*regression*/,
                                  std::size_t count) {
  if (!points.limit_mib || count < 10) {
    return false;
  }
  const auto end = points.mib.begin() + static_cast<std::ptrdiff_t>(count);
  return std::accumulate(end - 10, end, 0.0) / 10 > 0.85 * *points.limit_mib;
}

template <Rule kRule, int kStartHours>
Outcome watch_readings(const LabelledSeries& series, const TrendPolicy& /*policy*/) {
  return hourly(medians_of_five_minutes(series), kStartHours, kRule);
}

template <Rule kRule, int kStartHours>
Outcome watch_collections(const LabelledSeries& series, const TrendPolicy& /*policy*/) {
  return hourly(after_collections(series), kStartHours, kRule);
}

constexpr auto kBaselines = std::to_array<Baseline>({
    {"Mann-Kendall Hamed-Rao 1 %, after GC", watch_collections<hamed_rao_one_percent, 4>},
    {"Mann-Kendall Hamed-Rao 1 %", watch_readings<hamed_rao_one_percent, 4>},
    {"Mann-Kendall 5 %", watch_readings<mann_kendall_five_percent, 2>},
    {"OLS 12 h > 1 MiB/h", watch_readings<coroot_one, 2>},
    {"OLS 12 h > 10 MiB/h (Coroot)", watch_readings<coroot_ten, 2>},
    {"LBR (suffix R2 > 0.8)", watch_readings<backward_regression, 2>},
    {"Precog, untrained", watch_readings<precog_untrained, 2>},
    {"Precog, trained on a third", watch_precog_trained},
    {"predict_linear 6 h -> 24 h", watch_readings<predict_linear_day, 2>},
    {"predict_linear 24 h -> 96 h", watch_readings<predict_linear_days, 2>},
    {"after-GC mean > 85 % of limit", watch_collections<mean_of_ten_above_85_percent, 2>},
});

}  // namespace

std::span<const Baseline> baselines() { return kBaselines; }

}  // namespace heapfloor
