// Which of our rules a Prometheus-compatible server has loaded, and what they lack there. Source:
// Prometheus's HTTP API, "Rules", "Querying label values", "Targets", "Alertmanagers".
//
// Thread rule: free functions over their arguments.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "agent/cli/shipped_rules.h"
#include "collectors/result.h"

namespace heapfloor {

// A rule as a server tells it.
struct LoadedRule {
  std::string group;
  std::string name;
  bool is_alert = false;
  std::string expression;              // as the server writes it
  std::optional<double> hold_seconds;  // nothing: it does not tell
  std::optional<double> keep_firing_seconds;
  std::map<std::string, std::string> labels;
  std::string health;      // "ok", "err", "unknown"; may be empty
  std::string last_error;  // may be empty
};

// Agents that the server scrapes.
struct AgentTargets {
  std::size_t up = 0;
  std::size_t all = 0;
};

// What the endpoints of the API answer. Total: any bytes give a value or an Error (malformed, with
// the server's own words where it sent some); `path` names the endpoint in it. What a server says
// beyond what is asked is ignored; all texts are printable ASCII, with line ends, and at most
// kLongestText bytes.
inline constexpr std::size_t kLongestText = 4096;
[[nodiscard]] Result<std::vector<LoadedRule>> parse_loaded_rules(std::string_view json,
                                                                 const std::string& path);
[[nodiscard]] Result<std::set<std::string>> parse_label_values(std::string_view json,
                                                               const std::string& path);
// Targets whose label job is `job`.
[[nodiscard]] Result<AgentTargets> parse_agent_targets(std::string_view json, std::string_view job,
                                                       const std::string& path);
// URLs of the Alertmanagers that are told of alerts.
[[nodiscard]] Result<std::vector<std::string>> parse_alertmanagers(std::string_view json,
                                                                   const std::string& path);

// PromQL without what makes no difference: white space, comments, the order of matchers, and which
// quotes hold a string that has neither quotes nor backslashes in it.
[[nodiscard]] std::string normalised_promql(std::string_view expression);

// The metrics of ours, the series that our rules record, and `up`, that an expression reads.
[[nodiscard]] std::set<std::string> metrics_of(std::string_view expression);

enum class RuleState : std::uint8_t {
  loaded,   // as we ship it
  changed,  // by this name, and another expression, hold time or label
  failing,  // the server cannot evaluate it
  missing,
};
[[nodiscard]] std::string_view rule_state_name(RuleState state);

struct CheckedRule {
  ShippedRule ours;
  RuleState state = RuleState::missing;
  std::string detail;                // what is changed, or why it fails
  std::optional<LoadedRule> theirs;  // nothing where it is missing
  std::vector<std::string> lacking;  // metrics that it reads and the server has no series of
};

// Each of `shipped` in its order. A loaded rule answers for one of ours: of several with one name
// the equal one. `names`: the metrics that the server has.
[[nodiscard]] std::vector<CheckedRule> check_rules(const std::vector<ShippedRule>& shipped,
                                                   const std::vector<LoadedRule>& loaded,
                                                   const std::set<std::string>& names);

// Everything that was learnt of a server.
struct RuleReport {
  std::vector<CheckedRule> rules;
  Result<AgentTargets> targets = AgentTargets{};
  Result<std::vector<std::string>> alertmanagers = std::vector<std::string>{};
  bool accepts_changed = false;    // a changed rule is as good as ours
  bool asks_alertmanagers = true;  // else `alertmanagers` means nothing

  // Why alerts would not arrive, as sentences; empty where everything is armed. Metrics that are
  // lacking are no reason: a host without JVMs has none of theirs.
  [[nodiscard]] std::vector<std::string> reasons() const;
};

// For a person: a table of the rules, what is lacking, and the reasons.
[[nodiscard]] std::string rule_table(const RuleReport& report);
// {"armed": …, "reasons": […], "rules": […], "targets": {…}, "alertmanagers": […]}, with one
// newline.
[[nodiscard]] std::string rule_json(const RuleReport& report);

}  // namespace heapfloor
