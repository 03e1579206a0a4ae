// The labelled shapes that the detector is measured on: leaks, and healthy series that look like
// leaks.
//
// Every scenario is a pure function of its seed. The 54 long ones (days, one reading a minute)
// follow the catalogue of the detector's design; the short ones (minutes to hours, one reading in
// 15 s) are start-ups, warm-ups and fast leaks.
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
};

struct Scenario {
  std::string_view name;
  std::function<LabelledSeries(std::uint64_t seed)> make;
};

const std::vector<Scenario>& long_scenarios();
const std::vector<Scenario>& short_scenarios();

}  // namespace heapfloor
