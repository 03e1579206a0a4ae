// ProgramBuilds: which build of which program a process runs, told by /proc/PID/exe.
//
// A program is its file's name; a build is the path and, where the kernel lets us see it, the file
// itself: inode, device, size and time of change. So a process that was started again runs the same
// build, and one that was started from a new file runs another, be the path the same or not. What
// the kernel calls "(deleted)" is another build too: a new one was installed, and the process is
// due for a restart. For a program in a script the interpreter is seen.
//
// Thread rule: any thread may call any member.
#pragma once

#include <optional>
#include <string>

#include "agent/alerts/silence_book.h"
#include "collectors/host_root.h"

namespace heapfloor {

class ProgramBuilds {
 public:
  // `root` outlives the object.
  explicit ProgramBuilds(const HostRoot& root) : root_(root) {}

  // Of "process:PID:START_TICKS" and "allocator:PID:START_TICKS". Nothing for other subjects, for a
  // process that ended, and without the privilege to trace it.
  [[nodiscard]] std::optional<ProgramBuild> build_of(const std::string& subject) const;

 private:
  const HostRoot& root_;
};

}  // namespace heapfloor
