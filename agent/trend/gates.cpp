#include "agent/trend/gates.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>

#include "agent/trend/seasonal.h"
#include "agent/trend/statistics.h"
#include "agent/trend/time_constants.h"

namespace heapfloor {
namespace {

using Work = std::array<double, kMaxWindow>;

constexpr double kSparseRiseRatio =
    0.1;  // of the level: a few points need a rise that nobody argues about
constexpr double kSparseConfidence = 0.99;   // the exact test's one-sided p is at most 0.01
constexpr double kSparseGrowingRatio = 0.6;  // second half's growth against the first half's
constexpr double kSeasonGrowthRatio = 0.3;   // of the trend, asked of the median day-on-day rise
constexpr double kLongSeasonShare =
    0.75;  // of buckets above the day before, from seasonal_span_days on
constexpr double kShortSeasonShare = 0.9;
constexpr double kBeforeGrowthRatio =
    0.1;  // of the rise: growth has begun once the floor stays above it
constexpr double kUnknownAsymptote = 1e18;
constexpr double kLongestWait =
    3;  // times what is left: a least wait ends when three quarters of the way are gone
constexpr double kLoadTau = 0.5;  // Kendall's, of load and time

class GateChain {
 public:
  GateChain(const WindowView& window, const GateContext& context)
      : window_(window), context_(context), policy_(context.policy) {}

  Verdict run() {
    describe_window();
    const bool evidence = season_adjusted() && trend() && size() && signal() && record() &&
                          increments() && still_growing();
    if (!evidence) {
      verdict_.evidence = Evidence::none;
      return verdict_;
    }
    measure_patience();
    add_earlier_lives();
    const bool linear = shape();
    if (!precedent()) {
      verdict_.evidence = Evidence::none;
      verdict_.deciding_gate = Gate::precedent;
      return verdict_;
    }
    const bool passed = linear && patience() && season() && gc_runtime();
    verdict_.evidence = passed ? Evidence::confirmed : Evidence::held;
    return verdict_;
  }

 private:
  bool judge(Gate gate, double measured, double required, bool passed) {
    GateResult& result = verdict_.gates[static_cast<std::size_t>(gate)];
    result.outcome = passed ? GateOutcome::passed : GateOutcome::failed;
    result.measured = static_cast<float>(measured);
    result.required = static_cast<float>(required);
    if (!passed && !verdict_.deciding_gate) {
      verdict_.deciding_gate = gate;
    }
    return passed;
  }

  bool not_applicable(Gate gate) {
    verdict_.gates[static_cast<std::size_t>(gate)].outcome = GateOutcome::not_applicable;
    return true;
  }

  [[nodiscard]] std::size_t count() const { return window_.values.size(); }
  [[nodiscard]] std::span<const double> values() const { return {values_.data(), count()}; }
  [[nodiscard]] double rise_by_trend() const { return trend_.slope * span_seconds_; }

  void describe_window() {
    const std::size_t n = count();
    std::copy_n(window_.values.begin(), n, values_.begin());
    span_seconds_ = window_.times[n - 1] - window_.times[0];
    verdict_.bucket_seconds = window_.bucket_seconds;
    verdict_.floors = static_cast<std::uint32_t>(n);
    verdict_.window_start_seconds = window_.times[0];
    verdict_.window_end_seconds = window_.times[n - 1];
    verdict_.evidence_seconds = span_seconds_;
    verdict_.floor = window_.values[n - 1];
    for (std::size_t i = n - 1; i > 0 && window_.values[i] > window_.values[i - 1]; --i) {
      ++verdict_.rising_floors;
    }
  }

  // Where the phase of the day explains the series, goes on with the series without it.
  bool season_adjusted() {
    const double season = season_seconds(policy_);
    // With less than two differences of most phases a step looks like growth.
    const double least_span = window_.by_phase
                                  ? policy_.season_history_days * season - window_.bucket_seconds
                                  : policy_.seasonal_span_days * season;
    if (window_.sparse || span_seconds_ < least_span || window_.bucket_seconds > season / 4)
      return !window_.by_phase || judge(Gate::trend, 0, policy_.seasonal_z, false);
    const auto seasonal =
        seasonal_trend(window_.times, window_.values, season, window_.bucket_seconds);
    if (!seasonal || seasonal->explained <= policy_.seasonal_explained_ratio) {
      return !window_.by_phase || judge(Gate::trend, 0, policy_.seasonal_z, false);
    }
    if (seasonal->z < policy_.seasonal_z) {
      return judge(Gate::trend, seasonal->z, policy_.seasonal_z, false);
    }
    for (std::size_t i = 0; i < count(); ++i) {
      season_peak_ = std::max(season_peak_, values_[i] - seasonal->adjusted[i]);
      values_[i] = seasonal->adjusted[i];
    }
    is_adjusted_ = true;
    return true;
  }

  void fit(const MannKendall& kendall) {
    trend_ = fit_trend(window_.times, values(), kendall, policy_.z);
    verdict_.z = trend_.z;
    verdict_.growth = {trend_.slope, trend_.low, trend_.high};
    level_ = median(values());
    verdict_.level_median = level_;
    for (std::size_t i = 0; i < count(); ++i) {
      residuals_[i] = values_[i] - trend_.slope * (window_.times[i] - window_.times[0]);
    }
    const double offset = median({residuals_.data(), count()});
    for (std::size_t i = 0; i < count(); ++i) {
      residuals_[i] -= offset;
    }
    verdict_.line_time_seconds = window_.times[0];
    verdict_.line_value = offset;
    sigma_ = robust_sigma({residuals_.data(), count()});
    net_ = values_[count() - 1] - values_[0];
  }

  // Most windows end here, so the slopes are left until S says that they matter.
  bool trend() {
    const MannKendall kendall = mann_kendall(values());
    if (window_.sparse) {
      constexpr std::array<double, 8> kRequired = {0, 0, 0, 0, 0, 10, 13, 17};
      const bool significant = exact_trend(count(), kendall.s);
      if (significant) {
        fit(kendall);
        verdict_.confidence = kSparseConfidence;
      }
      return judge(Gate::trend, static_cast<double>(kendall.s),
                   count() < kRequired.size() ? kRequired[count()] : 0, significant);
    }
    verdict_.z = uncorrected_z(kendall);
    if (verdict_.z >= policy_.z) {
      fit(kendall);
    }
    verdict_.confidence = 1 - normal_tail(verdict_.z);
    return judge(Gate::trend, verdict_.z, policy_.z, verdict_.z >= policy_.z && trend_.low > 0);
  }

  [[nodiscard]] double least_rise() const {
    return std::max(policy_.minimum_rise_bytes, policy_.minimum_rise_ratio * level_);
  }

  bool size() {
    if (window_.sparse) {
      const double required = std::max(policy_.minimum_rise_bytes, kSparseRiseRatio * level_);
      return judge(Gate::size, net_, required, net_ >= required);
    }
    const double rise = trend_.low * span_seconds_;
    return judge(Gate::size, rise, least_rise(), rise >= least_rise());
  }

  bool signal() {
    const double required = policy_.signal_sigmas * sigma_;
    return judge(Gate::signal, rise_by_trend(), required, rise_by_trend() >= required);
  }

  bool record() {
    const double top = median(values().last(3));
    const double margin =
        std::max({least_rise(), policy_.record_sigmas * sigma_, policy_.record_rise_ratio * net_});
    // Without floors before the window there is no record to break; a net rise is asked all the
    // same.
    const double before = std::max(window_.prior_maximum - season_peak_, 0.0);
    const bool known = std::isfinite(window_.prior_maximum);
    const double required = known ? before + margin : values_[0];
    return judge(Gate::record, top, required, net_ > 0 && top >= required);
  }

  bool increments() {
    const std::size_t n = count();
    double sum = 0;
    double squares = 0;
    double largest = 0;
    std::size_t after_largest = 1;
    for (std::size_t i = 1; i < n; ++i) {
      const double step = values_[i] - values_[i - 1];
      if (step > 0) {
        sum += step;
        squares += step * step;
      }
      if (step > largest) {
        largest = step;
        after_largest = i;
      }
    }
    const double effective = squares > 0 ? sum * sum / squares : 0;
    const bool many =
        effective >= policy_.effective_increments && largest <= policy_.largest_step_ratio * net_;
    return judge(Gate::increments, effective, policy_.effective_increments,
                 many && (window_.sparse || trend_without_step(after_largest, largest)));
  }

  [[nodiscard]] bool trend_without_step(std::size_t after, double step) const {
    Work rest = values_;
    for (std::size_t i = after; i < count(); ++i) {
      rest[i] -= step;
    }
    const double z = policy_.without_step_z_ratio * policy_.z;
    const MannKendall kendall = mann_kendall({rest.data(), count()});
    if (uncorrected_z(kendall) < z) {
      return false;
    }
    const Trend without = fit_trend(window_.times, {rest.data(), count()}, kendall, z);
    return without.z >= z && without.low > 0;
  }

  bool still_growing() {
    const std::size_t n = count();
    if (window_.sparse) {
      const std::size_t half = (n - 1) / 2;
      const double early = (values_[half] - values_[0]) / static_cast<double>(half);
      const double late = (values_[n - 1] - values_[half]) / static_cast<double>(n - 1 - half);
      const double required = kSparseGrowingRatio * early;
      return judge(Gate::still_growing, late, required, late >= required);
    }
    const std::size_t last = std::max<std::size_t>(5, n / 3);
    const double slope = theil_sen(window_.times.last(last), values().last(last), 0).slope;
    const double required = policy_.still_growing_ratio * trend_.slope;
    return judge(Gate::still_growing, slope, required, slope >= required);
  }

  // Standard error of the difference of two thirds' medians, from the residuals' differences.
  [[nodiscard]] double thirds_error(std::size_t third) const {
    Work differences;
    const std::size_t n = count() - 1;
    for (std::size_t i = 0; i < n; ++i) {
      differences[i] = residuals_[i + 1] - residuals_[i];
    }
    const double s = robust_sigma({differences.data(), n}) / std::sqrt(2.0);
    return 1.25 * s * std::sqrt(2.0 / static_cast<double>(third));
  }

  bool shape() {
    const std::size_t n = count();
    const std::size_t third = std::max<std::size_t>(2, n / 3);
    const double m1 = median(values().first(third));
    const double m2 = median(values().subspan((n - third) / 2, third));
    const double m3 = median(values().last(third));
    const double d1 = m2 - m1;
    const double d2 = m3 - m2;
    const double error = thirds_error(third);
    const double ratio = d1 > 0 ? (d2 + error) / d1 : 1;
    if (d1 <= 0 || ratio >= policy_.linear_ratio) {
      return judge(Gate::shape, std::clamp(ratio, -1e6, 1e6), policy_.linear_ratio, true);
    }
    const double asymptote = d1 > d2 ? m3 + d2 * d2 / (d1 - d2) : kUnknownAsymptote;
    verdict_.asymptote = asymptote;
    const bool deadly = context_.limit && !context_.limit_is_inferred &&
                        asymptote >= policy_.asymptote_limit_ratio * *context_.limit;
    const bool refuted =
        context_.asymptote_to_exceed && median(values().last(3)) > *context_.asymptote_to_exceed;
    return judge(Gate::shape, ratio, policy_.linear_ratio, deadly || refuted);
  }

  bool precedent() {
    // What was undone before includes every day's rise, which was taken off here.
    const double undone =
        is_adjusted_ ? largest_undone_rise(values()) : context_.largest_undone_rise;
    const double required = policy_.precedent_ratio * undone;
    return judge(Gate::precedent, net_, required, net_ >= required);
  }

  void measure_patience() {
    time_to_limit_ = std::numeric_limits<double>::infinity();
    if (context_.limit) {
      const double floor = values_[count() - 1];
      time_to_limit_ = std::max(0.0, (*context_.limit - floor) / std::max(trend_.slope, 1e-9));
    }
    PatienceInput input;
    input.time_to_limit_seconds = time_to_limit_;
    input.large_rise = net_ >= policy_.large_rise_ratio * level_;
    input.at_start = window_.times[0] - context_.history_start_seconds <
                     scaled_hours(policy_, policy_.start_patience_minutes / 60);
    input.short_history = short_history();
    input.follows_load = verdict_.follows_load = follows_load();
    verdict_.evidence_needed_seconds = patience_seconds(policy_, input);
    own_needed_seconds_ = own_patience_seconds(policy_, input);
    verdict_.evidence_seconds = evidence_seconds();
  }

  // Lives that grew alike add to the evidence of one that is long enough to be compared with them.
  void add_earlier_lives() {
    const double earlier = context_.earlier.evidence_seconds(verdict_.growth.estimate);
    if (earlier <= 0 || verdict_.evidence_seconds < own_needed_seconds_) return;
    verdict_.earlier_lives = context_.earlier.lives();
    verdict_.earlier_seconds = static_cast<float>(earlier);
    verdict_.evidence_seconds += earlier;
  }

  // Whether the load rose over the window, and by as large a part as the floor: what a service
  // holds for its requests is at most in proportion to them. Partial Kendall is no help here: under
  // a noisy load it is positive for a rise that the load drives.
  [[nodiscard]] bool follows_load() const {
    if (window_.loads.empty() || span_seconds_ >= scaled_hours(policy_, policy_.patience_hours))
      return false;
    const std::size_t n = count();
    const MannKendall kendall = mann_kendall(window_.loads);
    if (static_cast<double>(kendall.s) < kLoadTau * static_cast<double>(n * (n - 1)) / 2)
      return false;
    const std::size_t third = std::max<std::size_t>(2, n / 3);
    const double load_before = median(window_.loads.first(third));
    const double load_after = median(window_.loads.last(third));
    const double before = median(window_.values.first(third));
    const double after = median(window_.values.last(third));
    return load_after * before >= after * load_before;
  }

  // The part of the window in which the growth happened: a flat stretch before a ramp is no
  // evidence of a leak. Less where the slope is not yet known well.
  [[nodiscard]] double evidence_seconds() const {
    std::size_t start = 0;
    for (std::size_t i = 0; i < count(); ++i) {
      if (values_[i] <= values_[0] + kBeforeGrowthRatio * net_) {
        start = i;
      }
    }
    const double grown =
        (window_.times[count() - 1] - window_.times[start]) / (1 - kBeforeGrowthRatio);
    const double clarity = trend_.low / (policy_.clear_slope_ratio * trend_.slope);
    const double span = too_young_for_season() ? std::min(span_seconds_, grown) : span_seconds_;
    return span * std::clamp(clarity, 0.0, 1.0);
  }

  bool patience() {
    return judge(Gate::patience, verdict_.evidence_seconds, verdict_.evidence_needed_seconds,
                 verdict_.evidence_seconds >= verdict_.evidence_needed_seconds);
  }

  [[nodiscard]] bool short_history() const {
    return context_.now_seconds - context_.history_start_seconds <
           policy_.season_history_days * season_seconds(policy_);
  }

  [[nodiscard]] bool too_young_for_season() const {
    return span_seconds_ < scaled_hours(policy_, policy_.patience_hours) && short_history();
  }

  // Whether the newest three floors still rise at the pace that gate 6 asks of the last third.
  [[nodiscard]] bool rising_now() const {
    const std::size_t n = count();
    const double elapsed = window_.times[n - 1] - window_.times[n - 3];
    return values_[n - 1] - values_[n - 3] >= policy_.still_growing_ratio * trend_.slope * elapsed;
  }

  bool season() {
    const double imminent = scaled_hours(policy_, policy_.imminent_hours);
    const auto earlier = static_cast<double>(verdict_.earlier_seconds);
    const bool too_young = too_young_for_season() &&
                           span_seconds_ + earlier < scaled_hours(policy_, policy_.patience_hours);
    if (too_young && (time_to_limit_ > imminent || !rising_now())) {
      return judge(Gate::season, context_.now_seconds - context_.history_start_seconds + earlier,
                   policy_.season_history_days * season_seconds(policy_), false);
    }
    const double season = season_seconds(policy_);
    if (span_seconds_ < policy_.season_compare_days * season) {
      return not_applicable(Gate::season);
    }
    Work work;
    const auto rises = period_differences(window_.times, window_.values, season, work);
    if (rises.size() < 3) {
      return not_applicable(Gate::season);
    }
    const double required =
        span_seconds_ < policy_.seasonal_span_days * season ? kShortSeasonShare : kLongSeasonShare;
    const bool median_rose = median(rises) >= kSeasonGrowthRatio * trend_.slope * season;
    const auto above = std::count_if(rises.begin(), rises.end(), [](double d) { return d > 0; });
    const double share = static_cast<double>(above) / static_cast<double>(rises.size());
    return judge(Gate::season, median_rose ? share : std::min(share, 0.5), required,
                 median_rose && share >= required);
  }

  // A full heap means a collection, not death: an imminent limit does not excuse a runtime from
  // showing that its collections free ever less.
  bool gc_runtime() {
    if (context_.traits != SignalTraits::gc_marked) {
      return not_applicable(Gate::gc_runtime);
    }
    const std::uint32_t required = policy_.gc_minimum_floors * (too_young_for_season() ? 2U : 1U);
    const auto seen = static_cast<double>(context_.compactions);
    return judge(Gate::gc_runtime, seen, required, seen >= required);
  }

  const WindowView& window_;
  const GateContext& context_;
  const TrendPolicy& policy_;
  Verdict verdict_;
  Work values_;     // seasonally adjusted where the season explains them
  Work residuals_;  // from the fitted line
  Trend trend_;
  double season_peak_ = 0;  // highest part of the season that was taken off
  bool is_adjusted_ = false;
  double span_seconds_ = 0;
  double level_ = 0;
  double sigma_ = 0;
  double net_ = 0;
  double time_to_limit_ = 0;
  double own_needed_seconds_ = 0;
};

}  // namespace

double own_patience_seconds(const TrendPolicy& policy, const PatienceInput& input) {
  double least = 8 * policy.bucket_seconds;
  if (input.at_start) {
    least = std::max(least, scaled_hours(policy, policy.start_patience_minutes / 60));
  }
  if (input.short_history) {
    // An hour that nobody has seen before may be a batch, a reload or a warm-up; but never wait
    // until it is too late.
    const double least_wait = scaled_hours(policy, policy.short_history_patience_hours);
    least = std::max(least, std::min(least_wait, kLongestWait * input.time_to_limit_seconds));
  }
  return least;
}

double patience_seconds(const TrendPolicy& policy, const PatienceInput& input) {
  const double least = own_patience_seconds(policy, input);
  const double slow = scaled_hours(policy, input.large_rise ? policy.patience_slow_large_rise_hours
                                                            : policy.patience_slow_hours);
  double kappa = policy.patience;
  if (input.short_history) kappa = std::max(kappa, policy.short_history_patience);
  if (input.follows_load) kappa = std::max(kappa, policy.load_patience);
  return std::min(std::max(least, kappa * input.time_to_limit_seconds),
                  std::max(scaled_hours(policy, policy.patience_hours),
                           std::min(slow, input.time_to_limit_seconds / policy.slow_divisor)));
}

Verdict run_gates(const WindowView& window, const GateContext& context) {
  return GateChain(window, context).run();
}

}  // namespace heapfloor
