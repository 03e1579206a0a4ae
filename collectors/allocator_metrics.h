// The metrics of an allocator, by name: of the agent's own heap, and of programs that carry a
// probe. Each collector's table is made of these, so that a family is described once.
#pragma once

#include <string_view>

#include "collectors/sample.h"

namespace heapfloor::allocator_metrics {

// Heap in use by the program, thread caches of the allocator included.
constexpr MetricDesc in_use() {
  return {.name = "heapfloor_allocator_in_use_bytes",
          .help =
              "Heap in use by the program (glibc mallinfo2 uordblks plus hblkhd, thread caches "
              "included; jemalloc stats.allocated; tcmalloc current_allocated_bytes).",
          .group_rule = GroupRule::sum,
          .group_name = "heapfloor_allocator_in_use_bytes"};
}

constexpr MetricDesc free_memory(std::string_view state) {
  return {.name = "heapfloor_allocator_free_bytes",
          .help =
              "Heap held by the allocator and free for the program (glibc fastbin, bins, top: "
              "mallinfo2 fsmblks, fordblks, keepcost; jemalloc dirty, muzzy; tcmalloc "
              "pageheap, central, thread).",
          .label_name = "state",
          .label_value = state,
          .group_rule = GroupRule::sum,
          .group_name = "heapfloor_allocator_free_bytes"};
}

constexpr MetricDesc mapped_regions() {
  return {.name = "heapfloor_allocator_mapped_regions",
          .help = "Allocations served by mmap (mallinfo2 hblks).",
          .group_rule = GroupRule::sum,
          .group_name = "heapfloor_allocator_mapped_regions"};
}

constexpr MetricDesc releasable() {
  return {.name = "heapfloor_allocator_releasable_bytes",
          .help =
              "Free memory that a trim returns at most (glibc keepcost, the top of the heap; "
              "tcmalloc free pages).",
          .group_rule = GroupRule::sum,
          .group_name = "heapfloor_allocator_releasable_bytes"};
}

}  // namespace heapfloor::allocator_metrics
