#include "agent/config_view.h"

#include <fmt/format.h>

#include "agent/config_item.h"

namespace heapfloor {

ConfigView config_view(const Config& config) {
  ConfigView view;
  const Config initial;
  for (const ConfigKey& key : config_keys())
    view.settings.push_back({key.path, key.get(config), key.get(initial), key.help});
  for (const auto& [signal, values] : config.trend.signals) {
    for (const auto& [name, value] : values) {
      view.settings.push_back({fmt::format("trend.signals.{}.{}", signal, name), value, "",
                               "of this signal alone, in the place of trend." + name});
    }
  }
  for (const ConfigList& list : config_lists())
    view.lists.push_back({list.path, list.count(config), list.help});
  return view;
}

}  // namespace heapfloor
