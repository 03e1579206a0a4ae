// The ends of a backtest's range, as people write them.
#pragma once

#include <optional>
#include <string_view>

namespace heapfloor {

// Unix seconds. "7d": so long before `now_seconds`; "now"; else a time as parse_time() reads it.
[[nodiscard]] std::optional<double> backtest_time(std::string_view text, double now_seconds);

}  // namespace heapfloor
