// Where the files are that a process runs code of.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "collectors/host_root.h"
#include "collectors/parse/memory_map.h"

namespace heapfloor {

// Thread rule: one thread at a time.
class CodeFiles {
 public:
  CodeFiles() = default;
  CodeFiles(const CodeFiles&) = delete;
  CodeFiles& operator=(const CodeFiles&) = delete;
  virtual ~CodeFiles() = default;
  // The file of a mapping; `unavailable` where there is none any more.
  [[nodiscard]] virtual Result<HostFile> open(const CodeMapping& mapping) const = 0;
  // The separate file of debug information of a build, from where distributions install it.
  [[nodiscard]] virtual Result<HostFile> open_debug(std::string_view build_id) const = 0;
};

// "/usr/lib/debug/.build-id/ab/cdef.debug"; empty where it is no build id.
std::string debug_path(std::string_view build_id);

// Of a process that runs: the very files that it has mapped where the kernel lets us at them
// (map_files, for which it asks for CAP_CHECKPOINT_RESTORE or CAP_SYS_ADMIN), else what its paths
// lead to now, inside of its own root.
class RunningCode final : public CodeFiles {
 public:
  explicit RunningCode(ProcessDir directory) : directory_(std::move(directory)) {}
  [[nodiscard]] Result<HostFile> open(const CodeMapping& mapping) const override;
  [[nodiscard]] Result<HostFile> open_debug(std::string_view build_id) const override;

 private:
  ProcessDir directory_;
};

// Of a process that has ended: what its paths lead to in the roots of `stand_ins`, processes that
// may have the same files (the host's first one, the agent itself), where it is still the same
// inode.
class EndedCode final : public CodeFiles {
 public:
  explicit EndedCode(std::vector<ProcessDir> stand_ins) : stand_ins_(std::move(stand_ins)) {}
  [[nodiscard]] Result<HostFile> open(const CodeMapping& mapping) const override;
  [[nodiscard]] Result<HostFile> open_debug(std::string_view build_id) const override;

 private:
  std::vector<ProcessDir> stand_ins_;
};

}  // namespace heapfloor
