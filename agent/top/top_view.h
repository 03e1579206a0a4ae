// The screen of `heapfloor top`: what a key does to it, and its lines. No terminal is needed.
//
// Thread rule: plain values and pure functions.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/top/top_data.h"

namespace heapfloor {

struct TopData {
  std::string url;  // of the agent
  std::optional<TopStatus> status;
  std::vector<TopRow> suspects;  // as the agent sorts them: the most urgent first
  TopSubjects subjects;          // as the query asked
  std::string error;             // of the last attempt; what is there is older then
};

enum class TopList : std::uint8_t { suspects, subjects };

enum class TopSort : std::uint8_t { exhaustion, value, growth, floor, name, pid };
inline constexpr std::size_t kTopSorts = 6;
struct TopSortInfo {
  char key;                  // that chooses it
  std::string_view name;     // the parameter `sort` of /api/v1/subjects
  bool is_descending_first;  // as the agent has it without an order
  std::string_view words;    // "by ..."
};
inline constexpr std::array<TopSortInfo, kTopSorts> kTopSortList = {
    {{'t', "exhaustion", false, "time to the limit"},
     {'v', "value", true, "value"},
     {'g', "growth", true, "growth"},
     {'f', "floor", true, "floor"},
     {'n', "name", false, "name"},
     {'p', "pid", false, "pid"}}};

// What is to be asked of the agent for the list of subjects.
struct TopQuery {
  TopSort sort = TopSort::value;
  bool is_reversed = false;
  std::string search;
  friend bool operator==(const TopQuery&, const TopQuery&) = default;
  // "/api/v1/subjects?...".
  [[nodiscard]] std::string path() const;
};

struct TopView {
  TopList list = TopList::suspects;
  TopSort suspects_sort = TopSort::exhaustion;
  bool is_suspects_reversed = false;
  TopQuery query;             // of the subjects; its search is also that of the suspects
  bool is_searching = false;  // the keys are letters of it
  std::string selected;       // id of the row; empty: the first
  std::size_t first_row = 0;  // that is shown
  bool is_detail = false;
  std::size_t first_detail_line = 0;
};

struct TopSize {
  std::size_t rows = 24;
  std::size_t columns = 80;
};

enum class TopKey : std::uint8_t {
  character,
  up,
  down,
  page_up,
  page_down,
  home,
  end,
  tab,
  enter,
  escape,
  backspace,
};
struct TopPress {
  TopKey key = TopKey::character;
  std::string character;  // UTF-8, of TopKey::character
};

// Does what the key means; true where it means the end.
[[nodiscard]] bool press(TopView& view, const TopPress& key, const TopData& data, TopSize size);

enum class TopStyle : std::uint8_t {
  plain,
  title,
  heading,
  dim,
  selected,
  leaking,
  suspected,
  recovering,
  error
};
struct TopLine {
  std::string text;  // at most as wide as the screen
  TopStyle style = TopStyle::plain;
};

// At most size.rows lines. Keeps the selected row in sight, for which `view` may change.
[[nodiscard]] std::vector<TopLine> draw(TopView& view, const TopData& data, TopSize size);

// Both lists as text in columns as wide as they need, `most_rows` of the subjects.
[[nodiscard]] std::string snapshot_text(const TopData& data, std::size_t most_rows);

}  // namespace heapfloor
