// A host of its own for an agent under test: processes and cgroups, nothing of the machine.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "agent/config.h"
#include "tests/support/fake_proc.h"

namespace heapfloor::testing {

class FakeHost {
 public:
  FakeHost();
  FakeHost(const FakeHost&) = delete;
  FakeHost& operator=(const FakeHost&) = delete;
  ~FakeHost();

  // Of an agent that watches this host once a second; a second of it is a minute of the detector's.
  [[nodiscard]] Config config() const;

  // A cgroup of version 2; the hierarchy comes with the first.
  void set_cgroup(const std::string& path, std::uint64_t anon_bytes, std::uint64_t oom_kills = 0,
                  const std::string& limit = "max");
  void set_cgroup_file(const std::string& path, const std::string& name, const std::string& text);
  void end_cgroup(const std::string& path);

  FakeProc proc;

 private:
  [[nodiscard]] std::filesystem::path cgroups() const { return directory_ / "sys/fs/cgroup"; }
  std::filesystem::path directory_;
};

}  // namespace heapfloor::testing
