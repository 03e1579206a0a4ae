// /proc/PID/limits: the resource limits of a process. Source: getrlimit(2),
// Documentation/filesystems/proc.rst; every kernel since 2.6.24; readable by everybody.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "collectors/result.h"

namespace heapfloor {

// Soft limits, at which the process is refused more; nothing where there is none ("unlimited").
struct PidLimits {
  std::optional<std::uint64_t> open_files;           // RLIMIT_NOFILE, descriptors
  std::optional<std::uint64_t> address_space_bytes;  // RLIMIT_AS
  std::optional<std::uint64_t> data_bytes;           // RLIMIT_DATA
  friend bool operator==(const PidLimits&, const PidLimits&) = default;
};

// Malformed unless the line of open files is there whole.
Result<PidLimits> parse_pid_limits(std::string_view text);

}  // namespace heapfloor
