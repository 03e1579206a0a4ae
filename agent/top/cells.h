// How many cells of a terminal a text takes.
//
// By wcwidth(3) of the process's locale, which is UTF-8 (use_terminal_locale()).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace heapfloor {

// The locale of the environment, or C.UTF-8 where that one is not UTF-8. Once, before any thread.
void use_terminal_locale();

[[nodiscard]] std::size_t cells_of(std::string_view text);

// The text in exactly `width` cells: filled with spaces, or cut with a '~' as the last. What is no
// character of this terminal becomes '?'.
[[nodiscard]] std::string fit_left(std::string_view text, std::size_t width);
[[nodiscard]] std::string fit_right(std::string_view text, std::size_t width);

// In lines of at most `width` cells, broken at spaces where there are some; at least one line.
[[nodiscard]] std::vector<std::string> wrap(std::string_view text, std::size_t width);

}  // namespace heapfloor
