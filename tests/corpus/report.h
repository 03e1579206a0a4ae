// Scores as text: a table for people, or CSV.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/corpus/scoring.h"

namespace heapfloor {

enum class Format { table, csv };

// Every scenario, then the whole; `explain` adds a line for every mistake.
std::string score_report(const Score& score, Format format, bool explain);

// One line of CSV for every forecast at a right alarm whose truth meets its limit, and with it how
// far off it was: hours from the alarm on.
std::string forecasts_report(const Score& score);

// One line for every named tally: detectors side by side, or ablations. Coverage is printed only
// where `forecasts` (baselines foretell nothing).
struct NamedTally {
  std::string_view name;
  Tally tally;
  bool forecasts = true;
};
std::string comparison_report(const std::vector<NamedTally>& tallies, Format format);

// The list of labels, as CSV.
std::string labels_report();

}  // namespace heapfloor
