// The labelled shapes that the detector is measured on: leaks, and healthy series that look like
// leaks.
//
// Every scenario is a pure function of its seed. What is labelled is in labels.h, the one list;
// README.md says what the sets are.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "agent/trend/observation.h"

namespace heapfloor {

struct LabelledSeries {
  bool leaks = false;
  double onset_seconds = 0;  // of the leak
  double spacing_seconds = 60;
  SignalTraits traits = SignalTraits::unmarked;
  std::vector<Observation> observations;
  std::vector<double> restarts;  // times at which a new incarnation began
  // Of a leak, bytes over seconds, also beyond the last observation: what the readings come to
  // without their noise, teeth and temporary memory at full height. Empty where no one line has
  // it (an heir of restarts, say).
  std::function<double(double seconds)> truth;
};

struct Scenario {
  std::string_view name;
  std::function<LabelledSeries(std::uint64_t seed)> make;
};

// The catalogue: days at one reading a minute (README.md). Includes prototype_scenarios().
const std::vector<Scenario>& long_scenarios();
// Those of the catalogue that the published figures of the Python prototype are about.
const std::vector<Scenario>& prototype_scenarios();
// Start-ups, warm-ups and fast leaks: minutes to hours at one reading in 15 s.
const std::vector<Scenario>& short_scenarios();
// The reserved third of the catalogue, which no threshold may be tuned on, and the rest.
const std::vector<Scenario>& reserved_scenarios();
const std::vector<Scenario>& tuning_scenarios();

}  // namespace heapfloor
