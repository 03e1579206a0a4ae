#include "collectors/parse/memory_map.h"

#include <algorithm>

#include "collectors/parse/pid_maps.h"
#include "collectors/parse/text.h"

namespace heapfloor {
namespace {

constexpr std::string_view kDeleted = " (deleted)";

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

CodeMapping code_mapping(const PidMapping& mapping) {
  std::string_view path = mapping.path;
  const bool is_deleted = path.ends_with(kDeleted);
  if (is_deleted) path.remove_suffix(kDeleted.size());
  return {mapping.begin, mapping.end, mapping.offset,
          mapping.inode, is_deleted,  unescaped_path(path)};
}

}  // namespace

Result<std::vector<CodeMapping>> parse_code_mappings(std::string_view text) {
  std::vector<CodeMapping> mappings;
  std::string_view line;
  while (next_line(text, line)) {
    const Result<PidMapping> mapping = parse_pid_mapping(line);
    if (!mapping) return Failure(mapping.error());
    if (!mapping->is_executable) continue;
    if (mappings.size() == kMostCodeMappings) return malformed("too many mappings", line);
    mappings.push_back(code_mapping(*mapping));
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
