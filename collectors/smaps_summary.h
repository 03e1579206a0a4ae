// What the address space of one process is made of, read when somebody asks: for the evidence of a
// suspect, not each tick.
#pragma once

#include <array>
#include <cstddef>
#include <string>

#include "collectors/host_root.h"
#include "collectors/parse/smaps_kinds.h"
#include "collectors/result.h"
#include "collectors/sample.h"

namespace heapfloor {

struct SmapsSummary {
  static constexpr std::size_t kMostMappings = 65'530;  // vm.max_map_count's default
  std::array<MappingSum, kMappingKinds> kinds = {};
  std::size_t mappings = 0;
  bool is_cut = false;  // there are more than kMostMappings; those are not in it
};

// Reads /proc/PID/smaps: 6 µs for each mapping, in pieces between which the target's mmap lock is
// free (see stack_meter.h). Needs what smaps_rollup needs. `gone` where the process is not the one
// that was meant. Any thread.
[[nodiscard]] Result<SmapsSummary> read_smaps_summary(const HostRoot& root, const ProcessId& id);

// A table for people, a line for each kind that there is and one for all, in KiB. Pure.
[[nodiscard]] std::string smaps_summary_text(const SmapsSummary& summary);

}  // namespace heapfloor
