// Stopwatch: how a collector that must ration its reads learns what they took.
//
// A collector looks at no clock. The few whose reads hold up the process that is read (their list
// is in tests/lint/layering.py) are handed this instead, and use it for two things: the duration of
// a read, and the age of what they keep from earlier ticks. Thread rule: any thread.
#pragma once

namespace heapfloor {

class Stopwatch {
 public:
  Stopwatch() = default;
  Stopwatch(const Stopwatch&) = delete;
  Stopwatch& operator=(const Stopwatch&) = delete;
  virtual ~Stopwatch() = default;
  // Seconds since boot, suspended time included; never backwards.
  [[nodiscard]] virtual double seconds() const = 0;
};

}  // namespace heapfloor
