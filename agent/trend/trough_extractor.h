// Finds the troughs of an unmarked sawtooth: the low points that a compaction left behind.
#pragma once

#include <optional>

#include "agent/series/bytes.h"

namespace heapfloor {

struct Trough {
  double time_seconds = 0;  // of the low point, not of its confirmation
  double value = 0;
  double peak = 0;  // the height from which the series fell
};

// A zigzag filter: a fall by `fall_ratio` of the peak opens a trough; its low point counts once
// `regain_ratio` of the fall is regained. O(1) a reading; finite readings only.
class TroughExtractor {
 public:
  TroughExtractor(double fall_ratio, double regain_ratio)
      : fall_ratio_(static_cast<float>(fall_ratio)),
        regain_ratio_(static_cast<float>(regain_ratio)) {}

  std::optional<Trough> push(double time_seconds, double value);
  void clear();

  void save(ByteWriter& out) const;
  [[nodiscard]] bool restore(ByteReader& in);  // as Pyramid::restore; the ratios stay

 private:
  float fall_ratio_;
  float regain_ratio_;
  double low_time_seconds_ = 0;
  double peak_ = 0;
  double low_ = 0;
  bool started_ = false;
  bool falling_ = false;
};

}  // namespace heapfloor
