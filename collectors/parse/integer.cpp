#include "collectors/parse/integer.h"

#include "collectors/parse/text.h"

namespace heapfloor {

Result<std::uint64_t> parse_integer(std::string_view text) {
  const std::string_view digits = text.ends_with('\n') ? text.substr(0, text.size() - 1) : text;
  const auto value = parse_unsigned(digits);
  if (!value) return malformed("not a number", text);
  return *value;
}

}  // namespace heapfloor
