// TaskHints: what a TaskSource says of the processes of one tick, and what to do when it says
// nothing.
//
// A source that is refused or fails is told once as an error and from then on as a closed source
// (bpf_task_iterator), and asked again from time to time; until then nothing is known of any
// process, so that every one is read as without a source. Thread rule: one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "collectors/collector.h"
#include "collectors/task_source.h"

namespace heapfloor {

class TaskHints {
 public:
  // `source` outlives the hints; null: nothing is known of any process. It is asked from so many
  // processes up.
  TaskHints(TaskSource* source, std::size_t least_processes)
      : source_(source), least_processes_(least_processes) {}

  // Looks, for a host that had so many processes a tick ago. Before they are listed.
  void look(std::size_t processes, CollectReport& report);
  // Replaces `pids` by the processes that were seen, ascending; false where nothing is known.
  [[nodiscard]] bool list(std::vector<std::int32_t>& pids) const;
  // What was seen of a process; null: nothing. To be asked in ascending order of pids.
  [[nodiscard]] const TaskVisit* of(std::int32_t pid);
  void report_source(CollectReport& report) const;

  // A source that failed is asked again after so many ticks.
  static constexpr std::uint32_t kRetryTicks = 240;

 private:
  TaskSource* source_;
  std::size_t least_processes_;
  std::vector<TaskVisit> visits_;
  std::vector<TaskVisit>::const_iterator next_ = visits_.begin();
  std::optional<ErrorKind> refused_;
  bool was_asked_ = false;
  std::uint32_t ticks_to_wait_ = 0;
};

}  // namespace heapfloor
