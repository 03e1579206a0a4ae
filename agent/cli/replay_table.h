// What replay found, as a table for a person at a terminal.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <vector>

#include "agent/cli/replay.h"

namespace heapfloor {

struct ReplayCounts {
  std::array<std::size_t, kLeakStates> series = {};  // by LeakState
  std::size_t unread_files = 0;

  [[nodiscard]] std::size_t of(LeakState state) const {
    return series.at(static_cast<std::size_t>(state));
  }
  [[nodiscard]] std::size_t total() const;
};

ReplayCounts count_states(const std::vector<ReplaySummary>& series);

// "56 series: 3 leaking, 2 suspected, 40 stable, 11 learning; 1 file could not be read". Recovering
// series and unread files are named when there are any.
std::string replay_counts_text(const ReplayCounts& counts);

struct ReplayTableOptions {
  std::size_t width = 0;  // columns of the terminal; 0: as wide as it gets
  bool colour = false;
};

// One line a series in the given order with a heading; the sentence stands in the last column where
// there is room, else below. On a narrow terminal names are shortened in their middle, then the
// less urgent columns are left out. Names are written as visible_name() has them; times are UTC,
// waits count from the series' last reading.
std::string replay_table(const std::vector<ReplaySummary>& series,
                         const ReplayTableOptions& options);

}  // namespace heapfloor
