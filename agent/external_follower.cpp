#include "agent/external_follower.h"

#include <algorithm>
#include <utility>

#include "agent/exposition/text_format.h"
#include "agent/series/memory_limit.h"
#include "collectors/fnv_hash.h"

namespace heapfloor {
namespace {

// Of the starts of one life, as several scrapes and clocks tell them.
constexpr double kSameStartSeconds = 5;
constexpr double kMostOfStale = 0.5;
constexpr double kMostAmount = 9.2e18;

// As every page shows it, and such that it is shown as it is: names of subjects are asked for.
std::string plain_name(std::string_view raw) {
  std::string name = visible_name(raw);
  std::ranges::replace(name, '\\', '%');
  return name;
}

bool is_external(const SeriesKey& key) { return key.kind == EntityKind::external; }

}  // namespace

void ExternalFollower::set_targets(std::span<const PrometheusTarget> targets, WatchList& watches) {
  std::map<std::uint64_t, Target> kept;
  for (const PrometheusTarget& settings : targets) {
    Target& target = kept[settings.identity()];
    const auto before = targets_.find(settings.identity());
    if (before != targets_.end()) target = before->second;
    target.name = settings.name;
    target.stale_seconds = settings.stale_seconds;
  }
  targets_ = std::move(kept);
  std::vector<SeriesKey> unwanted;
  watches.for_each([&](const Watch& watch) {
    if (is_external(watch.key) && !targets_.contains(watch.key.process.start_ticks))
      unwanted.push_back(watch.key);
  });
  for (const SeriesKey& key : unwanted) watches.drop(key);
}

void ExternalFollower::follow(ExternalFeed& feed, const Tick& tick, WatchList& watches) {
  take_answers(feed, tick);
  while (!pending_.empty()) {
    Pending& first = pending_.front();
    const PrometheusTarget& settings = *first.answer.target;
    const auto target = targets_.find(settings.identity());
    if (target == targets_.end() || first.next == first.answer.series.size()) {
      pending_.pop_front();
      continue;
    }
    take_series(settings, target->second, first.answer.series[first.next++], tick, watches);
    if (tick.is_late()) break;
  }
  say_who_is_there(tick, watches);
}

// What is taken has been judged before more is: the source waits.
void ExternalFollower::take_answers(ExternalFeed& feed, const Tick& tick) {
  if (!pending_.empty()) return;
  for (ExternalAnswer& answer : feed.take()) {
    const auto found = targets_.find(answer.target->identity());
    if (found == targets_.end()) continue;  // of before a reload
    Target& target = found->second;
    if (target.answered_seconds) {
      target.present_seconds += std::clamp(tick.now_seconds - *target.answered_seconds, 0.0,
                                           target.stale_seconds * kMostOfStale);
    }
    target.answered_seconds = tick.now_seconds;
    pending_.push_back({std::move(answer), 0});
  }
}

void ExternalFollower::take_series(const PrometheusTarget& settings, Target& target,
                                   const ExternalSeries& series, const Tick& tick,
                                   WatchList& watches) {
  const bool is_bytes = settings.unit == ExternalUnit::bytes;
  const std::string name = plain_name(series.name);
  const SeriesKey key{EntityKind::external, is_bytes ? Signal::external : Signal::external_count,
                      ProcessId{0, settings.identity()}, fnv1a(name)};
  const Watch* const watch = watches.find(key);
  const bool is_another = watch != nullptr && watch->name != name;  // of the same hash
  if (is_another || name.size() > kMostCgroupPathBytes) return;
  if (watch == nullptr) {
    const double least = settings.minimum.value_or(is_bytes ? tick.minimum_bytes : kLeastCount);
    if (series.readings.empty() || series.readings.back().value < least) return;
  }
  WatchLabels labels;
  labels.name = name;
  labels.group = series.group;
  if (!settings.epoch_query.empty()) labels.traits = SignalTraits::gc_marked;
  take_readings(series, key, labels, target, tick, watches);
  if (!watches.is_watched(key)) return;
  known_[key].seen_seconds = target.present_seconds;
}

void ExternalFollower::take_readings(const ExternalSeries& series, const SeriesKey& key,
                                     const WatchLabels& labels, Target& target, const Tick& tick,
                                     WatchList& watches) {
  std::optional<double> start;
  if (series.start_seconds) start = *series.start_seconds - tick.wall_offset_seconds;
  for (Observation reading : series.readings) {
    reading.time_seconds -= tick.wall_offset_seconds;
    const Watch* const watch = watches.find(key);
    if (watch != nullptr && reading.time_seconds <= watch->last_reading.time_seconds) continue;
    if (!(reading.value <= kMostAmount)) continue;  // no amount, as NaN is none
    if (reading.time_seconds > tick.now_seconds + kMostAheadSeconds) {
      ++target.refused;
      continue;
    }
    const bool is_of_this_life = !start || reading.time_seconds >= *start;
    if (watch == nullptr && !is_of_this_life) continue;
    if (watch != nullptr && start && is_of_this_life &&
        *start > watch->start_seconds + kSameStartSeconds)
      watches.begin_life(key, *start);
    count_epoch(known_[key], watch, reading);
    WatchLabels own = labels;
    own.start_seconds = start.value_or(reading.time_seconds);
    own.limit_source = reading.limit ? kQueryLimit : std::string_view();
    watches.observe(key, own, reading);
    if (!watches.is_watched(key)) break;  // the cap
  }
  if (!watches.is_watched(key)) known_.erase(key);
}

void ExternalFollower::count_epoch(Known& known, const Watch* watch, Observation& reading) const {
  if (!reading.epoch) return;
  const std::uint64_t counted = *reading.epoch;
  if (known.epoch && counted < *known.epoch) known.epochs_before += *known.epoch;
  // After a restart of the agent what was before is known by the series alone.
  if (!known.epoch && watch != nullptr && watch->last_reading.epoch.value_or(0) > counted)
    known.epochs_before = *watch->last_reading.epoch;
  known.epoch = counted;
  reading.epoch = known.epochs_before + counted;
}

void ExternalFollower::say_who_is_there(const Tick& tick, WatchList& watches) {
  std::vector<SeriesKey> present;
  watches.for_each([&](const Watch& watch) {
    if (!is_external(watch.key) || watch.ended_seconds) return;
    const auto target = targets_.find(watch.key.process.start_ticks);
    if (target == targets_.end()) return;
    const auto known = known_.find(watch.key);
    // Of a restored series its target has the stale time to speak.
    const double seen_seconds = known == known_.end() ? 0 : known->second.seen_seconds;
    if (target->second.present_seconds - seen_seconds < target->second.stale_seconds)
      present.push_back(watch.key);
  });
  for (const SeriesKey& key : present) watches.touch(key, tick.now_seconds);
  std::erase_if(known_, [&watches](const auto& known) { return !watches.is_watched(known.first); });
}

std::uint64_t ExternalFollower::refused_readings(std::string_view target) const {
  for (const auto& [identity, known] : targets_) {
    if (known.name == target) return known.refused;
  }
  return 0;
}

}  // namespace heapfloor
