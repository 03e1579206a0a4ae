// FloorCourse: where the floors of one whole run went, and the same of several runs of one build.
//
// Not the detector's verdict, which asks whether the newest window of a series is a leak: a run is
// measured from its first floor to its last, so that runs can be compared. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "agent/series/bytes.h"
#include "agent/series/point.h"
#include "agent/trend/policy.h"
#include "agent/trend/verdict.h"

namespace heapfloor {

// Part of the stored format.
enum class FloorMove : std::uint8_t { unknown, falling, level, rising };
inline constexpr std::size_t kFloorMoves = 4;
// "unknown", "falling", "level", "rising"; static text.
[[nodiscard]] std::string_view floor_move_name(FloorMove move);

struct FloorCourse {
  FloorMove move = FloorMove::unknown;
  double seconds = 0;  // from the first floor to the last
  Growth growth;       // amounts per second; meaningful unless the move is unknown

  void save(ByteWriter& out) const;
  [[nodiscard]] bool restore(ByteReader& in);
};

// Of floors, oldest first: unknown of fewer than kLeastCourseFloors. Rising and falling are told
// from level by the interval of the robust slope and by the least rise that the policy heeds.
[[nodiscard]] FloorCourse course_of(std::span<const Floor> floors, const TrendPolicy& policy);
inline constexpr std::size_t kLeastCourseFloors = 8;

// Of runs of one build: the median slope, each run weighing as long as it was seen, and the move of
// the run that has it.
[[nodiscard]] FloorCourse course_of_runs(std::span<const FloorCourse> runs);

}  // namespace heapfloor
