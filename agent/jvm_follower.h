// JvmFollower: what the detector follows of JVMs: the memory that lives after their collections
// (gc_heaps.h), and what their pools hold beside it. Thread rule: the owner locks.
#pragma once

#include <map>
#include <optional>
#include <string_view>

#include "agent/gc_heaps.h"
#include "agent/series/part_table.h"

namespace heapfloor {

class JvmFollower {
 public:
  JvmFollower();

  // Takes over one tick, before the memory of the processes is watched.
  void follow(const GcHeaps::Tick& tick);

  // The collector of a JVM of the last tick: "g1"; empty where it is none. Static text.
  [[nodiscard]] std::string_view collector(const ProcessId& id) const;
  [[nodiscard]] const GcHeaps& heaps() const { return heaps_; }

  [[nodiscard]] const PartTable& jvms() const { return jvms_; }
  [[nodiscard]] const PartTable& pools() const { return pools_; }

  static constexpr std::size_t kMostRows = 4096;

 private:
  // Of this tick.
  struct Known {
    std::string_view collector;
    GcHeap heap;
  };

  void take_jvm(const SampleBatch& batch, std::size_t index);
  void take_pool(const GcHeaps::Tick& tick, std::size_t index);

  PartTable jvms_, pools_;
  std::map<ProcessId, Known> known_;
  GcHeaps heaps_;
};

}  // namespace heapfloor
