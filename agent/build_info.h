// What was built, from which revision, with what.
#pragma once

#include "agent/exposition/self_metrics.h"

namespace heapfloor {

// Constant; the revision is "unknown" outside a repository.
const BuildInfo& build_info();

}  // namespace heapfloor
