// GoSites: what each stack of a Go program has allocated and holds, as its runtime samples it for
// runtime.MemProfile, read in its memory.
//
// Source: src/runtime/mprof.go and scaleHeapSample() of src/runtime/pprof/protomem.go of Go.
// Amounts are those that runtime.MemProfile would give at that moment: as of the last collection
// that has ended, before the first one all that was sampled. Each bucket is scaled by the chance
// that an object of its size is sampled, 1 - exp(-size/rate), then those of one stack are added up:
// as /debug/pprof/heap does it. What stands there is hostile: every address, length and count is
// bounded, and a list that goes in a circle ends.
//
// Cost: a page of the program's memory is read once for the buckets that lie in it, about ten;
// 1,000 buckets take about 0.3 ms of processor time. Thread rule: pure functions of what `read`
// gives.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "collectors/result.h"
#include "collectors/runtime/go_layout.h"

namespace heapfloor {

struct GoSiteBounds {
  static constexpr std::size_t kMostBuckets = 131072;
  static constexpr std::size_t kMostDepth = 1024;  // debug.profstackdepth
  static constexpr std::size_t kMostReads = 65536;
  std::size_t most_buckets = kMostBuckets;
  std::size_t most_sites = 8192;  // that come one by one
};

struct GoSite {
  // The same as long as the program lives: its place among all stacks in the order in which they
  // were met first.
  std::uint32_t index = 0;
  // Of its addresses in the file's own numbering: the same in every run of one build.
  std::uint64_t hash = 0;
  std::vector<std::uint64_t> frames;  // return addresses, leaf first
  double allocated_objects = 0, allocated_bytes = 0;
  double live_objects = 0, live_bytes = 0;
  friend bool operator==(const GoSite&, const GoSite&) = default;
};

struct GoSites {
  double rate_bytes = 0;      // runtime.MemProfileRate: the mean distance of two samples
  std::vector<GoSite> sites;  // ascending by index
  GoSite rest;                // the sum of those beyond most_sites, without frames
  std::size_t stacks = 0;     // all of them
  std::size_t buckets = 0;
  double live_bytes = 0;  // of all
};

// Where the variables are in the memory of the program, and how far it was moved.
struct GoProfilePlace {
  std::uint64_t buckets = 0;
  std::uint64_t cycle = 0;
  std::uint64_t rate = 0;
  std::uint64_t bias = 0;
};

// Fills `to` with the bytes from `address` on; false when it cannot.
using GoMemory = std::function<bool(std::uint64_t address, std::span<std::byte> to)>;

// The largest sites by what lives, where those of no such amounts are by what was allocated.
// `unavailable` where the program takes no samples (nothing in it refers to runtime.MemProfile, or
// it has set the rate to 0), or has more stacks than are read; `malformed` where what stands there
// can be no such list; `io` where it cannot be read.
[[nodiscard]] Result<GoSites> read_go_sites(const GoBuckets& layout, const GoProfilePlace& place,
                                            const GoMemory& read, const GoSiteBounds& bounds = {});

}  // namespace heapfloor
