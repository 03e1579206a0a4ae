// The named sets of series that the detector is scored on.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "tests/corpus/scenarios.h"

namespace heapfloor {

struct ScenarioSet {
  std::string_view name;
  std::string_view about;
  std::vector<Scenario> (*scenarios)();
  bool randomised = false;  // in size, length and limit
};

std::span<const ScenarioSet> scenario_sets();
// Nothing for an unknown name.
const ScenarioSet* find_set(std::string_view name);

}  // namespace heapfloor
