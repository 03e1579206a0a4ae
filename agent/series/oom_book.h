// OomBook: whom the OOM killer took, counted by workload, over every restart of the agent.
//
// A container that was killed is usually gone before anybody looks, and its counters with it. So
// kills are counted for the workload (the unit, the pod, the container's id, else the path), which
// outlives the cgroup. There are two witnesses: the counters of cgroups, and the kernel's log. Each
// is counted on its own and the larger count is told, so that a kill that both saw is one. Once
// both had time to see it, a witness that did not is brought up to the other: what it missed must
// not hide what it alone sees next.
//
// The counters: each cgroup counts the kills of its own processes (memory.events.local, and on
// version 1 memory.oom_control). A cgroup of version 2 also counts those below it; what it gained
// and no living cgroup below it explains belongs to the one that vanished in this tick, or where
// that is not one, to itself. Where the kernel's log can be read, it says that better, and such
// remainders are left to it.
//
// What goes on over a restart are the counts and what each cgroup had counted, so that kills in
// between are counted and none is counted twice. A reboot ends the cgroups, not the counts.
// Not thread-safe: the owner locks.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "agent/series/cgroup_table.h"
#include "collectors/oom_board.h"

namespace heapfloor {

struct WorkloadOom {
  std::uint64_t seen_by_counters = 0;
  std::uint64_t seen_in_log = 0;
  std::optional<double> last_seconds;
  bool is_alive = false;           // a cgroup of it was there in the last tick
  std::uint64_t alive_tick = 0;    // of the last tick in which it was
  std::uint64_t changed_step = 0;  // of the last kill that either witness saw
  [[nodiscard]] std::uint64_t kills() const { return std::max(seen_by_counters, seen_in_log); }
};

struct OomVictimEntry {
  OomVictim victim;
  std::string workload;  // empty where the kernel named no cgroup
  double time_seconds = 0;
};

class OomBook {
 public:
  // One tick. What cgroups counted before the first is not counted. Where `table` is empty the
  // cgroups could not be read: nothing is known of them.
  void step(const CgroupTable& table, const OomBoard& board, double time_seconds);

  // By workload, those without kills included while they live: a counter that appears with its
  // first kill has no increase.
  [[nodiscard]] const std::map<std::string, WorkloadOom, std::less<>>& workloads() const {
    return workloads_;
  }
  [[nodiscard]] const std::deque<OomVictimEntry>& victims() const { return victims_; }

  // Where and when something is saved and restored.
  struct Moment {
    std::string_view boot_id;        // kernel.random.boot_id; empty where it cannot be read
    double wall_offset_seconds = 0;  // Unix time minus steady time
  };
  // As bytes for the history; and back, before the first step(). False, and no change, when the
  // bytes are not what save() writes.
  [[nodiscard]] std::string save(const Moment& now) const;
  bool restore(std::string_view bytes, const Moment& now);
  // Grows when save() may say something else than before.
  [[nodiscard]] std::uint64_t version() const { return version_; }

  static constexpr std::size_t kMostWorkloads = 1000;
  static constexpr std::size_t kMostVictims = 64;  // the newest
  // Takes those that find no place of their own.
  static constexpr std::string_view kOther = "other";

 private:
  struct Seen {
    std::string workload;
    std::string path;
    double kills = 0;
    double local_kills = 0;
    // What the cgroups below it and its own processes do not explain; negative where they were
    // read later than it.
    double unexplained = 0;
    std::string lost_child;  // the workload of the only one below it that vanished
    std::uint64_t lost_tick = 0;
    std::uint64_t tick = 0;
  };

  WorkloadOom& workload(const std::string& name);
  [[nodiscard]] bool make_room();
  void level_witnesses();
  void count(const std::string& name, double kills, double time_seconds);
  void take_counters(const CgroupTable& table, double time_seconds);
  void note_vanished(const CgroupTable& table);
  void explain(const CgroupTable& table, bool log_tells, double time_seconds);
  void take_log(const OomBoard& board, double time_seconds);

  std::map<std::string, WorkloadOom, std::less<>> workloads_;
  std::deque<OomVictimEntry> victims_;
  std::unordered_map<std::uint64_t, Seen> seen_;  // by inode
  std::uint64_t tick_ = 0;                        // in which cgroups could be read
  std::uint64_t step_ = 0;
  std::uint64_t version_ = 0;
};

// The workload of a cgroup, from its path.
std::string workload_of(std::string_view path);

}  // namespace heapfloor
