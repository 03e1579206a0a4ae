// GrowthWindow: how fast a figure has grown over the last so many seconds.
//
// Keeps at most kMostPoints points, thinned evenly. Pure: times come from the caller. Not
// thread-safe: the owner locks.
#pragma once

#include <array>
#include <cstddef>

namespace heapfloor {

class GrowthWindow {
 public:
  // One reading more, later than those before; of a counter, one that fell has begun anew.
  // `seconds` is the window, the same in every call. Returns the growth a second, averaged over the
  // window: what is younger counts as if it had not grown before. Where it was not read for longer,
  // over the time since it was.
  double observe(double time_seconds, double value, double seconds, bool is_counter);
  [[nodiscard]] double last_seconds() const { return last_seconds_; }

  static constexpr std::size_t kMostPoints = 16;

 private:
  struct Point {
    double time_seconds = 0;
    double value = 0;
  };
  std::array<Point, kMostPoints> points_ = {};
  std::size_t size_ = 0;
  double last_seconds_ = 0;
  double last_value_ = 0;
};

}  // namespace heapfloor
