// GoFollower: what the detector follows of Go programs (gc_heaps.h): the heap that lives after
// their collections, with the stacks of their goroutines, which live as long as these do: most of
// what a goroutine that never ends holds is its stack. Thread rule: the owner locks.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "agent/exposition/snapshot.h"
#include "agent/gc_heaps.h"
#include "agent/series/part_table.h"
#include "agent/series/thinning_ring.h"

namespace heapfloor {

class GoFollower {
 public:
  GoFollower();

  // Takes over one tick, before the memory of the processes is watched.
  void follow(const GcHeaps::Tick& tick);

  // Whether the process was read as a Go program in the last tick.
  [[nodiscard]] bool knows(const ProcessId& id) const { return known_.contains(id); }
  // How many goroutines it gained since then, and what their stacks took; nothing where they did
  // not become more by kLeastGoroutines and kLeastShare, or that is not known.
  [[nodiscard]] std::optional<GoroutineGrowth> goroutine_growth(const ProcessId& id,
                                                                double start_seconds) const;
  // What its heap keeps free and has not given back to the system: HeapIdle less HeapReleased.
  [[nodiscard]] std::optional<double> idle_bytes(const ProcessId& id) const;
  [[nodiscard]] const GcHeaps& heaps() const { return heaps_; }
  [[nodiscard]] const PartTable& programs() const { return programs_; }

  static constexpr std::size_t kMostRows = 4096;
  static constexpr double kLeastGoroutines = 100;
  static constexpr double kLeastShare = 0.1;  // of how many there were

 private:
  struct Reading {
    double time_seconds = 0;
    double goroutines = 0;
    double stack_bytes = 0;
    double heap_bytes = 0;  // that live
  };
  struct Known {
    ThinningRing<Reading> readings;
    std::optional<double> idle_bytes;
    std::uint64_t tick = 0;
  };

  PartTable programs_;
  std::map<ProcessId, Known> known_;
  std::uint64_t tick_ = 0;
  GcHeaps heaps_;
};

}  // namespace heapfloor
