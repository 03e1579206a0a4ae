// ProbeBoard: the programs that carry a probe, and their segments: of those that run as they are
// now, of those that have ended as they were last (the flight recorder).
//
// Written by the probe collector alone. Thread rule: every member may be called by any thread at
// any time; the reads of segments are made by the thread that asks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "collectors/result.h"
#include "collectors/sample.h"

namespace heapfloor {

// A copy of a segment: one that is valid itself (heapfloor/segment.h), in which each section has
// `count` = `used` records and no bytes lie between sections that have none. So it is as large as
// what was in use. What it says is as hostile as the target: read it by parse/probe_segment.h.
using ProbeSegmentBytes = std::vector<std::byte>;

// Where the segment of a running target is read from. Thread rule: any thread.
class ProbeSource {
 public:
  ProbeSource() = default;
  ProbeSource(const ProbeSource&) = delete;
  ProbeSource& operator=(const ProbeSource&) = delete;
  virtual ~ProbeSource() = default;
  // The segment as it is now; `malformed` where it is none (any more), `gone` where its process
  // ended and it can only be read through it.
  [[nodiscard]] virtual Result<ProbeSegmentBytes> read() const = 0;
  // Leaves a request (enum heapfloor_request) for the probe, which looks at it when its program
  // allocates next. One that is not answered yet stands. `unavailable` where nothing may be
  // written.
  [[nodiscard]] virtual Result<void> ask(std::uint8_t request) const;
};

struct ProbedTarget {
  ProcessId id;
  std::string name;  // comm, raw
  // The lines of /proc/PID/maps whose mappings are executable, as they were when maps was last
  // read (raw; at most kMostMappingsBytes, whole lines).
  std::string mappings;
  std::int32_t own_pid = 0;             // as it sees itself: another one in its own pid namespace
  std::optional<double> ended_seconds;  // steady axis: when it was found gone; nothing: it runs
};

class ProbeBoard {
 public:
  // How much is kept of targets that have ended.
  struct Keeping {
    std::size_t targets = 8;
    std::size_t bytes = std::size_t{16} << 20;  // of all segments and mappings together
    double seconds = 24 * 3600;
  };
  static constexpr std::size_t kMostMappingsBytes = std::size_t{256} << 10;

  ProbeBoard() = default;
  explicit ProbeBoard(const Keeping& keeping) : keeping_(keeping) {}
  ProbeBoard(const ProbeBoard&) = delete;
  ProbeBoard& operator=(const ProbeBoard&) = delete;
  ~ProbeBoard() = default;

  struct Presence {
    ProcessId id;
    bool has_ended = false;
  };
  // The same as targets(), without what is known of them.
  [[nodiscard]] std::vector<Presence> presence() const;
  // Those that run and those that are kept, ascending by id.
  [[nodiscard]] std::vector<ProbedTarget> targets() const;
  [[nodiscard]] std::optional<ProbedTarget> find(const ProcessId& id) const;
  // Of the processes that had this pid the latest.
  [[nodiscard]] std::optional<ProbedTarget> find(std::int32_t pid) const;
  // The segment of a target: now, or as it was last. `unavailable` where there is no such target.
  [[nodiscard]] Result<ProbeSegmentBytes> read_segment(const ProcessId& id) const;
  // ProbeSource::ask() of a target that runs; `unavailable` where there is none, or it has ended.
  [[nodiscard]] Result<void> ask(const ProcessId& id, std::uint8_t request) const;

  // Segments that are held open.
  [[nodiscard]] std::size_t held_descriptors() const;
  // Those that have ended and are kept.
  [[nodiscard]] std::size_t kept_targets() const;

  // The collector's side.
  void put(const ProbedTarget& target, std::shared_ptr<const ProbeSource> source);
  void set_mappings(const ProcessId& id, std::string mappings);
  // It has ended: what its segment says now is kept, within the limits. False: nothing could be.
  bool end(const ProcessId& id, double now_seconds);
  // It runs, but carries no probe any more that can be believed.
  void drop(const ProcessId& id);
  // Forgets what has been kept long enough.
  void forget_old(double now_seconds);

 private:
  struct Entry {
    ProbedTarget target;
    std::shared_ptr<const ProbeSource> source;      // of one that runs
    std::shared_ptr<const ProbeSegmentBytes> kept;  // of one that has ended
    [[nodiscard]] std::size_t kept_bytes() const;
  };

  void make_room(std::size_t bytes);

  Keeping keeping_;
  mutable std::mutex mutex_;
  std::map<ProcessId, Entry> entries_;
};

}  // namespace heapfloor
