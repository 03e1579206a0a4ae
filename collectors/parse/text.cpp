#include "collectors/parse/text.h"

#include <charconv>
#include <string>

namespace heapfloor {

std::optional<std::uint64_t> parse_unsigned(std::string_view token) {
  std::uint64_t value = 0;
  const char* end = token.data() + token.size();
  const auto [stop, refused] = std::from_chars(token.data(), end, value);
  if (refused != std::errc() || stop != end) return std::nullopt;
  return value;
}

std::optional<std::uint64_t> parse_kilobytes(std::string_view text) {
  const auto kilobytes = parse_unsigned(next_token(text));
  if (!kilobytes || next_token(text) != "kB" || !next_token(text).empty()) return std::nullopt;
  if (*kilobytes >= std::uint64_t{1} << 53) return std::nullopt;  // bytes stay below 2^63
  return *kilobytes * 1024;
}

Failure malformed(std::string_view what, std::string_view text) {
  constexpr std::size_t kQuoted = 80;
  std::string reason(what);
  reason.append(": \"");
  for (const char byte : text.substr(0, kQuoted)) {
    const bool printable = byte >= ' ' && byte <= '~' && byte != '"';
    reason.push_back(printable ? byte : '?');
  }
  reason.push_back('"');
  return failure(ErrorKind::malformed, {}, std::move(reason));
}

}  // namespace heapfloor
