// /proc/PID/status: the memory of a process by kind. Source: Documentation/filesystems/proc.rst,
// table 1-2.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "collectors/result.h"

namespace heapfloor {

// Absent are all sizes of what has no memory map (zombie, kernel thread), and what a kernel does
// not write: RssAnon, RssFile and RssShmem came with 4.5, HugetlbPages with 4.4.
struct PidStatus {
  std::uint64_t threads = 0;
  std::optional<std::uint64_t> user_id;  // real
  std::optional<std::uint64_t> virtual_bytes;
  std::optional<std::uint64_t> locked_bytes;
  std::optional<std::uint64_t> resident_peak_bytes;
  std::optional<std::uint64_t> rss_anon_bytes;
  std::optional<std::uint64_t> rss_file_bytes;
  std::optional<std::uint64_t> rss_shmem_bytes;
  std::optional<std::uint64_t> data_bytes;
  std::optional<std::uint64_t> page_table_bytes;
  std::optional<std::uint64_t> swap_bytes;
  std::optional<std::uint64_t> hugetlb_bytes;
  friend bool operator==(const PidStatus&, const PidStatus&) = default;
};

// Reads up to the line Threads, which every kernel writes behind the sizes (proc_pid_status in
// fs/proc/array.c): a text without it is not whole and malformed. The name is escaped by the kernel
// and cannot forge a line.
Result<PidStatus> parse_pid_status(std::string_view text);

// The pid as the process sees itself: the last of the line NSpid, one for each pid namespace from
// the reader's inwards (Linux 4.1). Nothing where there is no such line.
[[nodiscard]] std::optional<std::int32_t> parse_own_pid(std::string_view text);

}  // namespace heapfloor
