// The closed list of signals: which quantity of a subject a series holds.
//
// The names are those of the metrics, the API and the configuration (trend.signals.NAME).
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace heapfloor {

enum class Signal : std::uint8_t {
  gc_live,
  sampled_live,
  allocator_live,
  structure_bytes,
  structure_elements,
  structure_capacity,
  site_bytes,
  rss_anon,
  cgroup_anon,
  cgroup_shmem,
  cgroup_slab,
  threads,
  file_descriptors,
  external,
  external_count,
};

inline constexpr std::array<std::string_view, 15> kSignalNames = {
    "gc_live",          "sampled_live",       "allocator_live",
    "structure_bytes",  "structure_elements", "structure_capacity",
    "site_bytes",       "rss_anon",           "cgroup_anon",
    "cgroup_shmem",     "cgroup_slab",        "threads",
    "file_descriptors", "external",           "external_count",
};
inline constexpr std::size_t kSignals = kSignalNames.size();
static_assert(static_cast<std::size_t>(Signal::external_count) + 1 == kSignals);

constexpr std::string_view signal_name(Signal signal) {
  return kSignalNames.at(static_cast<std::size_t>(signal));
}

// Nothing when there is no such signal.
constexpr std::optional<Signal> find_signal(std::string_view name) {
  const auto* const found = std::ranges::find(kSignalNames, name);
  if (found == kSignalNames.end()) return std::nullopt;
  return static_cast<Signal>(found - kSignalNames.begin());
}

}  // namespace heapfloor
