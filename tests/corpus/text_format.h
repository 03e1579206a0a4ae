// printf onto the end of a string; at most 511 bytes at a time.
#pragma once

#include <algorithm>
#include <array>
#include <cstdarg>
#include <cstdio>
#include <string>

namespace heapfloor {

[[gnu::format(printf, 2, 3)]] inline void print(std::string& to, const char* format, ...) {
  std::array<char, 512> buffer = {};
  std::va_list values;
  va_start(values, format);
  const int length = std::vsnprintf(buffer.data(), buffer.size(), format, values);
  va_end(values);
  to.append(buffer.data(),
            std::min(static_cast<std::size_t>(std::max(length, 0)), buffer.size() - 1));
}

}  // namespace heapfloor
