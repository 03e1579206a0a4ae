#include "agent/cli/replay_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <string_view>

#include "agent/cli/human_text.h"
#include "agent/exposition/signals.h"
#include "agent/exposition/text_format.h"
#include "agent/trend/explain.h"

namespace heapfloor {
namespace {

enum Column : std::uint8_t {
  series_name,
  state,
  growth,
  window,
  floor_level,
  limit,
  exhaustion,
  first_suspected,
  first_leaking,
  reason,
};
constexpr std::size_t kColumns = 10;
constexpr std::array<std::string_view, kColumns> kHeadings = {
    "SERIES", "STATE",     "GROWTH",          "WINDOW",        "FLOOR",
    "LIMIT",  "LIMIT MET", "FIRST SUSPECTED", "FIRST LEAKING", "REASON"};
// What goes first when there is no room.
constexpr std::array<Column, 6> kExpendable = {window, first_suspected, floor_level,
                                               limit,  first_leaking,   exhaustion};
constexpr std::size_t kGap = 2;
constexpr std::size_t kLeastName = 20;
constexpr std::string_view kNothing = "-";

using Cells = std::array<std::string, kColumns>;
using Widths = std::array<std::size_t, kColumns>;

std::string one_line(std::string_view name) {
  std::string text;
  for (const char c : visible_name(name)) {
    if (c == '\n') {
      text += "\\n";
    } else {
      text += c;
    }
  }
  return text.empty() ? "(no name)" : text;
}

bool begins_character(char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80; }

std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, begins_character));
}

// Bytes of the first `characters` characters.
std::size_t bytes_of(std::string_view text, std::size_t characters) {
  std::size_t at = 0;
  for (; at < text.size(); ++at) {
    if (!begins_character(text[at])) continue;
    if (characters == 0) break;
    --characters;
  }
  return at;
}

// The beginning and the end: both tell series apart.
std::string shortened(const std::string& text, std::size_t width) {
  constexpr std::string_view kCut = "...";
  const std::size_t full = width_of(text);
  if (full <= width) return text;
  const std::size_t kept = width - kCut.size();
  const std::size_t head = kept / 2;
  const std::size_t tail = full - (kept - head);
  return text.substr(0, bytes_of(text, head)) + std::string(kCut) +
         text.substr(bytes_of(text, tail));
}

std::string moment(const std::optional<double>& seconds) {
  return seconds ? utc_minute(*seconds) : std::string(kNothing);
}

Cells cells_of(const ReplaySummary& summary) {
  const Verdict& verdict = summary.verdict;
  Cells cells;
  cells.fill(std::string(kNothing));
  cells[series_name] = one_line(summary.series);
  cells[state] = leak_state_name(summary.state);
  if (const auto known = known_growth(verdict)) {
    const HumanGrowth text = human_growth(*known, summary.counted);
    cells[growth] = text.value + " (" + text.interval + ")";
    cells[window] = human_duration(verdict.window_end_seconds - verdict.window_start_seconds);
  }
  if (const auto known = known_floor(verdict))
    cells[floor_level] = human_amount(*known, summary.counted);
  if (verdict.limit) cells[limit] = human_amount(*verdict.limit, summary.counted);
  if (const auto shown = shown_exhaustion(summary.state, verdict)) {
    const HumanWait wait = human_wait(*shown, summary.last_seconds.value_or(0));
    cells[exhaustion] = wait.value + " (" + wait.interval + ")";
  }
  cells[first_suspected] = moment(summary.first_suspected_seconds);
  cells[first_leaking] = moment(summary.first_leaking_seconds);
  cells[reason] = one_line(explain(verdict, summary.last_seconds.value_or(0), summary.counted));
  return cells;
}

// Which columns are shown, how wide, and whether the sentence stands in its own line.
struct Layout {
  Widths widths = {};
  std::array<bool, kColumns> shown = {};
  bool reason_below = false;

  [[nodiscard]] std::size_t width() const {
    std::size_t sum = 0;
    for (std::size_t i = 0; i < kColumns; ++i)
      if (shown[i]) sum += widths[i] + (i == 0 ? 0 : kGap);
    return sum;
  }
};

Layout layout_of(const std::vector<Cells>& rows, std::size_t width) {
  Layout layout;
  layout.shown.fill(true);
  for (std::size_t i = 0; i < kColumns; ++i) {
    layout.widths[i] = kHeadings[i].size();
    bool is_known = rows.empty();
    for (const Cells& row : rows) {
      layout.widths[i] = std::max(layout.widths[i], width_of(row[i]));
      is_known = is_known || row[i] != kNothing;
    }
    layout.shown[i] = is_known;
  }
  if (width == 0 || layout.width() <= width) return layout;
  layout.reason_below = true;
  layout.shown[reason] = false;
  std::size_t& name_width = layout.widths[series_name];
  const auto shrink_name = [&] {
    if (layout.width() <= width) return true;
    const std::size_t excess = layout.width() - width;
    if (name_width < kLeastName + excess) return false;
    name_width -= excess;
    return true;
  };
  for (const Column column : kExpendable) {
    if (shrink_name()) return layout;
    layout.shown[column] = false;
  }
  if (!shrink_name()) name_width = std::min(name_width, kLeastName);
  return layout;
}

std::string_view colour_of(LeakState leak_state) {
  constexpr std::array<std::string_view, kLeakStates> kColours = {"\x1b[2m", "\x1b[32m", "\x1b[33m",
                                                                  "\x1b[1;31m", "\x1b[36m"};
  return kColours.at(static_cast<std::size_t>(leak_state));
}

bool is_number(std::size_t column) { return column == floor_level || column == limit; }

// `colour` is of the cell of the state.
void put_row(std::string& out, const Layout& layout, const Cells& cells, std::string_view colour) {
  std::string line;
  for (std::size_t i = 0; i < kColumns; ++i) {
    if (!layout.shown[i]) continue;
    if (i != 0) line.append(kGap, ' ');
    const std::string text = i == series_name ? shortened(cells[i], layout.widths[i]) : cells[i];
    const std::size_t padding = layout.widths[i] - std::min(layout.widths[i], width_of(text));
    if (is_number(i)) line.append(padding, ' ');
    if (i == state && !colour.empty()) {
      line += fmt::format("{}{}\x1b[0m", colour, text);
    } else {
      line += text;
    }
    if (!is_number(i)) line.append(padding, ' ');
  }
  line.erase(line.find_last_not_of(' ') + 1);
  out += line + "\n";
}

// In lines of `width`, broken at blanks, below the row.
void put_below(std::string& out, std::string_view text, std::size_t width) {
  constexpr std::string_view kIndent = "    ";
  const std::size_t room = std::max<std::size_t>(width, 40) - kIndent.size();
  while (!text.empty()) {
    std::size_t bytes = bytes_of(text, room);
    if (bytes < text.size()) {
      const std::size_t blank = text.substr(0, bytes + 1).find_last_of(' ');
      if (blank != std::string_view::npos && blank > 0) bytes = blank;
    }
    out += std::string(kIndent) + std::string(text.substr(0, bytes)) + "\n";
    text.remove_prefix(bytes);
    text.remove_prefix(std::min(text.size(), text.find_first_not_of(' ')));
  }
}

}  // namespace

std::size_t ReplayCounts::total() const {
  return std::accumulate(series.begin(), series.end(), std::size_t{0});
}

ReplayCounts count_states(const std::vector<ReplaySummary>& series) {
  ReplayCounts counts;
  for (const ReplaySummary& summary : series)
    ++counts.series.at(static_cast<std::size_t>(summary.state));
  return counts;
}

std::string replay_counts_text(const ReplayCounts& counts) {
  std::string text = fmt::format("{} series: {} leaking, {} suspected, ", counts.total(),
                                 counts.of(LeakState::leaking), counts.of(LeakState::suspected));
  if (counts.of(LeakState::recovering) > 0)
    text += fmt::format("{} recovering, ", counts.of(LeakState::recovering));
  text += fmt::format("{} stable, {} learning", counts.of(LeakState::stable),
                      counts.of(LeakState::learning));
  if (counts.unread_files > 0) {
    text += fmt::format(
        "; {} could not be read",
        counts.unread_files == 1 ? "1 file" : fmt::format("{} files", counts.unread_files));
  }
  return text;
}

std::string replay_table(const std::vector<ReplaySummary>& series,
                         const ReplayTableOptions& options) {
  std::vector<Cells> rows;
  rows.reserve(series.size());
  for (const ReplaySummary& summary : series) rows.push_back(cells_of(summary));
  const Layout layout = layout_of(rows, options.width);
  std::string out;
  Cells headings;
  std::ranges::copy(kHeadings, headings.begin());
  put_row(out, layout, headings, {});
  for (std::size_t i = 0; i < rows.size(); ++i) {
    put_row(out, layout, rows[i], options.colour ? colour_of(series[i].state) : "");
    if (layout.reason_below) put_below(out, rows[i][reason], options.width);
  }
  return out;
}

}  // namespace heapfloor
