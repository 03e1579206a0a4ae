// A site that grows, as it is shown to people.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "collectors/sample.h"

namespace heapfloor {

struct GrowingSite {
  std::string function;   // the innermost one that is no library's; demangled, or "[file+0x1234]"
  std::string file;       // empty where it is not known
  std::int64_t line = 0;  // 0 where it is not known
  std::string structure, phase;    // labels that the program set; empty: none
  std::string container, element;  // read from the stack; empty: none
  double window_seconds = 0;       // over which the growth was measured
  double bytes_per_second = 0;
  double low_bytes_per_second = 0;  // an interval of 95 % of the sampling error
  double high_bytes_per_second = 0;
  std::optional<double> share;  // of the growth of the whole live heap
  friend bool operator==(const GrowingSite&, const GrowingSite&) = default;
};

// By process, the fastest first. Processes of which no site grows are left out.
using GrowingSites = std::map<ProcessId, std::vector<GrowingSite>>;

}  // namespace heapfloor
