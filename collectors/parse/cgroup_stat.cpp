#include "collectors/parse/cgroup_stat.h"

#include <algorithm>
#include <array>
#include <span>

#include "collectors/parse/cgroup_value.h"
#include "collectors/parse/text.h"

namespace heapfloor {
namespace {

struct Key {
  std::string_view name;
  std::optional<std::uint64_t> CgroupStat::*value;
};

constexpr std::array kKeys = {
    Key{"anon", &CgroupStat::anon_bytes},
    Key{"file", &CgroupStat::cache_bytes},
    Key{"shmem", &CgroupStat::shmem_bytes},
    Key{"swapcached", &CgroupStat::swap_cached_bytes},
    Key{"kernel", &CgroupStat::kernel_bytes},
    Key{"kernel_stack", &CgroupStat::kernel_stack_bytes},
    Key{"pagetables", &CgroupStat::page_tables_bytes},
    Key{"sec_pagetables", &CgroupStat::secondary_page_tables_bytes},
    Key{"percpu", &CgroupStat::percpu_bytes},
    Key{"sock", &CgroupStat::sock_bytes},
    Key{"vmalloc", &CgroupStat::vmalloc_bytes},
    Key{"slab_reclaimable", &CgroupStat::slab_reclaimable_bytes},
    Key{"slab_unreclaimable", &CgroupStat::slab_unreclaimable_bytes},
    Key{"zswap", &CgroupStat::zswap_bytes},
    Key{"active_anon", &CgroupStat::active_anon_bytes},
    Key{"inactive_anon", &CgroupStat::inactive_anon_bytes},
    Key{"active_file", &CgroupStat::active_file_bytes},
    Key{"inactive_file", &CgroupStat::inactive_file_bytes},
    Key{"file_mapped", &CgroupStat::file_mapped_bytes},
    Key{"file_dirty", &CgroupStat::file_dirty_bytes},
    Key{"file_writeback", &CgroupStat::file_writeback_bytes},
    Key{"workingset_refault_anon", &CgroupStat::anon_refaults},
    Key{"workingset_refault_file", &CgroupStat::file_refaults},
    // Until 5.9 only file pages were followed, under one name.
    Key{"workingset_refault", &CgroupStat::file_refaults},
    Key{"pgscan", &CgroupStat::scanned_pages},
    Key{"pgsteal", &CgroupStat::reclaimed_pages},
    Key{"pgmajfault", &CgroupStat::major_faults},
};

constexpr std::array kV1Keys = {
    Key{"total_rss", &CgroupStat::anon_bytes},
    Key{"total_cache", &CgroupStat::cache_bytes},
    Key{"total_shmem", &CgroupStat::shmem_bytes},
    Key{"total_swapcached", &CgroupStat::swap_cached_bytes},
    Key{"total_active_anon", &CgroupStat::active_anon_bytes},
    Key{"total_inactive_anon", &CgroupStat::inactive_anon_bytes},
    Key{"total_active_file", &CgroupStat::active_file_bytes},
    Key{"total_inactive_file", &CgroupStat::inactive_file_bytes},
    Key{"total_mapped_file", &CgroupStat::file_mapped_bytes},
    Key{"total_dirty", &CgroupStat::file_dirty_bytes},
    Key{"total_writeback", &CgroupStat::file_writeback_bytes},
    Key{"total_swap", &CgroupStat::swap_bytes},
    Key{"total_workingset_refault_anon", &CgroupStat::anon_refaults},
    Key{"total_workingset_refault_file", &CgroupStat::file_refaults},
    Key{"total_pgmajfault", &CgroupStat::major_faults},
    Key{"hierarchical_memory_limit", &CgroupStat::hierarchical_limit_bytes},
};

Result<CgroupStat> parse_keys(std::string_view text, std::span<const Key> keys) {
  if (!text.ends_with('\n')) return malformed("cut off", text);
  CgroupStat stat;
  std::string_view line;
  while (next_line(text, line)) {
    const std::size_t space = line.find(' ');
    if (space == std::string_view::npos) continue;
    const auto key = std::ranges::find(keys, line.substr(0, space), &Key::name);
    if (key == keys.end()) continue;
    const auto value = parse_unsigned(line.substr(space + 1));
    if (!value) return malformed("not a number", line);
    stat.*key->value = value;
  }
  if (!stat.anon_bytes) return malformed("no anonymous memory", line);
  if (stat.hierarchical_limit_bytes.value_or(0) >= kCgroupUnlimited)
    stat.hierarchical_limit_bytes.reset();
  return stat;
}

}  // namespace

Result<CgroupStat> parse_cgroup_stat(std::string_view text) { return parse_keys(text, kKeys); }

Result<CgroupStat> parse_cgroup_v1_stat(std::string_view text) { return parse_keys(text, kV1Keys); }

}  // namespace heapfloor
