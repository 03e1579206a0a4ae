// CauseBook: of every process and cgroup whose memory is watched, what its growth is made of.
// Thread rule: the owner locks.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/alerts/watch_list.h"
#include "agent/series/cgroup_table.h"
#include "agent/series/group_table.h"
#include "agent/series/growth_causes.h"
#include "agent/series/growth_ledger.h"
#include "collectors/sample.h"

namespace heapfloor {

class CauseBook {
 public:
  // One reading of a process that is watched. A live heap that was there at the last one counts
  // only once.
  void add(const ProcessEntry& process, const std::optional<LiveHeap>& heap, double now_seconds);
  // The same of a cgroup; ignored where it is not watched.
  void add(const CgroupEntry& cgroup, const WatchList& watches, double now_seconds);
  // Forgets who is not watched any more.
  void finish_tick(const WatchList& watches);

  // What the growth over the window of the watch's verdict is made of: of the resident memory of a
  // process, swap included; of the anonymous memory, the shared memory and the page cache of a
  // cgroup. Nothing for other signals, and where what the signal measures did not grow.
  [[nodiscard]] std::optional<GrowthCauses> causes(const Watch& watch) const;

  // What is known of the memory that a watch is of, for the history: with one of its signals alone,
  // else nothing. And back, before its first reading; what is not such bytes is ignored.
  [[nodiscard]] std::string saved(const Watch& watch, const WatchList& watches) const;
  void restore(const Watch& watch, std::string_view bytes);

  // The suspects whose stacks are worth a look: those whose threads became more, at most kMostLooks
  // of them, those with the most new threads first.
  [[nodiscard]] std::vector<ProcessId> wanted_stacks(const WatchList& watches) const;

  static constexpr std::size_t kMostLooks = 32;

 private:
  struct Known {
    GrowthLedger ledger;
    std::optional<double> stack_bytes;   // as it was read last
    std::optional<double> told_seconds;  // of the live heap that was seen last
  };

  std::map<ProcessId, Known> processes_;
  std::map<std::uint64_t, GrowthLedger> cgroups_;  // by inode
};

}  // namespace heapfloor
