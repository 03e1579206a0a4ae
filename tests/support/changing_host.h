// A host of processes whose numbers a test changes, and which counts what is read of them.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "tests/support/memory_host_root.h"

namespace heapfloor::testing {

// What the kernel writes for a process of these numbers.
struct Numbers {
  std::string comm = "server";
  std::uint64_t start_ticks = 5000;
  std::uint64_t resident_pages = 2560;
  std::uint64_t anon_kilobytes = 8192;
  std::uint64_t minor_faults = 100;
  std::uint64_t user_ticks = 1;
  std::uint64_t virtual_bytes = 104857600;
  std::uint64_t swap_kilobytes = 0;
  std::uint64_t peak_kilobytes = 16384;
  bool kernel_thread = false;
  std::string exe = "/usr/bin/server";
  std::string cmdline = std::string("server\0--fast\0", 14);
  std::string cgroup = "0::/system.slice/server.service\n";
  std::uint32_t user = 1000;
};

inline std::string stat_of(std::int32_t pid, const Numbers& numbers) {
  return std::to_string(pid) + " (" + numbers.comm + ") S 1 1 1 0 -1 " +
         (numbers.kernel_thread ? "2129984 " : "4194304 ") + std::to_string(numbers.minor_faults) +
         " 0 2 0 " + std::to_string(numbers.user_ticks) + " 1 0 0 20 0 3 0 " +
         std::to_string(numbers.start_ticks) +
         (numbers.kernel_thread ? " 0 " : " " + std::to_string(numbers.virtual_bytes) + " ") +
         std::to_string(numbers.resident_pages) + " 0 0 0\n";
}

inline std::string status_of(const Numbers& numbers) {
  return "Name:\tx\nUid:\t" + std::to_string(numbers.user) + "\t0\t0\t0\nVmSize:\t" +
         std::to_string(numbers.virtual_bytes / 1024) + " kB\nVmHWM:\t" +
         std::to_string(numbers.peak_kilobytes) + " kB\nRssAnon:\t" +
         std::to_string(numbers.anon_kilobytes) +
         " kB\nRssFile:\t2048 kB\nRssShmem:\t0 kB\nVmSwap:\t" +
         std::to_string(numbers.swap_kilobytes) + " kB\nThreads:\t3\n";
}

// A host of processes whose numbers the test changes, and which counts what is read.
class ChangingHost {
 public:
  ChangingHost() : root([this](std::string_view path) { return text(path); }) {}

  void add(std::int32_t pid, Numbers numbers = {}) {
    processes[pid] = std::move(numbers);
    root.pids.clear();
    for (const auto& [known, ignored] : processes) root.pids.push_back(known);
  }
  void remove(std::int32_t pid) {
    processes.erase(pid);
    root.replace_process(pid);
    std::erase(root.pids, pid);
  }
  void reuse(std::int32_t pid, Numbers numbers) {
    root.replace_process(pid);
    processes[pid] = std::move(numbers);
  }

  std::map<std::int32_t, Numbers> processes;
  std::map<std::string, int, std::less<>> reads;  // by file name, and by PID/NAME
  std::map<std::string, ErrorKind, std::less<>> refused;
  MemoryHostRoot root;
  std::string limits;           // of every process
  std::string maps = "1\n2\n";  // the same

 private:
  Result<std::string> text(std::string_view path) {
    const std::string_view rest = path.substr(std::string_view("proc/").size());
    const std::size_t slash = rest.find('/');
    const std::string file(rest.substr(slash + 1));
    const std::int32_t pid = std::stoi(std::string(rest.substr(0, slash)));
    ++reads[file];
    ++reads[std::string(rest)];
    if (const auto no = refused.find(file); no != refused.end()) {
      return failure(no->second, std::string(path), "refused");
    }
    const auto process = processes.find(pid);
    if (process == processes.end())
      return failure(ErrorKind::gone, std::string(path), "no such process");
    if (file == "stat") return stat_of(pid, process->second);
    if (file == "status") return status_of(process->second);
    if (file == "limits") return limits;
    if (file == "maps") return maps;
    if (file == "exe") return process->second.exe;
    if (file == "cmdline") return process->second.cmdline;
    if (file == "cgroup") return process->second.cgroup;
    return "25600 " + std::to_string(process->second.resident_pages) + " 512 5 0 7500 0\n";
  }
};

}  // namespace heapfloor::testing
