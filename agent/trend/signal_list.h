// How the readings of each signal become floors, and what they count.
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "agent/series/signal.h"
#include "agent/trend/observation.h"

namespace heapfloor {

struct SignalInfo {
  SignalTraits traits = SignalTraits::unmarked;  // where no compactions are marked
  std::string_view counted = {};                 // "threads": what it counts; empty: bytes
  // A, the least rise of the gate "size", where trend.minimum_rise (bytes) has no meaning.
  std::optional<double> minimum_rise = {};
  // What one unit weighs where series compete for the last places: a thread about as much as its
  // stack and its structures in the kernel, a descriptor as its buffers.
  double weight_bytes = 1;
};

// By Signal.
inline constexpr std::array<SignalInfo, kSignals> kSignalList = {{
    {SignalTraits::exact},                                     // gc_live
    {SignalTraits::exact},                                     // sampled_live
    {SignalTraits::exact},                                     // allocator_live
    {SignalTraits::exact},                                     // structure_bytes
    {SignalTraits::exact, "elements", 1000, 16},               // structure_elements
    {SignalTraits::exact, "elements", 1000, 16},               // structure_capacity
    {SignalTraits::exact},                                     // site_bytes
    {SignalTraits::unmarked},                                  // rss_anon
    {SignalTraits::unmarked},                                  // cgroup_anon
    {SignalTraits::unmarked},                                  // cgroup_shmem
    {SignalTraits::unmarked},                                  // cgroup_slab
    {SignalTraits::unmarked, "threads", 16, 128.0 * 1024},     // threads
    {SignalTraits::unmarked, "descriptors", 32, 16.0 * 1024},  // file_descriptors
    {SignalTraits::unmarked},                                  // external
    {SignalTraits::unmarked, "units", 16, 16.0 * 1024},        // external_count
}};

constexpr const SignalInfo& signal_info(Signal signal) {
  return kSignalList.at(static_cast<std::size_t>(signal));
}

}  // namespace heapfloor
