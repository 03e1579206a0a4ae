#include "agent/top/top_screen.h"

#define NCURSES_NOMACROS 1
#define NCURSES_WIDECHAR 1
#include <curses.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cwchar>
#include <optional>
#include <string>
#include <vector>

namespace heapfloor {
namespace {

constexpr int kPatienceMs = 100;    // for a key, before the newest answers are looked at
constexpr int kEscapeDelayMs = 25;  // after which an escape is the key of that name
constexpr std::size_t kMostColumns = 1000;

constexpr short kRed = 1;
constexpr short kYellow = 2;
constexpr short kCyan = 3;

// What curses needs is set up while one of these lives, and put back when it goes.
class Terminal {
 public:
  Terminal() : screen_(::newterm(nullptr, stdout, stdin)) {
    if (screen_ == nullptr) return;
    ::set_term(screen_);
    ::cbreak();
    ::noecho();
    ::nonl();
    ::keypad(::stdscr, true);
    ::set_escdelay(kEscapeDelayMs);
    ::curs_set(0);
    ::wtimeout(::stdscr, kPatienceMs);
    const char* const no_color = std::getenv("NO_COLOR");
    const bool is_plain = no_color != nullptr && *no_color != '\0';
    has_colors_ = !is_plain && ::has_colors() && ::start_color() == OK;
    if (!has_colors_) return;
    ::use_default_colors();
    ::init_pair(kRed, COLOR_RED, -1);
    ::init_pair(kYellow, COLOR_YELLOW, -1);
    ::init_pair(kCyan, COLOR_CYAN, -1);
  }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;
  ~Terminal() {
    if (screen_ == nullptr) return;
    ::endwin();
    ::delscreen(screen_);
  }

  [[nodiscard]] bool is_open() const { return screen_ != nullptr; }

  [[nodiscard]] static TopSize size() {
    const int rows = ::getmaxy(::stdscr);
    const int columns = ::getmaxx(::stdscr);
    return {static_cast<std::size_t>(std::max(rows, 1)),
            std::min(static_cast<std::size_t>(std::max(columns, 1)), kMostColumns)};
  }

  void show(const std::vector<TopLine>& lines) const {
    ::werase(::stdscr);
    for (std::size_t i = 0; i < lines.size(); ++i) {
      const attr_t attributes = attributes_of(lines[i].style);
      ::wattron(::stdscr, static_cast<int>(attributes));
      // Behind the last cell of the last line there is no place for the cursor: no error of ours.
      ::wmove(::stdscr, static_cast<int>(i), 0);
      ::waddnstr(::stdscr, lines[i].text.data(), static_cast<int>(lines[i].text.size()));
      ::wattroff(::stdscr, static_cast<int>(attributes));
    }
    ::wrefresh(::stdscr);
  }

 private:
  [[nodiscard]] attr_t attributes_of(TopStyle style) const {
    const auto color = [this](short pair) -> attr_t {
      return has_colors_ ? static_cast<attr_t>(COLOR_PAIR(pair)) : A_NORMAL;
    };
    switch (style) {
      case TopStyle::title:
      case TopStyle::heading:
        return A_BOLD;
      case TopStyle::selected:
        return A_REVERSE;
      case TopStyle::dim:
        return A_DIM;
      case TopStyle::leaking:
      case TopStyle::error:
        return A_BOLD | color(kRed);
      case TopStyle::suspected:
        return color(kYellow);
      case TopStyle::recovering:
        return color(kCyan);
      case TopStyle::plain:
        break;
    }
    return A_NORMAL;
  }

  SCREEN* screen_ = nullptr;
  bool has_colors_ = false;
};

std::optional<TopPress> function_key(wint_t code) {
  switch (code) {
    case KEY_UP:
      return TopPress{TopKey::up, {}};
    case KEY_DOWN:
      return TopPress{TopKey::down, {}};
    case KEY_PPAGE:
      return TopPress{TopKey::page_up, {}};
    case KEY_NPAGE:
      return TopPress{TopKey::page_down, {}};
    case KEY_HOME:
      return TopPress{TopKey::home, {}};
    case KEY_END:
      return TopPress{TopKey::end, {}};
    case KEY_ENTER:
      return TopPress{TopKey::enter, {}};
    case KEY_BACKSPACE:
    case KEY_LEFT:
      return TopPress{TopKey::backspace, {}};
    default:
      return std::nullopt;  // KEY_RESIZE too: the next picture has the new size
  }
}

std::optional<TopPress> character_key(wint_t code) {
  constexpr wint_t kEscape = 27;
  constexpr wint_t kDelete = 127;
  switch (code) {
    case L'\t':
      return TopPress{TopKey::tab, {}};
    case L'\r':
    case L'\n':
      return TopPress{TopKey::enter, {}};
    case kEscape:
      return TopPress{TopKey::escape, {}};
    case L'\b':
    case kDelete:
      return TopPress{TopKey::backspace, {}};
    default:
      break;
  }
  if (code < L' ') return std::nullopt;
  std::array<char, MB_LEN_MAX> bytes{};
  std::mbstate_t state{};
  const std::size_t size = std::wcrtomb(bytes.data(), static_cast<wchar_t>(code), &state);
  if (size == static_cast<std::size_t>(-1)) return std::nullopt;
  return TopPress{TopKey::character, std::string(bytes.data(), size)};
}

// Nothing where no key was pressed for a while. `is_gone`: the terminal is.
std::optional<TopPress> next_key(bool& is_gone) {
  wint_t code = 0;
  errno = 0;
  const int kind = ::wget_wch(::stdscr, &code);
  if (kind == KEY_CODE_YES) return function_key(code);
  if (kind == OK) return character_key(code);
  is_gone = errno == EIO || errno == EBADF;
  return std::nullopt;
}

}  // namespace

Result<void> run_top_screen(TopSource& source) {
  const Terminal terminal;
  if (!terminal.is_open())
    return failure(ErrorKind::unavailable, {}, "this terminal is not known; --once prints a table");
  TopView view;
  bool is_over = false;
  while (!is_over) {
    const auto data = source.latest();
    terminal.show(draw(view, *data, Terminal::size()));
    bool is_gone = false;
    if (const auto key = next_key(is_gone)) is_over = press(view, *key, *data, Terminal::size());
    is_over = is_over || is_gone;
    source.want(view.query);
  }
  return {};
}

}  // namespace heapfloor
