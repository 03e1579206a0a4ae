// A recorded series, and what it may not hold, whatever format it is written in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/trend/observation.h"

namespace heapfloor {

struct ReplaySeries {
  std::vector<Observation> observations;
  bool has_epoch = false;  // some reading named an epoch
  bool has_limit = false;

  void add(const Observation& reading);
};

// Readings of one series that are kept: a second apart, they are four months. Bounds what a hostile
// file makes us hold (64 bytes a reading).
inline constexpr std::size_t kMostReadings = 10'000'000;

// The beginning of a piece of a file, quoted and printable: the file is anybody's.
std::string shown_piece(std::string_view text);

// Follows the readings of one series in their order. Each function gives the reason of a refusal,
// or an empty text.
class ReadingOrder {
 public:
  [[nodiscard]] std::string take_time(double seconds);
  [[nodiscard]] std::string take_epoch(std::uint64_t count);
  // One more reading that is kept.
  [[nodiscard]] std::string count_reading();

 private:
  double last_time_seconds_ = 0;
  std::uint64_t last_epoch_ = 0;
  std::size_t readings_ = 0;
  bool has_time_ = false;
};

// The usual distance of two readings; 0 with fewer than two at different times.
double median_spacing_seconds(const std::vector<Observation>& observations);

}  // namespace heapfloor
