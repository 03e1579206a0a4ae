// What the detector is compared with: published rules, re-implemented from their descriptions.
//
// Every rule sees a series in MiB and hours, as medians of five minutes (or the readings right
// after a collection), and may alarm at every full hour from `start` on; the first alarm counts.
// README.md names the sources and what differs from them.
#pragma once

#include <span>
#include <string_view>

#include "agent/trend/policy.h"
#include "tests/corpus/scoring.h"

namespace heapfloor {

struct Baseline {
  std::string_view name;
  Outcome (*watch)(const LabelledSeries& series, const TrendPolicy& policy);
};

std::span<const Baseline> baselines();

}  // namespace heapfloor
