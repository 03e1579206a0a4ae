#include "collectors/parse/pid_maps.h"

#include <charconv>

#include "collectors/parse/text.h"

namespace heapfloor {
namespace {

std::optional<std::uint64_t> hexadecimal(std::string_view token) {
  constexpr int kBase = 16;
  std::uint64_t value = 0;
  const char* const end = token.data() + token.size();
  const auto [stop, refused] = std::from_chars(token.data(), end, value, kBase);
  return refused == std::errc() && stop == end ? std::optional(value) : std::nullopt;
}

}  // namespace

bool begins_pid_mapping(std::string_view line) {
  return !line.empty() &&
         ((line[0] >= '0' && line[0] <= '9') || (line[0] >= 'a' && line[0] <= 'f'));
}

Result<PidMapping> parse_pid_mapping(std::string_view line) {
  std::string_view rest = line;
  const std::string_view range = next_token(rest);
  const std::string_view modes = next_token(rest);
  const auto offset = hexadecimal(next_token(rest));
  const std::string_view device = next_token(rest);
  const auto inode = parse_unsigned(next_token(rest));
  const std::size_t dash = range.find('-');
  if (dash == std::string_view::npos || modes.size() != 4 || !offset || device.empty() || !inode)
    return malformed("not a mapping", line);
  const auto begin = hexadecimal(range.substr(0, dash));
  const auto end = hexadecimal(range.substr(dash + 1));
  if (!begin || !end || *begin >= *end) return malformed("not a range", line);
  PidMapping mapping;
  mapping.begin = *begin;
  mapping.end = *end;
  mapping.is_readable = modes[0] == 'r';
  mapping.is_writable = modes[1] == 'w';
  mapping.is_executable = modes[2] == 'x';
  mapping.is_shared = modes[3] == 's';
  mapping.offset = *offset;
  mapping.inode = *inode;
  const std::size_t path = rest.find_first_not_of(' ');
  if (path != std::string_view::npos) mapping.path = rest.substr(path);
  return mapping;
}

}  // namespace heapfloor
