// Whether a directory of /proc is still that of the process that was meant: a pid comes round
// again, a pid with a start time does not. Thread rule: pure but for the read.
#pragma once

#include <cstdint>
#include <span>

#include "collectors/host_root.h"
#include "collectors/result.h"
#include "collectors/sample.h"

namespace heapfloor {

// When the process was started, in clock ticks since boot (field 22 of stat, proc(5)).
[[nodiscard]] Result<std::uint64_t> read_start_ticks(const ProcessDir& directory, std::int32_t pid,
                                                     std::span<char> buffer);

// `gone` where another process has the pid by now. To be asked behind the last read of a directory
// that may not be pinned.
[[nodiscard]] Result<void> confirm_process(const ProcessDir& directory, const ProcessId& id,
                                           std::span<char> buffer);

}  // namespace heapfloor
