// /proc/PID/statm: the sizes of a process in pages. Source: Documentation/filesystems/proc.rst,
// table 1-3.
#pragma once

#include <cstdint>
#include <string_view>

#include "collectors/result.h"

namespace heapfloor {

// All zero for what has no memory map: a zombie, a kernel thread.
struct PidStatm {
  std::uint64_t size_pages = 0;      // mapped
  std::uint64_t resident_pages = 0;  // anon, file and shmem
  std::uint64_t shared_pages = 0;    // file and shmem alone, so resident - shared is anon
  std::uint64_t data_pages = 0;      // writable private mappings and stack
  friend bool operator==(const PidStatm&, const PidStatm&) = default;
};

Result<PidStatm> parse_pid_statm(std::string_view text);

}  // namespace heapfloor
