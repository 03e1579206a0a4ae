// /proc/PID/stat: identity and counters of a process. Source: proc(5),
// Documentation/filesystems/proc.rst, table 1-4.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "collectors/result.h"

namespace heapfloor {

struct PidStat {
  std::string_view comm;                    // points into the text; hostile: any bytes but NUL
  std::optional<std::uint64_t> parent_pid;  // 0: none in this pid namespace
  std::uint32_t flags = 0;                  // PF_* of include/linux/sched.h
  std::uint64_t minor_faults = 0;
  std::uint64_t major_faults = 0;
  std::uint64_t user_ticks = 0;
  std::uint64_t system_ticks = 0;
  std::uint64_t threads = 0;
  std::uint64_t start_ticks = 0;  // since boot
  std::uint64_t virtual_bytes = 0;
  std::uint64_t resident_pages = 0;
  friend bool operator==(const PidStat&, const PidStat&) = default;

  // PF_KTHREAD: the kernel's own thread, which has no memory map.
  [[nodiscard]] bool is_kernel_thread() const { return (flags & 0x00200000U) != 0; }
};

// comm may hold blanks, line ends and parentheses, so the fields start behind the last ")" of the
// text. Names longer than 64 bytes, the most that any kernel writes (proc_task_name in
// fs/proc/array.c), are cut.
Result<PidStat> parse_pid_stat(std::string_view text);

}  // namespace heapfloor
