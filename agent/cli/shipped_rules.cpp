#include "agent/cli/shipped_rules.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <optional>
#include <utility>

#include "agent/units.h"

namespace heapfloor {
namespace {

std::string text_at(const YAML::Node& map, const char* key) {
  const YAML::Node node = map[key];
  return node && node.IsScalar() ? node.Scalar() : std::string();
}

// Nothing where the text is there and no duration.
std::optional<double> duration_at(const YAML::Node& map, const char* key) {
  const std::string text = text_at(map, key);
  return text.empty() ? 0 : parse_duration(text);
}

Result<ShippedRule> rule_of(const YAML::Node& node, const RulesFile& file,
                            const std::string& group) {
  ShippedRule rule;
  rule.file = file.name;
  rule.group = group;
  rule.is_alert = node.IsMap() && node["alert"];
  rule.name = node.IsMap() ? text_at(node, rule.is_alert ? "alert" : "record") : "";
  if (rule.name.empty())
    return failure(ErrorKind::malformed, rule.file, fmt::format("a rule of {} has no name", group));
  rule.expression = text_at(node, "expr");
  const auto hold = duration_at(node, "for");
  const auto keep = duration_at(node, "keep_firing_for");
  if (rule.expression.empty() || !hold || !keep)
    return failure(ErrorKind::malformed, rule.file,
                   fmt::format("{} has no expression, or no duration", rule.name));
  rule.hold_seconds = *hold;
  rule.keep_firing_seconds = *keep;
  if (const YAML::Node labels = node["labels"]; labels && labels.IsMap()) {
    for (const auto& label : labels) {
      if (label.first.IsScalar() && label.second.IsScalar())
        rule.labels.emplace(label.first.Scalar(), label.second.Scalar());
    }
  }
  return rule;
}

Result<std::vector<ShippedRule>> rules_of(const YAML::Node& root, const RulesFile& file) {
  std::vector<ShippedRule> rules;
  const YAML::Node groups = root.IsMap() ? root["groups"] : YAML::Node();
  if (!groups || !groups.IsSequence())
    return failure(ErrorKind::malformed, std::string(file.name), "no groups");
  for (const YAML::Node& group : groups) {
    const YAML::Node list = group.IsMap() ? group["rules"] : YAML::Node();
    if (!list || !list.IsSequence())
      return failure(ErrorKind::malformed, std::string(file.name), "a group without rules");
    for (const YAML::Node& node : list) {
      auto rule = rule_of(node, file, text_at(group, "name"));
      if (!rule) return Failure(std::move(rule.error()));
      rules.push_back(std::move(*rule));
    }
  }
  return rules;
}

}  // namespace

Result<std::vector<ShippedRule>> parse_rules(const RulesFile& file) {
  try {
    return rules_of(YAML::Load(std::string(file.text)), file);
  } catch (const YAML::Exception& error) {
    return failure(ErrorKind::malformed, std::string(file.name), error.what());
  }
}

}  // namespace heapfloor
