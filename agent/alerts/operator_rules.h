// The rules that operators of any service expect beside the trend. The configuration may change
// their thresholds, or switch them off; dashboards/prometheus has the same rules for a Prometheus.
//
// Pure functions.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/alerts/alert_rule.h"

namespace heapfloor {

// The rules as they are without a configuration.
std::vector<AlertRule> operator_rules();

// What the configuration says of one of them, by its name.
struct RuleChange {
  std::string name;
  bool is_enabled = true;
  std::optional<double> value, hold_seconds;
  std::optional<std::string> severity;
  friend bool operator==(const RuleChange&, const RuleChange&) = default;
};

// The rules that are in force: those of operator_rules() with their changes, then `configured`.
std::vector<AlertRule> rules_in_force(std::span<const RuleChange> changes,
                                      std::span<const AlertRule> configured);

}  // namespace heapfloor
