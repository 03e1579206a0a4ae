// The line btime of /proc/stat. Source: Documentation/filesystems/proc.rst, "Miscellaneous kernel
// statistics".
#pragma once

#include <cstdint>
#include <string_view>

#include "collectors/result.h"

namespace heapfloor {

// Unix time at which the kernel started, in seconds.
Result<std::uint64_t> parse_boot_time(std::string_view text);

}  // namespace heapfloor
