// Where the history is kept.
#pragma once

#include <string>

#include "agent/config.h"

namespace heapfloor {

// storage.path; of `auto` what systemd offers, else the usual place where it is ours to make.
// Empty: no history is kept. Asks the environment and the kernel for who this is.
[[nodiscard]] std::string storage_path(const Config& config);

}  // namespace heapfloor
