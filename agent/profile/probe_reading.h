// What is read of a target for one profile: its segment, and which code it has where.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "agent/profile/code_files.h"
#include "collectors/host_root.h"
#include "collectors/parse/memory_map.h"
#include "collectors/probe_board.h"
#include "collectors/result.h"
#include "collectors/sample.h"

namespace heapfloor {

struct ProbeReading {
  ProcessId id;
  ProbeSegmentBytes segment;
  std::vector<CodeMapping> mappings;
};

// Reads the process directly, without what a running agent knows of it. `unavailable` where it
// carries no probe; `gone` where there is no such process. Thread rule: any thread.
Result<ProbeReading> read_probe(const HostRoot& root, std::int32_t pid);

// The files of a process that runs; of one that has ended, those of the host that it may have had.
// `root` outlives them.
std::unique_ptr<CodeFiles> code_files_of(const HostRoot& root, const ProcessId& id);

}  // namespace heapfloor
