// The free memory of glibc's heap by where it lies. Source: mallinfo(3).
//
// Thread rule: a free function over its argument.
#pragma once

#include <malloc.h>

#include <algorithm>
#include <cstddef>

namespace heapfloor {

// Disjoint, and together fordblks.
struct FreeParts {
  std::size_t fastbin_bytes = 0;
  std::size_t bins_bytes = 0;  // and the tops of all arenas but the main one
  std::size_t top_bytes = 0;   // of the main arena
};

// fordblks counts all free memory, keepcost and fsmblks are parts of it. Where they say more than
// the whole, the whole is right.
inline FreeParts free_parts(const struct mallinfo2& info) {
  FreeParts parts;
  parts.top_bytes = std::min(info.keepcost, info.fordblks);
  parts.fastbin_bytes = std::min(info.fsmblks, info.fordblks - parts.top_bytes);
  parts.bins_bytes = info.fordblks - parts.top_bytes - parts.fastbin_bytes;
  return parts;
}

}  // namespace heapfloor
