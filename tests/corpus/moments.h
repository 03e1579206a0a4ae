// What could be known of a series at moments of its life, beside what is true of it: the input of
// bound.py, which learns from it how well any rule could decide (README.md, "How far a rule could
// get").
#pragma once

#include <string>
#include <vector>

#include "tests/corpus/scoring.h"

namespace heapfloor {

// One row a moment: from 40 readings on a tenth apart in age, and the last reading. The columns
// before `age` are what is true of the series and what the detector did, known to whoever counts;
// from `age` on only readings up to the moment are looked at. NaN where something is not known.
// Files: columns.txt, names in order; rows.f32, little-endian float32, row after row, into an
// existing directory. False when they cannot be written.
bool write_moments(const std::vector<Scenario>& scenarios, const ScoreOptions& options,
                   const std::string& directory);

}  // namespace heapfloor
