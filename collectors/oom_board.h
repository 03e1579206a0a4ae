// OomBoard: whom the OOM killer took since the last tick, as the kernel's log tells it.
//
// Written by the kmsg collector alone; valid until its next tick. Thread rule: the collection
// thread's own.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace heapfloor {

struct OomVictim {
  std::int32_t pid = 0;
  std::string comm;    // raw
  std::string cgroup;  // raw path below the mount point; empty where the kernel did not name it
  std::optional<std::uint64_t> anon_bytes;
};

struct OomBoard {
  std::vector<OomVictim> victims;       // in the order in which they were killed
  std::optional<bool> is_log_readable;  // nothing until it was tried
};

}  // namespace heapfloor
