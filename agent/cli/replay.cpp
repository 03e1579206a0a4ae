#include "agent/cli/replay.h"

#include <algorithm>
#include <array>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "agent/alerts/alert_book.h"
#include "agent/alerts/leak_alerts.h"
#include "agent/alerts/watch_list.h"
#include "agent/exposition/signals.h"
#include "agent/trend/explain.h"
#include "agent/trend/signal_list.h"

namespace heapfloor {
namespace {

using Json = nlohmann::ordered_json;

template <class T>
Json or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json growth_json(const Verdict& verdict) {
  const std::optional<Growth> growth = known_growth(verdict);
  if (!growth) return nullptr;
  return {{"estimate", growth->estimate}, {"low", growth->low}, {"high", growth->high}};
}

Json exhaustion_json(LeakState state, const Verdict& verdict) {
  const std::optional<Exhaustion> shown = shown_exhaustion(state, verdict);
  if (!shown) return nullptr;
  return {{"limit_bytes", or_null(verdict.limit)},
          {"at", shown->at_seconds},
          {"earliest", shown->earliest_seconds},
          {"latest", or_null(shown->latest_seconds)}};
}

// Marked compactions are worth more than what the signal promises.
SignalTraits traits_of(std::string_view signal, bool has_epochs) {
  if (has_epochs) return SignalTraits::gc_marked;
  const std::optional<Signal> known = find_signal(signal);
  return known ? signal_info(*known).traits : SignalTraits::unmarked;
}

std::string dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string transition_json(const std::string& series, std::string_view what, std::string_view from,
                            std::string_view to, double time_seconds, const Verdict& verdict,
                            std::string_view counted) {
  return dump({{"series", series},
               {"transition", what},
               {"at", time_seconds},
               {"from", from},
               {"to", to},
               {"growth_bytes_per_second", growth_json(verdict)},
               {"confidence", verdict.confidence},
               {"floor_bytes", verdict.floor},
               {"reason", explain(verdict, time_seconds, counted)}});
}

std::shared_ptr<const ChartSeries> chart_of(const ReplaySummary& summary,
                                            std::vector<ChartPoint> points, const Watch* watch) {
  const Verdict& verdict = summary.verdict;
  auto chart = std::make_shared<ChartSeries>();
  chart->counted = summary.counted;
  chart->points = std::move(points);
  chart->limit = verdict.limit;
  chart->exhaustion = shown_exhaustion(summary.state, verdict);
  chart->with_future = summary.state == LeakState::suspected || summary.state == LeakState::leaking;
  if (const std::optional<Growth> growth = known_growth(verdict)) {
    const double end = verdict.window_end_seconds;
    const double end_value =
        verdict.line_value + growth->estimate * (end - verdict.line_time_seconds);
    chart->line = ChartLine{verdict.window_start_seconds, end, end_value, *growth};
  }
  if (watch != nullptr) {
    chart->floors = watch->detector.floors();
    chart->changes = watch->changes;
  }
  return chart;
}

Config tuned_to(const Config& config, double interval_seconds) {
  Config tuned = config;
  if (interval_seconds > 0) tuned.collection.interval_seconds = interval_seconds;
  return tuned;
}

}  // namespace

// The watch list and the alert book of one series, driven by its own clock.
class SeriesReplay::Run {
 public:
  Run(const std::string& name, const Config& config, const ReplaySettings& settings,
      bool has_epochs)
      : settings_(settings),
        default_limit_(config.trend.limit_bytes),
        watches_([&](Signal) { return config.policy_for(settings.signal); }, 1),
        alerts_(config.alerts.hold_seconds, config.alerts.resolve_hold_seconds) {
    summary_.series = name;
    summary_.counted = counted_by(settings.signal);
    labels_.name = summary_.series;
    labels_.limit_source = "configured";
    labels_.traits = traits_of(settings.signal, has_epochs);
    watches_.on_transition([this](const Watch& watch, LeakState before) { note(watch, before); });
  }

  void take(Observation reading) {
    if (!reading.limit) reading.limit = default_limit_;
    ++summary_.points;
    now_seconds_ = reading.time_seconds;
    summary_.last_seconds = now_seconds_;
    watches_.observe(kKey, labels_, reading);
    for (const AlertTransition& transition :
         alerts_.step(leak_conditions(watches_, now_seconds_), now_seconds_)) {
      if (!settings_.transitions) continue;
      const std::string_view change = alert_change_name(transition.change);
      summary_.transitions.push_back(
          transition_json(summary_.series, transition.alert.condition.name, "", change,
                          now_seconds_, watches_.find(kKey)->detector.verdict(), summary_.counted));
    }
  }

  ReplaySummary finish(std::vector<ChartPoint> points) {
    const Watch* const watch = watches_.find(kKey);
    if (watch != nullptr) {
      summary_.state = watch->judge.state();
      summary_.verdict = watch->detector.verdict();
    }
    if (settings_.charts) summary_.chart = chart_of(summary_, std::move(points), watch);
    return std::move(summary_);
  }

 private:
  static constexpr SeriesKey kKey = {EntityKind::process, Signal::external, {}};

  void note(const Watch& watch, LeakState before) {
    const LeakState state = watch.judge.state();
    if (state == LeakState::suspected && !summary_.first_suspected_seconds)
      summary_.first_suspected_seconds = now_seconds_;
    if (state == LeakState::leaking) {
      if (!summary_.first_leaking_seconds) summary_.first_leaking_seconds = now_seconds_;
      if (!summary_.first_suspected_seconds) summary_.first_suspected_seconds = now_seconds_;
    }
    if (!settings_.transitions) return;
    summary_.transitions.push_back(
        transition_json(summary_.series, "state", leak_state_name(before), leak_state_name(state),
                        now_seconds_, watch.detector.verdict(), summary_.counted));
  }

  ReplaySummary summary_;
  ReplaySettings settings_;
  std::optional<double> default_limit_;
  WatchLabels labels_;
  WatchList watches_;
  AlertBook alerts_;
  double now_seconds_ = 0;
};

SeriesReplay::SeriesReplay(std::string name, const Config& config, const ReplaySettings& settings,
                           double interval_seconds, ReadingThinner thinner)
    : name_(std::move(name)),
      config_(config),
      settings_(settings),
      interval_seconds_(interval_seconds),
      thinner_(std::move(thinner)) {}

SeriesReplay::~SeriesReplay() = default;

void SeriesReplay::take(const ReplaySeries& piece) {
  if (!run_) {
    run_ = std::make_unique<Run>(name_, tuned_to(config_, interval_seconds_), settings_,
                                 piece.has_epoch);
  }
  for (const Observation& reading : piece.observations) {
    run_->take(reading);
    if (settings_.charts) thinner_.add(reading);
  }
}

ReplaySummary SeriesReplay::finish() {
  if (!run_) take({});
  return run_->finish(thinner_.take());
}

ReplaySummary replay_series(const std::string& name, const ReplaySeries& series,
                            const Config& config, const ReplaySettings& settings) {
  const double spacing_seconds = median_spacing_seconds(series.observations);
  SeriesReplay replay(name, config, settings, settings.interval_seconds.value_or(spacing_seconds),
                      thinner_for(series.observations));
  replay.take(series);
  return replay.finish();
}

std::string summary_json(const ReplaySummary& summary) {
  const Verdict& verdict = summary.verdict;
  return dump({{"series", summary.series},
               {"state", leak_state_name(summary.state)},
               {"points", summary.points},
               {"first_suspected", or_null(summary.first_suspected_seconds)},
               {"first_leaking", or_null(summary.first_leaking_seconds)},
               {"growth_bytes_per_second", growth_json(verdict)},
               {"confidence", or_null(known_confidence(verdict))},
               {"floor_bytes", or_null(known_floor(verdict))},
               {"predicted_exhaustion", exhaustion_json(summary.state, verdict)},
               {"reason", explain(verdict, summary.last_seconds.value_or(0), summary.counted)}});
}

bool is_more_urgent(const ReplaySummary& a, const ReplaySummary& b) {
  const auto urgency = [](const ReplaySummary& summary) {
    constexpr std::array<int, kLeakStates> kOrder = {4, 3, 1, 0, 2};  // by LeakState
    const std::optional<Exhaustion> exhaustion = shown_exhaustion(summary.state, summary.verdict);
    const double left = exhaustion ? exhaustion->at_seconds - summary.last_seconds.value_or(0)
                                   : std::numeric_limits<double>::infinity();
    return std::pair(kOrder.at(static_cast<std::size_t>(summary.state)), left);
  };
  return urgency(a) < urgency(b);
}

}  // namespace heapfloor
