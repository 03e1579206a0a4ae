// /proc/meminfo: the host's memory. Source: Documentation/filesystems/proc.rst, "meminfo".
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "collectors/result.h"

namespace heapfloor {

// Bytes. Absent is what this kernel does not write: MemAvailable came with 3.14, Percpu with 4.19.
struct Meminfo {
  std::uint64_t total_bytes = 0;
  std::optional<std::uint64_t> free_bytes;
  std::optional<std::uint64_t> available_bytes;
  std::optional<std::uint64_t> buffers_bytes;
  std::optional<std::uint64_t> cached_bytes;  // with shmem
  std::optional<std::uint64_t> anon_bytes;
  std::optional<std::uint64_t> shmem_bytes;
  std::optional<std::uint64_t> slab_reclaimable_bytes;
  std::optional<std::uint64_t> slab_unreclaimable_bytes;
  std::optional<std::uint64_t> kernel_stack_bytes;
  std::optional<std::uint64_t> page_tables_bytes;
  std::optional<std::uint64_t> percpu_bytes;
  std::optional<std::uint64_t> swap_total_bytes;
  std::optional<std::uint64_t> swap_free_bytes;
  std::optional<std::uint64_t> commit_limit_bytes;
  std::optional<std::uint64_t> committed_bytes;
  friend bool operator==(const Meminfo&, const Meminfo&) = default;
};

// MemTotal is in every meminfo ever written; a text without it is malformed.
Result<Meminfo> parse_meminfo(std::string_view text);

}  // namespace heapfloor
