// The closed list of signals: what may be followed, and how its readings become floors.
#pragma once

#include <algorithm>
#include <array>
#include <string_view>

#include "agent/trend/observation.h"

namespace heapfloor {

struct SignalInfo {
  std::string_view name;
  SignalTraits traits = SignalTraits::unmarked;  // where no compactions are marked
  bool is_in_bytes = true;
};

inline constexpr std::array kSignalList = {
    SignalInfo{"gc_live", SignalTraits::exact},
    SignalInfo{"sampled_live", SignalTraits::exact},
    SignalInfo{"allocator_live", SignalTraits::exact},
    SignalInfo{"structure_bytes", SignalTraits::exact},
    SignalInfo{"structure_elements", SignalTraits::exact, false},
    SignalInfo{"structure_capacity", SignalTraits::exact, false},
    SignalInfo{"site_bytes", SignalTraits::exact},
    SignalInfo{"rss_anon", SignalTraits::unmarked},
    SignalInfo{"cgroup_anon", SignalTraits::unmarked},
    SignalInfo{"cgroup_shmem", SignalTraits::unmarked},
    SignalInfo{"cgroup_slab", SignalTraits::unmarked},
    SignalInfo{"threads", SignalTraits::unmarked, false},
    SignalInfo{"file_descriptors", SignalTraits::unmarked, false},
    SignalInfo{"external", SignalTraits::unmarked, false},
};

// Null when there is no such signal.
constexpr const SignalInfo* find_signal(std::string_view name) {
  const auto* const found = std::ranges::find(kSignalList, name, &SignalInfo::name);
  return found == kSignalList.end() ? nullptr : found;
}

}  // namespace heapfloor
