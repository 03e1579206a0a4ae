#include "agent/alerts/watch_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "agent/trend/signal_list.h"

namespace heapfloor {
namespace {

double weight_of(const SeriesKey& key, double value) {
  return value * signal_info(key.signal).weight_bytes;
}

// Kind external: a series of another server's; signal external alone: a recorded one.
bool is_external(const SeriesKey& key) {
  return key.kind == EntityKind::external || key.signal == Signal::external;
}

}  // namespace

Watch::Watch(const SeriesKey& series_key, const TrendPolicy& policy, SignalTraits traits)
    : key(series_key), detector(policy, traits), judge(policy) {}

std::string_view Watch::scope() const {
  if (is_external(key)) return "external";
  if (key.kind == EntityKind::cgroup) return "cgroup";
  if (key.kind == EntityKind::structure) return "structure";
  if (key.kind == EntityKind::site) return "site";
  if (key.kind == EntityKind::jvm) return "jvm";
  if (key.kind == EntityKind::go) return "go";
  if (key.signal == Signal::allocator_live) return "allocator";
  return "process";
}

std::string_view Watch::basis() const {
  if (key.signal == Signal::gc_live || key.signal == Signal::allocator_live ||
      key.signal == Signal::sampled_live)
    return signal_name(key.signal);
  // What the structures count themselves is as good as what the allocator does; sites are samples.
  if (key.signal == Signal::structure_bytes) return signal_name(Signal::allocator_live);
  if (key.signal == Signal::site_bytes) return signal_name(Signal::sampled_live);
  return signal_info(key.signal).counted.empty() ? "rss_floor" : "count";
}

std::string Watch::subject() const {
  if (is_external(key)) return fmt::format("external:{}", name);
  if (key.kind == EntityKind::cgroup) return fmt::format("cgroup:{}", cgroup);
  std::string subject = fmt::format("{}:{}:{}", scope(), key.process.pid, key.process.start_ticks);
  if (!part.empty()) subject.append(1, ':').append(part);
  return subject;
}

std::string Watch::life_name() const { return part.empty() ? name : name + ":" + part; }

std::string Watch::id() const { return fmt::format("{}/{}", subject(), signal_name(key.signal)); }

WatchList::WatchList(const PolicySource& policies, std::size_t series_limit)
    : store_(series_limit) {
  for (std::size_t signal = 0; signal < kSignals; ++signal) {
    policies_.at(signal) = policies(static_cast<Signal>(signal));
  }
}

void WatchList::set_policies(const PolicySource& policies) {
  for (std::size_t signal = 0; signal < kSignals; ++signal) {
    TrendPolicy& current = policies_.at(signal);
    TrendPolicy next = policies(static_cast<Signal>(signal));
    next.bucket_seconds = current.bucket_seconds;
    next.ring = current.ring;
    next.history_days = current.history_days;
    current = next;
  }
}

const TrendPolicy& WatchList::policy(Signal signal) const {
  return policies_.at(static_cast<std::size_t>(signal));
}

void WatchList::observe(const SeriesKey& key, const WatchLabels& labels,
                        const Observation& reading) {
  std::optional<SeriesIndex> index = store_.find_or_add(key);
  if (!index && make_room(weight_of(key, reading.value))) index = store_.find_or_add(key);
  if (!index) return store_.refuse(key);
  if (*index >= watches_.size()) watches_.resize(*index + 1U);
  std::unique_ptr<Watch>& slot = watches_[*index];
  if (!slot) {
    slot = std::make_unique<Watch>(key, policy(key.signal),
                                   labels.traits.value_or(signal_info(key.signal).traits));
    slot->start_seconds = labels.start_seconds;
    enter_state(*slot, LeakState::learning, reading.time_seconds);
  }
  Watch& watch = *slot;
  if (watch.name != labels.name) watch.name = std::string(labels.name);
  if (watch.group != labels.group) watch.group = std::string(labels.group);
  const std::string_view cgroup = labels.cgroup.substr(0, kMostCgroupPathBytes);
  if (watch.cgroup != cgroup) watch.cgroup = std::string(cgroup);
  if (watch.part != labels.part) watch.part = std::string(labels.part);
  if (labels.is_retention) watch.is_retention = *labels.is_retention;
  watch.limit_source = labels.limit_source;
  watch.others_bytes = labels.others_bytes;
  follow_build(watch, labels.build, reading.time_seconds);
  Observation loaded = reading;
  if (labels.load_total) loaded.load = watch.load.rate(*labels.load_total, reading.time_seconds);
  const std::optional<LeakState> before = take(watch, *index, loaded);
  if (before && hook_) hook_(watch, *before);
}

void WatchList::follow_build(Watch& watch, const SharedBuild& build, double time_seconds) {
  if (!build || watch.build == build) return;
  const bool is_exec = watch.build && !watch.build->may_be_same_run(*build);
  if (is_exec && exec_hook_) exec_hook_(watch);
  const bool is_learned =
      !watch.build || watch.build->is_same_build(*build) || watch.build->kind == BuildKind::image;
  if (is_exec || is_learned) watch.build = build;
  if (!is_exec) return;
  watch.exec_seconds = time_seconds;
  watch.detector.restart(time_seconds);
  const LeakState before = watch.judge.state();
  watch.judge.restart(time_seconds);
  if (watch.judge.state() == before) return;
  enter_state(watch, watch.judge.state(), time_seconds);
  if (hook_) hook_(watch, before);
}

std::optional<LeakState> WatchList::take(Watch& watch, SeriesIndex index,
                                         const Observation& reading) {
  watch.last_value = reading.value;
  watch.last_seen_seconds = reading.time_seconds;
  watch.last_reading = reading;
  ++watch.readings;
  watch.ended_seconds.reset();
  store_.ring(index).push(reading.time_seconds, reading.value);
  if (!watch.detector.observe(reading)) return std::nullopt;
  ++evaluations_;
  return judge(watch, reading.time_seconds);
}

void WatchList::replay(const SeriesKey& key, const Observation& reading) {
  const auto index = store_.find(key);
  if (!index) return;
  if (reading.load) watches_[*index]->load.resume(*reading.load, reading.time_seconds);
  take(*watches_[*index], *index, reading);
}

bool WatchList::make_room(double weight_bytes) {
  if (weight_bytes < hopeless_below_) return false;
  std::optional<SeriesIndex> smallest;
  double least = 0;
  for (SeriesIndex index = 0; index < watches_.size(); ++index) {
    const Watch* const watch = watches_[index].get();
    if (watch == nullptr || watch->judge.state() > LeakState::stable) continue;
    const double weight = weight_of(watch->key, watch->last_value);
    if (smallest && weight >= least) continue;
    smallest = index;
    least = weight;
  }
  const double needed =
      smallest ? least * kWorthReplacing : std::numeric_limits<double>::infinity();
  if (weight_bytes < needed) {
    hopeless_below_ = needed;
    return false;
  }
  forget(*smallest);
  return true;
}

std::optional<LeakState> WatchList::judge(Watch& watch, double time_seconds) {
  const LeakState before = watch.judge.state();
  Verdict verdict = watch.detector.verdict();
  if (watch.is_retention) {
    if (verdict.evidence == Evidence::confirmed) verdict.evidence = Evidence::held;
    watch.judge.demote(time_seconds);
  }
  const LeakState after = watch.judge.step(verdict, time_seconds, verdict.floor);
  if (after == before) return std::nullopt;
  if (before == LeakState::learning && lives_source_) watch.detector.inherit(lives_source_(watch));
  enter_state(watch, after, time_seconds);
  return before;
}

void WatchList::enter_state(Watch& watch, LeakState state, double time_seconds) {
  if (watch.changes.size() == Watch::kChanges) watch.changes.erase(watch.changes.begin());
  watch.changes.push_back({time_seconds, state});
}

void WatchList::touch(const SeriesKey& key, double time_seconds) {
  if (const auto index = store_.find(key)) watches_[*index]->last_seen_seconds = time_seconds;
}

void WatchList::finish_tick(double time_seconds, Known known) {
  for (SeriesIndex index = 0; index < watches_.size(); ++index) {
    Watch* const watch = watches_[index].get();
    if (watch == nullptr || watch->last_seen_seconds >= time_seconds) continue;
    if (known == Known::external_alone && watch->key.kind != EntityKind::external) continue;
    if (!watch->ended_seconds) end(*watch, time_seconds);
    const bool is_worth_showing = watch->judge.state() == LeakState::recovering;
    if (is_worth_showing && time_seconds - *watch->ended_seconds < kEndedRetentionSeconds) continue;
    forget(index);
  }
  hopeless_below_ = 0;
  store_.end_tick();
}

void WatchList::end(Watch& watch, double time_seconds) {
  watch.ended_seconds = time_seconds;
  if (end_hook_) end_hook_(watch);
  const LeakState before = watch.judge.state();
  if (before <= LeakState::stable) return;
  watch.judge.restart(time_seconds);
  if (watch.judge.state() == before) return;
  enter_state(watch, watch.judge.state(), time_seconds);
  if (hook_) hook_(watch, before);
}

void WatchList::begin_life(const SeriesKey& key, double start_seconds) {
  const auto index = store_.find(key);
  if (!index) return;
  Watch& watch = *watches_[*index];
  const double end_seconds = std::max(start_seconds, watch.last_reading.time_seconds);
  if (end_hook_) {
    watch.ended_seconds = end_seconds;
    end_hook_(watch);
    watch.ended_seconds.reset();
  }
  watch.start_seconds = start_seconds;
  watch.detector.restart(end_seconds);
  const LeakState before = watch.judge.state();
  watch.judge.restart(end_seconds);
  if (watch.judge.state() == before) return;
  enter_state(watch, watch.judge.state(), end_seconds);
  if (hook_) hook_(watch, before);
}

void WatchList::drop(const SeriesKey& key) {
  if (const auto index = store_.find(key)) forget(*index);
}

void WatchList::forget(SeriesIndex index) {
  store_.evict(index);
  watches_[index].reset();
}

void WatchList::for_each(const std::function<void(const Watch&)>& visit) const {
  for (const std::unique_ptr<Watch>& watch : watches_) {
    if (watch) visit(*watch);
  }
}

const Watch* WatchList::find(const SeriesKey& key) const {
  const auto index = store_.find(key);
  return index ? watches_[*index].get() : nullptr;
}

const Watch* WatchList::find(std::string_view id) const {
  const auto found = std::ranges::find_if(
      watches_, [id](const auto& watch) { return watch && watch->id() == id; });
  return found == watches_.end() ? nullptr : found->get();
}

std::vector<Point> WatchList::points(const Watch& watch) const {
  const auto index = store_.find(watch.key);
  return index ? store_.ring(*index).points() : std::vector<Point>();
}

}  // namespace heapfloor
