// The 95th percentile of a stream in constant memory (P-square; Jain and Chlamtac 1985).
#pragma once

#include <array>
#include <cstdint>

#include "agent/series/bytes.h"

namespace heapfloor {

class HighQuantile {
 public:
  void push(double value);
  // Before five values, the largest so far; 0 before the first.
  [[nodiscard]] double value() const;
  // The median, near enough (P-square's marker at 47.5 %).
  [[nodiscard]] double middle() const;
  [[nodiscard]] std::uint32_t count() const { return count_; }
  void clear() { *this = HighQuantile(); }

  void save(ByteWriter& out) const;
  [[nodiscard]] bool restore(ByteReader& in);  // as Pyramid::restore

 private:
  void halve();

  std::array<float, 5> heights_ = {};
  std::array<std::uint16_t, 5> positions_ = {1, 2, 3, 4, 5};
  std::uint16_t count_ = 0;
};

}  // namespace heapfloor
