// HistoryRecorder: between what the agent knows and the rows of its history.
//
// A watch is written whole (detector, leak state, points) when it is new, when its state changes,
// when it has taken many readings at once and else every kTicksPerCopy ticks, a share of all in
// each tick; beside it one row a tick holds the readings of all. Together they bring a watch back
// exactly as it was at the last tick that was written, at a thousandth of the cost of writing
// everything every time. Not thread-safe: the owner locks.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "agent/alerts/alert_book.h"
#include "agent/alerts/build_comparison.h"
#include "agent/alerts/watch_list.h"
#include "agent/history/history_row.h"
#include "agent/series/series_store.h"

namespace heapfloor {

// Why a subject is gone.
enum class EndReason : std::uint8_t { exited, reboot, exec };
inline constexpr std::size_t kEndReasons = 3;

constexpr std::string_view end_reason_name(EndReason reason) {
  constexpr std::array<std::string_view, kEndReasons> kNames = {"exited", "reboot", "exec"};
  return kNames.at(static_cast<std::size_t>(reason));
}

// One former life of a program: what the next one can be compared with. Unix times.
struct Incarnation {
  std::string scope;
  std::string name;
  std::string group;
  std::string signal;
  double start_unix_seconds = 0;
  double end_unix_seconds = 0;
  EndReason reason = EndReason::exited;
  LeakState state = LeakState::learning;  // before the end
  double window_seconds = 0;              // that the growth was measured over
  Growth growth;                          // zeros where it was not rising
  double floor_bytes = 0;
  double last_bytes = 0;
  Life life;           // what the next life's detector makes of it
  SharedBuild build;   // that it ran; null: not known, as in all rows of older agents
  FloorCourse course;  // of the whole life; unknown in rows of older agents
};

void save_incarnation(ByteWriter& out, const Incarnation& incarnation);
[[nodiscard]] bool restore_incarnation(ByteReader& in, Incarnation& incarnation);

// Where and when the agent runs.
struct HistoryTime {
  std::string boot_id;             // kernel.random.boot_id; empty where it cannot be read
  double time_seconds = 0;         // steady axis
  double wall_offset_seconds = 0;  // Unix time minus steady time
};

// What goes on over a restart beside the watches.
struct AgentTotals {
  AlertBook* alerts = nullptr;
  std::map<std::string, std::uint64_t>* leaks_detected = nullptr;  // by scope
  // What other parts have written down of themselves, by name: silences, what receivers of alerts
  // have yet to be told. It goes on over a reboot too. May be null.
  std::map<std::string, std::string>* documents = nullptr;
};

// How restore() went.
struct RestoreReport {
  std::size_t watches = 0;    // that go on
  std::size_t discarded = 0;  // of another version or shape, or damaged
  std::size_t ended_by_reboot = 0;
  bool alerts = false;
};

class HistoryRecorder {
 public:
  // Calls the visitor with each row of the kind, in order.
  using Source = std::function<void(RowKind, const std::function<void(const HistoryRow&)>&)>;

  // What others know of a watch is kept beside it, in its row: at most kMostBesideBytes of it, as
  // of when the row was written, which is every kTicksPerCopy ticks at least. Told when the watch
  // is back. Before restore().
  using RestoreBeside = std::function<void(const Watch&, std::string_view)>;
  void restore_beside_with(RestoreBeside restore) { restore_beside_ = std::move(restore); }

  // Before the first tick. Nothing of processes goes on over a reboot, and nothing at all where the
  // boot cannot be told.
  RestoreReport restore(const Source& source, const HistoryTime& now, WatchList& watches,
                        const AgentTotals& totals);

  // The hooks of the watch list.
  void note_transition(const Watch& watch, LeakState before, const HistoryTime& now);
  void note_end(const Watch& watch, const HistoryTime& now);
  void note_exec(const Watch& watch, const HistoryTime& now);

  // What this tick changed. `losses` is HistoryWriter::losses(): when it has grown, everything is
  // written again, at most every kTicksPerCopy ticks, since a slow disk loses more of what is
  // large. `beside` gives what is to be kept beside a watch that is written.
  using Beside = std::function<std::string(const Watch&)>;
  [[nodiscard]] HistoryBatch record(
      const WatchList& watches, const AgentTotals& totals, const HistoryTime& now,
      std::uint64_t losses, const Beside& beside = [](const Watch&) { return std::string(); });

  // What is kept of one program and signal, oldest first, but for lives that were never judged: at
  // most kIncarnations.
  [[nodiscard]] std::vector<Incarnation> incarnations(std::string_view name, std::string_view group,
                                                      std::string_view signal) const;

  // The same as runs of builds, for compare_builds().
  [[nodiscard]] std::vector<BuildRun> build_runs(std::string_view name, std::string_view group,
                                                 std::string_view signal) const;

  // What the lives before one that began at `start_unix_seconds` add up to. Lives that ran beside
  // it, or beside one that counts, are siblings and do not count.
  [[nodiscard]] EarlierLives earlier_lives(std::string_view name, std::string_view group,
                                           std::string_view signal,
                                           double start_unix_seconds) const;

  // Without a store to write to: gives up what was gathered for it. Incarnations stay.
  void drop_batch() { batch_ = HistoryBatch(); }

  static constexpr std::size_t kIncarnations = 8;
  static constexpr std::size_t kMostPrograms = 512;  // with incarnations, in memory
  static constexpr std::uint64_t kTicksPerCopy = 64;
  static constexpr std::uint8_t kRowVersion = 1;
  static constexpr std::size_t kMostBesideBytes = std::size_t{256} * 1024;

 private:
  struct Entry {  // of a series that has a row
    std::uint64_t number = 0;
    std::uint64_t copied_tick = 0;
    double recorded_seconds = 0;  // its newest reading in a row
    std::uint64_t readings = 0;   // Watch::readings at the last tick
    std::uint64_t seen_tick = 0;
    LeakState state = LeakState::learning;
    bool has_ended = false;
  };
  struct Ended {
    std::unique_ptr<Watch> watch;
    std::uint64_t boot_hash = 0;
    std::uint64_t copied_tick = 0;
    double wall_offset_seconds = 0;
  };
  struct Stored {  // an incarnation and its row
    std::uint64_t number = 0;
    Incarnation incarnation;
  };

  void restore_series(const HistoryRow& row, const HistoryTime& now, WatchList& watches,
                      RestoreReport& report);
  void restore_tick(const HistoryRow& row, const HistoryTime& now, WatchList& watches);
  void restore_agent(const HistoryRow& row, const HistoryTime& now, const AgentTotals& totals,
                     RestoreReport& report);
  void bring_up_to_date(Ended& ended, std::uint64_t tick, const Observation& reading) const;
  void bury(RestoreReport& report);
  void keep(const Watch& watch, EndReason reason, double end_seconds, double wall_offset_seconds);
  [[nodiscard]] bool is_worth_keeping(const Watch& watch) const;
  [[nodiscard]] static std::size_t least_telling(const std::deque<Stored>& lives);
  void remember(std::uint64_t number, Incarnation incarnation);
  [[nodiscard]] bool must_write_all(std::uint64_t losses);
  void put_incarnation(std::uint64_t number, const Incarnation& incarnation);
  void write_anew();
  [[nodiscard]] bool is_due(const Entry& entry, const Watch& watch) const;
  void copy(const WatchList& watches, const Watch& watch, const std::string& beside, Entry& entry);
  void put(RowKind kind, std::uint64_t number, std::string bytes);
  void put_documents(ByteWriter& out, const std::map<std::string, std::string>* documents) const;
  [[nodiscard]] std::string agent_bytes(const AgentTotals& totals, const HistoryTime& now) const;

  RestoreBeside restore_beside_ = [](const Watch&, std::string_view) {};
  HistoryBatch batch_;  // being gathered for the next record()
  std::uint64_t boot_hash_ = 0;
  std::uint64_t tick_ = 0;
  std::uint64_t next_series_ = 1;
  std::uint64_t next_transition_ = 1;
  std::uint64_t next_incarnation_ = 1;
  std::uint64_t losses_seen_ = 0;
  std::uint64_t whole_tick_ = 0;  // when everything was last written at once
  std::unordered_map<SeriesKey, Entry, SeriesKeyHash> entries_;
  // Only while restoring, by number: watches that go on, and those that a reboot has ended.
  std::unordered_map<std::uint64_t, SeriesKey> restored_;
  std::unordered_map<std::uint64_t, Ended> ended_;
  std::map<std::string, std::deque<Stored>> programs_;  // by what makes them alike
};

}  // namespace heapfloor
