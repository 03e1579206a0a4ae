#include "collectors/parse/task_visits.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <limits>
#include <string>

#include "collectors/bpf/task_record.h"

namespace heapfloor {
namespace {

static_assert(sizeof(ProcessRecord) == 32 && sizeof(ThreadRecord) == 16 && sizeof(EndRecord) == 8);
constexpr std::uint32_t kMostPid = std::numeric_limits<std::int32_t>::max();

Failure wrong(std::string reason) {
  return failure(ErrorKind::malformed, "task iterator", std::move(reason));
}

// Takes one record off the front, if there is a whole one.
template <class Record>
bool take(std::string_view& rest, Record& record) {
  if (rest.size() < sizeof(Record)) return false;
  std::memcpy(&record, rest.data(), sizeof(Record));
  rest.remove_prefix(sizeof(Record));
  return true;
}

std::uint32_t kind_of(std::string_view rest) {
  std::uint32_t kind = 0;
  take(rest, kind);
  return kind;
}

// Threads may come before their leader, so they are added when all leaders are known. Those of one
// process mostly follow each other. A thread of a process that came while the tasks were walked
// has no leader.
class ThreadAdder {
 public:
  explicit ThreadAdder(std::vector<TaskVisit>& visits) : visits_(visits), last_(visits.begin()) {}
  void add(const ThreadRecord& thread) {
    const auto pid = static_cast<std::int32_t>(thread.pid);
    if (last_ == visits_.end() || last_->pid != pid)
      last_ = std::ranges::lower_bound(visits_, pid, {}, &TaskVisit::pid);
    if (last_ == visits_.end() || last_->pid != pid || last_->is_kernel_thread) return;
    last_->runtime_nanoseconds += thread.runtime_nanoseconds;
  }

 private:
  std::vector<TaskVisit>& visits_;
  std::vector<TaskVisit>::iterator last_;
};

// What is wrong with a process behind the others; null: nothing.
const char* fault_of(const ProcessRecord& record, const std::vector<TaskVisit>& before) {
  if (record.pid == 0 || record.pid > kMostPid) return "no pid";
  if (!before.empty() && before.back().pid >= static_cast<std::int32_t>(record.pid))
    return "pids do not ascend";
  return nullptr;
}

TaskVisit visit_of(const ProcessRecord& record) {
  return {static_cast<std::int32_t>(record.pid), record.kind == task_record_kernel_thread,
          record.start_nanoseconds, record.runtime_nanoseconds, record.memory_stamp};
}

}  // namespace

Result<void> parse_task_visits(std::string_view bytes, std::vector<TaskVisit>& visits) {
  visits.clear();
  std::string_view rest = bytes;
  ProcessRecord process = {};
  ThreadRecord thread = {};
  for (std::uint32_t kind = kind_of(rest); kind != task_record_end; kind = kind_of(rest)) {
    if (kind == task_record_process || kind == task_record_kernel_thread) {
      if (!take(rest, process)) return wrong("ends within a process");
      if (const char* const fault = fault_of(process, visits)) return wrong(fault);
      visits.push_back(visit_of(process));
    } else if (kind == task_record_thread) {
      if (!take(rest, thread)) return wrong("ends within a thread");
    } else {
      return wrong(rest.empty() ? "does not say that all tasks were visited" : "no such record");
    }
  }
  EndRecord end = {};
  if (!take(rest, end)) return wrong("ends within its last record");

  ThreadAdder threads(visits);
  for (rest = bytes; kind_of(rest) != task_record_end;) {
    if (kind_of(rest) != task_record_thread) {
      take(rest, process);
    } else if (take(rest, thread)) {
      threads.add(thread);
    }
  }
  return {};
}

}  // namespace heapfloor
