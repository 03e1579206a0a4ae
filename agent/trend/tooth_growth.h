// Whether the teeth of a sawtooth grow with its floor, as they do where a collector waits for a
// multiple of the live size: a weighted regression of heights on floors in constant memory.
#pragma once

#include "agent/series/bytes.h"

namespace heapfloor {

class ToothGrowth {
 public:
  // One tooth: the floor that it ended on, and its height above it. Finite and not negative.
  void push(double floor, double height);

  // Bytes that a tooth grows by for each byte that the floor rises. All 0 while that cannot be
  // told: fewer than eight teeth, or floors that do not differ.
  struct Estimate {
    double ratio = 0;
    double deviation = 0;  // standard error
  };
  [[nodiscard]] Estimate estimate() const;
  void clear() { *this = ToothGrowth(); }

  void save(ByteWriter& out) const;
  [[nodiscard]] bool restore(ByteReader& in);  // as Pyramid::restore

 private:
  float weight_ = 0;  // of all teeth, each of which loses 1/64 when another comes
  float floor_ = 0;   // weighted means
  float height_ = 0;
  float floor_squares_ = 0;  // weighted sums about them
  float height_squares_ = 0;
  float products_ = 0;
};

}  // namespace heapfloor
