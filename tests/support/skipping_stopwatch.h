// Real durations, for tests of collectors over live processes.
#pragma once

#include <ctime>

#include "collectors/stopwatch.h"

namespace heapfloor::testing {

class SkippingStopwatch final : public Stopwatch {
 public:
  [[nodiscard]] double seconds() const override {
    struct timespec now = {};
    ::clock_gettime(CLOCK_BOOTTIME, &now);
    return skipped_seconds + static_cast<double>(now.tv_sec) +
           1e-9 * static_cast<double>(now.tv_nsec);
  }
  double skipped_seconds = 0;  // what the test lets pass between ticks
};

}  // namespace heapfloor::testing
