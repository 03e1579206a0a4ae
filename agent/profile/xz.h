// Unpacks what was packed by xz, within bounds. Owner of liblzma is this folder.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "collectors/result.h"

namespace heapfloor {

// The unpacked bytes of one .xz stream; malformed when it is none, when it is cut, or when it would
// take more than `most_bytes` (or the decoder more than 64 MiB). Thread rule: pure function.
Result<std::string> unpack_xz(std::string_view packed, std::size_t most_bytes);

}  // namespace heapfloor
