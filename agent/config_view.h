// The configuration that is in force, for people who look at a running agent.
#pragma once

#include "agent/config.h"
#include "agent/exposition/api_json.h"

namespace heapfloor {

// Every key with its value and its default, the overrides of trend.signals, and how many entries
// each list has. What is in the lists stays out: passwords and addresses stand there. Pure.
[[nodiscard]] ConfigView config_view(const Config& config);

}  // namespace heapfloor
