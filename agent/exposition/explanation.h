// A suspect in plain words: one paragraph for the person on call, who reads it in the middle of the
// night and may not know the detector.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "agent/exposition/snapshot.h"

namespace heapfloor {

// The site that grows most, as its symbols name it.
struct ExplainedSite {
  std::string function;  // raw; empty: not known
  std::string file;      // raw; empty: not known
  std::int64_t line = 0;
  double growth_bytes_per_second = 0;
  std::optional<double> share;  // of the growth of the live heap
};

// What is known of the sites of a suspect.
struct ExplainedSites {
  std::optional<ExplainedSite> first;  // that grows most
  std::string words;                   // say_growing_sites() of a Go program; else empty
};

// What grew and since when, how sure that is, what it is made of, what it is not (each only where
// the numbers say so) and what that cannot be told of, which build it came with, when it ends, and
// what to look at next. Of a recovering suspect why it was revoked; of one that has ended, what was
// the matter. Times are in UTC, names as the API writes them. Pure; `watch` is one of `snapshot`
// and at least suspected.
[[nodiscard]] std::string explanation(const Snapshot& snapshot, const WatchRow& watch,
                                      const ExplainedSites& sites = {});

}  // namespace heapfloor
