// ThinningRing: readings of a subject from its beginning to now, in bounded memory.
//
// Full, every second one is dropped and the next are taken half as often. A reading has a member
// `time_seconds`. Not thread-safe: the owner locks.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace heapfloor {

template <class Reading>
class ThinningRing {
 public:
  static constexpr std::size_t kReadings = 64;
  static constexpr std::size_t kLeastReadings = 8;  // that a growth is told of

  // Readings come in the order of their times.
  void add(const Reading& reading) {
    if (++skipped_ < stride_ && !readings_.empty()) return;
    skipped_ = 0;
    if (readings_.size() == kReadings) {
      for (std::size_t i = 0; i < kReadings / 2; ++i) readings_[i] = readings_[2 * i];
      readings_.resize(kReadings / 2);
      stride_ *= 2;
    }
    readings_.push_back(reading);
  }

  // Those since then; none where there are fewer than kLeastReadings.
  [[nodiscard]] std::span<const Reading> since(double start_seconds) const {
    const auto first =
        std::ranges::lower_bound(readings_, start_seconds, {}, &Reading::time_seconds);
    const std::span<const Reading> since(first, readings_.end());
    return since.size() < kLeastReadings ? std::span<const Reading>() : since;
  }

 private:
  std::vector<Reading> readings_;
  std::uint32_t stride_ = 1;   // one of so many readings is kept
  std::uint32_t skipped_ = 0;  // since the last that was
};

// The medians of the first quarter and of the last: one reading that is off does not count. There
// are at least four.
template <class Reading, class Value>
std::pair<double, double> ends_of(std::span<const Reading> readings, Value value_of) {
  const std::size_t quarter = readings.size() / 4;
  const auto median = [&value_of](std::span<const Reading> part) {
    std::vector<double> values;
    values.reserve(part.size());
    for (const Reading& reading : part) values.push_back(value_of(reading));
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
  };
  return {median(readings.first(quarter)), median(readings.last(quarter))};
}

}  // namespace heapfloor
