// Which allocation sites of a Go program grow, and where its goroutines wait, in words, as somebody
// would say it who has looked.
// Thread rule: pure functions.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "agent/profile/goroutine_waits.h"
#include "agent/profile/known_site.h"

namespace heapfloor {

struct GrowingSite {
  const KnownSite* site = nullptr;
  double bytes_per_second = 0;
  std::optional<double> share;  // of the growth of the live heap
};

// "63 % of the growth is a map that grows, filled by main.holdSession (service.go:64): 41.2 MiB/h.
// The runtime keeps 35.0 MiB free that it has not given back." Those of one function and one kind
// count together; the two that grow most are named. Empty where there is none with a name.
// `idle_bytes`: what the runtime keeps free, where that is known. Names are raw.
std::string say_growing_sites(std::span<const GrowingSite> sites,
                              const std::optional<double>& idle_bytes);

// "12,400 of 12,412 goroutines wait in main.consume (service.go:33) for a channel receive, started
// at main.serve (service.go:51)." The two places that most of them are at are named, the second
// where it is more than a twentieth. Empty where no place is known. Names are raw.
std::string say_goroutine_waits(const GoroutineWaits& waits);

}  // namespace heapfloor
