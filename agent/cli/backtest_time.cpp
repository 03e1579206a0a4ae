#include "agent/cli/backtest_time.h"

#include "agent/units.h"

namespace heapfloor {

std::optional<double> backtest_time(std::string_view text, double now_seconds) {
  if (text == "now") return now_seconds;
  if (const auto ago = parse_duration(text); ago && *ago > 0) return now_seconds - *ago;
  return parse_time(text);
}

}  // namespace heapfloor
