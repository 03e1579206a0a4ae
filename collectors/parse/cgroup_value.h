// The small files of a cgroup: one limit, a few event counters, a list of processes.
// Sources: Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/memory.rst.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "collectors/result.h"

namespace heapfloor {

// From here up a number of version 1 means "no limit": the kernel writes the largest number of
// pages that a long can count in bytes, 2^63 rounded down to a page (PAGE_COUNTER_MAX).
inline constexpr std::uint64_t kCgroupUnlimited = std::uint64_t{1} << 62;

// A limit or a protection in bytes; no value where the text says that there is none: "max", or a
// number of version 1 that is too large to mean anything.
struct CgroupLimit {
  std::optional<std::uint64_t> bytes;
  friend bool operator==(const CgroupLimit&, const CgroupLimit&) = default;
};
Result<CgroupLimit> parse_cgroup_limit(std::string_view text);

// memory.events, memory.events.local, and memory.oom_control of version 1, which has oom_kill
// alone. Counts since the cgroup was made; absent what this kernel does not count.
struct CgroupEvents {
  std::optional<std::uint64_t> low;
  std::optional<std::uint64_t> high;
  std::optional<std::uint64_t> max;
  std::optional<std::uint64_t> oom;
  std::optional<std::uint64_t> oom_kill;
  std::optional<std::uint64_t> oom_group_kill;
  friend bool operator==(const CgroupEvents&, const CgroupEvents&) = default;
};
Result<CgroupEvents> parse_cgroup_events(std::string_view text);

// How many processes cgroup.procs lists: one number a line.
Result<std::uint64_t> parse_cgroup_procs(std::string_view text);

// Whether cgroup.controllers names the controller `memory`.
bool controllers_include_memory(std::string_view text);

}  // namespace heapfloor
