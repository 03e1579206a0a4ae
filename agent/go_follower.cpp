#include "agent/go_follower.h"

#include <algorithm>

#include "agent/series/memory_limit.h"
#include "collectors/go_metrics.h"

namespace heapfloor {
namespace {

// GOMEMLIMIT is of all that the runtime has and has not given back: what does not live in heap or
// stacks stays in it.
std::optional<double> live_limit(const SampleBatch& batch, std::size_t index) {
  const auto limit = batch.value(index, kGoMemoryLimit);
  const auto system = batch.value(index, kGoSystem);
  const auto in_use = batch.value(index, kGoInUse);
  const auto idle = batch.value(index, kGoIdle);
  if (!limit || !system || !in_use || !idle) return limit;
  const double stacks = batch.value(index, kGoStacks).value_or(0);
  return *limit - std::max(0.0, *system - *in_use - *idle - stacks);
}

// Heap that is not given back, and stacks.
std::optional<double> committed(const SampleBatch& batch, std::size_t index) {
  const auto in_use = batch.value(index, kGoInUse);
  const auto idle = batch.value(index, kGoIdle);
  const auto released = batch.value(index, kGoReleased);
  if (!in_use || !idle || !released) return std::nullopt;
  return *in_use + *idle - *released + batch.value(index, kGoStacks).value_or(0);
}

}  // namespace

GoFollower::GoFollower()
    : programs_(EntityKind::go, kGoMetrics, kMostRows), heaps_(EntityKind::go, kGoLimit) {}

void GoFollower::follow(const GcHeaps::Tick& tick) {
  programs_.ingest(tick.batch, tick.groups, std::nullopt, tick.now_seconds);
  ++tick_;
  heaps_.begin_tick();
  for (std::size_t index = 0; index < tick.batch.entities(); ++index) {
    const Entity entity = tick.batch.entity(index);
    if (entity.kind != EntityKind::go) continue;
    Known& known = known_[entity.process];
    known.tick = tick_;
    const auto idle = tick.batch.value(index, kGoIdle);
    const auto released = tick.batch.value(index, kGoReleased);
    known.idle_bytes.reset();
    if (idle && released && *idle >= *released) known.idle_bytes = *idle - *released;
    const auto live = tick.batch.value(index, kGoLive);
    if (!live) continue;
    const auto goroutines = tick.batch.value(index, kGoGoroutines);
    const auto stacks = tick.batch.value(index, kGoStacks);
    if (goroutines && stacks) known.readings.add({tick.now_seconds, *goroutines, *stacks, *live});
    GcHeap heap;
    heap.live = *live + tick.batch.value(index, kGoStacks).value_or(0);
    heap.epoch = tick.batch.value(index, kGoCycles);
    heap.committed = committed(tick.batch, index);
    heap.limit = live_limit(tick.batch, index);
    heaps_.follow(tick, entity.process, heap);
  }
  heaps_.end_tick();
  std::erase_if(known_, [this](const auto& known) { return known.second.tick != tick_; });
}

std::optional<GoroutineGrowth> GoFollower::goroutine_growth(const ProcessId& id,
                                                            double start_seconds) const {
  const auto found = known_.find(id);
  if (found == known_.end()) return std::nullopt;
  const std::span<const Reading> since = found->second.readings.since(start_seconds);
  if (since.empty()) return std::nullopt;
  const auto growth = [&since](double Reading::*value) {
    const auto [before, now] =
        ends_of(since, [value](const Reading& reading) { return reading.*value; });
    return now - before;
  };
  const auto [before, now] =
      ends_of(since, [](const Reading& reading) { return reading.goroutines; });
  if (now - before < std::max(kLeastGoroutines, kLeastShare * before)) return std::nullopt;
  GoroutineGrowth goroutines{before, now, growth(&Reading::stack_bytes), std::nullopt,
                             std::nullopt};
  const double live = goroutines.stack_bytes + growth(&Reading::heap_bytes);
  if (goroutines.stack_bytes >= 0 && live > goroutines.stack_bytes)
    goroutines.stack_share = goroutines.stack_bytes / live;
  return goroutines;
}

std::optional<double> GoFollower::idle_bytes(const ProcessId& id) const {
  const auto found = known_.find(id);
  return found == known_.end() ? std::nullopt : found->second.idle_bytes;
}

}  // namespace heapfloor
