// How the readings of each signal become floors, and what they count.
#pragma once

#include <array>
#include <optional>

#include "agent/series/signal.h"
#include "agent/trend/observation.h"

namespace heapfloor {

struct SignalInfo {
  SignalTraits traits = SignalTraits::unmarked;  // where no compactions are marked
  bool is_in_bytes = true;                       // else a count of things
  // A, the least rise of the gate "size", where trend.minimum_rise (bytes) has no meaning.
  std::optional<double> minimum_rise = {};
};

// By Signal.
inline constexpr std::array<SignalInfo, kSignals> kSignalList = {{
    {SignalTraits::exact},                // gc_live
    {SignalTraits::exact},                // sampled_live
    {SignalTraits::exact},                // allocator_live
    {SignalTraits::exact},                // structure_bytes
    {SignalTraits::exact, false, 1000},   // structure_elements
    {SignalTraits::exact, false, 1000},   // structure_capacity
    {SignalTraits::exact},                // site_bytes
    {SignalTraits::unmarked},             // rss_anon
    {SignalTraits::unmarked},             // cgroup_anon
    {SignalTraits::unmarked},             // cgroup_shmem
    {SignalTraits::unmarked},             // cgroup_slab
    {SignalTraits::unmarked, false, 16},  // threads
    {SignalTraits::unmarked, false, 32},  // file_descriptors
    {SignalTraits::unmarked, false},      // external
}};

constexpr const SignalInfo& signal_info(Signal signal) {
  return kSignalList.at(static_cast<std::size_t>(signal));
}

}  // namespace heapfloor
