// The table of functions and lines of a small Go program: main.outer from kText on, with main.inner
// inlined into its second half, then main.next.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/parse/go_line_table.h"

namespace heapfloor::testing {

class GoLineWriter {
 public:
  static constexpr std::uint64_t kText = 0x401000;
  static constexpr std::uint32_t kOuterBytes = 0x40;
  static constexpr std::uint32_t kInlinedAt = 0x20;
  static constexpr std::uint32_t kNextBytes = 0x10;
  static constexpr std::uint32_t kFrameBytes = 0x18;  // of main.outer, in its second half

  explicit GoLineWriter(std::uint32_t magic = 0xfffffff1) : is_118_(magic == 0xfffffff0) {
    put(magic);
    bytes_.append(std::string("\0\0\1\x08", 4));
    bytes_.resize(8 + 8 * 8);
    put_head(0, 2);
    put_head(1, 2);
    add_texts();
    add_values();
    add_records();
    add_tree();
  }
  [[nodiscard]] const std::string& bytes() const { return bytes_; }
  [[nodiscard]] std::string& bytes() { return bytes_; }
  // The table, what was inlined and the code, one behind the other.
  [[nodiscard]] GoTables tables() const {
    return {0, tree_, kText, code_, kOuterBytes + kNextBytes, tree_};
  }
  // A call of main.next whose last byte is at this place of the code.
  void call_next_at(std::uint32_t place) {
    bytes_[code_ + place - 4] = '\xE8';
    const auto distance = static_cast<std::int32_t>(kOuterBytes - (place + 1));
    std::memcpy(bytes_.data() + code_ + place - 3, &distance, sizeof distance);
  }
  // Where its name is said to be, among the names.
  void set_inlined_name(std::uint32_t place) {
    std::memcpy(bytes_.data() + tree_ + (is_118_ ? 12 : 4), &place, sizeof place);
  }
  // Where main.inner is said to be inlined.
  void set_parent(std::uint32_t place) {
    std::memcpy(bytes_.data() + tree_ + (is_118_ ? 16 : 8), &place, sizeof place);
  }

 private:
  void put(std::uint32_t word) { bytes_.append(reinterpret_cast<const char*>(&word), sizeof word); }
  void put_head(std::size_t index, std::uint64_t word) {
    std::memcpy(bytes_.data() + 8 + index * 8, &word, sizeof word);
  }
  std::uint32_t add_text(std::string_view text, std::uint64_t start) {
    const auto offset = static_cast<std::uint32_t>(bytes_.size() - start);
    bytes_.append(text).push_back('\0');
    return offset;
  }
  void align() { bytes_.resize((bytes_.size() + 7) & ~std::size_t{7}); }

  void add_texts() {
    const std::uint64_t names = bytes_.size();
    put_head(3, names);
    outer_ = add_text("main.outer", names);
    inner_ = add_text("main.inner", names);
    next_ = add_text("main.next", names);
    align();
    put_head(4, bytes_.size());  // of the only unit
    const std::string first = "/src/outer.go";
    put(0);
    put(static_cast<std::uint32_t>(first.size() + 1));
    put_head(5, bytes_.size());
    const std::uint64_t files = bytes_.size();
    add_text(first, files);
    add_text("/src/inner.go", files);
    align();
  }

  // Changes of values in zigzag, from -1 on, and how far each holds.
  std::uint32_t add_table(const std::vector<std::pair<std::int32_t, std::uint32_t>>& values) {
    const auto offset = static_cast<std::uint32_t>(bytes_.size() - values_);
    std::int32_t before = -1;
    for (const auto& [value, length] : values) {
      const std::int32_t change = value - before;
      before = value;
      bytes_.push_back(static_cast<char>(change < 0 ? -2 * change - 1 : 2 * change));
      bytes_.push_back(static_cast<char>(length));
    }
    bytes_.push_back('\0');
    return offset;
  }

  void add_values() {
    values_ = bytes_.size();
    put_head(6, values_);
    bytes_.push_back('\0');  // an offset of 0 is none
    frames_of_outer_ =
        add_table({{0, kInlinedAt}, {static_cast<std::int32_t>(kFrameBytes), kInlinedAt}});
    files_of_outer_ = add_table({{0, kInlinedAt}, {1, kInlinedAt}});
    lines_of_outer_ = add_table({{10, kInlinedAt}, {33, kInlinedAt}});
    inlined_ = add_table({{-1, kInlinedAt}, {0, kInlinedAt}});
    files_of_next_ = add_table({{0, kNextBytes}});
    lines_of_next_ = add_table({{50, kNextBytes}});
    align();
  }

  void add_record(std::uint32_t entry, std::uint32_t name, std::uint32_t frames,
                  std::uint32_t files, std::uint32_t lines, bool has_inlined) {
    for (const std::uint32_t word :
         {entry, name, 0U, 0U, frames, files, lines, has_inlined ? 3U : 0U, 0U})
      put(word);
    if (!is_118_) put(1);  // startLine
    put(has_inlined ? 4U << 24U : 0);
    if (!has_inlined) return;
    for (const std::uint32_t word : {0U, 0U, inlined_, UINT32_MAX, UINT32_MAX, UINT32_MAX, 0U})
      put(word);
  }

  void add_records() {
    const std::uint64_t records = bytes_.size();
    put_head(7, records);
    const std::uint32_t first = 5 * 4;
    const std::uint32_t second = first + (is_118_ ? 40U : 44U) + 7 * 4;
    for (const std::uint32_t word : {0U, first, kOuterBytes, second, kOuterBytes + kNextBytes})
      put(word);
    add_record(0, outer_, frames_of_outer_, files_of_outer_, lines_of_outer_, true);
    add_record(kOuterBytes, next_, 0, files_of_next_, lines_of_next_, false);
  }

  void add_tree() {
    tree_ = bytes_.size();
    const std::vector<std::uint32_t> call =
        is_118_ ? std::vector<std::uint32_t>{0xffff, 1, 10, inner_, 0x1c}
                : std::vector<std::uint32_t>{0, inner_, 0x1c, 30};
    for (const std::uint32_t word : call) put(word);
    code_ = bytes_.size();
    bytes_.append(kOuterBytes + kNextBytes, '\x90');
  }

  bool is_118_;
  std::string bytes_;
  std::uint32_t outer_ = 0, inner_ = 0, next_ = 0;
  std::uint64_t values_ = 0, tree_ = 0, code_ = 0;
  std::uint32_t frames_of_outer_ = 0, files_of_outer_ = 0, lines_of_outer_ = 0, inlined_ = 0,
                files_of_next_ = 0, lines_of_next_ = 0;
};

}  // namespace heapfloor::testing
