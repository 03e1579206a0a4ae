#include "agent/external/replay_series.h"

#include <algorithm>

namespace heapfloor {

void ReplaySeries::add(const Observation& reading) {
  has_epoch = has_epoch || reading.epoch.has_value();
  has_limit = has_limit || reading.limit.has_value();
  observations.push_back(reading);
}

std::string shown_piece(std::string_view text) {
  constexpr std::size_t kShownBytes = 80;
  std::string result = "'";
  for (const char c : text.substr(0, kShownBytes)) result += c >= ' ' && c <= '~' ? c : '?';
  return result + "'";
}

std::string ReadingOrder::take_time(double seconds) {
  if (has_time_ && seconds < last_time_seconds_) return "timestamp_seconds runs backwards";
  has_time_ = true;
  last_time_seconds_ = seconds;
  return {};
}

std::string ReadingOrder::take_epoch(std::uint64_t count) {
  if (count < last_epoch_) {
    return "epoch runs backwards: '" + std::to_string(count) + "' after " +
           std::to_string(last_epoch_);
  }
  last_epoch_ = count;
  return {};
}

std::string ReadingOrder::count_reading() {
  if (++readings_ <= kMostReadings) return {};
  return "more than " + std::to_string(kMostReadings) + " readings in one series";
}

double median_spacing_seconds(const std::vector<Observation>& observations) {
  std::vector<double> gaps;
  for (std::size_t i = 1; i < observations.size(); ++i) {
    const double gap = observations[i].time_seconds - observations[i - 1].time_seconds;
    if (gap > 0) gaps.push_back(gap);
  }
  if (gaps.empty()) return 0;
  const auto middle = gaps.begin() + static_cast<std::ptrdiff_t>(gaps.size() / 2);
  std::nth_element(gaps.begin(), middle, gaps.end());
  return *middle;
}

}  // namespace heapfloor
