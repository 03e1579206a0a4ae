#include "collectors/parse/pid_statm.h"

#include <array>

#include "collectors/parse/text.h"

namespace heapfloor {

Result<PidStatm> parse_pid_statm(std::string_view text) {
  std::string_view rest = text.substr(0, text.find('\n'));
  // size resident shared text lib data dt; lib and dt are always 0 since 2.6.
  std::array<std::uint64_t, 6> fields = {};
  for (std::uint64_t& field : fields) {
    const auto value = parse_unsigned(next_token(rest));
    if (!value) return malformed("not seven numbers", text);
    field = *value;
  }
  return PidStatm{fields[0], fields[1], fields[2], fields[5]};
}

}  // namespace heapfloor
