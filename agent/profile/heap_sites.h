// What a probe's segment, or a Go program's runtime, says of allocation sites at one moment, in the
// agent's own words.
//
// Thread rule: plain values, pure functions.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "collectors/parse/probe_segment.h"
#include "collectors/result.h"

namespace heapfloor {

// One stack with one pair of labels. Amounts are unbiased estimates of everything that was
// allocated, not of the samples alone.
struct HeapSite {
  std::uint32_t index = 0;  // in the segment: the same site as long as the target lives
  std::uint64_t stack_hash = 0;
  std::vector<std::uint64_t> frames;  // return addresses, leaf first; none at the site of the rest
  std::string structure, phase;       // labels, raw; empty where none was set
  double allocated_objects = 0, allocated_bytes = 0;  // since the target started
  double live_objects = 0, live_bytes = 0;
  std::uint32_t live_samples = 0;
  // Live bytes of samples that are at least as old as ProbeAges::kBoundsSeconds, by position.
  std::array<double, ProbeAges::kBoundsSeconds.size()> older_bytes = {};
};

struct HeapSites {
  bool is_go = false;         // of a Go program's own runtime: no labels, no ages
  double interval_bytes = 0;  // mean distance of two samples
  double live_bytes = 0;      // of all sites
  std::uint64_t samples_lost = 0, stacks_without_site = 0;
  std::vector<HeapSite> sites;  // ascending by index
};

// `unavailable` where the probe takes no samples; `malformed` where the bytes are no segment.
// `now_seconds` is on the steady axis (CLOCK_BOOTTIME).
Result<HeapSites> heap_sites_of(std::span<const std::byte> segment, double now_seconds);

// What changed from `base` to `now`, both of one target: amounts may be negative.
HeapSites difference(const HeapSites& now, const HeapSites& base);

}  // namespace heapfloor
