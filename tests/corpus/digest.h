// All that the detector said of a set of series, as one number a scenario: two builds whose numbers
// are the same made the same verdicts, bit by bit.
#pragma once

#include <string>
#include <vector>

#include "tests/corpus/scenarios.h"
#include "tests/corpus/scoring.h"

namespace heapfloor {

// One line a scenario: name, verdicts made, FNV-1a over each verdict's bytes (state_bytes.h), its
// time and the judge's state, in order of seeds.
std::string verdict_digest(const std::vector<Scenario>& scenarios, const ScoreOptions& options);

}  // namespace heapfloor
