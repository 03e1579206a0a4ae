// The records that the BPF task iterator writes. Source: collectors/bpf/task_record.h.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "collectors/result.h"

namespace heapfloor {

// A process (or a thread of the kernel) as the kernel's list of tasks shows it.
struct TaskVisit {
  std::int32_t pid = 0;
  bool is_kernel_thread = false;
  std::uint64_t start_nanoseconds = 0;    // since boot, time asleep included
  std::uint64_t runtime_nanoseconds = 0;  // of all its threads, ended ones included
  // Another number when its sizes, threads or parent are others; nothing else is to be told from
  // it.
  std::uint64_t memory_stamp = 0;
  friend bool operator==(const TaskVisit&, const TaskVisit&) = default;
};

// Replaces `visits` by the processes of one whole iteration, ascending by pid, each once. Refuses
// one that was cut: it must not look like a smaller host. What follows the last record is left out:
// a reader that asks on is told of processes that came since. `visits` is unspecified after a
// refusal.
Result<void> parse_task_visits(std::string_view bytes, std::vector<TaskVisit>& visits);

}  // namespace heapfloor
