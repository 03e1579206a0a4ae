// GcHeaps: the heaps of one kind of runtime, followed by what lives in them after collections
// (signal gc_live), with the count of those collections as its epoch. Thread rule: the owner locks.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string_view>

#include "agent/alerts/watch_list.h"
#include "agent/probe_follower.h"
#include "agent/series/group_table.h"
#include "agent/series/growth_causes.h"
#include "agent/series/memory_limit.h"
#include "agent/series/sample_batch.h"
#include "collectors/sample.h"

namespace heapfloor {

// Of a process, in one tick; bytes.
struct GcHeap {
  double live = 0;                  // after the last collection
  std::optional<double> epoch;      // collections until then
  std::optional<double> committed;  // what the heap has from the system
  std::optional<double> limit;      // of the heap, by the runtime
};

class GcHeaps {
 public:
  struct Tick {
    const SampleBatch& batch;
    const GroupTable& groups;
    const ProbeFollower::ViewSource& view_of;
    double minimum_bytes;  // from which on memory is watched; a heap is watched with its process
    double now_seconds;
    WatchList& watches;
  };

  // `limit_source` is static text, of memory_limit.h.
  GcHeaps(EntityKind kind, std::string_view limit_source)
      : kind_(kind), limit_source_(limit_source) {}

  void begin_tick() { ++tick_; }
  void follow(const Tick& tick, const ProcessId& id, const GcHeap& heap);
  void end_tick();

  // What lives after collections, and what the heap holds beside it: freed, or not collected yet.
  // Nothing where the runtime does not tell both.
  [[nodiscard]] std::optional<LiveHeap> heap(const ProcessId& id) const;
  // Whether what lives has been judged stable. Nothing where that is not known (any more).
  [[nodiscard]] std::optional<bool> is_level(const ProcessId& id, const WatchList& watches) const;

 private:
  struct Known {
    std::optional<LiveHeap> heap;
    std::uint64_t tick = 0;
  };

  EntityKind kind_;
  std::string_view limit_source_;
  std::map<ProcessId, Known> known_;
  std::uint64_t tick_ = 0;
};

}  // namespace heapfloor
