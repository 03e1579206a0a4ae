// A line of /proc/PID/maps. Source: Documentation/filesystems/proc.rst, "maps"; show_map_vma in
// fs/proc/task_mmu.c.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "collectors/result.h"

namespace heapfloor {

struct PidMapping {
  std::uint64_t begin = 0;  // begin < end
  std::uint64_t end = 0;
  bool is_readable = false;
  bool is_writable = false;
  bool is_executable = false;
  bool is_shared = false;
  std::uint64_t offset = 0;  // in the file
  std::uint64_t inode = 0;   // 0: no file
  // As the kernel writes it: a line end in it is \012, " (deleted)" stands behind what has no name
  // any more. Points into the line.
  std::string_view path;
  friend bool operator==(const PidMapping&, const PidMapping&) = default;
};

// Whether a line of smaps is one of maps rather than a field of the one above: addresses are in
// lower case, keys begin with a capital.
[[nodiscard]] bool begins_pid_mapping(std::string_view line);

// `line` without its end.
[[nodiscard]] Result<PidMapping> parse_pid_mapping(std::string_view line);

}  // namespace heapfloor
