#include "agent/exposition/text_format.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace heapfloor {
namespace {

constexpr unsigned char byte_at(std::string_view text, std::size_t at) {
  return static_cast<unsigned char>(text[at]);
}

bool is_continuation(std::string_view text, std::size_t at) {
  return at < text.size() && (byte_at(text, at) & 0xC0U) == 0x80U;
}

// Length of the well-formed UTF-8 sequence of two to four bytes at `at`, or 0. Overlong forms,
// surrogates and values above U+10FFFF are not well-formed (Unicode 15, table 3-7).
std::size_t sequence_length(std::string_view text, std::size_t at) {
  const unsigned char lead = byte_at(text, at);
  if (lead < 0xC2 || lead > 0xF4 || !is_continuation(text, at + 1)) return 0;
  if (lead < 0xE0) return 2;
  const unsigned char second = byte_at(text, at + 1);
  if (!is_continuation(text, at + 2)) return 0;
  if (lead < 0xF0) {
    const bool overlong = lead == 0xE0 && second < 0xA0;
    const bool surrogate = lead == 0xED && second > 0x9F;
    return overlong || surrogate ? 0 : 3;
  }
  if (!is_continuation(text, at + 3)) return 0;
  const bool overlong = lead == 0xF0 && second < 0x90;
  const bool too_large = lead == 0xF4 && second > 0x8F;
  return overlong || too_large ? 0 : 4;
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
  const std::size_t length = sequence_length(text, at);
  return length != 0 && is_hidden(text.substr(at, length)) ? 0 : length;
}

// The bytes of a hidden sequence are escaped one after the other: no rest of it is well-formed.
template <class Append>
void for_each_visible_part(std::string_view raw, Append append) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  for (std::size_t at = 0; at < raw.size();) {
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
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    if (c == '\\' || (quotes && c == '"')) out += '\\';
    out += c;
  }
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

std::string lower_case(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  });
  return out;
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
