#include "agent/gc_heaps.h"

#include <algorithm>

#include "agent/series/part_table.h"

namespace heapfloor {
namespace {

// What the heap may come to hold: it has its own limit, and the process's, in which everything that
// is not heap stays.
MemoryLimit limit_of(const MemoryLimit& process, const GcHeap& heap, std::optional<double> anon,
                     std::string_view limit_source) {
  MemoryLimit limit;
  if (process.bytes && anon && heap.committed)
    limit.consider(*process.bytes - std::max(0.0, *anon - *heap.committed), process.source);
  limit.consider(heap.limit, limit_source);
  return limit;
}

}  // namespace

void GcHeaps::follow(const Tick& tick, const ProcessId& id, const GcHeap& heap) {
  const ProcessEntry* const process = find_process(tick.groups, id);
  if (process == nullptr) return;
  Known& known = known_[id];
  known.tick = tick_;
  const std::optional<double> anon = anonymous_bytes(*process);
  known.heap.reset();
  if (heap.committed) known.heap = LiveHeap{heap.live, std::max(0.0, *heap.committed - heap.live)};
  const SeriesKey key{kind_, Signal::gc_live, id};
  const bool is_large = std::max(anon.value_or(0), heap.live) >= tick.minimum_bytes;
  if (!is_large && !tick.watches.is_watched(key)) return;
  ProbeFollower::ProcessView view = tick.view_of(*process);
  const MemoryLimit limit = limit_of(view.limit, heap, anon, limit_source_);
  Observation reading;
  reading.time_seconds = tick.now_seconds;
  reading.value = heap.live;
  if (heap.epoch) reading.epoch = static_cast<std::uint64_t>(*heap.epoch);
  reading.limit = limit.bytes;
  view.labels.limit_source = limit.source;
  view.labels.traits = SignalTraits::gc_marked;
  tick.watches.observe(key, view.labels, reading);
}

void GcHeaps::end_tick() {
  std::erase_if(known_, [this](const auto& known) { return known.second.tick != tick_; });
}

std::optional<LiveHeap> GcHeaps::heap(const ProcessId& id) const {
  const auto found = known_.find(id);
  return found == known_.end() ? std::nullopt : found->second.heap;
}

std::optional<bool> GcHeaps::is_level(const ProcessId& id, const WatchList& watches) const {
  if (!known_.contains(id)) return std::nullopt;
  const Watch* const live = watches.find({kind_, Signal::gc_live, id});
  if (live == nullptr || live->judge.state() == LeakState::learning) return std::nullopt;
  return live->judge.state() == LeakState::stable;
}

}  // namespace heapfloor
