// Random mixtures of what heaps are made of, to measure whether the detector generalises: warm-up,
// daily load, steps up and down, humps, a ratchet, gaps, the teeth of a collector with and without
// epochs, autocorrelated noise, and one of eight shapes of leak or none; three hours to seven days;
// near, far and unknown limits.
//
// Half of them leak. Only what a careful person could tell by the end of the series is drawn; the
// rules are at is_decidable().
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tests/corpus/scenarios.h"

namespace heapfloor {

struct Composition {
  LabelledSeries series;
  std::string recipe;                      // its ingredients in words
  double growth_bytes_per_second = 0;      // of the leak, over its second half
  std::optional<double> crossing_seconds;  // when the leak, going on so, meets the limit
};

// A pure function of the seed. Odd seeds leak.
Composition compose(std::uint64_t seed);

}  // namespace heapfloor
