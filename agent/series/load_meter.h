// LoadMeter: from what a subject has done in all to what it did a second.
#pragma once

#include <optional>

#include "agent/series/bytes.h"

namespace heapfloor {

// Totals come with the times at which they were asked for. One that stayed as it was may not have
// been read anew (an unchanged process is not), so it says nothing, and the next rate is over the
// whole time since. Not thread-safe.
class LoadMeter {
 public:
  // The mean rate since the total last moved; nothing at the first reading, without a change, and
  // where the total fell.
  std::optional<double> rate(double total, double time_seconds) {
    const bool was_known = known_;
    const double done = total - total_;
    const double elapsed = time_seconds - since_seconds_;
    if (was_known && done == 0) return std::nullopt;
    known_ = true;
    total_ = total;
    since_seconds_ = time_seconds;
    if (!was_known || done < 0 || elapsed <= 0) return std::nullopt;
    return done / elapsed;
  }
  // A rate that this meter gave at `time_seconds`, before it was restored from an older state.
  void resume(double rate, double time_seconds) {
    if (!known_ || time_seconds <= since_seconds_) return;
    total_ += rate * (time_seconds - since_seconds_);
    since_seconds_ = time_seconds;
  }

  void save(ByteWriter& out) const {
    out.put(known_);
    out.put(total_);
    out.put(since_seconds_);
  }
  [[nodiscard]] bool restore(ByteReader& in) {
    known_ = in.take_flag();
    total_ = in.take_number<double>(-kMostValue, kMostValue);
    since_seconds_ = in.take_number<double>(-kMostSeconds, kMostSeconds);
    if (in.failed()) *this = LoadMeter();
    return !in.failed();
  }

 private:
  double total_ = 0;
  double since_seconds_ = 0;
  bool known_ = false;
};

}  // namespace heapfloor
