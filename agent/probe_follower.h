// ProbeFollower: what the detector follows of programs that carry a probe, and what is known of
// their parts beside it; and of the allocation sites of Go programs, whose runtime tells them.
//
// Followed are the live heap as the allocator counts it (allocator_live) and as sampling estimates
// it (sampled_live), the bytes and the elements of each structure, and the live bytes of the
// largest sites. Thread rule: the owner locks.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/alerts/watch_list.h"
#include "agent/series/group_table.h"
#include "agent/series/growth_causes.h"
#include "agent/series/memory_limit.h"
#include "agent/series/part_table.h"
#include "agent/series/sample_batch.h"
#include "collectors/sample.h"

namespace heapfloor {

struct SiteFacts {
  std::string location, structure, phase;  // raw; empty where not known
  double live_bytes = 0;
};

class ProbeFollower {
 public:
  // What a process is, as the watch of its memory has it: labels, and the limit of its memory.
  struct ProcessView {
    WatchLabels labels;
    MemoryLimit limit;
  };
  using ViewSource = std::function<ProcessView(const ProcessEntry&)>;

  ProbeFollower();

  // The agent's own heap is told by itself.
  void set_agent(const std::optional<ProcessId>& agent) { agent_ = agent; }

  // Takes over one tick, before the memory of the processes is watched. `minimum_bytes`: from which
  // on memory is watched; a program's heap is watched with its memory, structures and sites from a
  // sixteenth of it on.
  void follow(const SampleBatch& batch, const GroupTable& groups, const ViewSource& view_of,
              double minimum_bytes, double now_seconds, WatchList& watches);

  // Whether the process carried a probe in the last tick.
  [[nodiscard]] bool knows(const ProcessId& id) const { return known_.contains(id); }
  // The heap of a process as its probe told it in the last tick.
  [[nodiscard]] std::optional<LiveHeap> heap(const ProcessId& id) const;
  // Whether its live heap has been judged stable. Nothing where that is not known (any more).
  [[nodiscard]] std::optional<bool> is_level(const ProcessId& id, const WatchList& watches) const;
  // Whether parts of its heap are known: its probe's, or the sites of a Go program.
  [[nodiscard]] bool knows_parts(const ProcessId& id) const {
    return knows(id) || sites_.contains(id);
  }
  // The sites of the last reading, the largest first; empty where there are none.
  [[nodiscard]] const std::vector<std::pair<std::uint64_t, SiteFacts>>& sites(
      const ProcessId& id) const;
  // What the five largest sites of its process hold of the live heap: of the watch of that heap, by
  // a probe or of a Go program.
  [[nodiscard]] std::optional<double> concentration(const Watch& watch) const;

  [[nodiscard]] const PartTable& allocators() const { return allocators_; }
  [[nodiscard]] const PartTable& structures() const { return structures_; }
  [[nodiscard]] const PartTable& arenas() const { return arenas_; }

  static constexpr std::size_t kMostRows = 4096;
  static constexpr std::size_t kMostArenas = 256;  // of all groups
  static constexpr double kLeastElements = 4096;   // of a structure whose elements are watched

 private:
  struct Known {
    std::optional<LiveHeap> heap;
    std::uint64_t tick = 0;
  };
  struct Sites {
    std::vector<std::pair<std::uint64_t, SiteFacts>> largest;
    std::optional<double> concentration;
    double read_seconds = 0;
    bool is_of_probe = false;
  };
  struct Tick {
    const SampleBatch& batch;
    const GroupTable& groups;
    const ViewSource& view_of;
    double minimum_bytes;
    double now_seconds;
    WatchList& watches;
  };

  void follow_heap(const Tick& tick, const ProcessEntry& process);
  void take_time(const ProcessId& id, const std::optional<double>& sampled_seconds);
  void follow_part(const Tick& tick, std::size_t index, const ProcessEntry& process);
  static void watch(const Tick& tick, const SeriesKey& key, const ProcessEntry& process,
                    std::string_view part, double value, std::optional<double> epoch, double least);
  // `live_bytes`: of the heap of its process, where that is known.
  void take_site(const Tick& tick, std::size_t index, const std::optional<double>& live_bytes);
  void keep_sites(const Tick& tick);

  std::optional<ProcessId> agent_;
  PartTable allocators_, structures_, arenas_;
  std::map<ProcessId, Known> known_;
  std::map<ProcessId, Sites> sites_;
  std::uint64_t tick_ = 0;
};

// Memory that is resident or swapped out, in the sense of the signal rss_anon.
[[nodiscard]] std::optional<double> anonymous_bytes(const ProcessEntry& process);

}  // namespace heapfloor
