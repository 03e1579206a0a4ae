// The runbooks of dashboards/runbooks as pages of the agent: runbooks/NAME.html, named as the
// alert.
//
// Thread rule: constant data; any thread at any time.
#pragma once

#include <string_view>

namespace heapfloor {

// The path of the page about alerts of this name, as web_assets() has it; empty: there is none.
std::string_view runbook_path(std::string_view alert_name);

}  // namespace heapfloor
