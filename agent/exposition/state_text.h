// What is measured of one subject at one moment, as text for its evidence.
#pragma once

#include <string>

#include "agent/exposition/snapshot.h"

namespace heapfloor {

// Lines as on a metrics page, name{label="value"} number, of what `watch` is about and of what it
// is part of: its process (descriptors, threads, faults, memory by kind), its group, its cgroup
// (events, pressure), the allocators, JVMs and Go programs of its group, and the host (pressure,
// what is available). Each part under a comment line that says what it is; parts of which nothing
// is known are left out. Names as the API writes them. Pure; `watch` is one of `snapshot`.
[[nodiscard]] std::string state_text(const Snapshot& snapshot, const WatchRow& watch);

}  // namespace heapfloor
