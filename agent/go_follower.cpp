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
  known_.clear();
  heaps_.begin_tick();
  for (std::size_t index = 0; index < tick.batch.entities(); ++index) {
    const Entity entity = tick.batch.entity(index);
    if (entity.kind != EntityKind::go) continue;
    known_.insert(entity.process);
    const auto live = tick.batch.value(index, kGoLive);
    if (!live) continue;
    GcHeap heap;
    heap.live = *live + tick.batch.value(index, kGoStacks).value_or(0);
    heap.epoch = tick.batch.value(index, kGoCycles);
    heap.committed = committed(tick.batch, index);
    heap.limit = live_limit(tick.batch, index);
    heaps_.follow(tick, entity.process, heap);
  }
  heaps_.end_tick();
}

}  // namespace heapfloor
