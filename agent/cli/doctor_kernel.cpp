// What the kernel offers of what the collectors use.
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>

#include "agent/cli/doctor.h"

namespace heapfloor {
namespace {

constexpr std::string_view kArea = "kernel";
constexpr std::size_t kMostBytes = 4096;
using Tree = HostRoot::Tree;

Result<std::string> text_of(const HostRoot& root, Tree tree, std::string_view path) {
  std::array<char, kMostBytes> buffer{};
  const auto text = root.read(tree, path, buffer);
  if (!text) return Failure(text.error());
  std::string copy(*text);
  while (copy.ends_with('\n')) copy.pop_back();
  return copy;
}

Finding pressure(const HostRoot& root) {
  Finding finding{kArea, "pressure", Health::works, "stalls for memory (PSI)", {}};
  if (text_of(root, Tree::proc, "pressure/memory")) return finding;
  finding.health = Health::lost;
  finding.losses.push_back({"how long programs wait for memory is not known",
                            "Linux 4.20 with CONFIG_PSI, and psi=1 where it is off by default"});
  return finding;
}

Finding cgroups(const HostRoot& root) {
  Finding finding{kArea, "cgroups", Health::works, "version 2", {}};
  const auto controllers = text_of(root, Tree::sys, "fs/cgroup/cgroup.controllers");
  if (controllers && (" " + *controllers + " ").find(" memory ") != std::string::npos)
    return finding;
  finding.health = Health::partly;
  if (controllers) {
    finding.losses.push_back(
        {"the memory of cgroups is not known",
         "the controller memory in cgroup.subtree_control of the cgroup above"});
    return finding;
  }
  if (root.look_at_directory(Tree::sys, "fs/cgroup/memory")) {
    finding.summary = "version 1";
    finding.losses.push_back({"stalls, memory.high and kills below a cgroup are not known",
                              "version 2: systemd.unified_cgroup_hierarchy=1"});
    return finding;
  }
  finding.health = Health::lost;
  finding.summary.clear();
  finding.losses.push_back({"limits and memory of containers and units are not known",
                            "the host's cgroup file system below --path.sysfs"});
  return finding;
}

// Opens the working directory, as a path of its own root: no file of anybody else.
Finding confined_paths() {
  Finding finding{kArea, "openat2", Health::works, "paths inside a program's root", {}};
  open_how how{};
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT;
  const auto opened = syscall(SYS_openat2, AT_FDCWD, ".", &how, sizeof how);
  if (opened >= 0) {
    close(static_cast<int>(opened));
    return finding;
  }
  const bool is_missing = errno == ENOSYS;
  finding.health = Health::partly;
  finding.losses.push_back({"files of programs in containers (JVM counters, symbols) are not read",
                            is_missing ? "Linux 5.6" : "a seccomp filter that lets openat2 pass"});
  return finding;
}

// Yama stands between a process and the memory of others (Documentation/admin-guide/LSM/Yama.rst):
// of Go programs, and of programs with a probe where CAP_CHECKPOINT_RESTORE is missing.
Finding yama(const HostRoot& root, const Privileges& privileges) {
  Finding finding{kArea, "yama", Health::works, "", {}};
  const auto scope = text_of(root, Tree::proc, "sys/kernel/yama/ptrace_scope");
  if (!scope) {
    finding.summary = "not in use";
    return finding;
  }
  finding.summary = "ptrace_scope " + *scope;
  if (*scope == "0") return finding;
  const bool is_closed = *scope == "3";
  if (!is_closed && privileges.has("CAP_SYS_PTRACE")) return finding;
  finding.health = is_closed ? Health::lost : Health::partly;
  finding.losses.push_back(
      {"the memory of Go programs is not read",
       is_closed ? "kernel.yama.ptrace_scope=2 or less, after a restart" : "CAP_SYS_PTRACE"});
  return finding;
}

// It only spares reads: what it lacks loses nothing.
Finding task_iterator(TaskSource* tasks) {
  Finding finding{kArea, "bpf", Health::note, "collection.bpf is off", {}};
  if (tasks == nullptr) return finding;
  std::vector<TaskVisit> visits;
  const auto looked = tasks->look(visits);
  if (looked) {
    finding.health = Health::works;
    finding.summary = "spares reads of processes that have not moved";
    return finding;
  }
  finding.summary = looked.error().kind == ErrorKind::denied
                        ? "not used, for want of CAP_BPF and CAP_PERFMON; every process is read"
                        : "not used: " + looked.error().reason + "; every process is read";
  return finding;
}

}  // namespace

std::vector<Finding> examine_kernel(const HostRoot& root, const Privileges& privileges,
                                    TaskSource* tasks) {
  return {pressure(root), cgroups(root), confined_paths(), yama(root, privileges),
          task_iterator(tasks)};
}

}  // namespace heapfloor
