#include "agent/endpoint_follower.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "agent/trend/observation.h"
#include "collectors/go_metrics.h"

namespace heapfloor {
namespace {

struct FigureMetric {
  const MetricDesc& desc;
  std::optional<double> GoFigures::*figure;
};

constexpr const MetricDesc& metric(std::string_view name) { return find_metric(kGoTable, name); }

constexpr std::array kFigureMetrics = {
    FigureMetric{kGoCycles, &GoFigures::cycles},
    FigureMetric{metric("heapfloor_go_heap_allocated_bytes"), &GoFigures::allocated},
    FigureMetric{metric("heapfloor_go_allocated_bytes_total"), &GoFigures::allocations},
    FigureMetric{kGoInUse, &GoFigures::in_use},
    FigureMetric{kGoIdle, &GoFigures::idle},
    FigureMetric{kGoReleased, &GoFigures::released},
    FigureMetric{metric("heapfloor_go_heap_objects"), &GoFigures::objects},
    FigureMetric{metric("heapfloor_go_heap_goal_bytes"), &GoFigures::goal},
    FigureMetric{kGoMemoryLimit, &GoFigures::limit},
    FigureMetric{kGoStacks, &GoFigures::stacks},
    FigureMetric{kGoSystem, &GoFigures::system},
    FigureMetric{kGoGoroutines, &GoFigures::goroutines},
    FigureMetric{metric("heapfloor_go_gc_pause_seconds_total"), &GoFigures::pause_seconds},
    FigureMetric{metric("heapfloor_go_gc_cpu_ratio"), &GoFigures::cpu_fraction},
    FigureMetric{metric("heapfloor_go_last_gc_timestamp_seconds"), &GoFigures::last_gc_seconds},
};

// What the readings of a program that stands alone measure.
PrometheusTarget subject_target(const std::string& name) {
  PrometheusTarget target;
  target.name = name;
  target.query = "heapfloor_go_heap_live_bytes + heapfloor_go_stack_inuse_bytes";
  target.epoch_query = "heapfloor_go_gc_cycles_total";
  return target;
}

// As the follower of Go programs counts it (agent/go_follower.cpp): with the stacks, below the
// limit less what is neither heap nor stack.
std::optional<Observation> observation_of(const GoReadingOfPage& reading) {
  if (!reading.live) return std::nullopt;
  const GoFigures& figures = reading.figures;
  const double stacks = figures.stacks.value_or(0);
  Observation observation;
  observation.time_seconds = reading.wall_seconds;
  observation.value = *reading.live + stacks;
  if (figures.cycles) observation.epoch = static_cast<std::uint64_t>(*figures.cycles);
  if (figures.limit) {
    const double known = figures.in_use.value_or(0) + figures.idle.value_or(0) + stacks;
    observation.limit = *figures.limit - std::max(0.0, figures.system.value_or(0) - known);
  }
  return observation;
}

bool is_listed(const ProcessBoard& board, const ProcessId& id) {
  return std::ranges::binary_search(board.processes, id, {}, &SeenProcess::id);
}

std::set<ProcessId> read_in_memory(const SampleBatch& batch) {
  std::set<ProcessId> read;
  for (std::size_t index = 0; index < batch.entities(); ++index) {
    const Entity entity = batch.entity(index);
    if (entity.kind == EntityKind::go) read.insert(entity.process);
  }
  return read;
}

}  // namespace

void EndpointFollower::follow(const GoEndpointView& view, const ProcessBoard& board,
                              double now_seconds, SampleBatch& batch) {
  if (!first_seconds_) first_seconds_ = now_seconds;
  std::erase_if(followed_, [&](const auto& known) { return !is_listed(board, known.first); });
  if (view.endpoints.empty()) return;
  std::set<ProcessId> written = read_in_memory(batch);
  for (const GoEndpointStatus& endpoint : view.endpoints) {
    if (!endpoint.process || !endpoint.reading) continue;
    const ProcessId& id = *endpoint.process;
    if (endpoint.reading->valid_until_seconds < now_seconds || !is_listed(board, id)) continue;
    if (written.insert(id).second) write(endpoint, batch);
  }
}

void EndpointFollower::touch(const GoEndpointView& view, const ProcessBoard& board,
                             double now_seconds, WatchList& watches) const {
  if (view.endpoints.empty() && !view.counts.is_searching) return;
  const bool is_early = first_seconds_ && now_seconds - *first_seconds_ < kGraceSeconds;
  std::vector<SeriesKey> present;
  watches.for_each([&](const Watch& watch) {
    if (watch.key.kind != EntityKind::go || watch.ended_seconds) return;
    const ProcessId& id = watch.key.process;
    if ((is_early || followed_.contains(id)) && is_listed(board, id)) present.push_back(watch.key);
  });
  for (const SeriesKey& key : present) watches.touch(key, now_seconds);
}

void EndpointFollower::write(const GoEndpointStatus& endpoint, SampleBatch& batch) {
  const GoReadingOfPage& reading = *endpoint.reading;
  batch.begin({.kind = EntityKind::go, .process = *endpoint.process});
  if (reading.live) batch.add(kGoLive, *reading.live);
  for (const FigureMetric& entry : kFigureMetrics) {
    if (const auto& value = reading.figures.*entry.figure) batch.add(entry.desc, *value);
  }
  const std::string& version = reading.figures.version;
  if (!std::exchange(followed_[*endpoint.process], true) && !version.empty())
    batch.describe(Attribute::version, version);
}

std::vector<ExternalAnswer> JoinedFeed::take() {
  std::vector<ExternalAnswer> answers = recorded_.take();
  for (const GoEndpointStatus& endpoint : endpoints_().endpoints) {
    if (!endpoint.stands_alone || !endpoint.reading) continue;
    double& taken_seconds = taken_seconds_[endpoint.name];
    if (endpoint.reading->time_seconds <= taken_seconds) continue;
    taken_seconds = endpoint.reading->time_seconds;
    ExternalAnswer& answer = answers.emplace_back();
    answer.target = std::make_shared<const PrometheusTarget>(subject_target(endpoint.name));
    const auto observation = observation_of(*endpoint.reading);
    if (!observation) continue;
    answer.series.push_back(
        {endpoint.name, endpoint.group, {*observation}, endpoint.reading->figures.start_seconds});
  }
  return answers;
}

std::vector<PrometheusTarget> followed_targets(const Config& config) {
  std::vector<PrometheusTarget> targets = config.targets.prometheus;
  for (const GoTargetSettings& target : config.targets.go)
    targets.push_back(subject_target(target.name));
  return targets;
}

}  // namespace heapfloor
