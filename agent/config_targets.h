// The list `targets.prometheus` of the configuration.
#pragma once

#include <cstddef>
#include <vector>

#include "agent/config.h"
#include "agent/config_item.h"
#include "agent/external/prometheus_target.h"

namespace heapfloor {

// Fills Config::targets; see PrometheusTarget for what an entry means.
ConfigList prometheus_targets_list();

// The targets with the limits that follow from the whole configuration.
[[nodiscard]] std::vector<PrometheusTarget> prometheus_targets(const Config& config);

inline constexpr std::size_t kMostPrometheusTargets = 64;

}  // namespace heapfloor
