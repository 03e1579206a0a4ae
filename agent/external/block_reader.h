// A stream in blocks, of which the next can be looked at before it is taken.
#pragma once

#include <istream>
#include <string>
#include <string_view>

namespace heapfloor {

// Not thread-safe. The stream must outlive the reader.
class BlockReader {
 public:
  explicit BlockReader(std::istream& input) : input_(input) {}

  // The next block without taking it; empty at the end. Valid until the next take().
  [[nodiscard]] std::string_view peek() {
    if (!peeked_) fill();
    peeked_ = true;
    return block_;
  }
  // The next block; empty at the end. Valid until the next peek() or take().
  [[nodiscard]] std::string_view take() {
    if (!peeked_) fill();
    peeked_ = false;
    return block_;
  }
  // Whether the stream ended because it could not be read.
  [[nodiscard]] bool failed() const { return input_.bad(); }

 private:
  void fill() {
    constexpr std::size_t kBlockBytes = std::size_t{64} * 1024;
    block_.resize(kBlockBytes);
    input_.read(block_.data(), static_cast<std::streamsize>(block_.size()));
    block_.resize(static_cast<std::size_t>(input_.gcount()));
  }

  std::istream& input_;
  std::string block_;
  bool peeked_ = false;
};

}  // namespace heapfloor
