// AlertRule: a threshold on a signal or a metric, its share of another metric, or its growth. The
// agent has some of its own (operator_rules.h), the configuration sets others.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace heapfloor {

enum class RuleScope : std::uint8_t { process, group, cgroup, host, jvm, go, workload };
inline constexpr std::size_t kRuleScopes = 7;
constexpr std::string_view rule_scope_name(RuleScope scope) {
  constexpr std::array<std::string_view, kRuleScopes> kNames = {
      "process", "group", "cgroup", "host", "jvm", "go", "workload"};
  return kNames.at(static_cast<std::size_t>(scope));
}
// Whether its subjects are runtimes in processes.
constexpr bool is_runtime(RuleScope scope) {
  return scope == RuleScope::jvm || scope == RuleScope::go;
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

// Label, glob; all must match. A glob behind "!" must not.
using Matchers = std::vector<std::pair<std::string, std::string>>;

// That another metric of the subject, summed over what matches, rises beside the threshold.
struct RisingMetric {
  std::string metric;
  Matchers match;
  double seconds = 0;  // over which it is looked at
  friend bool operator==(const RisingMetric&, const RisingMetric&) = default;
};

// Metrics with labels of their own are compared label by label; those of a runtime, of which each
// pool and generation is a part, are summed over what matches.
struct AlertRule {
  std::string name;  // CamelCase, unique in a scope
  RuleScope scope = RuleScope::process;
  bool is_signal = false;
  bool is_builtin = false;  // of the agent's own
  std::string quantity;     // rss_anon, or heapfloor_group_swap_bytes
  Matchers match;           // group, comm, subject, cgroup, collector, or the metric's own label
  // What the quantity is divided by, where not empty: a metric of the same subject or else of the
  // host. A subject without it, or where it is 0, has no reading.
  std::string per;
  // > 0: its growth a second over the last so many is compared. What is younger, or was not seen
  // for so long, counts as if it had not grown before; a counter that fell has begun anew.
  double rate_seconds = 0;
  bool is_age = false;  // of a Unix time, the seconds since are compared
  std::optional<RisingMetric> while_rising;
  Comparison comparison = Comparison::greater;
  double value = 0;
  std::optional<double> clear;         // a firing alert holds until the value is beyond this one
  std::optional<double> hold_seconds;  // nothing: alerts.hold
  std::string severity = "warning";
  std::string summary;      // empty: made from the rule
  std::string description;  // the same; {name}, {value} … stand for those of the subject
  friend bool operator==(const AlertRule&, const AlertRule&) = default;
};

// A metric that no collector writes: the agent worked it out.
struct OwnMetric {
  RuleScope scope;
  std::string_view name;
  bool is_counter;
};
inline constexpr std::array<OwnMetric, 3> kOwnMetrics = {{
    {RuleScope::process, "heapfloor_live_heap_concentration_ratio", false},
    {RuleScope::workload, "heapfloor_workload_oom_kills_total", true},
    {RuleScope::workload, "heapfloor_workload_last_oom_timestamp_seconds", false},
}};
// Null where it is none of them.
constexpr const OwnMetric* own_metric(RuleScope scope, std::string_view name) {
  for (const OwnMetric& metric : kOwnMetrics)
    if (metric.scope == scope && metric.name == name) return &metric;
  return nullptr;
}

// The rule's condition as PromQL writes it: heapfloor_group_swap_bytes{group=~"pay.*"} >
// 2147483648. A signal stands under its own name; what the labels of a division are joined by is
// left out.
std::string rule_query(const AlertRule& rule);

}  // namespace heapfloor
