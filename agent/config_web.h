// The reader of exporter-toolkit's web-config file.
//
// It takes the whole vocabulary of prometheus/exporter-toolkit, docs/web-configuration.md, and
// refuses what it does not know with file and line. Whether what the file asks for is safe is
// judged in agent/http/security.h.
#pragma once

#include <string>

#include "agent/http/web_config.h"
#include "collectors/result.h"

namespace heapfloor {

// Total: any text gives a configuration or an error whose path is "FILE:LINE". Relative names of
// files become relative to the folder of `file_name`. Thread rule: pure.
[[nodiscard]] Result<WebConfig> parse_web_config(const std::string& text,
                                                 const std::string& file_name);

}  // namespace heapfloor
