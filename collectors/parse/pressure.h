// /proc/pressure/memory: how long tasks waited for memory. Source:
// Documentation/accounting/psi.rst.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "collectors/result.h"

namespace heapfloor {

// The totals of the two lines, microseconds since boot. The averages of the file are not read: a
// rate over the totals says the same for any window.
struct Pressure {
  std::optional<std::uint64_t> some_microseconds;  // at least one task waited
  std::optional<std::uint64_t> full_microseconds;  // all non-idle tasks waited
  friend bool operator==(const Pressure&, const Pressure&) = default;
};

// A text without a `some` line is malformed.
Result<Pressure> parse_pressure(std::string_view text);

}  // namespace heapfloor
