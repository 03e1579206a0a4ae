#include "agent/alerts/growth_window.h"

#include <algorithm>

namespace heapfloor {

double GrowthWindow::observe(double time_seconds, double value, double seconds, bool is_counter) {
  if (is_counter && value < last_value_) {
    // It counted from 0 since: what it had grown before is kept by moving the past down.
    for (std::size_t index = 0; index < size_; ++index) points_.at(index).value -= last_value_;
  }
  const double least_gap = seconds / (kMostPoints - 2);
  if (size_ == 0 || time_seconds - points_.at(size_ - 1).time_seconds >= least_gap) {
    if (size_ == kMostPoints) {
      std::shift_left(points_.begin(), points_.end(), 1);
      --size_;
    }
    points_.at(size_++) = {time_seconds, value};
  }
  while (size_ > 1 && points_.at(1).time_seconds <= time_seconds - seconds) {
    std::shift_left(points_.begin(), points_.begin() + static_cast<std::ptrdiff_t>(size_), 1);
    --size_;
  }
  last_seconds_ = time_seconds;
  last_value_ = value;
  const double elapsed = time_seconds - points_.front().time_seconds;
  return (value - points_.front().value) / std::max(elapsed, seconds);
}

}  // namespace heapfloor
