// What rule_check.h has found, for a person and for a program.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "agent/cli/rule_check.h"

namespace heapfloor {
namespace {

using Json = nlohmann::ordered_json;

// Two alerts of one name have different severities.
std::string title_of(const ShippedRule& rule) {
  const auto severity = rule.labels.find("severity");
  return severity == rule.labels.end() ? rule.name
                                       : fmt::format("{} ({})", rule.name, severity->second);
}

std::string lines_of_rules(const std::vector<CheckedRule>& rules) {
  std::size_t width = 0;
  for (const CheckedRule& rule : rules) width = std::max(width, title_of(rule.ours).size());
  std::string text;
  std::string file;
  for (const CheckedRule& rule : rules) {
    if (rule.ours.file != file) text += fmt::format("{}\n", file = rule.ours.file);
    const std::string detail = rule.detail.substr(0, rule.detail.find('\n'));
    text += fmt::format("  {:<{}}  {}{}{}\n", title_of(rule.ours), width,
                        rule_state_name(rule.state), detail.empty() ? "" : ": ", detail);
  }
  return text;
}

// Metric → the rules that read it.
std::string lines_of_lacking(const std::vector<CheckedRule>& rules) {
  std::map<std::string, std::vector<std::string>> readers;
  for (const CheckedRule& rule : rules) {
    for (const std::string& metric : rule.lacking) {
      auto& names = readers[metric];
      if (names.empty() || names.back() != rule.ours.name) names.push_back(rule.ours.name);
    }
  }
  if (readers.empty()) return "";
  std::string text = "\nmetrics without a series in the last hour, and the rules that read them:\n";
  for (const auto& [metric, names] : readers)
    text += fmt::format("  {}: {}\n", metric, fmt::join(names, ", "));
  return text;
}

std::string line_of_targets(const RuleReport& report) {
  if (!report.targets) return "agents: not known\n";
  return fmt::format("agents: {} of {} up\n", report.targets->up, report.targets->all);
}

std::string line_of_alertmanagers(const RuleReport& report) {
  if (!report.asks_alertmanagers) return "Alertmanagers: not asked\n";
  if (!report.alertmanagers) return "Alertmanagers: not known\n";
  const auto& urls = *report.alertmanagers;
  return fmt::format("Alertmanagers: {}\n",
                     urls.empty() ? "none" : fmt::format("{}", fmt::join(urls, ", ")));
}

Json json_of(const CheckedRule& rule) {
  Json object = {
      {"file", rule.ours.file},       {"group", rule.ours.group},
      {"name", rule.ours.name},       {"kind", rule.ours.is_alert ? "alert" : "record"},
      {"labels", rule.ours.labels},   {"state", rule_state_name(rule.state)},
      {"detail", rule.detail},        {"expression", normalised_promql(rule.ours.expression)},
      {"loaded_expression", nullptr}, {"lacking_metrics", rule.lacking}};
  if (rule.theirs) object["loaded_expression"] = normalised_promql(rule.theirs->expression);
  return object;
}

}  // namespace

std::string rule_table(const RuleReport& report) {
  std::string text = lines_of_rules(report.rules) + lines_of_lacking(report.rules) + "\n" +
                     line_of_targets(report) + line_of_alertmanagers(report);
  const auto reasons = report.reasons();
  return text +
         (reasons.empty() ? "armed\n" : fmt::format("not armed: {}\n", fmt::join(reasons, "; ")));
}

std::string rule_json(const RuleReport& report) {
  const auto reasons = report.reasons();
  Json object = {{"armed", reasons.empty()},
                 {"reasons", reasons},
                 {"rules", Json::array()},
                 {"targets", nullptr},
                 {"alertmanagers", nullptr}};
  for (const CheckedRule& rule : report.rules) object["rules"].push_back(json_of(rule));
  if (report.targets)
    object["targets"] = {{"up", report.targets->up}, {"all", report.targets->all}};
  if (report.asks_alertmanagers && report.alertmanagers)
    object["alertmanagers"] = *report.alertmanagers;
  return object.dump(2, ' ', true, Json::error_handler_t::replace) + "\n";
}

}  // namespace heapfloor
