// JvmFollower: what the detector follows of JVMs: the memory that lives after their collections
// (signal gc_live), with the count of those collections as its epoch. Thread rule: the owner locks.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string_view>

#include "agent/alerts/watch_list.h"
#include "agent/probe_follower.h"
#include "agent/series/group_table.h"
#include "agent/series/growth_ledger.h"
#include "agent/series/part_table.h"
#include "agent/series/sample_batch.h"
#include "collectors/sample.h"

namespace heapfloor {

class JvmFollower {
 public:
  JvmFollower();

  // Takes over one tick, before the memory of the processes is watched. `minimum_bytes`: from which
  // on memory is watched; a JVM's heap is watched with its process.
  void follow(const SampleBatch& batch, const GroupTable& groups,
              const ProbeFollower::ViewSource& view_of, double minimum_bytes, double now_seconds,
              WatchList& watches);

  // The collector of a JVM of the last tick: "g1"; empty where it is none. Static text.
  [[nodiscard]] std::string_view collector(const ProcessId& id) const;
  // Whether the memory of the process grows because the JVM keeps what its collections have freed,
  // or has not collected it yet: what lives has been judged stable, and the rest of its heap
  // explains most of the growth since `start_seconds`. Nothing where that is not known (any more).
  [[nodiscard]] std::optional<bool> is_retention(const ProcessId& id, double start_seconds,
                                                 const WatchList& watches) const;

  [[nodiscard]] const PartTable& jvms() const { return jvms_; }
  [[nodiscard]] const PartTable& pools() const { return pools_; }

  static constexpr std::size_t kMostRows = 4096;

 private:
  struct Known {
    std::string_view collector;
    std::optional<double> epoch, committed, limit;  // of this tick
    GrowthLedger ledger;
    std::uint64_t tick = 0;
  };

  struct Tick {
    const SampleBatch& batch;
    const GroupTable& groups;
    const ProbeFollower::ViewSource& view_of;
    double minimum_bytes;
    double now_seconds;
    WatchList& watches;
  };

  void take_jvm(const SampleBatch& batch, std::size_t index);
  void take_pool(const Tick& tick, std::size_t index);

  PartTable jvms_, pools_;
  std::map<ProcessId, Known> known_;
  std::uint64_t tick_ = 0;
};

}  // namespace heapfloor
