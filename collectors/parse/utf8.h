// Whether bytes are UTF-8 (Unicode 15, section 3.9: no overlong forms, no surrogates, nothing above
// U+10FFFF).
//
// Thread rule: pure functions.
#pragma once

#include <cstddef>
#include <string_view>

namespace heapfloor {

// Length, 1 to 4 bytes, of the well-formed sequence at `at`, which is inside `text`; 0 where there
// is none.
std::size_t utf8_sequence_length(std::string_view text, std::size_t at);

// Whether `text` is nothing but well-formed sequences.
bool is_utf8(std::string_view text);

}  // namespace heapfloor
