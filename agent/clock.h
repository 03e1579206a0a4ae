// Time, injected. Only clock.cpp asks the machine for it; collectors, stores and the detector get
// times in their data.
#pragma once

#include <stop_token>

namespace heapfloor {

class Clock {
 public:
  Clock() = default;
  Clock(const Clock&) = delete;
  Clock& operator=(const Clock&) = delete;
  virtual ~Clock() = default;

  // Seconds since boot, suspended time included (CLOCK_BOOTTIME, clock_gettime(2)): the axis of
  // every series. It never runs backwards, whatever is done to the machine's date.
  [[nodiscard]] virtual double steady_seconds() const = 0;
  // Seconds since 1970-01-01 UTC; may jump.
  [[nodiscard]] virtual double wall_seconds() const = 0;
  // Blocks until steady_seconds() reaches `deadline_seconds` (true) or a stop is requested (false).
  // Thread-safe.
  [[nodiscard]] virtual bool wait_until(double deadline_seconds,
                                        const std::stop_token& stop) const = 0;
};

class SystemClock final : public Clock {
 public:
  [[nodiscard]] double steady_seconds() const override;
  [[nodiscard]] double wall_seconds() const override;
  [[nodiscard]] bool wait_until(double deadline_seconds,
                                const std::stop_token& stop) const override;
};

}  // namespace heapfloor
