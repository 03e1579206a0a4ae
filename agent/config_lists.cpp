#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "agent/alert_settings.h"
#include "agent/config_go_targets.h"
#include "agent/config_groups.h"
#include "agent/config_item.h"
#include "agent/config_targets.h"

namespace heapfloor {

const ConfigField* ConfigItem::field(std::string_view key) const {
  const auto found = std::ranges::find(fields, key, &ConfigField::key);
  return found == fields.end() ? nullptr : &*found;
}

std::optional<ConfigProblem> unknown_field(const ConfigItem& item,
                                           std::span<const std::string_view> known) {
  for (const ConfigField& field : item.fields) {
    if (std::ranges::find(known, field.key) == known.end())
      return ConfigProblem{field.line, fmt::format("unknown key \"{}\"", field.key)};
  }
  return std::nullopt;
}

std::span<const ConfigList> config_lists() {
  static const std::vector<ConfigList> lists = [] {
    std::vector<ConfigList> all = {groups_list()};
    for (ConfigList& list : alert_lists()) all.push_back(std::move(list));
    all.push_back(prometheus_targets_list());
    all.push_back(go_targets_list());
    return all;
  }();
  return lists;
}

}  // namespace heapfloor
