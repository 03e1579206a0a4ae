// /proc/PID/smaps_rollup: the memory of a process, each shared page divided by its sharers.
// Source: Documentation/ABI/testing/procfs-smaps_rollup and filesystems/proc.rst.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "collectors/result.h"

namespace heapfloor {

// Since Linux 4.14. Absent is what a kernel does not write: the split of PSS by kind came with 5.4.
// All are bytes; hugetlbfs pages are in none of them.
struct SmapsRollup {
  std::uint64_t resident_bytes = 0;
  std::uint64_t proportional_bytes = 0;
  std::optional<std::uint64_t> proportional_anon_bytes;
  std::optional<std::uint64_t> proportional_file_bytes;
  std::optional<std::uint64_t> proportional_shmem_bytes;
  std::optional<std::uint64_t> private_clean_bytes;
  std::optional<std::uint64_t> private_dirty_bytes;
  std::optional<std::uint64_t> lazy_free_bytes;  // MADV_FREE: resident, and free for the taking
  std::optional<std::uint64_t> anon_huge_page_bytes;
  std::optional<std::uint64_t> proportional_swap_bytes;
  friend bool operator==(const SmapsRollup&, const SmapsRollup&) = default;
};

// Reads up to the line Locked, which every kernel writes last (__show_smap in fs/proc/task_mmu.c):
// a text without it, or without Rss and Pss, is not whole and malformed.
Result<SmapsRollup> parse_smaps_rollup(std::string_view text);

}  // namespace heapfloor
