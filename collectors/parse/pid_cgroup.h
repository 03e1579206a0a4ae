// /proc/PID/cgroup: in which cgroups a process is. Source: cgroups(7), "/proc files".
#pragma once

#include <optional>
#include <string_view>

#include "collectors/result.h"

namespace heapfloor {

// Paths below the mount points; views into the parsed text. A cgroup that was removed under its
// process ends in " (deleted)".
struct PidCgroup {
  std::optional<std::string_view> memory;   // version 1: where the controller memory sees it
  std::optional<std::string_view> unified;  // version 2
  friend bool operator==(const PidCgroup&, const PidCgroup&) = default;

  // The one that accounts for the process's memory, without the mark of a removed cgroup. A host
  // whose memory controller is a hierarchy of version 1 has a line for it, and accounts only there;
  // where that leaves the process at the root, version 2 may still say which unit it belongs to.
  [[nodiscard]] std::optional<std::string_view> path() const;
};

// A line without its two colons or without an absolute path is malformed.
Result<PidCgroup> parse_pid_cgroup(std::string_view text);

}  // namespace heapfloor
