// Random mixtures of what heaps are made of, to measure whether the detector generalises: warm-up,
// daily load, steps up and down, humps, a ratchet, gaps, the teeth of a collector with and without
// epochs, autocorrelated noise, and one of eight shapes of leak or none; three hours to seven days;
// near, far and unknown limits.
//
// Only what a careful person could tell by the end of the series is drawn; the rules are at
// is_leak_decidable() and is_health_decidable().
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/corpus/scenarios.h"

namespace heapfloor {

struct Composition {
  LabelledSeries series;
  std::string recipe;  // its ingredients in words
};

// The shapes of leaks, in the order of their scenarios.
inline constexpr std::array<std::string_view, 8> kLeakShapes = {
    "linear",    "equal_stairs",   "with_load",      "accelerating",
    "sublinear", "doubling_table", "business_hours", "random_steps"};

// A pure function of both; no shape is a healthy series.
Composition compose(std::uint64_t seed, std::optional<std::size_t> shape);

// One scenario for each shape, and as many healthy ones.
const std::vector<Scenario>& composition_scenarios();

}  // namespace heapfloor
