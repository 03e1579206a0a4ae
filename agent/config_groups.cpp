#include "agent/config_groups.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "agent/config.h"
#include "agent/series/group_rules.h"
#include "agent/units.h"

namespace heapfloor {
namespace {

using Problem = std::optional<ConfigProblem>;

constexpr double kLeastLimitBytes = 1024 * 1024;  // a limit below it can only be a mistake

struct TextList {
  std::string_view key;
  std::vector<std::string> GroupSpec::*member;
};
constexpr std::array kTextLists = {
    TextList{"comm", &GroupSpec::comm},           TextList{"exe", &GroupSpec::exe},
    TextList{"cmdline", &GroupSpec::cmdline},     TextList{"user", &GroupSpec::user},
    TextList{"cgroup", &GroupSpec::cgroup},       TextList{"unit", &GroupSpec::unit},
    TextList{"container", &GroupSpec::container},
};
constexpr std::array<std::string_view, 12> kKnown = {"name",    "comm",     "exe",   "cmdline",
                                                     "user",    "cgroup",   "unit",  "container",
                                                     "min_age", "min_size", "limit", "expose"};

constexpr std::string_view kExample = R"yaml(groups:
  - name: "{{.Matches.app}}"       # .Comm .ExeBase .ExeFull .Username .Unit .ContainerID .Matches.NAME
    exe: [java]
    cmdline: ["-Dapp=(?P<app>[a-z]+)"]
    limit: 2GiB                    # memory budget of each process of the group
    expose: true                   # each of its processes has series of its own
  - name: batch
    user: [batch, "1005"]
    min_size: 100MiB
  - name: "{{.Unit}}"
    unit: ["postgresql@*.service"])yaml";

Problem take_texts(std::vector<std::string>& target, const ConfigField& field) {
  if (field.items.empty())
    return ConfigProblem{field.line, fmt::format("\"{}\" is an empty list", field.key)};
  for (const ConfigItem& item : field.items) {
    if (item.is_map || item.text.empty())
      return ConfigProblem{item.line, fmt::format("\"{}\" expects texts", field.key)};
    if (item.text.size() > kLongestGroupPattern)
      return ConfigProblem{item.line, fmt::format("longer than {} bytes", kLongestGroupPattern)};
    target.push_back(item.text);
  }
  return std::nullopt;
}

// The one text of a field.
Problem take_text(std::string& target, const ConfigField& field) {
  if (field.is_list || field.items.front().is_map)
    return ConfigProblem{field.line, fmt::format("\"{}\" expects one value", field.key)};
  target = field.items.front().text;
  if (target.size() <= kLongestGroupPattern) return std::nullopt;
  return ConfigProblem{field.line, fmt::format("longer than {} bytes", kLongestGroupPattern)};
}

Problem take_amount(std::optional<double>& target, const ConfigField& field, double low) {
  std::string text;
  if (Problem problem = take_text(text, field)) return problem;
  const bool is_duration = field.key == "min_age";
  target = is_duration ? parse_duration(text) : parse_size(text);
  if (!target) {
    return ConfigProblem{field.line, fmt::format("\"{}\" is not a {}", text,
                                                 is_duration ? "duration such as 15s, 2h or 30d"
                                                             : "size such as 512MiB or 2GB")};
  }
  if (*target >= low) return std::nullopt;
  return ConfigProblem{field.line, fmt::format("\"{}\" is too small", text)};
}

Problem take_flag(bool& target, const ConfigField& field) {
  std::string text;
  if (Problem problem = take_text(text, field)) return problem;
  if (text != "true" && text != "false")
    return ConfigProblem{field.line, fmt::format("\"{}\" is neither true nor false", text)};
  target = text == "true";
  return std::nullopt;
}

Problem take_field(GroupSpec& spec, const ConfigField& field) {
  const auto* const texts = std::ranges::find(kTextLists, field.key, &TextList::key);
  if (texts != kTextLists.end()) return take_texts(spec.*texts->member, field);
  if (field.key == "min_age") return take_amount(spec.minimum_age_seconds, field, 0);
  if (field.key == "min_size") return take_amount(spec.minimum_size_bytes, field, 0);
  if (field.key == "limit") return take_amount(spec.limit_bytes, field, kLeastLimitBytes);
  if (field.key == "expose") return take_flag(spec.is_exposed, field);
  return take_text(spec.name, field);
}

// What no field can see alone.
Problem find_contradiction(const GroupSpec& spec, const ConfigItem& item) {
  if (const ConfigField* const field = item.field("cmdline")) {
    for (std::size_t i = 0; i < spec.cmdline.size(); ++i) {
      if (auto problem = expression_problem(spec.cmdline[i]))
        return ConfigProblem{field->items.at(i).line, std::move(*problem)};
    }
  }
  const ConfigField* const name = item.field("name");
  if (name == nullptr) return std::nullopt;
  if (auto problem = template_problem(spec.name, spec.cmdline))
    return ConfigProblem{name->line, std::move(*problem)};
  return std::nullopt;
}

Problem take_group(GroupSpec& spec, const ConfigItem& item) {
  if (!item.is_map) return ConfigProblem{item.line, "expects a group, such as {comm: [nginx]}"};
  if (Problem problem = unknown_field(item, kKnown)) return problem;
  for (const ConfigField& field : item.fields) {
    if (Problem problem = take_field(spec, field)) return problem;
  }
  return find_contradiction(spec, item);
}

Problem take_groups(Config& config, std::span<const ConfigItem> items) {
  std::vector<GroupSpec> groups;
  std::size_t expressions = 0;
  for (const ConfigItem& item : items) {
    if (groups.size() == kMostGroupRules)
      return ConfigProblem{item.line, fmt::format("more than {} groups", kMostGroupRules)};
    if (Problem problem = take_group(groups.emplace_back(), item)) return problem;
    expressions += groups.back().cmdline.size();
    if (expressions > kMostExpressions)
      return ConfigProblem{item.line,
                           fmt::format("more than {} expressions in all", kMostExpressions)};
  }
  config.groups = std::move(groups);
  return std::nullopt;
}

}  // namespace

ConfigList groups_list() {
  return {"groups", "rules that put processes into groups; the first that matches wins",
          std::string(kExample), take_groups,
          [](const Config& config) { return config.groups.size(); }};
}

}  // namespace heapfloor
