// The few ways in which kernel files write things, shared by the parsers of this folder.
//
// Every parser here is pure and total: any bytes give a value or an Error of kind malformed, whose
// `path` is left empty for the caller, who knows it. Unknown keys are ignored, so that next year's
// kernel is read by this year's agent. Thread rule: free functions over their arguments.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "collectors/result.h"

namespace heapfloor {

// Cuts the next line (without its end) off `rest`. False when nothing is left.
inline bool next_line(std::string_view& rest, std::string_view& line) {
  if (rest.empty()) return false;
  const std::size_t end = rest.find('\n');
  line = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return true;
}

// A line "key: value" of a kernel file.
struct KeyedLine {
  std::string_view line;  // whole
  std::string_view key;
  std::string_view value;
};

// Cuts lines off `rest` up to and with the next one that has a colon and, unless `firsts` is empty,
// starts with one of these bytes. False when there is none; then `found.line` is the last line.
inline bool next_keyed_line(std::string_view& rest, std::string_view firsts, KeyedLine& found) {
  while (next_line(rest, found.line)) {
    const std::string_view line = found.line;
    if (!firsts.empty() && (line.empty() || firsts.find(line.front()) == std::string_view::npos)) {
      continue;
    }
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    found.key = line.substr(0, colon);
    found.value = line.substr(colon + 1);
    return true;
  }
  return false;
}

// Cuts the next token off `rest`; tokens are separated by spaces and tabs. Empty when nothing is
// left.
inline std::string_view next_token(std::string_view& rest) {
  const std::size_t start = rest.find_first_not_of(" \t");
  if (start == std::string_view::npos) {
    rest = {};
    return {};
  }
  rest.remove_prefix(start);
  const std::string_view token = rest.substr(0, rest.find_first_of(" \t"));
  rest.remove_prefix(token.size());
  return token;
}

// The whole of `token` as a decimal number; nothing when any byte is left over or it does not fit.
std::optional<std::uint64_t> parse_unsigned(std::string_view token);

// "  1234 kB" in bytes. The kernel writes kB and means 1,024 bytes
// (Documentation/filesystems/proc.rst).
std::optional<std::uint64_t> parse_kilobytes(std::string_view text);

// Where the size of one key goes in a `Record`.
template <class Record>
struct SizeField {
  std::string_view key;
  std::optional<std::uint64_t> Record::*value;
};

// Puts the size of the line into the field of its key; false when it is not a size. Keys that are
// no field are left alone.
template <class Record, std::size_t kCount>
bool read_size(const std::array<SizeField<Record>, kCount>& fields, const KeyedLine& line,
               Record& record) {
  for (const SizeField<Record>& field : fields) {
    if (field.key != line.key) continue;
    record.*field.value = parse_kilobytes(line.value);
    return (record.*field.value).has_value();
  }
  return true;
}

// An error that quotes the start of what was refused, unprintable bytes replaced.
Failure malformed(std::string_view what, std::string_view text);

// Names the file that a parser refused.
template <class T>
Result<T> with_path(Result<T> parsed, std::string_view path) {
  if (!parsed) parsed.error().path = path;
  return parsed;
}

}  // namespace heapfloor
