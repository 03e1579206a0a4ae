// The list `targets.go` of the configuration.
#pragma once

#include <cstddef>

#include "agent/config.h"
#include "agent/config_item.h"
#include "agent/endpoints/go_endpoint.h"

namespace heapfloor {

// Fills Config::targets; see GoTargetSettings for what an entry means.
ConfigList go_targets_list();

// What the endpoints of Go programs are asked by.
[[nodiscard]] GoEndpointSettings go_endpoint_settings(const Config& config);

inline constexpr std::size_t kMostGoTargets = 64;

}  // namespace heapfloor
