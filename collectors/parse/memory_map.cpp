#include "collectors/parse/memory_map.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "collectors/parse/text.h"

namespace heapfloor {
namespace {

constexpr std::string_view kDeleted = " (deleted)";
constexpr std::size_t kPermissions = 4;  // rwxp

std::optional<std::uint64_t> parse_hex(std::string_view digits) {
  std::uint64_t value = 0;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

// The kernel writes a line end in a path as \012, and nothing else (seq_path(m, path, "\n")).
std::string unescaped_path(std::string_view text) {
  constexpr std::string_view kLineEnd = "\\012";
  std::string plain;
  plain.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const bool is_line_end = text.substr(at).starts_with(kLineEnd);
    plain.push_back(is_line_end ? '\n' : text[at]);
    at += is_line_end ? kLineEnd.size() : 1;
  }
  return plain;
}

bool read_range(std::string_view token, CodeMapping& mapping) {
  const std::size_t dash = token.find('-');
  if (dash == std::string_view::npos) return false;
  const auto start = parse_hex(token.substr(0, dash));
  const auto end = parse_hex(token.substr(dash + 1));
  if (!start || !end || *start >= *end) return false;
  mapping.start = *start;
  mapping.end = *end;
  return true;
}

void read_path(std::string_view rest, CodeMapping& mapping) {
  const std::size_t start = rest.find_first_not_of(" \t");
  if (start == std::string_view::npos) return;
  rest.remove_prefix(start);
  mapping.is_deleted = rest.ends_with(kDeleted);
  if (mapping.is_deleted) rest.remove_suffix(kDeleted.size());
  mapping.path = unescaped_path(rest);
}

}  // namespace

Result<std::vector<CodeMapping>> parse_code_mappings(std::string_view text) {
  std::vector<CodeMapping> mappings;
  std::string_view line;
  while (next_line(text, line)) {
    std::string_view rest = line;
    CodeMapping mapping;
    if (!read_range(next_token(rest), mapping)) return malformed("no range of addresses", line);
    const std::string_view permissions = next_token(rest);
    if (permissions.size() != kPermissions) return malformed("no permissions", line);
    if (permissions[2] != 'x') continue;
    const auto offset = parse_hex(next_token(rest));
    (void)next_token(rest);  // the device, which another one may be by the next mount
    const auto inode = parse_unsigned(next_token(rest));
    if (!offset || !inode) return malformed("no offset and inode", line);
    mapping.offset = *offset;
    mapping.inode = *inode;
    read_path(rest, mapping);
    if (mappings.size() == kMostCodeMappings) return malformed("too many mappings", line);
    mappings.push_back(std::move(mapping));
  }
  std::ranges::stable_sort(mappings, {}, &CodeMapping::start);
  return mappings;
}

const CodeMapping* find_mapping(const std::vector<CodeMapping>& mappings, std::uint64_t address) {
  auto next = std::ranges::upper_bound(mappings, address, {}, &CodeMapping::start);
  if (next == mappings.begin()) return nullptr;
  --next;
  return address < next->end ? &*next : nullptr;
}

}  // namespace heapfloor
