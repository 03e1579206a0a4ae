// The rules of dashboards/prometheus/*.rules.yml, as this program was built with them. The only
// user of YAML beside the configuration.
//
// Thread rule: free functions over constants and their arguments.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/result.h"

namespace heapfloor {

struct RulesFile {
  std::string_view name;  // "heapfloor.rules.yml"
  std::string_view text;
};

// One alerting or recording rule. Several alerts may have one name.
struct ShippedRule {
  std::string file;
  std::string group;
  std::string name;  // of the alert, or of the series that is recorded
  bool is_alert = false;
  std::string expression;
  double hold_seconds = 0;         // for
  double keep_firing_seconds = 0;  // keep_firing_for
  std::map<std::string, std::string> labels;
};

// The embedded files, in the order in which servers load them best.
[[nodiscard]] std::span<const RulesFile> shipped_files();

// The rules of one file, in its order; malformed where it is no file of rules.
[[nodiscard]] Result<std::vector<ShippedRule>> parse_rules(const RulesFile& file);

}  // namespace heapfloor
