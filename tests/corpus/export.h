// Series as CSV in the replay format, with what is labelled in comments.
#pragma once

#include <ostream>

#include "tests/corpus/scenarios.h"

namespace heapfloor {

// Beside the columns of the format one that it ignores: `incarnation`, counted up by restarts.
void export_series(const LabelledSeries& series, std::ostream& out);

}  // namespace heapfloor
