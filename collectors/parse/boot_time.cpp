#include "collectors/parse/boot_time.h"

#include "collectors/parse/text.h"

namespace heapfloor {

Result<std::uint64_t> parse_boot_time(std::string_view text) {
  constexpr std::string_view kKey = "btime ";
  std::string_view line;
  while (next_line(text, line)) {
    if (!line.starts_with(kKey)) continue;
    const auto seconds = parse_unsigned(line.substr(kKey.size()));
    if (!seconds) return malformed("not a time", line);
    return *seconds;
  }
  return malformed("no line btime", {});
}

}  // namespace heapfloor
