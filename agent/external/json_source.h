// The characters of a JSON document with their place in it, as the parser's input.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string_view>

#include "agent/external/block_reader.h"

namespace heapfloor {

// Ends early, and says so, after `most_bytes`. Not thread-safe.
class JsonSource {
 public:
  JsonSource(BlockReader& input, std::size_t most_bytes) : input_(input), most_bytes_(most_bytes) {}

  [[nodiscard]] bool at_end() {
    if (position_ < block_.size()) return false;
    if (is_too_long()) return true;
    block_ = input_.take();
    position_ = 0;
    taken_bytes_ += block_.size();
    return block_.empty();
  }
  // Not at the end.
  [[nodiscard]] char current() const { return block_[position_]; }
  void advance() {
    if (last_ == '\n') {
      ++line_;
      column_ = 0;
    }
    last_ = block_[position_++];
    ++column_;
  }
  [[nodiscard]] bool is_too_long() const { return taken_bytes_ > most_bytes_; }
  // The place of the last character taken, from 1.
  [[nodiscard]] std::uint64_t line() const { return line_; }
  [[nodiscard]] std::uint64_t column() const { return column_ == 0 ? 1 : column_; }

 private:
  BlockReader& input_;
  std::string_view block_;
  std::size_t position_ = 0;
  std::size_t taken_bytes_ = 0;
  std::size_t most_bytes_;
  std::uint64_t line_ = 1;
  std::uint64_t column_ = 0;
  char last_ = '\0';
};

// The parser takes a pair of iterators; all of them are at the source's place.
class JsonIterator {
 public:
  // NOLINTBEGIN(readability-identifier-naming): std::iterator_traits asks for these
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = char;
  // NOLINTEND(readability-identifier-naming)

  JsonIterator() = default;  // the end
  explicit JsonIterator(JsonSource& source) : source_(&source) {}

  char operator*() const { return source_->current(); }
  JsonIterator& operator++() {
    source_->advance();
    return *this;
  }
  friend bool operator==(const JsonIterator& a, const JsonIterator& b) {
    return a.is_at_end() == b.is_at_end();
  }

 private:
  [[nodiscard]] bool is_at_end() const { return source_ == nullptr || source_->at_end(); }

  JsonSource* source_ = nullptr;
};

}  // namespace heapfloor
