// What is known of one allocation site of a program, as it is shown to people.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "collectors/sample.h"

namespace heapfloor {

// How a site grows, where it does: see SiteHistory::growing().
struct KnownGrowth {
  double window_seconds = 0;  // over which it was measured
  double bytes_per_second = 0;
  double low_bytes_per_second = 0;  // an interval of 95 % of the sampling error
  double high_bytes_per_second = 0;
  std::optional<double> share;  // of the growth of the whole live heap
  friend bool operator==(const KnownGrowth&, const KnownGrowth&) = default;
};

struct KnownSite {
  std::uint64_t stack_hash = 0;
  std::string function;   // the innermost one that is no library's; demangled, or "[file+0x1234]"
  std::string file;       // empty where it is not known; looked up for sites that grow
  std::int64_t line = 0;  // 0 where it is not known
  std::string structure, phase;    // labels that the program set, raw; empty: none
  std::string container, element;  // read from the stack; empty: none
  std::optional<KnownGrowth> growth;
  friend bool operator==(const KnownSite&, const KnownSite&) = default;
};

// By process: those that grow, the fastest first, then the largest of the others.
using KnownSites = std::map<ProcessId, std::vector<KnownSite>>;

}  // namespace heapfloor
