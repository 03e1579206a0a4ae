// What a growth is made of, in words.
#pragma once

#include <string>

#include "agent/series/growth_causes.h"

namespace heapfloor {

// "80 % of the growth is stacks of threads: 1200 threads, +200/h, 264 KiB of stack each; 20 % is
// anonymous memory that nothing tells apart without a probe." Shares below a twentieth are left
// out.
std::string say_causes(const GrowthCauses& causes);

}  // namespace heapfloor
