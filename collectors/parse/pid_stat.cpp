#include "collectors/parse/pid_stat.h"

#include <algorithm>
#include <array>
#include <limits>

#include "collectors/parse/text.h"

namespace heapfloor {
namespace {

constexpr std::size_t kLongestName = 64;

// Fields behind comm, from `state` (field 3 of the manual) to `rss` (field 24).
constexpr std::size_t kFields = 22;
// Position of a field of proc(5) among them.
constexpr std::size_t field(std::size_t number) { return number - 3; }

using Tokens = std::array<std::string_view, kFields>;

// A field that the kernel writes as an unsigned number.
struct Number {
  std::size_t field;
  std::uint64_t PidStat::*value;
};
constexpr std::array kNumbers = {
    Number{field(10), &PidStat::minor_faults},  Number{field(12), &PidStat::major_faults},
    Number{field(14), &PidStat::user_ticks},    Number{field(15), &PidStat::system_ticks},
    Number{field(20), &PidStat::threads},       Number{field(22), &PidStat::start_ticks},
    Number{field(23), &PidStat::virtual_bytes}, Number{field(24), &PidStat::resident_pages},
};

}  // namespace

Result<PidStat> parse_pid_stat(std::string_view text) {
  const std::size_t open = text.find('(');
  const std::size_t close = text.rfind(')');
  if (open == std::string_view::npos || close == std::string_view::npos || close < open) {
    return malformed("no name", text);
  }
  PidStat stat;
  stat.comm = text.substr(open + 1, std::min(close - open - 1, kLongestName));

  std::string_view rest = text.substr(close + 1);
  rest = rest.substr(0, rest.find('\n'));
  Tokens tokens;
  for (std::string_view& token : tokens) {
    token = next_token(rest);
    if (token.empty()) return malformed("too few fields", text.substr(close));
  }
  const auto flags = parse_unsigned(tokens[field(9)]);
  if (!flags || *flags > std::numeric_limits<std::uint32_t>::max()) {
    return malformed("not flags", tokens[field(9)]);
  }
  stat.flags = static_cast<std::uint32_t>(*flags);
  stat.parent_pid = parse_unsigned(tokens[field(4)]);
  for (const Number& number : kNumbers) {
    const auto value = parse_unsigned(tokens[number.field]);
    if (!value) return malformed("not a number", tokens[number.field]);
    stat.*number.value = *value;
  }
  return stat;
}

}  // namespace heapfloor
