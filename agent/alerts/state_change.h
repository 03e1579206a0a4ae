// When a watched series entered a leak state.
#pragma once

#include "agent/alerts/leak_state.h"

namespace heapfloor {

struct StateChange {
  double time_seconds = 0;
  LeakState state = LeakState::learning;
};

}  // namespace heapfloor
