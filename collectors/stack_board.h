// StackBoard: of which processes the stacks of threads are to be measured. Written by whoever
// suspects them between two ticks, read by the smaps collector. Thread rule: the collection
// thread's own.
#pragma once

#include <vector>

#include "collectors/sample.h"

namespace heapfloor {

struct StackBoard {
  std::vector<ProcessId> wanted;  // ascending, each once
};

}  // namespace heapfloor
