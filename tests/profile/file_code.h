// The files of a process's code, as bytes of a test.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "agent/profile/code_files.h"
#include "tests/support/memory_host_root.h"

namespace heapfloor::testing {

class FileCode final : public CodeFiles {
 public:
  void add(const std::string& path, std::string bytes) {
    files_["proc/1/root" + path] = std::move(bytes);
  }
  void clear() { files_.clear(); }

  [[nodiscard]] Result<HostFile> open(const CodeMapping& mapping) const override {
    return process().open_in_root(mapping.path.c_str());
  }
  [[nodiscard]] Result<HostFile> open_debug(std::string_view build_id) const override {
    return process().open_in_root(debug_path(build_id).c_str());
  }

 private:
  [[nodiscard]] const ProcessDir& process() const {
    if (!process_) process_ = std::make_unique<ProcessDir>(root_.open_process(1).value());
    return *process_;
  }

  std::map<std::string, std::string, std::less<>> files_;
  MemoryHostRoot root_{[this](std::string_view path) -> Result<std::string> {
    const auto found = files_.find(path);
    if (found == files_.end())
      return failure(ErrorKind::unavailable, std::string(path), "no such file");
    return found->second;
  }};
  mutable std::unique_ptr<ProcessDir> process_;
};

}  // namespace heapfloor::testing
