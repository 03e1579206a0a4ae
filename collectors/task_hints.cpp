#include "collectors/task_hints.h"

#include <algorithm>

namespace heapfloor {
namespace {

std::string_view needs_of(ErrorKind refusal) {
  return refusal == ErrorKind::denied
             ? "CAP_BPF and CAP_PERFMON"
             : "Linux 5.8 with BTF, libbpf 1, and the pid namespace of the host";
}

}  // namespace

void TaskHints::look(std::size_t processes, CollectReport& report) {
  visits_.clear();
  next_ = visits_.begin();
  if (source_ == nullptr || processes < least_processes_) return;
  if (ticks_to_wait_ > 0) {
    --ticks_to_wait_;
    return;
  }
  const auto looked = source_->look(visits_);
  was_asked_ = true;
  if (looked) {
    refused_ = std::nullopt;
  } else {
    visits_.clear();
    if (!refused_) report.count(looked.error());
    refused_ = looked.error().kind;
    ticks_to_wait_ = kRetryTicks;
  }
  next_ = visits_.begin();
}

bool TaskHints::list(std::vector<std::int32_t>& pids) const {
  if (visits_.empty()) return false;
  pids.resize(visits_.size());
  std::ranges::transform(visits_, pids.begin(), &TaskVisit::pid);
  return true;
}

const TaskVisit* TaskHints::of(std::int32_t pid) {
  while (next_ != visits_.end() && next_->pid < pid) ++next_;
  return next_ != visits_.end() && next_->pid == pid ? &*next_ : nullptr;
}

void TaskHints::report_source(CollectReport& report) const {
  if (!was_asked_) return;
  report.sources.push_back(
      {"bpf_task_iterator", !refused_, needs_of(refused_.value_or(ErrorKind::denied))});
}

}  // namespace heapfloor
