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

// Who a process is where it is to be spoken to.
struct PidStanding {
  std::uint32_t effective_user_id = 0;
  std::uint32_t effective_group_id = 0;
  std::int32_t own_pid = 0;          // as parse_own_pid() has it
  std::uint64_t caught_signals = 0;  // bit 0 is signal 1
  [[nodiscard]] bool catches(int signal) const {
    return signal > 0 && signal <= 64 && (caught_signals >> (signal - 1) & 1) != 0;
  }
  friend bool operator==(const PidStanding&, const PidStanding&) = default;
};

// A text without one of these lines is `malformed`.
Result<PidStanding> parse_pid_standing(std::string_view text);

}  // namespace heapfloor
