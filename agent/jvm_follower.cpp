#include "agent/jvm_follower.h"

#include "agent/series/memory_limit.h"
#include "collectors/jvm_metrics.h"
#include "collectors/parse/hsperfdata.h"

namespace heapfloor {
namespace {

// The name of an entity is the batch's; this one is for good.
std::string_view collector_name(std::string_view name) {
  for (std::size_t i = 0; i < kJvmGcs; ++i) {
    const std::string_view known = jvm_gc_name(static_cast<JvmGc>(i));
    if (known == name) return known;
  }
  return {};
}

}  // namespace

JvmFollower::JvmFollower()
    : jvms_(EntityKind::jvm, kJvmMetrics, kMostRows),
      pools_(EntityKind::jvm_pool, kJvmPoolMetrics, kMostRows),
      heaps_(EntityKind::jvm, kJvmLimit) {}

void JvmFollower::follow(const GcHeaps::Tick& tick) {
  jvms_.ingest(tick.batch, tick.groups, std::nullopt, tick.now_seconds);
  pools_.ingest(tick.batch, tick.groups, std::nullopt, tick.now_seconds);
  known_.clear();
  heaps_.begin_tick();
  for (std::size_t index = 0; index < tick.batch.entities(); ++index) {
    const EntityKind kind = tick.batch.entity(index).kind;
    if (kind == EntityKind::jvm) take_jvm(tick.batch, index);
    if (kind == EntityKind::jvm_pool) take_pool(tick, index);
  }
  heaps_.end_tick();
}

// The limit is that of the whole heap for every collector: what lives and finds no room in the old
// generation stays in the young one, and the JVM fails when both are full.
void JvmFollower::take_jvm(const SampleBatch& batch, std::size_t index) {
  const Entity entity = batch.entity(index);
  Known& known = known_[entity.process];
  known.collector = collector_name(entity.name);
  known.heap.epoch = batch.value(index, kJvmOldCollections);
  known.heap.committed = batch.value(index, kJvmHeapCommitted);
  known.heap.limit = batch.value(index, kJvmHeapLimit);
}

// Behind its JVM. One pool of each tells what lives in it after collections.
void JvmFollower::take_pool(const GcHeaps::Tick& tick, std::size_t index) {
  const std::optional<double> live = tick.batch.value(index, kJvmAfterGc);
  const auto found = known_.find(tick.batch.entity(index).process);
  if (!live || found == known_.end()) return;
  found->second.heap.live = *live;
  heaps_.follow(tick, found->first, found->second.heap);
}

std::string_view JvmFollower::collector(const ProcessId& id) const {
  const auto found = known_.find(id);
  return found == known_.end() ? std::string_view() : found->second.collector;
}

}  // namespace heapfloor
