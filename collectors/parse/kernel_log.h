// Records of /dev/kmsg, and what they say about the OOM killer. Sources:
// Documentation/ABI/testing/dev-kmsg; mm/oom_kill.c (dump_oom_summary, __oom_kill_process).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "collectors/result.h"

namespace heapfloor {

// One record: "6,339,5140900,-;text", with further lines that describe devices.
struct KernelLogRecord {
  bool is_from_kernel = false;  // and not written to the log by a program
  std::uint64_t sequence = 0;
  std::uint64_t microseconds = 0;  // since boot, of the kernel's local clock
  std::string_view text;           // view into the record; control bytes are written as \xNN
  friend bool operator==(const KernelLogRecord&, const KernelLogRecord&) = default;
};
Result<KernelLogRecord> parse_kernel_log_record(std::string_view record);

// The text as it was before the log wrote control bytes, bytes above 126 and backslashes as \xNN.
std::string unescaped_log_text(std::string_view text);

// Which cgroup the next victim is in (since 4.19):
// "oom-kill:constraint=CONSTRAINT_MEMCG,…,task_memcg=/a/b,task=leaky,pid=42,uid=0".
//
// A cgroup and a command may contain what the line is separated by. Numbers are read from the end;
// a command with ",task=" in it lengthens the path by its first half, which then is no known
// cgroup.
struct OomSelection {
  std::string_view cgroup;
  std::string_view comm;
  std::int32_t pid = 0;
  friend bool operator==(const OomSelection&, const OomSelection&) = default;
};
std::optional<OomSelection> find_oom_selection(std::string_view text);

// The cgroup that dies as a whole after its first victim was killed (since 4.19):
// "Tasks in /a/b are going to be killed due to memory.oom.group set".
std::optional<std::string_view> find_oom_group(std::string_view text);

// "Memory cgroup out of memory: Killed process 42 (leaky) total-vm:…kB, anon-rss:…kB, …".
struct OomKill {
  std::string_view comm;
  std::int32_t pid = 0;
  std::optional<std::uint64_t> anon_bytes;
  friend bool operator==(const OomKill&, const OomKill&) = default;
};
std::optional<OomKill> find_oom_kill(std::string_view text);

}  // namespace heapfloor
