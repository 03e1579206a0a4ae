// /proc/PID/mountinfo: where the cgroup hierarchies are mounted. Source: proc(5) and
// Documentation/filesystems/proc.rst (3.5).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "collectors/result.h"

namespace heapfloor {

struct CgroupMount {
  std::string mount_point;  // as the process whose file it is sees it, unescaped
  bool is_v2 = false;
  bool has_memory = false;  // version 1: the controller memory is mounted here
  bool shows_all = true;    // the root of the hierarchy, and not a part of it
  friend bool operator==(const CgroupMount&, const CgroupMount&) = default;
};

// The mounts of version 2 and of version 1, in the file's order. Mounts of other kinds are ignored;
// a line without the mark " - " is malformed.
Result<std::vector<CgroupMount>> parse_mountinfo(std::string_view text);

}  // namespace heapfloor
