// A clock that goes when the test says so. Any thread may look at it while the test moves it.
#pragma once

#include <atomic>

#include "agent/clock.h"

namespace heapfloor {

class FakeClock final : public Clock {
 public:
  [[nodiscard]] double steady_seconds() const override { return steady_seconds_; }
  [[nodiscard]] double wall_seconds() const override {
    return steady_seconds_ + wall_offset_seconds_;
  }
  [[nodiscard]] bool wait_until(double /*deadline_seconds*/,
                                const std::stop_token& stop) const override {
    return !stop.stop_requested();
  }
  void set_wall_offset(double seconds) { wall_offset_seconds_ = seconds; }
  void advance(double seconds) { steady_seconds_ = steady_seconds_ + seconds; }

 private:
  std::atomic<double> steady_seconds_ = 1000;
  std::atomic<double> wall_offset_seconds_ = 1.7e9;
};

}  // namespace heapfloor
