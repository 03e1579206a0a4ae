// What collectors that tell of allocation sites have in common.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace heapfloor {

inline constexpr std::string_view kSiteLiveName = "heapfloor_site_live_bytes";
inline constexpr std::string_view kSiteLiveHelp =
    "Heap in use that the stack allocated, as sampling estimates it: the five largest sites of "
    "processes that have series of their own; with a probe once a minute, of Go programs every ten "
    "seconds.";

// The name of a site: 16 digits.
inline std::string site_name_of(std::uint64_t stack_hash) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string name(2 * sizeof stack_hash, '0');
  for (auto at = name.rbegin(); at != name.rend(); ++at, stack_hash >>= 4U)
    *at = kDigits[stack_hash & 0xFU];
  return name;
}

}  // namespace heapfloor
