#include "agent/top/cells.h"

#include <langinfo.h>

#include <algorithm>
#include <clocale>
#include <cwchar>

namespace heapfloor {
namespace {

// One character of a text, and its cells.
struct Glyph {
  std::string_view bytes;
  std::size_t cells = 1;
};

// Takes the first character off `text`; what is none, or has no width, is one '?'.
Glyph take_glyph(std::string_view& text) {
  std::mbstate_t state{};
  wchar_t character = 0;
  std::size_t size = std::mbrtowc(&character, text.data(), text.size(), &state);
  const bool is_valid = size != 0 && size <= text.size();
  if (!is_valid) size = 1;
  const int width = is_valid ? ::wcwidth(character) : -1;
  const Glyph glyph = {width < 0 ? std::string_view("?") : text.substr(0, size),
                       width < 0 ? 1 : static_cast<std::size_t>(width)};
  text.remove_prefix(size);
  return glyph;
}

// As much of `text` as fits; the rest stays in it.
std::string take_cells(std::string_view& text, std::size_t width, std::size_t& used) {
  std::string taken;
  used = 0;
  while (!text.empty()) {
    std::string_view rest = text;
    const Glyph glyph = take_glyph(rest);
    if (used + glyph.cells > width) break;
    taken += glyph.bytes;
    used += glyph.cells;
    text = rest;
  }
  return taken;
}

struct Fitted {
  std::string text;
  std::size_t cells = 0;
};

Fitted cut(std::string_view text, std::size_t width) {
  Fitted fitted;
  std::string_view rest = text;
  fitted.text = take_cells(rest, width, fitted.cells);
  if (rest.empty() || width == 0) return fitted;
  rest = text;
  fitted.text = take_cells(rest, width - 1, fitted.cells);
  fitted.text += '~';
  ++fitted.cells;
  return fitted;
}

}  // namespace

void use_terminal_locale() {
  const bool is_set = std::setlocale(LC_CTYPE, "") != nullptr;
  if (!is_set || std::string_view(nl_langinfo(CODESET)) != "UTF-8")
    std::setlocale(LC_CTYPE, "C.UTF-8");
}

std::size_t cells_of(std::string_view text) {
  std::size_t cells = 0;
  while (!text.empty()) cells += take_glyph(text).cells;
  return cells;
}

std::string fit_left(std::string_view text, std::size_t width) {
  Fitted fitted = cut(text, width);
  return std::move(fitted.text) + std::string(width - fitted.cells, ' ');
}

std::string fit_right(std::string_view text, std::size_t width) {
  const Fitted fitted = cut(text, width);
  return std::string(width - fitted.cells, ' ') + fitted.text;
}

std::vector<std::string> wrap(std::string_view text, std::size_t width) {
  std::vector<std::string> lines;
  width = std::max<std::size_t>(width, 2);  // a wide character
  do {
    std::string_view rest = text;
    std::size_t used = 0;
    std::string line = take_cells(rest, width, used);
    const std::size_t space = rest.empty() ? std::string::npos : line.rfind(' ');
    if (!rest.empty() && rest.front() != ' ' && space != std::string::npos && space > 0) {
      // Back to the last space: as many bytes stay as were put behind it.
      std::string_view again = text;
      line = take_cells(again, cells_of(std::string_view(line).substr(0, space)), used);
      rest = again;
    }
    while (rest.starts_with(' ')) rest.remove_prefix(1);
    lines.push_back(std::move(line));
    text = rest;
  } while (!text.empty());
  return lines;
}

}  // namespace heapfloor
