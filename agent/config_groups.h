// The list `groups` of the configuration.
#pragma once

#include "agent/config_item.h"

namespace heapfloor {

// Fills Config::groups; see GroupSpec for what an entry means.
ConfigList groups_list();

}  // namespace heapfloor
