// The floors of the last four seasons (days) by their phase: minima of twelfths of a season, whose
// edges lie at the same phases every day, so that each is compared with the same time of other
// days.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "agent/series/bytes.h"
#include "agent/trend/pyramid.h"

namespace heapfloor {

class SeasonRing {
 public:
  static constexpr std::size_t kParts = 12;  // of a season
  static constexpr std::size_t kSeasons = 4;
  static constexpr std::size_t kFloors = kParts * kSeasons;

  explicit SeasonRing(double season_seconds);

  // Adds one reading and returns whether a part closed. Readings are as Pyramid::push takes them.
  bool push(double time_seconds, double value);
  // The closed floors, oldest first; parts without a reading are left out.
  void read(FloorWindow& window) const;
  [[nodiscard]] double part_seconds() const { return part_seconds_; }
  void clear();

  void save(ByteWriter& out) const;
  [[nodiscard]] bool restore(ByteReader& in);  // as Pyramid::restore

 private:
  void close(std::int64_t opening);

  double part_seconds_;
  std::int64_t open_part_ = 0;
  std::array<float, kFloors>
      minima_;  // of part n at n modulo kFloors; negative where there is none
  float open_minimum_ = 0;
  float left_ = -1;  // the floor that left the ring last; negative when there is none
  float evicted_maximum_ = -1;
  bool is_started_ = false;
};

}  // namespace heapfloor
