// AlertRule: a threshold that the configuration sets on a signal or a metric.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace heapfloor {

enum class RuleScope : std::uint8_t { process, group, cgroup, host };
inline constexpr std::size_t kRuleScopes = 4;
constexpr std::string_view rule_scope_name(RuleScope scope) {
  constexpr std::array<std::string_view, kRuleScopes> kNames = {"process", "group", "cgroup",
                                                                "host"};
  return kNames.at(static_cast<std::size_t>(scope));
}

enum class Comparison : std::uint8_t { greater, greater_or_equal, less, less_or_equal };
inline constexpr std::size_t kComparisons = 4;
constexpr std::string_view comparison_text(Comparison comparison) {
  constexpr std::array<std::string_view, kComparisons> kTexts = {">", ">=", "<", "<="};
  return kTexts.at(static_cast<std::size_t>(comparison));
}
constexpr bool compare(double value, Comparison comparison, double threshold) {
  switch (comparison) {
    case Comparison::greater:
      return value > threshold;
    case Comparison::greater_or_equal:
      return value >= threshold;
    case Comparison::less:
      return value < threshold;
    case Comparison::less_or_equal:
      return value <= threshold;
  }
  return false;
}

using Matchers = std::vector<std::pair<std::string, std::string>>;  // label, glob; all must match

struct AlertRule {
  std::string name;  // CamelCase, unique
  RuleScope scope = RuleScope::process;
  bool is_signal = false;
  std::string quantity;  // rss_anon, or heapfloor_group_swap_bytes
  Matchers match;        // group, comm, subject, cgroup, or the metric's own label
  Comparison comparison = Comparison::greater;
  double value = 0;
  std::optional<double> clear;         // a firing alert holds until the value is beyond this one
  std::optional<double> hold_seconds;  // nothing: alerts.hold
  std::string severity = "warning";
  std::string summary;  // empty: made from the rule
  friend bool operator==(const AlertRule&, const AlertRule&) = default;
};

// The rule's condition as PromQL writes it: heapfloor_group_swap_bytes{group=~"pay.*"} >
// 2147483648. A signal stands under its own name.
std::string rule_query(const AlertRule& rule);

}  // namespace heapfloor
