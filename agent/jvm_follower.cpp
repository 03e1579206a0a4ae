#include "agent/jvm_follower.h"

#include <algorithm>

#include "agent/series/memory_limit.h"
#include "collectors/jvm_metrics.h"
#include "collectors/parse/hsperfdata.h"

namespace heapfloor {
namespace {

std::optional<double> sample(const SampleBatch& batch, std::size_t index, const MetricDesc& desc) {
  for (const SampleBatch::Sample& one : batch.samples(index)) {
    if (one.desc == &desc) return one.value;
  }
  return std::nullopt;
}

// The name of an entity is the batch's; this one is for good.
std::string_view collector_name(std::string_view name) {
  for (std::size_t i = 0; i < kJvmGcs; ++i) {
    const std::string_view known = jvm_gc_name(static_cast<JvmGc>(i));
    if (known == name) return known;
  }
  return {};
}

// What the heap may come to hold: it has its own limit, and the process's, in which everything that
// is not heap stays. Its own is that of the whole heap for every collector: what lives and finds no
// room in the old generation stays in the young one, and the JVM fails when both are full.
MemoryLimit limit_of(const MemoryLimit& process, std::optional<double> heap_limit,
                     std::optional<double> committed, std::optional<double> anon) {
  MemoryLimit limit;
  if (process.bytes && anon && committed)
    limit.consider(*process.bytes - std::max(0.0, *anon - *committed), process.source);
  limit.consider(heap_limit, kJvmLimit);
  return limit;
}

}  // namespace

JvmFollower::JvmFollower()
    : jvms_(EntityKind::jvm, kJvmMetrics, kMostRows),
      pools_(EntityKind::jvm_pool, kJvmPoolMetrics, kMostRows) {}

void JvmFollower::follow(const SampleBatch& batch, const GroupTable& groups,
                         const ProbeFollower::ViewSource& view_of, double minimum_bytes,
                         double now_seconds, WatchList& watches) {
  ++tick_;
  jvms_.ingest(batch, groups, std::nullopt, now_seconds);
  pools_.ingest(batch, groups, std::nullopt, now_seconds);
  const Tick tick{batch, groups, view_of, minimum_bytes, now_seconds, watches};
  for (std::size_t index = 0; index < batch.entities(); ++index) {
    const EntityKind kind = batch.entity(index).kind;
    if (kind == EntityKind::jvm) take_jvm(batch, index);
    if (kind == EntityKind::jvm_pool) take_pool(tick, index);
  }
  std::erase_if(known_, [this](const auto& known) { return known.second.tick != tick_; });
}

void JvmFollower::take_jvm(const SampleBatch& batch, std::size_t index) {
  const Entity entity = batch.entity(index);
  Known& known = known_[entity.process];
  known.tick = tick_;
  known.collector = collector_name(entity.name);
  known.epoch = sample(batch, index, kJvmOldCollections);
  known.committed = sample(batch, index, kJvmHeapCommitted);
  known.limit = sample(batch, index, kJvmHeapLimit);
}

// Behind its JVM. One pool of each tells what lives in it after collections.
void JvmFollower::take_pool(const Tick& tick, std::size_t index) {
  const std::optional<double> live = sample(tick.batch, index, kJvmAfterGc);
  const ProcessId id = tick.batch.entity(index).process;
  const ProcessEntry* const process = find_process(tick.groups, id);
  const auto found = known_.find(id);
  if (!live || process == nullptr || found == known_.end()) return;
  Known& known = found->second;
  const std::optional<double> anon = anonymous_bytes(*process);
  if (anon && known.committed)
    known.ledger.add({tick.now_seconds, *anon, *live, std::max(0.0, *known.committed - *live)});
  const SeriesKey key{EntityKind::jvm, Signal::gc_live, id};
  const bool is_large = std::max(anon.value_or(0), *live) >= tick.minimum_bytes;
  if (!is_large && !tick.watches.is_watched(key)) return;
  ProbeFollower::ProcessView view = tick.view_of(*process);
  const MemoryLimit limit = limit_of(view.limit, known.limit, known.committed, anon);
  Observation reading;
  reading.time_seconds = tick.now_seconds;
  reading.value = *live;
  if (known.epoch) reading.epoch = static_cast<std::uint64_t>(*known.epoch);
  reading.limit = limit.bytes;
  view.labels.limit_source = limit.source;
  view.labels.traits = SignalTraits::gc_marked;
  tick.watches.observe(key, view.labels, reading);
}

std::string_view JvmFollower::collector(const ProcessId& id) const {
  const auto found = known_.find(id);
  return found == known_.end() ? std::string_view() : found->second.collector;
}

std::optional<bool> JvmFollower::is_retention(const ProcessId& id, double start_seconds,
                                              const WatchList& watches) const {
  constexpr double kMostOf = 0.5;
  const auto found = known_.find(id);
  if (found == known_.end()) return std::nullopt;
  const Watch* const live = watches.find({EntityKind::jvm, Signal::gc_live, id});
  if (live == nullptr || live->judge.state() == LeakState::learning) return std::nullopt;
  if (live->judge.state() != LeakState::stable) return false;
  const auto causes = found->second.ledger.causes_since(start_seconds);
  if (!causes) return std::nullopt;
  return causes->allocator_retention > kMostOf;
}

}  // namespace heapfloor
