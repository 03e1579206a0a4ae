// GoFollower: what the detector follows of Go programs (gc_heaps.h): the heap that lives after
// their collections, with the stacks of their goroutines, which live as long as these do: most of
// what a goroutine that never ends holds is its stack. Thread rule: the owner locks.
#pragma once

#include <set>

#include "agent/gc_heaps.h"
#include "agent/series/part_table.h"

namespace heapfloor {

class GoFollower {
 public:
  GoFollower();

  // Takes over one tick, before the memory of the processes is watched.
  void follow(const GcHeaps::Tick& tick);

  // Whether the process was read as a Go program in the last tick.
  [[nodiscard]] bool knows(const ProcessId& id) const { return known_.contains(id); }
  [[nodiscard]] const GcHeaps& heaps() const { return heaps_; }
  [[nodiscard]] const PartTable& programs() const { return programs_; }

  static constexpr std::size_t kMostRows = 4096;

 private:
  PartTable programs_;
  std::set<ProcessId> known_;
  GcHeaps heaps_;
};

}  // namespace heapfloor
