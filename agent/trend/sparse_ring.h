// The last compaction points of a series whose compactions are too rare for buckets: a nightly
// collection, an old generation that fills for hours. Tested by the exact distribution, from five
// points on.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "agent/trend/pyramid.h"

namespace heapfloor {

// Keeps eight points. A point nearer than 10 % of the usual gap to its predecessor is the same
// compaction and merges with it by minimum, so the newest point may still sink and is left out of
// the test.
class SparseRing {
 public:
  static constexpr std::size_t kPoints = 8;

  // Returns whether the point opened a new slot, that is whether the points before it are final.
  bool push(double time_seconds, double value);

  // The final points, at most seven, oldest first. bucket_seconds is their usual gap.
  void read(FloorWindow& window) const;
  [[nodiscard]] std::size_t size() const { return count_; }
  [[nodiscard]] double usual_gap_seconds() const;
  [[nodiscard]] double newest_seconds() const { return newest_seconds_; }
  void clear() { *this = SparseRing(); }

  void save(ByteWriter& out) const;
  [[nodiscard]] bool restore(ByteReader& in);  // as Pyramid::restore

 private:
  double newest_seconds_ = 0;
  std::array<float, kPoints - 1> gaps_seconds_ = {};  // from each point to the one after it
  std::array<float, kPoints> values_ = {};
  float evicted_maximum_ = 0;
  std::uint8_t count_ = 0;
  bool evicted_ = false;
};

}  // namespace heapfloor
