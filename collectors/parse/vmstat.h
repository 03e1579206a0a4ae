// /proc/vmstat: the four counters of it that tell of memory trouble.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "collectors/result.h"

namespace heapfloor {

// Counts since boot; absent what this kernel does not count (oom_kill came with 4.13).
struct Vmstat {
  std::optional<std::uint64_t> oom_kills;
  std::optional<std::uint64_t> major_faults;
  // Pages looked at, and pages taken back, by every kind of reclaimer: kswapd, direct, khugepaged,
  // proactive.
  //
  // The kernel counts each page once under its reclaimer and a second time under its kind
  // (pgscan_anon and pgscan_file, pgsteal_anon and pgsteal_file: shrink_inactive_list in
  // mm/vmscan.c), so only the first set is summed. pgscan_direct_throttle counts sleeping tasks,
  // not pages. Before 4.8 every reclaimer had a key a zone, which are summed too. See
  // Documentation/admin-guide/cgroup-v2.rst, "pgscan", for the parts of the sum.
  std::optional<std::uint64_t> reclaim_scanned_pages;
  std::optional<std::uint64_t> reclaim_stolen_pages;
  friend bool operator==(const Vmstat&, const Vmstat&) = default;
};

Result<Vmstat> parse_vmstat(std::string_view text);

}  // namespace heapfloor
