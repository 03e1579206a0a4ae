#include "collectors/parse/pressure.h"

#include "collectors/parse/text.h"

namespace heapfloor {

Result<Pressure> parse_pressure(std::string_view text) {
  constexpr std::string_view kTotal = "total=";
  Pressure pressure;
  std::string_view line;
  while (next_line(text, line)) {
    std::string_view rest = line;
    const std::string_view kind = next_token(rest);
    if (kind != "some" && kind != "full") continue;
    std::optional<std::uint64_t> total;
    for (std::string_view token = next_token(rest); !token.empty(); token = next_token(rest)) {
      if (token.starts_with(kTotal)) total = parse_unsigned(token.substr(kTotal.size()));
    }
    if (!total) return malformed("no total", line);
    (kind == "some" ? pressure.some_microseconds : pressure.full_microseconds) = total;
  }
  if (!pressure.some_microseconds) return malformed("no line \"some\"", line);
  return pressure;
}

}  // namespace heapfloor
