// One series as a picture: its readings, floors, limit, onset, and what was said when.
#pragma once

#include <string>
#include <string_view>

#include "agent/trend/policy.h"
#include "tests/corpus/scenarios.h"

namespace heapfloor {

// An SVG document. `title` is ours and plain text without markup.
std::string picture(std::string_view title, const LabelledSeries& series,
                    const TrendPolicy& policy);

}  // namespace heapfloor
