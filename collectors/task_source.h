// TaskSource: who says in one call which processes there are and how much each has run, so that the
// process collector reads of /proc only what may have changed.
//
// A hint, never a value: no sample comes from it. What it does not know is read as without it.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "collectors/parse/task_visits.h"
#include "collectors/result.h"

namespace heapfloor {

class TaskSource {
 public:
  TaskSource() = default;
  TaskSource(const TaskSource&) = delete;
  TaskSource& operator=(const TaskSource&) = delete;
  virtual ~TaskSource() = default;
  // Replaces `visits` by the processes of this moment, ascending by pid, each once. An error, after
  // which `visits` is to be ignored, where not all of them could be visited. What is opened for it
  // is opened with the first call, and anew after an error. Called by one thread, never
  // concurrently.
  [[nodiscard]] virtual Result<void> look(std::vector<TaskVisit>& visits) = 0;
};

}  // namespace heapfloor
