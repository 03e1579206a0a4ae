#include "agent/series/growth_ledger.h"

#include <algorithm>
#include <span>

namespace heapfloor {
namespace {

constexpr double kExplains = 0.5;

// From the median of the first quarter to that of the last: one reading that is off does not count.
template <class Value>
double growth_of(std::span<const GrowthReading> readings, Value value_of) {
  const std::size_t quarter = readings.size() / 4;
  const auto median = [&value_of, quarter](std::span<const GrowthReading> part) {
    std::vector<double> values;
    values.reserve(quarter);
    for (const GrowthReading& reading : part) values.push_back(value_of(reading));
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
  };
  return median(readings.last(quarter)) - median(readings.first(quarter));
}

}  // namespace

void GrowthLedger::add(const GrowthReading& reading) {
  if (++skipped_ < stride_ && !readings_.empty()) return;
  skipped_ = 0;
  if (readings_.size() == kReadings) {
    for (std::size_t i = 0; i < kReadings / 2; ++i) readings_[i] = readings_[2 * i];
    readings_.resize(kReadings / 2);
    stride_ *= 2;
  }
  readings_.push_back(reading);
}

std::optional<GrowthCauses> GrowthLedger::causes_since(double start_seconds) const {
  const auto first =
      std::ranges::lower_bound(readings_, start_seconds, {}, &GrowthReading::time_seconds);
  const std::span<const GrowthReading> since(first, readings_.end());
  if (since.size() < kLeastReadings) return std::nullopt;
  const double anon =
      growth_of(since, [](const GrowthReading& reading) { return reading.anon_bytes; });
  if (anon <= 0) return std::nullopt;
  const double live =
      growth_of(since, [](const GrowthReading& reading) { return reading.live_bytes; });
  GrowthCauses causes;
  causes.live_growth = std::clamp(live / anon, 0.0, 1.0);
  causes.allocator_retention = 1 - causes.live_growth;
  const bool says_free = std::ranges::all_of(
      since, [](const GrowthReading& reading) { return reading.free_bytes.has_value(); });
  if (!says_free) return causes;
  const double held =
      growth_of(since, [](const GrowthReading& reading) { return *reading.free_bytes; });
  if (held < kExplains * (anon - std::max(live, 0.0)) && causes.live_growth < kExplains)
    return std::nullopt;
  return causes;
}

}  // namespace heapfloor
