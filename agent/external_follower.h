// ExternalFollower: what the detector follows of other servers: each series that a target's query
// gives is a subject of scope external.
//
// Its readings have the times of their samples. One that is not newer than the last, and one of the
// future, is no reading. A series has ended when it was absent from the answers for the target's
// `stale` time; while the server does not answer, nothing ends. Thread rule: the owner locks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "agent/alerts/watch_list.h"
#include "agent/external/external_source.h"
#include "agent/external/prometheus_target.h"
#include "agent/series/series_store.h"

namespace heapfloor {

class ExternalFollower {
 public:
  struct Tick {
    double now_seconds = 0;
    double wall_offset_seconds = 0;  // Unix time minus steady time
    double minimum_bytes = 0;        // from which on bytes are watched
    std::function<bool()> is_late;   // whether the tick has no more time for readings of the past
  };

  // What is configured now: series of targets that are not among them, or ask for something else,
  // are dropped.
  void set_targets(std::span<const PrometheusTarget> targets, WatchList& watches);

  // Takes over what `feed` has, and says of every series whether its subject is there. Before the
  // tick is finished.
  void follow(ExternalFeed& feed, const Tick& tick, WatchList& watches);

  // Readings of the target's that were of the future.
  [[nodiscard]] std::uint64_t refused_readings(std::string_view target) const;

  static constexpr double kMostAheadSeconds = 60;  // of this host's clock
  static constexpr double kLeastCount = 64;        // from which on counts are watched

 private:
  struct Target {
    std::string name;
    // Advances by what lies between two answers, by no more than half of the stale time: an outage
    // of the server is no absence of its series.
    double present_seconds = 0;
    std::optional<double> answered_seconds;  // steady
    double stale_seconds = 0;
    std::uint64_t refused = 0;
  };
  struct Known {                         // of a watched series
    double seen_seconds = 0;             // Target::present_seconds
    std::optional<std::uint64_t> epoch;  // the last, as it was counted
    std::uint64_t epochs_before = 0;     // by counters that began anew since
  };
  struct Pending {
    ExternalAnswer answer;
    std::size_t next = 0;
  };

  void take_answers(ExternalFeed& feed, const Tick& tick);
  void take_series(const PrometheusTarget& settings, Target& target, const ExternalSeries& series,
                   const Tick& tick, WatchList& watches);
  void take_readings(const ExternalSeries& series, const SeriesKey& key, const WatchLabels& labels,
                     Target& target, const Tick& tick, WatchList& watches);
  void count_epoch(Known& known, const Watch* watch, Observation& reading) const;
  void say_who_is_there(const Tick& tick, WatchList& watches);

  std::map<std::uint64_t, Target> targets_;  // by identity
  std::unordered_map<SeriesKey, Known, SeriesKeyHash> known_;
  std::deque<Pending> pending_;
};

}  // namespace heapfloor
