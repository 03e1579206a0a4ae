// What a growth of memory is made of. Pure.
#pragma once

#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include "agent/series/growth_ledger.h"

namespace heapfloor {

// What a program holds of the memory that its allocator or its runtime has for it.
struct LiveHeap {
  double live_bytes = 0;             // in use
  std::optional<double> free_bytes;  // held beside it; nothing where that is not told
  // Seconds since boot, when this was so; nothing where it is so now.
  std::optional<double> told_seconds = std::nullopt;
};

// Both heaps of a program that has two, whose memory is disjoint; as old as the older one.
[[nodiscard]] std::optional<LiveHeap> both_heaps(const std::optional<LiveHeap>& one,
                                                 const std::optional<LiveHeap>& other);

// Shares of a growth; disjoint, and together 1.
struct GrowthCauses {
  double live_growth = 0;          // the program holds more
  double allocator_retention = 0;  // its allocator keeps more than the program holds
  double file_cache = 0;           // pages of files, which reclaim can take
  double shared_memory = 0;
  // Stacks of more threads. Nothing where there are more and what a stack holds is not known; then
  // they are in `unattributed`. Of cgroups never known.
  std::optional<double> thread_stacks;
  double unattributed = 0;  // anonymous memory that is none of these, or of which nothing tells

  bool is_live_known = false;  // whether the program or its runtime tells what it holds
  double growth_bytes = 0;     // of what these are shares
  double seconds = 0;          // in which
  std::optional<double> threads, threads_gained, stack_bytes;  // stack_bytes: of one of them
  friend bool operator==(const GrowthCauses&, const GrowthCauses&) = default;
};

// `stack_bytes`: what the stack of one thread holds, where it is known. Nothing where nothing grew.
//
// The stacks of threads that were there before are taken to be as large as they were: a stack that
// grew deeper is unattributed. Where an allocator does not say what it holds free, it is taken for
// all that the program does not hold, unless there are stacks of which nothing is known.
[[nodiscard]] std::optional<GrowthCauses> causes_of(const MemoryGrowth& growth,
                                                    std::optional<double> stack_bytes);

// Each share by its name in metrics and answers, in one order.
using CauseShare = std::pair<std::string_view, std::optional<double>>;
[[nodiscard]] std::array<CauseShare, 6> cause_shares(const GrowthCauses& causes);

// Whether the anonymous memory of a program whose live heap is level grew because its allocator
// keeps what was freed: the live heap explains less than half of the growth, and what the allocator
// holds at least half of the rest. Nothing where that is not known, and where the rest is neither's
// (mappings of the program's own): of that nothing is said.
[[nodiscard]] std::optional<bool> is_retention(const GrowthCauses& causes);

}  // namespace heapfloor
