#include "agent/exposition/text_format.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "collectors/parse/utf8.h"

namespace heapfloor {
namespace {

constexpr unsigned char byte_at(std::string_view text, std::size_t at) {
  return static_cast<unsigned char>(text[at]);
}

struct CodeRange {
  std::uint32_t first;
  std::uint32_t last;
};

// What is well-formed and beyond ASCII, but is not to be shown as it is.
constexpr std::array<CodeRange, 6> kHidden = {{{0x80, 0x9F},
                                               {0x61C, 0x61C},
                                               {0x200E, 0x200F},
                                               {0x2028, 0x202E},
                                               {0x2066, 0x2069},
                                               {0xFEFF, 0xFEFF}}};

// Of a well-formed sequence of two to four bytes.
bool is_hidden(std::string_view sequence) {
  std::uint32_t code = byte_at(sequence, 0) & (0x7FU >> sequence.size());
  for (std::size_t i = 1; i < sequence.size(); ++i) {
    code = code << 6U | (byte_at(sequence, i) & 0x3FU);
  }
  return std::ranges::any_of(kHidden, [code](const CodeRange& range) {
    return range.first <= code && code <= range.last;
  });
}

// Length of the part at `at` that is shown as it is, or 0.
std::size_t visible_length(std::string_view text, std::size_t at) {
  const unsigned char byte = byte_at(text, at);
  if (byte < 0x80) {
    const bool marker = byte == '\\' && at + 1 < text.size() && text[at + 1] == 'x';
    const bool plain = (byte >= 0x20 && byte != 0x7F) || byte == '\n';
    return plain && !marker ? 1 : 0;
  }
  const std::size_t length = utf8_sequence_length(text, at);
  return length != 0 && is_hidden(text.substr(at, length)) ? 0 : length;
}

// How many bytes from `at` on are ASCII that is always shown as it is: nearly all of most names.
std::size_t plain_length(std::string_view text, std::size_t at) {
  std::size_t end = at;
  while (end < text.size() && text[end] >= ' ' && text[end] <= '~' && text[end] != '\\') ++end;
  return end - at;
}

// The bytes of a hidden sequence are escaped one after the other: no rest of it is well-formed.
template <class Append>
void for_each_visible_part(std::string_view raw, Append append) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  for (std::size_t at = 0; at < raw.size();) {
    if (const std::size_t length = plain_length(raw, at); length != 0) {
      append(raw.substr(at, length));
      at += length;
      continue;
    }
    if (const std::size_t length = visible_length(raw, at); length != 0) {
      append(raw.substr(at, length));
      at += length;
      continue;
    }
    const unsigned char byte = byte_at(raw, at);
    const std::array<char, 4> escaped = {'\\', 'x', kHex[byte >> 4U], kHex[byte & 0xFU]};
    append(std::string_view(escaped.data(), escaped.size()));
    ++at;
  }
}

void append_escaped(std::string& out, std::string_view text, bool quotes) {
  std::size_t begin = 0;  // of what is not appended yet
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (c != '\n' && c != '\\' && !(quotes && c == '"')) continue;
    out.append(text, begin, at - begin);
    out += '\\';
    out += c == '\n' ? 'n' : c;
    begin = at + 1;
  }
  out.append(text, begin);
}

}  // namespace

std::string visible_name(std::string_view raw) {
  std::string out;
  out.reserve(raw.size());
  for_each_visible_part(raw, [&out](std::string_view part) { out += part; });
  return out;
}

void append_label_value(std::string& out, std::string_view raw) {
  for_each_visible_part(raw, [&out](std::string_view part) { append_escaped(out, part, true); });
}

void append_help(std::string& out, std::string_view text, bool escape_quotes) {
  append_escaped(out, text, escape_quotes);
}

char* write_number(char* out, double value) {
  constexpr double kTwoTo63 = 9223372036854775808.0;
  if (!std::isfinite(value)) {
    const std::string_view word = std::isnan(value) ? "NaN" : (value < 0 ? "-Inf" : "+Inf");
    return std::ranges::copy(word, out).out;
  }
  if (value > -kTwoTo63 && value < kTwoTo63) {
    const auto whole = static_cast<std::int64_t>(value);
    if (static_cast<double>(whole) == value) {
      return std::to_chars(out, out + kNumberRoom, whole).ptr;
    }
  }
  return std::to_chars(out, out + kNumberRoom, value).ptr;
}

void append_number(std::string& out, double value) {
  std::array<char, kNumberRoom> text{};
  const char* const end = write_number(text.data(), value);
  out.append(text.data(), static_cast<std::size_t>(end - text.data()));
}

}  // namespace heapfloor
