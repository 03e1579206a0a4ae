// What the history keeps: rows, and the batches in which they are written.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace heapfloor {

// Part of the stored format.
enum class RowKind : std::uint8_t {
  agent = 1,        // what is kept of the agent as a whole: alerts, counters, time
  series = 2,       // a watch with its points, as of one tick
  tick = 3,         // the readings of one tick, from which a watch is brought up to date
  transition = 4,   // a change of a leak state
  incarnation = 5,  // a subject that ended
};
inline constexpr std::array<RowKind, 5> kRowKinds = {RowKind::agent, RowKind::series, RowKind::tick,
                                                     RowKind::transition, RowKind::incarnation};

struct RowId {
  RowKind kind = RowKind::agent;
  std::uint64_t number = 0;  // below 2^48
  friend bool operator==(const RowId&, const RowId&) = default;
  // NOLINTNEXTLINE(modernize-use-nullptr): clang-tidy 14 means the operator's own 0
  friend auto operator<=>(const RowId&, const RowId&) = default;
};

struct HistoryRow {
  RowId id;
  double unix_seconds = 0;  // when it was written, by the date; only retention by age looks at it
  std::string bytes;
};

// What one tick changes: written in one transaction, whole or not at all.
struct HistoryBatch {
  double time_seconds = 0;  // steady axis
  double unix_seconds = 0;
  std::vector<HistoryRow> rows;  // new, or in place of those with the same id
  std::vector<RowId> erased;
  std::uint64_t first_tick = 0;  // rows of earlier ticks are erased
  bool starts_anew = false;      // first of all, every row of kind series and tick is erased
};

// Since the agent started.
struct HistoryStats {
  std::uint64_t size_bytes = 0;
  std::uint64_t rows_written = 0;
  std::uint64_t rows_rejected = 0;  // read, and not what was written
  std::uint64_t errors = 0;
  std::uint64_t batches_dropped = 0;
  double last_write_seconds = 0;  // steady axis; 0 before the first
};

}  // namespace heapfloor
