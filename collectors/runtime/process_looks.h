// ProcessLooks: when a process is looked at that may run a certain runtime, so that each look is
// worth its cost.
//
// A process is looked at when it is first seen, after 3 and 10 s (a shell that has become a
// program) and after 60 s; later only when the size of its address space has moved, after a rest
// that doubles from kRestSeconds to kMostRestSeconds, or, where it was refused, after
// kDeniedRestSeconds. Of what looks read there is a budget by the second; the processes have it in
// turn. Thread rule: the collection thread's own.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "collectors/process_board.h"
#include "collectors/sample.h"

namespace heapfloor {

struct LookTimes {
  static constexpr std::array<double, 4> kLooksSeconds = {0, 3, 10, 60};  // after first sight
  static constexpr double kRestSeconds = 60;
  static constexpr double kMostRestSeconds = 3600;
  static constexpr double kDeniedRestSeconds = 600;
  static constexpr double kMostBudgetSeconds = 16;  // that one tick may make up for
};

// `Notes` is what a collector remembers of each process.
template <class Notes>
class ProcessLooks {
 public:
  struct Known {
    ProcessId id;
    double met_seconds = 0;
    double next_look_seconds = 0;
    double rest_seconds = LookTimes::kRestSeconds;
    std::uint64_t mapped_bytes = 0;  // at the last look
    std::uint32_t looks = 0;
    bool is_refused = false;  // the last look was: set by who looks
    Notes notes = {};
  };

  // Knows exactly the processes of the board that map so much from here on; calls on_end(id) for
  // each that is no more.
  template <class OnEnd>
  void reconcile(const ProcessBoard& board, std::uint64_t least_mapped, double now_seconds,
                 OnEnd on_end) {
    now_seconds_ = now_seconds;
    next_known_.clear();
    auto known = known_.begin();
    for (const SeenProcess& seen : board.processes) {
      if (seen.mapped_bytes < least_mapped) continue;
      for (; known != known_.end() && known->id < seen.id; ++known) on_end(known->id);
      if (known != known_.end() && known->id == seen.id) {
        next_known_.push_back(std::move(*known++));
      } else {
        Known& met = next_known_.emplace_back();
        met.id = seen.id;
        met.met_seconds = met.next_look_seconds = now_seconds;
      }
    }
    for (; known != known_.end(); ++known) on_end(known->id);
    std::swap(known_, next_known_);
  }

  // Calls look(known, seen), which returns the bytes that it read, for those that are due,
  // beginning behind the one that was looked at last. One for which is_read(id) needs no look.
  template <class IsRead, class Look>
  void look_around(const ProcessBoard& board, double bytes_a_second, IsRead is_read, Look look) {
    const double seconds =
        std::clamp(now_seconds_ - looked_around_seconds_, 1.0, LookTimes::kMostBudgetSeconds);
    const auto most_bytes = static_cast<std::size_t>(bytes_a_second * seconds);
    looked_around_seconds_ = now_seconds_;
    due_.clear();
    auto seen = board.processes.begin();
    for (Known& known : known_) {
      while (seen->id != known.id) ++seen;
      if (is_due(known, *seen) && !is_read(known.id)) due_.emplace_back(&known, &*seen);
    }
    const auto first = std::ranges::find_if(
        due_, [this](const auto& entry) { return last_looked_ < entry.first->id; });
    std::rotate(due_.begin(), first, due_.end());
    std::size_t bytes = 0;
    for (const auto& [known, process] : due_) {
      if (bytes >= most_bytes) break;
      known->mapped_bytes = process->mapped_bytes;
      known->is_refused = false;
      bytes += look(*known, *process);
      rest(*known);
      last_looked_ = known->id;
    }
  }

  // One that was read and is not any more: another program may be in its place.
  void start_over(const ProcessId& id) {
    Known& known = *std::ranges::lower_bound(known_, id, {}, &Known::id);
    known.looks = 0;
    known.met_seconds = now_seconds_;
    known.next_look_seconds = now_seconds_ + LookTimes::kLooksSeconds[1];
  }

  // One that is known.
  [[nodiscard]] Notes& notes(const ProcessId& id) {
    return std::ranges::lower_bound(known_, id, {}, &Known::id)->notes;
  }
  // Ascending by id.
  [[nodiscard]] const std::vector<Known>& known() const { return known_; }

 private:
  [[nodiscard]] bool is_due(const Known& known, const SeenProcess& seen) const {
    if (now_seconds_ < known.next_look_seconds) return false;
    return known.looks < LookTimes::kLooksSeconds.size() || known.mapped_bytes != seen.mapped_bytes;
  }

  // When it is looked at again.
  void rest(Known& known) const {
    ++known.looks;
    if (known.is_refused) {
      known.next_look_seconds = now_seconds_ + LookTimes::kDeniedRestSeconds;
    } else if (known.looks < LookTimes::kLooksSeconds.size()) {
      known.next_look_seconds = known.met_seconds + LookTimes::kLooksSeconds.at(known.looks);
    } else {
      known.next_look_seconds = now_seconds_ + known.rest_seconds;
      known.rest_seconds = std::min(2 * known.rest_seconds, LookTimes::kMostRestSeconds);
    }
  }

  std::vector<Known> known_, next_known_;
  std::vector<std::pair<Known*, const SeenProcess*>> due_;
  ProcessId last_looked_;
  double now_seconds_ = 0;
  double looked_around_seconds_ = 0;
};

}  // namespace heapfloor
