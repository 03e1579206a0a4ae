// ConfigItem: one entry of a list in the configuration, free of YAML, for the module that gives it
// its meaning.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace heapfloor {

struct Config;
struct ConfigField;

// A scalar (`text`, no fields) or a map (fields).
struct ConfigItem {
  int line = 0;
  std::string text;
  std::vector<ConfigField> fields;  // in the file's order, each key once
  bool is_map = false;

  // Null when the key is not there.
  [[nodiscard]] const ConfigField* field(std::string_view key) const;
};

// `key: value`, `key: [value, …]` or `key: {…}`.
struct ConfigField {
  std::string key;
  int line = 0;
  std::vector<ConfigItem> items;  // exactly one unless is_list
  bool is_list = false;
};

// What is wrong in a list, and in which line.
struct ConfigProblem {
  int line = 0;
  std::string reason;
};

// A section of the file that is a list: "groups", "alerts.rules".
struct ConfigList {
  std::string path;
  std::string help;     // one line
  std::string example;  // lines of YAML for the documented default file
  // Takes the whole list over, or says what is wrong; called once for every file that has it.
  std::function<std::optional<ConfigProblem>(Config&, std::span<const ConfigItem>)> set;
  std::function<std::size_t(const Config&)> count;  // how many entries there are
};

// Every list, in the order of the documentation.
std::span<const ConfigList> config_lists();

// The first field of `item` whose key is not among `known`, as a problem.
[[nodiscard]] std::optional<ConfigProblem> unknown_field(const ConfigItem& item,
                                                         std::span<const std::string_view> known);

}  // namespace heapfloor
