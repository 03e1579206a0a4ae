// MemoryLimit: how much memory a process may have, whatever the host has left.
#pragma once

#include <optional>
#include <string_view>

#include "agent/series/cgroup_table.h"
#include "agent/series/group_table.h"

namespace heapfloor {

inline constexpr std::string_view kCgroupLimit = "cgroup";
inline constexpr std::string_view kRlimit = "rlimit";
inline constexpr std::string_view kConfiguredLimit = "configured";

struct MemoryLimit {
  std::optional<double> bytes;  // nothing: no limit is known
  std::string_view source;      // one of the above; static text, empty without a limit

  // Takes another limit over where it is smaller.
  void consider(std::optional<double> other_bytes, std::string_view other_source);
};

// The smallest of what is configured for the process's group, else for all processes
// (`configured_bytes`), of its cgroup's limit and those above it, and of RLIMIT_AS and RLIMIT_DATA.
// The last two limit mappings, of which resident and swapped memory is a part: they are met no
// later than the memory meets them. Pure.
[[nodiscard]] MemoryLimit memory_limit_of(const ProcessEntry& process, const CgroupTable& cgroups,
                                          std::optional<double> configured_bytes);

}  // namespace heapfloor
