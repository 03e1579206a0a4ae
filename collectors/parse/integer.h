// A file that holds one number, as most of /proc/sys does.
#pragma once

#include <cstdint>
#include <string_view>

#include "collectors/result.h"

namespace heapfloor {

// The number, with or without a line end; malformed when it is negative or when anything else is in
// the text.
Result<std::uint64_t> parse_integer(std::string_view text);

}  // namespace heapfloor
