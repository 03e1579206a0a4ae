// memory.stat of a cgroup, versions 1 and 2. Sources: Documentation/admin-guide/cgroup-v2.rst
// ("memory.stat") and Documentation/admin-guide/cgroup-v1/memory.rst (5.2, "stat file").
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "collectors/result.h"

namespace heapfloor {

// Of the whole subtree. Bytes, unless the name says otherwise; absent what this kernel does not
// say.
struct CgroupStat {
  std::optional<std::uint64_t> anon_bytes;
  std::optional<std::uint64_t> cache_bytes;  // includes shmem and the swap cache
  std::optional<std::uint64_t> shmem_bytes;
  std::optional<std::uint64_t> swap_cached_bytes;
  std::optional<std::uint64_t> kernel_bytes;  // since 5.18: what all kernel parts together hold
  std::optional<std::uint64_t> kernel_stack_bytes;
  std::optional<std::uint64_t> page_tables_bytes;
  std::optional<std::uint64_t> secondary_page_tables_bytes;
  std::optional<std::uint64_t> percpu_bytes;
  std::optional<std::uint64_t> sock_bytes;
  std::optional<std::uint64_t> vmalloc_bytes;
  std::optional<std::uint64_t> slab_reclaimable_bytes;
  std::optional<std::uint64_t> slab_unreclaimable_bytes;
  std::optional<std::uint64_t> zswap_bytes;
  std::optional<std::uint64_t> active_anon_bytes;
  std::optional<std::uint64_t> inactive_anon_bytes;
  std::optional<std::uint64_t> active_file_bytes;
  std::optional<std::uint64_t> inactive_file_bytes;
  std::optional<std::uint64_t> file_mapped_bytes;
  std::optional<std::uint64_t> file_dirty_bytes;
  std::optional<std::uint64_t> file_writeback_bytes;
  std::optional<std::uint64_t> swap_bytes;  // version 1, where swap is accounted
  std::optional<std::uint64_t> anon_refaults;
  std::optional<std::uint64_t> file_refaults;
  std::optional<std::uint64_t> scanned_pages;    // version 2
  std::optional<std::uint64_t> reclaimed_pages;  // version 2
  std::optional<std::uint64_t> major_faults;
  // Version 1: the smallest limit of the cgroup and all above it, those outside the agent's view
  // included; absent when there is none.
  std::optional<std::uint64_t> hierarchical_limit_bytes;
  friend bool operator==(const CgroupStat&, const CgroupStat&) = default;
};

// A text without anon_bytes or without a line end is malformed.
Result<CgroupStat> parse_cgroup_stat(std::string_view text);
// The same of version 1: the keys total_*, which count the subtree as version 2 does.
Result<CgroupStat> parse_cgroup_v1_stat(std::string_view text);

}  // namespace heapfloor
