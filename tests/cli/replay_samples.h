// Recordings for the tests of replay: the same every time.
#pragma once

#include <optional>
#include <string>

#include "agent/external/replay_series.h"

namespace heapfloor {

inline constexpr double kMiB = 1024.0 * 1024.0;
inline constexpr double kStart = 1700000000;  // 2023-11-14 22:13:20 UTC

// A reading every `spacing_minutes` for `hours`; `value` is asked with the hours since kStart.
template <class Value>
ReplaySeries series_of(double hours, Value value, std::optional<double> limit = 1024 * kMiB,
                       int spacing_minutes = 1) {
  ReplaySeries series;
  for (int minute = 0; minute < static_cast<int>(hours * 60); minute += spacing_minutes) {
    Observation reading;
    reading.time_seconds = kStart + 60.0 * minute;
    reading.value = value(minute / 60.0);
    reading.limit = limit;
    series.add(reading);
  }
  return series;
}

// Meets its limit about 82 hours after kStart.
inline ReplaySeries leaking_series(double hours = 48, int spacing_minutes = 1) {
  return series_of(
      hours, [](double hour) { return 200 * kMiB + 10 * kMiB * hour; }, 1024 * kMiB,
      spacing_minutes);
}

inline ReplaySeries level_series(double hours = 48, int spacing_minutes = 1) {
  return series_of(
      hours, [](double) { return 300 * kMiB; }, 1024 * kMiB, spacing_minutes);
}

inline std::string csv_of(const ReplaySeries& series) {
  std::string text = "timestamp_seconds,value,limit\n";
  for (const Observation& reading : series.observations) {
    text += std::to_string(reading.time_seconds) + "," + std::to_string(reading.value) + "," +
            (reading.limit ? std::to_string(*reading.limit) : "") + "\n";
  }
  return text;
}

}  // namespace heapfloor
