// How a fuzz target says that a property does not hold: it stops, and the fuzzer keeps the input.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string_view>

#include "collectors/result.h"

namespace heapfloor::testing {

inline void require(bool holds, const char* property) {
  if (holds) return;
  std::fprintf(stderr, "property does not hold: %s\n", property);
  std::abort();
}

// The input's bytes as text.
inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

// What holds for every parser: the same text gives the same value, and a refusal is `malformed`
// with a short, printable reason.
template <class T>
void require_pure_and_total(Result<T> (*parse)(std::string_view), std::string_view text) {
  const Result<T> first = parse(text);
  const Result<T> second = parse(text);
  require(first.has_value() == second.has_value(), "parsing twice gives the same");
  if (first) {
    require(*first == *second, "parsing twice gives the same value");
    return;
  }
  require(first.error().kind == ErrorKind::malformed, "a refusal is malformed");
  require(first.error().reason.size() < 128, "a reason is short");
  for (const char byte : first.error().reason)
    require(byte >= ' ' && byte <= '~', "a reason is printable");
}

// A changed text still gives this value.
template <class T>
void require_same(const Result<T>& parsed, const T& value, const char* property) {
  require(parsed && *parsed == value, property);
}

// A size in bytes that came from kilobytes.
inline void require_size(const std::optional<std::uint64_t>& bytes) {
  require(!bytes || (*bytes % 1024 == 0 && *bytes < std::uint64_t{1} << 63),
          "a size is kilobytes below 2^63");
}

}  // namespace heapfloor::testing
