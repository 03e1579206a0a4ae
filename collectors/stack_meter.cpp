#include "collectors/stack_meter.h"

#include <algorithm>
#include <string>
#include <utility>

#include "collectors/process_identity.h"
#include "collectors/stopwatch.h"

namespace heapfloor {
namespace {

constexpr double kShareOfBudget = SmapsBudget::kOthersShare / 2;
// A program may have as many of another kind (Rust has a second one for signals), and some that
// wait for their next thread. Where there are more, guards are not those of stacks.
constexpr std::uint64_t kStacksOfThread = 2;
constexpr std::uint64_t kSpareStacks = 64;

}  // namespace

// Makes targets_ hold those that are wanted. Of the ones that are due, whoever has waited longest.
const SeenProcess* StackMeter::due(const ProcessBoard& processes, double now_seconds) {
  std::erase_if(targets_, [this](const auto& target) {
    return !std::ranges::binary_search(wanted_->wanted, target.first);
  });
  const SeenProcess* found = nullptr;
  double since = now_seconds;
  for (const ProcessId& id : wanted_->wanted) {
    if (targets_.size() == kMostWanted && !targets_.contains(id)) break;
    const Target& target = targets_[id];
    if (target.not_before_seconds > since) continue;
    const auto seen = std::ranges::lower_bound(processes.processes, id, {}, &SeenProcess::id);
    if (seen == processes.processes.end() || seen->id != id) continue;
    if (found != nullptr && target.not_before_seconds == since) continue;
    found = &*seen;
    since = target.not_before_seconds;
  }
  return found;
}

void StackMeter::measure(const ProcessBoard& processes, const Stopwatch& stopwatch,
                         SmapsBudget& budget, CollectReport& report) {
  if (wanted_ == nullptr || duty_ <= 0) return;
  const double began_seconds = stopwatch.seconds();
  const SeenProcess* const seen = due(processes, began_seconds);
  if (seen == nullptr) return;
  Target& target = targets_[seen->id];
  if (!budget.affords(target.took_seconds)) return;
  const auto stacks = read(*seen);
  const double took_seconds = stopwatch.seconds() - began_seconds;
  budget.charge(took_seconds);
  target.not_before_seconds =
      began_seconds + std::max(kRestSeconds, took_seconds / (kShareOfBudget * duty_));
  if (!stacks) {
    const bool is_denied = stacks.error().kind == ErrorKind::denied;
    if (!is_denied || !target.is_denied) report.count(stacks.error());
    target.is_denied = is_denied;
    return;
  }
  // More than a whole purse holds would never be paid.
  target.took_seconds = std::min(took_seconds, budget.most_affordable());
  target.is_denied = false;
  target.bytes_of_one.reset();
  const std::uint64_t most = kStacksOfThread * seen->threads + kSpareStacks;
  if (*stacks && (*stacks)->count <= most) {
    target.bytes_of_one =
        static_cast<double>((*stacks)->bytes) / static_cast<double>((*stacks)->count);
  }
}

std::optional<double> StackMeter::bytes_of_one(const ProcessId& id) const {
  const auto found = targets_.find(id);
  return found == targets_.end() ? std::nullopt : found->second.bytes_of_one;
}

Result<std::optional<ThreadStacks>> StackMeter::read(const SeenProcess& seen) {
  if (seen.directory != nullptr) return read_in(*seen.directory);
  auto opened = root_.open_process(seen.id.pid);
  if (!opened) return Failure(std::move(opened.error()));
  auto stacks = read_in(*opened);
  if (!stacks) return stacks;
  if (auto same = confirm_process(*opened, seen.id, buffer_); !same)
    return Failure(std::move(same.error()));
  return stacks;
}

Result<std::optional<ThreadStacks>> StackMeter::read_in(const ProcessDir& directory) {
  ThreadStackReader reader;
  const auto done = directory.read_lines("smaps", buffer_, [&reader](std::string_view line) {
    reader.take(line);
    return reader.mappings() < kMostMappings;
  });
  if (!done) return Failure(done.error());
  if (reader.mappings() >= kMostMappings) return std::optional<ThreadStacks>();
  return reader.stacks();
}

}  // namespace heapfloor
