#include "agent/trend/season_ring.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace heapfloor {
namespace {

constexpr double kLargestPart = 4e15;  // exact as double, and far from the ends of int64
constexpr float kNone = -1;

std::size_t slot_of(std::int64_t part) {
  constexpr auto kCount = static_cast<std::int64_t>(SeasonRing::kFloors);
  return static_cast<std::size_t>((part % kCount + kCount) % kCount);
}

}  // namespace

SeasonRing::SeasonRing(double season_seconds)
    : part_seconds_(season_seconds > 0 ? season_seconds / kParts : 1) {
  clear();
}

bool SeasonRing::push(double time_seconds, double value) {
  const double number = std::floor(time_seconds / part_seconds_);
  if (!(std::abs(number) < kLargestPart)) return false;
  const auto part = static_cast<std::int64_t>(number);
  const auto floor = static_cast<float>(value);
  if (!is_started_ || part == open_part_) {
    open_minimum_ = is_started_ ? std::min(open_minimum_, floor) : floor;
    open_part_ = part;
    is_started_ = true;
    return false;
  }
  if (part < open_part_) return false;
  close(part);
  open_minimum_ = floor;
  open_part_ = part;
  return true;
}

// A level counts as reached when two floors in a row were that high, as in the pyramid.
void SeasonRing::close(std::int64_t opening) {
  const auto count = static_cast<std::int64_t>(kFloors);
  const bool has_left = opening - open_part_ > count;
  const std::int64_t skipped = std::min(opening - open_part_, count);
  for (std::int64_t step = 0; step < skipped; ++step) {
    float& place = minima_.at(slot_of(open_part_ + step));
    if (place >= 0 && left_ >= 0)
      evicted_maximum_ = std::max(evicted_maximum_, std::min(left_, place));
    left_ = place;
    place = step == 0 && !has_left ? open_minimum_ : kNone;
  }
}

void SeasonRing::read(FloorWindow& window) const {
  window.size = 0;
  window.bucket_seconds = part_seconds_;
  window.prior_maximum = evicted_maximum_ >= 0 ? static_cast<double>(evicted_maximum_)
                                               : -std::numeric_limits<double>::infinity();
  for (auto back = static_cast<std::int64_t>(kFloors); back > 0; --back) {
    const float floor = minima_.at(slot_of(open_part_ - back));
    if (floor < 0) continue;
    window.times.at(window.size) = (static_cast<double>(open_part_ - back) + 0.5) * part_seconds_;
    window.values.at(window.size) = static_cast<double>(floor);
    ++window.size;
  }
}

void SeasonRing::clear() {
  minima_.fill(kNone);
  open_part_ = 0;
  open_minimum_ = 0;
  left_ = evicted_maximum_ = kNone;
  is_started_ = false;
}

void SeasonRing::save(ByteWriter& out) const {
  out.put(part_seconds_);
  out.put(open_part_);
  for (const float floor : minima_) out.put(floor);
  out.put(open_minimum_);
  out.put(left_);
  out.put(evicted_maximum_);
  out.put(is_started_);
}

bool SeasonRing::restore(ByteReader& in) {
  clear();
  const bool is_same_shape = in.take_any<double>() == part_seconds_;
  if (!in.require(is_same_shape)) return false;
  open_part_ = in.take<std::int64_t>();
  const auto largest = static_cast<std::int64_t>(kLargestPart);
  in.require(open_part_ > -largest && open_part_ < largest);
  for (float& floor : minima_) floor = in.take_number<float>(kNone, kMostValue);
  open_minimum_ = in.take_number<float>(0, kMostValue);
  left_ = in.take_number<float>(kNone, kMostValue);
  evicted_maximum_ = in.take_number<float>(kNone, kMostValue);
  is_started_ = in.take_flag();
  if (in.failed()) clear();
  return !in.failed();
}

}  // namespace heapfloor
