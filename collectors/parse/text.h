// The few ways in which kernel files write things, shared by the parsers of this folder.
//
// Every parser here is pure and total: any bytes give a value or an Error of kind malformed, whose
// `path` is left empty for the caller, who knows it. Unknown keys are ignored, so that next year's
// kernel is read by this year's agent. Thread rule: free functions over their arguments.
#pragma once

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

// An error that quotes the start of what was refused, unprintable bytes replaced.
Failure malformed(std::string_view what, std::string_view text);

// Names the file that a parser refused.
template <class T>
Result<T> with_path(Result<T> parsed, std::string_view path) {
  if (!parsed) parsed.error().path = path;
  return parsed;
}

}  // namespace heapfloor
