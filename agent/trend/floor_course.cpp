#include "agent/trend/floor_course.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "agent/trend/statistics.h"

namespace heapfloor {
namespace {

constexpr double kMostGrowth = 1e20;
constexpr double kIntervalZ = 1.96;  // 95 %

// Floors of old times are of longer buckets than those of new ones: one, the least, of each equal
// part of the time, so that no time weighs more than another.
struct EvenFloors {
  std::array<double, kMaxWindow> times = {};
  std::array<double, kMaxWindow> values = {};
  std::size_t count = 0;
};

EvenFloors even_floors(std::span<const Floor> floors) {
  EvenFloors even;
  const double start = floors.front().time_seconds;
  const double span = floors.back().time_seconds - start;
  std::size_t last_part = kMaxWindow;
  for (const Floor& floor : floors) {
    const double place = (floor.time_seconds - start) / span * kMaxWindow;
    const auto part =
        static_cast<std::size_t>(std::clamp(place, 0.0, static_cast<double>(kMaxWindow - 1)));
    const bool is_new = last_part == kMaxWindow || part > last_part;
    if (is_new) {
      last_part = part;
      ++even.count;
    }
    const std::size_t at = even.count - 1;
    if (is_new || floor.value < even.values.at(at)) {
      even.times.at(at) = floor.time_seconds;
      even.values.at(at) = floor.value;
    }
  }
  return even;
}

}  // namespace

std::string_view floor_move_name(FloorMove move) {
  constexpr std::array<std::string_view, kFloorMoves> kNames = {"unknown", "falling", "level",
                                                                "rising"};
  return kNames.at(static_cast<std::size_t>(move));
}

void FloorCourse::save(ByteWriter& out) const {
  out.put(move);
  for (const double number : {seconds, growth.estimate, growth.low, growth.high}) out.put(number);
}

bool FloorCourse::restore(ByteReader& in) {
  move = in.take_enum<FloorMove>(kFloorMoves);
  seconds = in.take_number<double>(0, kMostSeconds);
  for (double* const number : {&growth.estimate, &growth.low, &growth.high})
    *number = in.take_number<double>(-kMostGrowth, kMostGrowth);
  return !in.failed();
}

FloorCourse course_of(std::span<const Floor> floors, const TrendPolicy& policy) {
  FloorCourse course;
  if (floors.size() < 2) return course;
  const double seconds = floors.back().time_seconds - floors.front().time_seconds;
  if (!(seconds > 0) || !std::isfinite(seconds)) return course;
  course.seconds = std::min(seconds, kMostSeconds);
  if (floors.size() < kLeastCourseFloors) return course;
  const EvenFloors even = even_floors(floors);
  if (even.count < kLeastCourseFloors) return course;
  const std::span<const double> times(even.times.data(), even.count);
  const std::span<const double> values(even.values.data(), even.count);
  const Trend trend = fit_trend(times, values, mann_kendall(values), kIntervalZ);
  course.growth = {std::clamp(trend.slope, -kMostGrowth, kMostGrowth),
                   std::clamp(trend.low, -kMostGrowth, kMostGrowth),
                   std::clamp(trend.high, -kMostGrowth, kMostGrowth)};
  const double least =
      std::max(policy.minimum_rise_bytes, policy.minimum_rise_ratio * std::abs(median(values)));
  const double moved = course.growth.estimate * course.seconds;
  course.move = FloorMove::level;
  if (course.growth.low > 0 && moved >= least) course.move = FloorMove::rising;
  if (course.growth.high < 0 && moved <= -least) course.move = FloorMove::falling;
  return course;
}

FloorCourse course_of_runs(std::span<const FloorCourse> runs) {
  FloorCourse all;
  std::vector<const FloorCourse*> known;
  double known_seconds = 0;
  for (const FloorCourse& run : runs) {
    all.seconds += run.seconds;
    if (run.move == FloorMove::unknown) continue;
    known.push_back(&run);
    known_seconds += run.seconds;
  }
  std::ranges::sort(known, {}, [](const FloorCourse* run) { return run->growth.estimate; });
  double seconds = 0;
  for (const FloorCourse* const run : known) {
    seconds += run->seconds;
    if (2 * seconds < known_seconds) continue;
    all.move = run->move;
    all.growth = run->growth;
    break;
  }
  return all;
}

}  // namespace heapfloor
