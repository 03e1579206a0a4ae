// MemoryLimit: how much memory a process may have, whatever the host has left.
//
// Two limits are made of the same parts. The one that is shown is what somebody set: the smallest
// limit. The one that forecasts use is what the process can come to hold: a cgroup's limit is
// shared, so what others in the cgroup hold of it and reclaim cannot take is not there for it. With
// `value` held by the process and `headroom` left at the cgroup and at all above it, that is value
// + headroom.
//
// Others come and go. What they hold at their peaks is what kills, so their share rises at once and
// falls slowly (held_others): a forecast neither trembles with them nor believes in a trough.
#pragma once

#include <optional>
#include <string_view>

#include "agent/series/cgroup_table.h"
#include "agent/series/group_table.h"

namespace heapfloor {

inline constexpr std::string_view kCgroupLimit = "cgroup";
inline constexpr std::string_view kRlimit = "rlimit";
inline constexpr std::string_view kConfiguredLimit = "configured";
inline constexpr std::string_view kJvmLimit = "jvm";      // of its heap: -Xmx
inline constexpr std::string_view kGoLimit = "go";        // GOMEMLIMIT
inline constexpr std::string_view kQueryLimit = "query";  // what an external target's query says

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
// `others_bytes` is what of the cgroup's limit is not for this process; 0: the limit as it was set.
[[nodiscard]] MemoryLimit memory_limit_of(const ProcessEntry& process, const CgroupTable& cgroups,
                                          std::optional<double> configured_bytes,
                                          double others_bytes = 0);

// The part of the cgroup's limit that one who holds `value` in it cannot come to hold. Below 0
// where it holds what the cgroup is not charged for (swap). Nothing where the cgroup is not read,
// has no limit, or its headroom is not known. Pure.
[[nodiscard]] std::optional<double> others_bytes(const CgroupEntry* cgroup, double value);

// The share of others as it was `seconds` ago, brought to `now_bytes`: more at once, less by
// `time_constant_seconds`; where nothing is known now, what was known. Pure.
[[nodiscard]] std::optional<double> held_others(std::optional<double> before_bytes,
                                                std::optional<double> now_bytes, double seconds,
                                                double time_constant_seconds);

}  // namespace heapfloor
