#include "agent/web/runbooks.h"

#include <algorithm>
#include <string>

#include "agent/web/web_assets.h"

namespace heapfloor {

std::string_view runbook_path(std::string_view alert_name) {
  const std::string path = "runbooks/" + std::string(alert_name) + ".html";
  const auto assets = web_assets();
  const auto found = std::ranges::lower_bound(assets, std::string_view(path), {}, &WebAsset::path);
  return found != assets.end() && found->path == path ? found->path : std::string_view();
}

}  // namespace heapfloor
