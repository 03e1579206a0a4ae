// ProcessBoard: what the process collector saw in this tick, for the collectors behind it in the
// list that read more of a process and need not look for it again.
//
// Written by the process collector alone; valid until its next tick. Thread rule: the collection
// thread's own.
#pragma once

#include <cstdint>
#include <vector>

#include "collectors/host_root.h"
#include "collectors/sample.h"

namespace heapfloor {

struct SeenProcess {
  ProcessId id;
  std::uint64_t resident_bytes = 0;
  std::uint64_t swapped_bytes = 0;  // 0 also where nothing is known of it
  std::uint64_t mapped_bytes = 0;   // of address space; 0: it has none any more, or is unreadable
  // The kept directory, which is the process's identity; null where the descriptor budget left
  // none: then whoever opens it confirms the start time after the last read.
  const ProcessDir* directory = nullptr;
  std::uint32_t threads = 0;
};

struct ProcessBoard {
  std::vector<SeenProcess> processes;  // user processes that were read, ascending by pid
  std::uint64_t tick = 0;              // counts the ticks in which they were listed; 0: not yet
};

}  // namespace heapfloor
