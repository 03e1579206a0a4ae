// Running median of the last five readings, so that one or two bad readings cannot make a floor.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "agent/series/bytes.h"

namespace heapfloor {

// Delays a change by two readings. Before five readings, the upper median of those that exist.
class MedianOfFive {
 public:
  double push(double value) {
    last_[next_] = static_cast<float>(value);
    next_ = static_cast<std::uint8_t>((next_ + 1) % last_.size());
    count_ = static_cast<std::uint8_t>(std::min<std::size_t>(count_ + 1U, last_.size()));
    // By insertion: of five it is the quickest, and g++ 12 warns of std::sort over so few.
    std::array<float, 5> sorted = {};
    for (std::size_t i = 0; i < count_; ++i) {
      std::size_t at = i;
      for (; at > 0 && sorted.at(at - 1) > last_.at(i); --at) sorted.at(at) = sorted.at(at - 1);
      sorted.at(at) = last_.at(i);
    }
    return static_cast<double>(sorted.at(count_ / 2U));
  }

  void clear() { *this = MedianOfFive(); }

  void save(ByteWriter& out) const {
    for (const float value : last_) out.put(value);
    out.put(next_);
    out.put(count_);
  }
  [[nodiscard]] bool restore(ByteReader& in) {  // as Pyramid::restore
    for (float& value : last_) value = in.take_number<float>(0, kMostValue);
    next_ = in.take_at_most<std::uint8_t>(4);
    count_ = in.take_at_most<std::uint8_t>(5);
    in.require(count_ == 5 || next_ == count_);
    if (in.failed()) clear();
    return !in.failed();
  }

 private:
  std::array<float, 5> last_ = {};
  std::uint8_t next_ = 0;
  std::uint8_t count_ = 0;
};

}  // namespace heapfloor
