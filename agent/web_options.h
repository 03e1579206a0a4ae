// The web server's options as the configuration has them.
//
// Thread rule: pure.
#pragma once

#include "agent/config.h"
#include "agent/http/http_server.h"

namespace heapfloor {

// Without observer and log.
HttpOptions web_options(const Config& config);

}  // namespace heapfloor
