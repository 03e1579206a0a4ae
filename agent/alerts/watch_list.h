// WatchList: every followed series with its detector and its judgement. The one path from a reading
// to a leak state, for the agent and for replay.
//
// Memory: at most SeriesStore::kMostBytesPerSeries + kMostBytesPerWatch a series. Not thread-safe:
// the owner locks.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/alerts/leak_state.h"
#include "agent/alerts/state_change.h"
#include "agent/series/build_identity.h"
#include "agent/series/bytes.h"
#include "agent/series/load_meter.h"
#include "agent/series/point.h"
#include "agent/series/series_store.h"
#include "agent/trend/detector.h"
#include "agent/trend/earlier_lives.h"
#include "agent/trend/observation.h"
#include "agent/trend/policy.h"
#include "agent/trend/verdict.h"
#include "collectors/sample.h"

namespace heapfloor {

// What people see of a watched series; may change while it lives.
struct WatchLabels {
  std::string_view name;
  std::string_view group;
  std::string_view limit_source;  // "cgroup", "configured", "host"; static text
  std::string_view cgroup = {};   // path: the subject, or that of the process where it is known
  std::string_view part = {};     // kinds structure and site: its name; see Watch::part
  double start_seconds = 0;
  // What of the cgroup's limit is not for the subject; see memory_limit.h.
  std::optional<double> others_bytes = {};
  // What the subject has done in all, in any unit: CPU seconds. Its rate is the load of the
  // reading.
  std::optional<double> load_total = {};
  // Whether its growth is what an allocator keeps, by a better basis; nothing: as it was.
  std::optional<bool> is_retention = {};
  // Of the process; null: not known (yet).
  SharedBuild build = nullptr;
  // Of a new series; nothing: what the signal promises.
  std::optional<SignalTraits> traits = {};
};

struct Watch {
  Watch(const SeriesKey& series_key, const TrendPolicy& policy, SignalTraits traits);

  SeriesKey key;
  std::string name;
  std::string group;
  std::string cgroup;  // path: the subject, or that of the process
  // Kind structure: its name, raw; kind site: the hash of its stack, 16 digits. `name` is that of
  // the process.
  std::string part;
  std::string_view limit_source;
  SharedBuild build;  // that the process runs; null: not known
  double start_seconds = 0;
  std::optional<double> exec_seconds;  // when the process was found to run another program
  std::optional<double> others_bytes;  // the share of others in its limit, not kept over a restart
  // By a better basis its growth is no leak: whatever the detector says, it is suspected at most.
  bool is_retention = false;
  double last_value = 0;
  double last_seen_seconds = 0;
  Observation last_reading;
  std::uint64_t readings = 0;  // that this list took, not kept over a restart
  LoadMeter load;
  std::optional<double> ended_seconds;  // when its subject was found gone
  Detector detector;
  LeakJudge judge;
  std::vector<StateChange> changes;  // the newest kChanges, oldest first

  [[nodiscard]] std::string subject() const;  // "process:4711:123456", "cgroup:/a/b"
  [[nodiscard]] std::string_view scope() const;
  [[nodiscard]] std::string_view basis() const;
  [[nodiscard]] std::string id() const;  // subject/signal
  // Under what name earlier lives of the subject are known: that of the program, with the part.
  [[nodiscard]] std::string life_name() const;
  // When what runs now was started.
  [[nodiscard]] double run_start_seconds() const { return exec_seconds.value_or(start_seconds); }
  [[nodiscard]] double state_since_seconds() const { return changes.back().time_seconds; }
  static constexpr std::size_t kChanges = 16;
};

class WatchList {
 public:
  using PolicySource = std::function<TrendPolicy(Signal)>;  // the detector's constants of a signal
  using TransitionHook = std::function<void(const Watch&, LeakState before)>;
  using EndHook = std::function<void(const Watch&)>;
  using LivesSource = std::function<EarlierLives(const Watch&)>;

  WatchList(const PolicySource& policies, std::size_t series_limit);

  // One reading. Nothing is kept of a series that the cap refuses (counted by the store).
  void observe(const SeriesKey& key, const WatchLabels& labels, const Observation& reading);
  // The subject is still there, though it could not be read this time.
  void touch(const SeriesKey& key, double time_seconds);
  [[nodiscard]] bool is_watched(const SeriesKey& key) const { return store_.find(key).has_value(); }
  // The series goes on with another life of its subject, which began at `start_seconds`: what was
  // learned of the last one is what is known of earlier lives.
  void begin_life(const SeriesKey& key, double start_seconds);
  // The series is not wanted any more; its subject has not ended.
  void drop(const SeriesKey& key);
  // Of which series this tick knows whether their subjects are there.
  enum class Known : std::uint8_t { all, external_alone };
  // Ends the tick: series that were neither observed nor touched have ended. Those that nobody
  // suspects are forgotten at once, the others are shown for kEndedRetentionSeconds.
  void finish_tick(double time_seconds, Known known = Known::all);

  // Called at each change of a state, after it.
  void on_transition(TransitionHook hook) { hook_ = std::move(hook); }
  // Called when a subject was found gone, before its leak state takes notice of it.
  void on_end(EndHook hook) { end_hook_ = std::move(hook); }

  // Called when a process was found to run another program (exec), while the watch is still that of
  // the one before. What comes after is learned anew.
  void on_exec(EndHook hook) { exec_hook_ = std::move(hook); }

  // Asked once for every watch, when it has learned enough to be judged, for what is known of its
  // program's earlier lives.
  void set_lives_source(LivesSource source) { lives_source_ = std::move(source); }

  // Everything that is known of a watch, its points included (at most 12 KiB at the defaults).
  void save(ByteWriter& out, const Watch& watch) const;
  // A watch as it was saved. Nothing when the bytes are of another version or shape, or no watch at
  // all. It refers to this list's policies, but is not in the list.
  [[nodiscard]] std::unique_ptr<Watch> read(ByteReader& in, TieredRing& ring) const;
  // Takes it into the list. Nothing when it is watched already or the cap is reached.
  const Watch* restore(std::unique_ptr<Watch> watch, TieredRing ring);
  // A reading that a restored watch took after it was saved: like observe(), but nobody is told of
  // transitions, who was told already.
  void replay(const SeriesKey& key, const Observation& reading);
  static constexpr std::uint8_t kStateVersion = 5;
  // Written before builds, or their images, were known: read without.
  static constexpr std::uint8_t kStateWithoutBuild = 3;
  static constexpr std::uint8_t kStateWithoutImage = 4;

  void for_each(const std::function<void(const Watch&)>& visit) const;
  [[nodiscard]] const Watch* find(std::string_view id) const;
  [[nodiscard]] const Watch* find(const SeriesKey& key) const;
  [[nodiscard]] std::vector<Point> points(const Watch& watch) const;
  [[nodiscard]] const SeriesStore& store() const { return store_; }
  [[nodiscard]] std::uint64_t evaluations() const { return evaluations_; }
  void set_series_limit(std::size_t limit) { store_.set_limit(limit); }
  // New thresholds for all series, old and new. What decides the shape of a detector's memory
  // (bucket, ring, history) stays as it was: floors that were gathered are worth more.
  void set_policies(const PolicySource& policies);

  static constexpr double kEndedRetentionSeconds = 900;
  static constexpr std::size_t kMostBytesPerWatch =
      sizeof(Watch) + Watch::kChanges * sizeof(StateChange) + sizeof(BuildIdentity) +
      5 * BuildIdentity::kMostText + 192 +  // comm, group and part beyond their inline room
      kMostCgroupPathBytes;

 private:
  // A subject this many times as large takes the place of one that nobody suspects, when the cap is
  // reached: what is large can kill, and a wide margin keeps two alike from taking turns.
  static constexpr double kWorthReplacing = 2;

  // Returns the state before when it changed.
  std::optional<LeakState> take(Watch& watch, SeriesIndex index, const Observation& reading);
  [[nodiscard]] std::optional<LeakState> judge(Watch& watch, double time_seconds);
  [[nodiscard]] bool restore_watch(ByteReader& in, Watch& watch, std::uint8_t version) const;
  void follow_build(Watch& watch, const SharedBuild& build, double time_seconds);
  bool make_room(double weight_bytes);
  void end(Watch& watch, double time_seconds);
  void forget(SeriesIndex index);
  void enter_state(Watch& watch, LeakState state, double time_seconds);
  [[nodiscard]] const TrendPolicy& policy(Signal signal) const;

  std::array<TrendPolicy, kSignals> policies_;  // detectors refer to them
  SeriesStore store_;
  std::vector<std::unique_ptr<Watch>> watches_;  // by SeriesIndex
  TransitionHook hook_;
  EndHook end_hook_, exec_hook_;
  LivesSource lives_source_;
  std::uint64_t evaluations_ = 0;
  double hopeless_below_ = 0;  // what make_room() has learned in this tick
};

}  // namespace heapfloor
