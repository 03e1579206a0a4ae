// What the pages and the API need to know about signals and verdicts.
#pragma once

#include <algorithm>
#include <array>
#include <string_view>

#include "agent/trend/verdict.h"

namespace heapfloor {

// Whether the signal counts bytes; the rest of the closed list counts elements, threads or
// descriptors, and an external series has the unit of its source.
inline bool signal_is_in_bytes(std::string_view signal) {
  constexpr std::array<std::string_view, 5> kOthers = {"structure_elements", "structure_capacity",
                                                       "threads", "file_descriptors", "external"};
  return std::ranges::find(kOthers, signal) == kOthers.end();
}

// Whether Verdict::growth and the fitted line mean anything.
inline bool growth_is_known(const Verdict& verdict) { return verdict.evidence >= Evidence::held; }

}  // namespace heapfloor
