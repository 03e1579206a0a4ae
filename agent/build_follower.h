// BuildFollower: which build each watched process runs, and what its program's stored runs say of
// that build and of the one before. Thread rule: the owner locks.
#pragma once

#include <memory>
#include <unordered_map>

#include "agent/alerts/build_comparison.h"
#include "agent/alerts/watch_list.h"
#include "agent/build_reader.h"
#include "agent/history/recorder.h"
#include "agent/series/cgroup_table.h"
#include "agent/series/series_store.h"

namespace heapfloor {

class BuildFollower {
 public:
  // `reader` outlives it; without one no build is known. Before the first tick.
  void set_reader(BuildReader& reader) { reader_ = &reader; }

  // Takes over what the reader knows by now.
  void begin_tick();
  // Null: not known (yet).
  [[nodiscard]] SharedBuild build_of(const ProcessId& id) const;

  // When all series of the tick were watched: asks for the builds of their processes, in containers
  // with the image that their cgroup has, and compares
  // those of suspects. A comparison is made anew when its series has another verdict or build.
  void finish_tick(const WatchList& watches, const CgroupTable& cgroups,
                   const HistoryRecorder& history, double now_seconds, double wall_offset_seconds);
  // Of a suspect as of the last tick; null where nothing is known.
  [[nodiscard]] std::shared_ptr<const BuildComparison> comparison_of(const Watch& watch) const;

 private:
  struct Compared {
    double verdict_seconds = 0;
    SharedBuild build;
    std::shared_ptr<const BuildComparison> comparison;
  };

  void ask(const WatchList& watches, const CgroupTable& cgroups, double wall_offset_seconds);

  BuildReader* reader_ = nullptr;
  std::shared_ptr<const BuildReader::Builds> builds_;
  std::unordered_map<SeriesKey, Compared, SeriesKeyHash> compared_;
};

}  // namespace heapfloor
