// The list `targets.prometheus` of the configuration.
#pragma once

#include <cstddef>
#include <string_view>
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

// Of a target of any kind: what its subjects' names begin with.
[[nodiscard]] bool is_target_name(std::string_view text);

}  // namespace heapfloor
