#include "agent/top/top_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <span>

#include "agent/cli/human_text.h"
#include "agent/http/url.h"
#include "agent/top/cells.h"
#include "collectors/parse/ascii.h"

namespace heapfloor {
namespace {

constexpr std::size_t kLinesAround = 4;  // title, lists, heading, help
constexpr std::size_t kLeastName = 16;
constexpr std::size_t kMostSearch = 80;  // bytes

using Rows = std::vector<const TopRow*>;

const TopSortInfo& info(TopSort sort) { return kTopSortList.at(static_cast<std::size_t>(sort)); }

bool matches(const TopRow& row, const std::string& search) {
  const auto contains = [&search](std::string_view text) {
    return lower_case(text).find(search) != std::string::npos;
  };
  return search.empty() || contains(row.name) || contains(row.group) || contains(row.id);
}

std::optional<double> amount(const TopRow& row, TopSort sort) {
  switch (sort) {
    case TopSort::value:
      return row.value;
    case TopSort::growth:
      return row.growth ? std::optional(row.growth->estimate) : std::nullopt;
    case TopSort::floor:
      return row.floor;
    case TopSort::pid:
      return row.pid ? std::optional(static_cast<double>(*row.pid)) : std::nullopt;
    case TopSort::exhaustion:
      return row.exhaustion ? std::optional(row.exhaustion->at_seconds) : std::nullopt;
    case TopSort::name:
      break;
  }
  return std::nullopt;
}

// What is not known is last, in either direction; equals stay as the agent has them.
void sort_suspects(Rows& rows, TopSort sort, bool is_reversed) {
  // As the agent has them: by state first, which no column says alone.
  if (sort == TopSort::exhaustion && !is_reversed) return;
  const bool is_descending = info(sort).is_descending_first != is_reversed;
  std::ranges::stable_sort(rows, [&](const TopRow* left, const TopRow* right) {
    if (sort == TopSort::name)
      return is_descending ? right->name < left->name : left->name < right->name;
    const auto a = amount(*left, sort);
    const auto b = amount(*right, sort);
    if (!a || !b) return a.has_value() && !b.has_value();
    return is_descending ? *b < *a : *a < *b;
  });
}

// The rows of the list that is shown, in its order.
Rows rows_of(const TopView& view, const TopData& data) {
  Rows rows;
  if (view.list == TopList::subjects) {
    for (const TopRow& row : data.subjects.rows) rows.push_back(&row);
    return rows;
  }
  const std::string search = lower_case(view.query.search);
  for (const TopRow& row : data.suspects) {
    if (matches(row, search)) rows.push_back(&row);
  }
  sort_suspects(rows, view.suspects_sort, view.is_suspects_reversed);
  return rows;
}

std::size_t selected_index(const TopView& view, const Rows& rows) {
  const auto found =
      std::ranges::find(rows, view.selected, [](const TopRow* row) { return row->id; });
  return found == rows.end() ? 0 : static_cast<std::size_t>(found - rows.begin());
}

std::size_t body_rows(TopSize size) {
  return size.rows > kLinesAround ? size.rows - kLinesAround : 1;
}

std::string name_text(const TopRow& row) {
  std::string name = row.name.empty() ? row.id : row.name;
  if (!row.group.empty() && row.group != row.name) name += " [" + row.group + "]";
  return row.ended_seconds ? name + " (ended)" : name;
}

std::string amount_text(const std::optional<double>& amount, const TopRow& row) {
  return amount ? human_amount(*amount, row.counted) : "-";
}

std::string growth_text(const TopRow& row) {
  return row.growth ? human_growth(*row.growth, row.counted).value : "-";
}

struct Column {
  std::string_view heading;
  std::size_t width;  // 0: what is left
  bool is_right;
  int worth;  // where there is no room the least one goes first
  std::string (*text)(const TopRow& row, double now_seconds);
};

constexpr int kAlways = 100;
constexpr std::array kColumns = {
    Column{"STATE", 10, false, kAlways,
           [](const TopRow& row, double) { return row.state.empty() ? "-" : row.state; }},
    Column{"PID", 8, true, 5,
           [](const TopRow& row, double) { return row.pid ? std::to_string(*row.pid) : "-"; }},
    Column{"NAME", 0, false, kAlways, [](const TopRow& row, double) { return name_text(row); }},
    Column{"SCOPE", 9, false, 2, [](const TopRow& row, double) { return row.scope; }},
    Column{"SIGNAL", 16, false, 3, [](const TopRow& row, double) { return row.signal; }},
    Column{"VALUE", 12, true, kAlways,
           [](const TopRow& row, double) { return amount_text(row.value, row); }},
    Column{"FLOOR", 12, true, 1,
           [](const TopRow& row, double) { return amount_text(row.floor, row); }},
    Column{"GROWTH", 14, true, 10, [](const TopRow& row, double) { return growth_text(row); }},
    Column{"TO LIMIT", 16, true, 4,
           [](const TopRow& row, double now_seconds) {
             return row.exhaustion ? human_wait(*row.exhaustion, now_seconds).value
                                   : std::string("-");
           }},
};

// The columns that fit, and the width of the one that takes what is left.
struct Table {
  std::vector<const Column*> columns;
  std::size_t name_width = kLeastName;
};

Table table_for(std::size_t width) {
  Table table;
  for (const Column& column : kColumns) table.columns.push_back(&column);
  const auto needed = [&table] {
    std::size_t sum = table.columns.size() - 1;
    for (const Column* const column : table.columns) sum += column->width;
    return sum;
  };
  while (needed() + kLeastName > width) {
    const auto least = std::ranges::min_element(table.columns, {}, &Column::worth);
    if ((*least)->worth == kAlways) break;
    table.columns.erase(least);
  }
  table.name_width = width > needed() ? width - needed() : 1;
  return table;
}

// A line of cells that `text` gives for each column.
template <class Text>
std::string line_of(const Table& table, Text text) {
  std::string line;
  for (const Column* const column : table.columns) {
    if (!line.empty()) line += ' ';
    const std::size_t width = column->width == 0 ? table.name_width : column->width;
    line += column->is_right ? fit_right(text(*column), width) : fit_left(text(*column), width);
  }
  return line;
}

double now_of(const TopData& data) { return data.status ? data.status->now_seconds : 0; }

TopStyle style_of(const TopRow& row) {
  if (row.state == "leaking") return TopStyle::leaking;
  if (row.state == "suspected") return TopStyle::suspected;
  if (row.state == "recovering") return TopStyle::recovering;
  return row.state.empty() ? TopStyle::dim : TopStyle::plain;
}

std::string title_of(const TopData& data) {
  if (!data.status) return "heapfloor top  " + data.url;
  const TopStatus& status = *data.status;
  return fmt::format(
      "heapfloor {}  {} leaking, {} suspected, {} recovering; {} processes, {} series watched  {}  "
      "{}",
      status.version, status.leaking, status.suspected, status.recovering, status.processes,
      status.watched, utc_second(status.now_seconds), data.url);
}

std::string lists_of(const TopView& view, const TopData& data, std::size_t shown) {
  const bool is_suspects = view.list == TopList::suspects;
  const auto mark = [](bool is_shown, const std::string& text) {
    return is_shown ? "[" + text + "]" : " " + text + " ";
  };
  std::string line = mark(is_suspects, fmt::format("Suspects {}", data.suspects.size())) + " " +
                     mark(!is_suspects, fmt::format("Subjects {}", data.subjects.total));
  const TopSort sort = is_suspects ? view.suspects_sort : view.query.sort;
  const bool is_reversed = is_suspects ? view.is_suspects_reversed : view.query.is_reversed;
  line += fmt::format("  by {}{}", info(sort).words, is_reversed ? ", reversed" : "");
  if (!view.query.search.empty()) line += fmt::format("  with \"{}\"", view.query.search);
  const std::size_t all = is_suspects ? data.suspects.size() : data.subjects.total;
  if (shown < all) line += fmt::format("  {} of them", shown);
  return line;
}

std::string empty_text(const TopView& view, const TopData& data) {
  if (!data.status) return data.error.empty() ? "asking the agent ..." : "no answer yet";
  if (!view.query.search.empty()) return "nothing has that in its name";
  if (view.list == TopList::subjects) return "nothing was read yet";
  return data.status->watched == 0
             ? "nothing is watched yet"
             : fmt::format("nothing is suspected; a first verdict takes {}",
                           human_duration(data.status->first_verdict_seconds));
}

TopLine help_line(const TopView& view, const TopData& data, std::size_t width) {
  if (view.is_searching) return {fit_left("/" + view.query.search + "_", width), TopStyle::title};
  if (!data.error.empty()) return {fit_left(data.error, width), TopStyle::error};
  const std::string_view help =
      view.is_detail ? "q quit  esc back  up/down scroll"
                     : "q quit  tab list  enter detail  / search  t v g f n p sort, again reverses";
  return {fit_left(help, width), TopStyle::dim};
}

void add_list(std::vector<TopLine>& lines, const std::string& title,
              const std::vector<std::string>& entries, std::size_t width) {
  if (entries.empty()) return;
  lines.push_back({"", TopStyle::plain});
  lines.push_back({fit_left(title, width), TopStyle::heading});
  for (const std::string& entry : entries) {
    std::string_view mark = "- ";
    for (const std::string& line : wrap(entry, width > 2 ? width - 2 : 1)) {
      lines.push_back({std::string(mark) + line, TopStyle::plain});
      mark = "  ";
    }
  }
}

std::vector<TopLine> detail_lines(const TopRow& row, double now_seconds, std::size_t width) {
  std::vector<TopLine> lines;
  const auto add = [&](std::string_view label, const std::string& text) {
    if (!text.empty() && text != "-")
      lines.push_back({fmt::format("{:<12} {}", label, text), TopStyle::plain});
  };
  lines.push_back({name_text(row), style_of(row)});
  add("id", row.id);
  add("cgroup", row.cgroup);
  const bool is_dated = row.since_seconds > 0;
  add("state", row.state + (is_dated ? fmt::format(" since {} ({})", utc_second(row.since_seconds),
                                                   human_duration(now_seconds - row.since_seconds))
                                     : ""));
  add("severity", row.severity);
  if (row.ended_seconds) add("ended", utc_second(*row.ended_seconds));
  add("value", amount_text(row.value, row));
  add("floor", amount_text(row.floor, row));
  if (row.growth) {
    const HumanGrowth rate = human_growth(*row.growth, row.counted);
    add("growth", fmt::format("{} ({})", rate.value, rate.interval));
  }
  if (row.confidence) add("confidence", fmt::format("{:.3f}", *row.confidence));
  if (row.exhaustion) {
    const HumanWait wait = human_wait(*row.exhaustion, now_seconds);
    add("limit", fmt::format("{} ({}) {}, {}", amount_text(row.limit, row), row.limit_source,
                             wait.value, wait.interval));
  }
  for (TopLine& line : lines) line.text = fit_left(line.text, width);
  add_list(lines, "why", row.reason.empty() ? std::vector<std::string>() : std::vector{row.reason},
           width);
  add_list(lines, "what grew",
           row.cause.empty() ? std::vector<std::string>() : std::vector{row.cause}, width);
  add_list(lines, "structures", row.structures, width);
  add_list(lines, "sites", row.sites, width);
  add_list(lines, "builds", row.builds, width);
  add_list(lines, "held back by", row.held_by, width);
  return lines;
}

void draw_detail(std::vector<TopLine>& lines, TopView& view, const TopData& data, const Rows& rows,
                 TopSize size) {
  const auto all = detail_lines(*rows[selected_index(view, rows)], now_of(data), size.columns);
  const std::size_t most = body_rows(size) + 1;  // there is no heading
  const std::size_t last = all.size() > most ? all.size() - most : 0;
  view.first_detail_line = std::min(view.first_detail_line, last);
  for (std::size_t i = view.first_detail_line; i < all.size() && i < view.first_detail_line + most;
       ++i)
    lines.push_back(all[i]);
}

void draw_rows(std::vector<TopLine>& lines, TopView& view, const TopData& data, const Rows& rows,
               TopSize size) {
  const Table table = table_for(size.columns);
  lines.push_back(
      {fit_left(line_of(table, [](const Column& column) { return std::string(column.heading); }),
                size.columns),
       TopStyle::heading});
  if (rows.empty()) {
    lines.push_back({fit_left(empty_text(view, data), size.columns), TopStyle::dim});
    return;
  }
  const std::size_t selected = selected_index(view, rows);
  const std::size_t most = body_rows(size);
  const std::size_t last = rows.size() > most ? rows.size() - most : 0;
  view.first_row = std::min({view.first_row, last, selected});
  if (selected >= view.first_row + most) view.first_row = selected - most + 1;
  for (std::size_t i = view.first_row; i < rows.size() && i < view.first_row + most; ++i) {
    const TopRow& row = *rows[i];
    const std::string line =
        line_of(table, [&](const Column& column) { return column.text(row, now_of(data)); });
    lines.push_back(
        {fit_left(line, size.columns), i == selected ? TopStyle::selected : style_of(row)});
  }
}

void move(TopView& view, const Rows& rows, TopKey key, TopSize size) {
  if (rows.empty()) return;
  const std::size_t last = rows.size() - 1;
  std::size_t at = selected_index(view, rows);
  const std::size_t page = body_rows(size);
  if (key == TopKey::up) at -= at > 0 ? 1U : 0U;
  if (key == TopKey::down) at = std::min(at + 1, last);
  if (key == TopKey::page_up) at -= std::min(at, page);
  if (key == TopKey::page_down) at = std::min(at + page, last);
  if (key == TopKey::home) at = 0;
  if (key == TopKey::end) at = last;
  view.selected = rows[at]->id;
}

void scroll(TopView& view, TopKey key, TopSize size) {
  std::size_t& at = view.first_detail_line;
  const std::size_t page = body_rows(size);
  constexpr std::size_t kFar = 1U << 20U;  // draw() takes it back to the end
  if (key == TopKey::up) at -= at > 0 ? 1U : 0U;
  if (key == TopKey::down) ++at;
  if (key == TopKey::page_up) at -= std::min(at, page);
  if (key == TopKey::page_down) at += page;
  if (key == TopKey::home) at = 0;
  if (key == TopKey::end) at = kFar;
}

void press_in_search(TopView& view, const TopPress& key) {
  std::string& search = view.query.search;
  if (key.key == TopKey::enter) view.is_searching = false;
  if (key.key == TopKey::escape) {
    search.clear();
    view.is_searching = false;
  }
  if (key.key == TopKey::character && search.size() + key.character.size() <= kMostSearch)
    search += key.character;
  if (key.key == TopKey::backspace && !search.empty()) {
    constexpr auto kContinuation = [](char c) {
      return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U;
    };
    while (search.size() > 1 && kContinuation(search.back())) search.pop_back();
    search.pop_back();
  }
  view.first_row = 0;
}

void choose_sort(TopView& view, TopSort sort) {
  const bool is_suspects = view.list == TopList::suspects;
  TopSort& chosen = is_suspects ? view.suspects_sort : view.query.sort;
  bool& is_reversed = is_suspects ? view.is_suspects_reversed : view.query.is_reversed;
  is_reversed = chosen == sort && !is_reversed;
  chosen = sort;
  view.selected.clear();
  view.first_row = 0;
}

// True where it means the end.
bool press_letter(TopView& view, std::string_view letter) {
  if (letter == "q") return true;
  if (view.is_detail) return false;
  if (letter == "/") view.is_searching = true;
  for (std::size_t i = 0; i < kTopSorts; ++i) {
    if (letter == std::string_view(&kTopSortList.at(i).key, 1))
      choose_sort(view, static_cast<TopSort>(i));
  }
  return false;
}

}  // namespace

std::string TopQuery::path() const {
  std::string path = fmt::format("/api/v1/subjects?limit=1000&sort={}", info(sort).name);
  if (is_reversed) path += info(sort).is_descending_first ? "&order=asc" : "&order=desc";
  if (!search.empty()) path += "&search=" + percent_encode(search);
  return path;
}

bool press(TopView& view, const TopPress& key, const TopData& data, TopSize size) {
  if (view.is_searching) {
    press_in_search(view, key);
    return false;
  }
  const Rows rows = rows_of(view, data);
  switch (key.key) {
    case TopKey::character:
      return press_letter(view, key.character);
    case TopKey::tab:
      if (view.is_detail) break;
      view.list = view.list == TopList::suspects ? TopList::subjects : TopList::suspects;
      view.selected.clear();
      view.first_row = 0;
      break;
    case TopKey::enter:
      view.is_detail = !view.is_detail && !rows.empty();
      view.first_detail_line = 0;
      if (view.is_detail) view.selected = rows[selected_index(view, rows)]->id;
      break;
    case TopKey::escape:
      if (!view.is_detail) view.query.search.clear();
      view.is_detail = false;
      break;
    case TopKey::backspace:
      view.is_detail = false;
      break;
    default:
      if (view.is_detail) {
        scroll(view, key.key, size);
      } else {
        move(view, rows, key.key, size);
      }
  }
  return false;
}

std::vector<TopLine> draw(TopView& view, const TopData& data, TopSize size) {
  const Rows rows = rows_of(view, data);
  std::vector<TopLine> lines;
  lines.push_back({fit_left(title_of(data), size.columns), TopStyle::title});
  lines.push_back({fit_left(lists_of(view, data, rows.size()), size.columns), TopStyle::plain});
  // What was looked at may be gone from the list.
  if (view.is_detail &&
      !std::ranges::any_of(rows, [&view](const TopRow* row) { return row->id == view.selected; }))
    view.is_detail = false;
  if (view.is_detail) {
    draw_detail(lines, view, data, rows, size);
  } else {
    draw_rows(lines, view, data, rows, size);
  }
  const std::size_t above = size.rows > 0 ? size.rows - 1 : 0;
  lines.resize(std::max(above, std::size_t{1}));
  if (size.rows > 1) lines.push_back(help_line(view, data, size.columns));
  return lines;
}

std::string snapshot_text(const TopData& data, std::size_t most_rows) {
  std::string out = title_of(data) + "\n";
  const auto add = [&](const std::string& title, std::span<const TopRow> rows) {
    out += "\n" + title + "\n";
    if (rows.empty()) return;
    Table table = table_for(std::numeric_limits<std::size_t>::max() / 2);
    table.name_width = 4;
    for (const TopRow& row : rows)
      table.name_width = std::max(table.name_width, cells_of(name_text(row)));
    const auto append = [&out](std::string line) {
      line.resize(line.find_last_not_of(' ') + 1);
      out += line + "\n";
    };
    append(line_of(table, [](const Column& column) { return std::string(column.heading); }));
    for (const TopRow& row : rows)
      append(line_of(table, [&](const Column& column) { return column.text(row, now_of(data)); }));
  };
  add(fmt::format("Suspects {}", data.suspects.size()), data.suspects);
  const auto shown =
      std::span(data.subjects.rows).first(std::min(most_rows, data.subjects.rows.size()));
  add(fmt::format(
          "Subjects {}{}", data.subjects.total,
          shown.size() < data.subjects.total ? fmt::format(", the largest {}", shown.size()) : ""),
      shown);
  return out;
}

}  // namespace heapfloor
