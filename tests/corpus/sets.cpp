#include "tests/corpus/sets.h"

#include <algorithm>
#include <array>

#include "tests/corpus/compositions.h"

namespace heapfloor {
namespace {

std::vector<Scenario> everything() {
  std::vector<Scenario> result = long_scenarios();
  result.insert(result.end(), short_scenarios().begin(), short_scenarios().end());
  return result;
}

template <const std::vector<Scenario>& (*kList)()>
std::vector<Scenario> all_of() {
  return kList();
}

// A further set is one line here.
constexpr auto kSets = std::to_array<ScenarioSet>({
    {"long", "the catalogue: days", all_of<long_scenarios>},
    {"mixed", "the catalogue, random size, length and limit", all_of<long_scenarios>, true},
    {"short", "minutes to hours", all_of<short_scenarios>},
    {"tuning", "the catalogue without its reserved third", all_of<tuning_scenarios>},
    {"reserved", "the reserved third", all_of<reserved_scenarios>},
    {"tuning-mixed", "as tuning, random size, length and limit", all_of<tuning_scenarios>, true},
    {"reserved-mixed", "as reserved, random size, length and limit", all_of<reserved_scenarios>,
     true},
    {"prototype", "the 54 scenarios of the published figures", all_of<prototype_scenarios>},
    {"prototype-mixed", "the same, random size, length and limit", all_of<prototype_scenarios>,
     true},
    {"compositions", "random mixtures, one of eight leaks or none", all_of<composition_scenarios>},
    {"all", "long and short", everything},
});

}  // namespace

std::span<const ScenarioSet> scenario_sets() { return kSets; }

const ScenarioSet* find_set(std::string_view name) {
  const auto* const found = std::find_if(kSets.begin(), kSets.end(),
                                         [&](const ScenarioSet& set) { return set.name == name; });
  return found == kSets.end() ? nullptr : found;
}

}  // namespace heapfloor
