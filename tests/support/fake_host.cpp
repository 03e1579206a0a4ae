#include "tests/support/fake_host.h"

#include "tests/support/fixture_host.h"

namespace heapfloor::testing {

FakeHost::FakeHost() : directory_(make_temporary_directory()) {}

FakeHost::~FakeHost() { std::filesystem::remove_all(directory_); }

Config FakeHost::config() const {
  Config config;
  config.path.procfs = proc.path();
  config.path.sysfs = (directory_ / "sys").string();
  config.path.rootfs = directory_.string();
  config.collection.interval_seconds = 1;
  config.trend.policy.time_scale = 1.0 / 60;
  config.trend.limit_bytes = 512.0 * 1024 * 1024;
  config.alerts.hold_seconds = 5;
  return config;
}

void FakeHost::set_cgroup(const std::string& path, std::uint64_t anon_bytes,
                          std::uint64_t oom_kills, const std::string& limit) {
  write_file(cgroups() / "cgroup.controllers", "memory\n");
  const std::string anon = std::to_string(anon_bytes);
  const std::string kills = "oom_kill " + std::to_string(oom_kills) + "\n";
  set_cgroup_file(path, "memory.current", anon + "\n");
  set_cgroup_file(path, "memory.stat",
                  "anon " + anon + "\nfile 0\ninactive_file 0\nactive_file 0\nshmem 0\n");
  set_cgroup_file(path, "memory.max", limit + "\n");
  set_cgroup_file(path, "memory.events", kills);
  set_cgroup_file(path, "memory.events.local", kills);
  set_cgroup_file(path, "cgroup.procs", "1\n");
}

void FakeHost::set_cgroup_file(const std::string& path, const std::string& name,
                               const std::string& text) {
  write_file(cgroups() / path / name, text);
}

void FakeHost::end_cgroup(const std::string& path) {
  std::filesystem::remove_all(cgroups() / path);
}

}  // namespace heapfloor::testing
