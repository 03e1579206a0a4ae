#include "agent/exposition/api_json.h"
#include "agent/exposition/api_parts.h"
#include "agent/exposition/text_format.h"

namespace heapfloor {

ApiDocument config_document(const ConfigView& config) {
  Json data;
  data["settings"] = Json::array();
  for (const ConfigView::Setting& setting : config.settings) {
    data["settings"].push_back({{"key", setting.key},
                                {"value", visible_name(setting.value)},
                                {"default", visible_name(setting.initial)},
                                {"is_default", setting.value == setting.initial},
                                {"help", setting.help}});
  }
  data["lists"] = Json::array();
  for (const ConfigView::List& list : config.lists)
    data["lists"].push_back({{"path", list.path}, {"entries", list.entries}, {"help", list.help}});
  return success_document(std::move(data));
}

}  // namespace heapfloor
