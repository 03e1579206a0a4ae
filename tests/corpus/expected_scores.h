// The recorded figures that the detector must not fall below: expected_scores.csv.
//
// A line says what to run (set, seeds, first seed, bucket length; 0 is four spacings) and what came
// out. `score --record=FILE` runs the lines and writes what came out, `score --check=FILE`
// compares.
#pragma once

#include <string>
#include <vector>

#include "collectors/result.h"
#include "tests/corpus/scoring.h"

namespace heapfloor {

struct ExpectedScore {
  std::string set;
  std::uint64_t seeds = 0;
  std::uint64_t first_seed = 0;
  double bucket_seconds = 0;
  double precision = 0;
  double recall = 0;
  double f1 = 0;
  double false_alarms_a_day = 0;
  double headroom_used_median = 0;
  double coverage = 0;
};

// How far F1 may fall below what is recorded.
inline constexpr double kToleratedLoss = 0.01;

Result<std::vector<ExpectedScore>> parse_expected(const std::string& text, const std::string& name);
std::string expected_text(const std::vector<ExpectedScore>& lines);

// Runs what `line` asks for; the set must exist (parse_expected sees to it).
ExpectedScore measure(const ExpectedScore& line, unsigned threads);

}  // namespace heapfloor
