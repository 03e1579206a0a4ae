#include "agent/trend/trough_extractor.h"

#include <algorithm>

namespace heapfloor {

std::optional<Trough> TroughExtractor::push(double time_seconds, double value) {
  if (!started_) {
    started_ = true;
    peak_ = value;
    return std::nullopt;
  }
  if (!falling_) {
    peak_ = std::max(peak_, value);
    falling_ = peak_ > 0 && value <= peak_ * (1 - static_cast<double>(fall_ratio_));
    low_ = value;
    low_time_seconds_ = time_seconds;
    return std::nullopt;
  }
  if (value < low_) {
    low_ = value;
    low_time_seconds_ = time_seconds;
    return std::nullopt;
  }
  if (value <= low_ + static_cast<double>(regain_ratio_) * (peak_ - low_)) {
    return std::nullopt;
  }
  const Trough trough{low_time_seconds_, low_, peak_};
  falling_ = false;
  peak_ = value;
  return trough;
}

void TroughExtractor::clear() {
  started_ = false;
  falling_ = false;
  low_time_seconds_ = 0;
  peak_ = 0;
  low_ = 0;
}

void TroughExtractor::save(ByteWriter& out) const {
  out.put(low_time_seconds_);
  out.put(peak_);
  out.put(low_);
  out.put(started_);
  out.put(falling_);
}

bool TroughExtractor::restore(ByteReader& in) {
  low_time_seconds_ = in.take_number<double>(-kMostSeconds, kMostSeconds);
  peak_ = in.take_number<double>(0, kMostValue);
  low_ = in.take_number<double>(0, kMostValue);
  started_ = in.take_flag();
  falling_ = in.take_flag();
  if (in.failed()) clear();
  return !in.failed();
}

}  // namespace heapfloor
