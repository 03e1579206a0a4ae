#include "agent/trend/pyramid.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace heapfloor {
namespace {

// Bucket numbers stay far from the ends of int64 and exact as double.
constexpr double kLargestBucket = 4e15;
// In buckets. What lies before a longer one says nothing about the floors after it at this scale.
constexpr std::int64_t kLongestGap = 255;

std::size_t levels_for(double bucket_seconds, std::size_t ring, double history_seconds) {
  std::size_t levels = 1;
  double span = bucket_seconds * static_cast<double>(ring);
  while (span < history_seconds && levels < Pyramid::kMaxLevels) {
    span *= 2;
    ++levels;
  }
  return levels;
}

// Loads as steps: 1 is no load at all, 255 the highest.
constexpr std::uint8_t kNoLoad = 0;
constexpr double kLoadSteps = 254;
constexpr double kMostLoad = 1e30;

std::uint8_t first_level_from(double bucket_seconds, double least_seconds) {
  std::uint8_t level = 0;
  while (bucket_seconds < least_seconds && level < Pyramid::kMaxLevels) {
    bucket_seconds *= 2;
    ++level;
  }
  return level;
}

}  // namespace

Pyramid::Pyramid(double bucket_seconds, std::size_t ring, double history_seconds,
                 double season_seconds)
    : bucket_seconds_(bucket_seconds > 0 ? bucket_seconds : 1),
      ring_(static_cast<std::uint8_t>(std::clamp<std::size_t>(ring, 8, kMaxWindow))) {
  levels_.resize(levels_for(bucket_seconds_, ring_, history_seconds));
  values_.resize(levels_.size() * ring_);
  gaps_.resize(levels_.size() * ring_);
  levels_.shrink_to_fit();
  constexpr double kLeastLoadBuckets = 720;  // of a season
  first_load_level_ = first_level_from(bucket_seconds_, season_seconds / kLeastLoadBuckets);
}

std::size_t Pyramid::push(double time_seconds, double value) {
  const double number = std::floor(time_seconds / bucket_seconds_);
  if (!(std::abs(number) < kLargestBucket)) {
    return 0;
  }
  const auto bucket = static_cast<std::int64_t>(number);
  const auto floor = static_cast<float>(value);
  if (!started_ || bucket == open_bucket_) {
    Level& finest = levels_[0];
    finest.open_minimum = finest.open ? std::min(finest.open_minimum, floor) : floor;
    finest.open = true;
    open_bucket_ = bucket;
    started_ = true;
    return 0;
  }
  if (bucket < open_bucket_) {
    return 0;
  }
  std::size_t closed = 0;
  for (std::size_t k = 0; k < levels_.size(); ++k) {
    const std::int64_t closing = open_bucket_ >> k;
    const std::int64_t opening = bucket >> k;
    if (closing == opening) {
      break;
    }
    close(k, closing, opening);
    ++closed;
  }
  levels_[0].open_minimum = floor;
  levels_[0].open = true;
  open_bucket_ = bucket;
  return closed;
}

void Pyramid::close(std::size_t level, std::int64_t closing, std::int64_t opening) {
  Level& ring = levels_[level];
  float* const values = values_.data() + level * ring_;
  std::uint8_t* const gaps = gaps_.data() + level * ring_;
  if (ring.count == ring_) {
    const float oldest = std::min(values[ring.head], values[(ring.head + 1U) % ring_]);
    ring.evicted_maximum = ring.evicted ? std::max(ring.evicted_maximum, oldest) : oldest;
    ring.evicted = true;
  } else {
    ++ring.count;
  }
  const float minimum = ring.open_minimum;
  const std::int64_t gap = opening - closing;
  if (keeps_load(level)) close_load(level);
  values[ring.head] = minimum;
  gaps[ring.head] = static_cast<std::uint8_t>(std::min(gap, kLongestGap));
  ring.head = static_cast<std::uint8_t>((ring.head + 1) % ring_);
  ring.open = false;
  if (gap >= kLongestGap) {
    // The distance cannot be kept, so what lies before it leaves the ring; its height is
    // remembered.
    const float largest = *std::max_element(values, values + ring.count);
    ring.evicted_maximum = ring.evicted ? std::max(ring.evicted_maximum, largest) : largest;
    ring.evicted = true;
    ring.count = 0;
    ring.head = 0;
  }
  if (level + 1 < levels_.size()) {
    Level& coarser = levels_[level + 1];
    coarser.open_minimum = coarser.open ? std::min(coarser.open_minimum, minimum) : minimum;
    coarser.open = true;
  }
}

double Pyramid::bucket_seconds(std::size_t level) const {
  return std::ldexp(bucket_seconds_, static_cast<int>(level));
}

double Pyramid::latest(std::size_t level) const {
  const Level& ring = levels_[level];
  if (ring.count == 0) {
    return 0;
  }
  return static_cast<double>(values_[level * ring_ + (ring.head + ring_ - 1U) % ring_]);
}

void Pyramid::read(std::size_t level, FloorWindow& window) const {
  const Level& ring = levels_[level];
  const double length = bucket_seconds(level);
  window.size = ring.count;
  window.bucket_seconds = length;
  window.prior_maximum = ring.evicted ? static_cast<double>(ring.evicted_maximum)
                                      : -std::numeric_limits<double>::infinity();
  std::int64_t bucket = open_bucket_ >> level;
  std::size_t slot = ring.head;
  for (std::size_t i = ring.count; i > 0; --i) {
    slot = (slot == 0 ? ring_ : slot) - 1U;
    bucket -= gaps_[level * ring_ + slot];
    window.times[i - 1] = (static_cast<double>(bucket) + 0.5) * length;
    window.values[i - 1] = static_cast<double>(values_[level * ring_ + slot]);
  }
  read_loads(level, window);
}

bool Pyramid::knows_load() const { return gaps_.size() > levels_.size() * ring_; }

bool Pyramid::keeps_load(std::size_t level) const {
  return knows_load() && level >= first_load_level_ && level < first_load_level_ + kLoadLevels;
}

const std::uint8_t* Pyramid::loads_of(std::size_t level) const {
  return gaps_.data() + (levels_.size() + level - first_load_level_) * ring_;
}

std::uint8_t* Pyramid::loads_of(std::size_t level) {
  return gaps_.data() + (levels_.size() + level - first_load_level_) * ring_;
}

void Pyramid::note_load(double load) {
  if (!started_ || !(load >= 0) || !(load <= kMostLoad)) return;
  make_room_for_loads();
  load_sum_ = static_cast<float>(std::min(kMostLoad, static_cast<double>(load_sum_) + load));
  ++load_count_;
}

void Pyramid::make_room_for_loads() {
  if (knows_load()) return;
  const std::size_t with_loads = (levels_.size() + kLoadLevels) * ring_;
  gaps_.reserve(with_loads);
  gaps_.resize(with_loads, kNoLoad);
}

// The mean of the bucket that closes, as a step. A load above all before it makes the steps of all
// coarser.
std::uint8_t Pyramid::taken_load() {
  if (load_count_ == 0) return kNoLoad;
  const double mean = static_cast<double>(load_sum_) / load_count_;
  load_sum_ = 0;
  load_count_ = 0;
  auto step = static_cast<double>(load_step_);
  if (mean > kLoadSteps * step) {
    const double former = std::exchange(step, mean / kLoadSteps);
    const auto loads = gaps_.begin() + static_cast<std::ptrdiff_t>(levels_.size() * ring_);
    std::transform(loads, gaps_.end(), loads, [&](std::uint8_t load) {
      if (load == kNoLoad) return load;
      return static_cast<std::uint8_t>(1 + std::lround((load - 1) * former / step));
    });
    load_step_ = static_cast<float>(step);
  }
  if (!(step > 0)) return 1;
  return static_cast<std::uint8_t>(1 + std::lround(std::min(mean / step, kLoadSteps)));
}

// The mean of the one or two buckets of the finer level, which has just closed, that lie in this
// one.
std::uint8_t Pyramid::joined_load(std::size_t level) const {
  const Level& finer = levels_[level - 1];
  if (finer.count == 0) return kNoLoad;
  const std::uint8_t* const loads = loads_of(level - 1);
  const std::size_t newest = (finer.head + ring_ - 1U) % ring_;
  const std::size_t before = (finer.head + ring_ - 2U) % ring_;
  const bool is_second_half = ((open_bucket_ >> (level - 1)) & 1) != 0;
  const bool has_both = is_second_half && finer.count > 1 &&
                        gaps_[(level - 1) * ring_ + before] == 1 && loads[before] != kNoLoad;
  if (!has_both || loads[newest] == kNoLoad) return loads[newest];
  return static_cast<std::uint8_t>((loads[newest] + loads[before] + 1) / 2);
}

// Before levels_[level] closes, and after all finer ones did.
void Pyramid::close_load(std::size_t level) {
  const std::size_t slot = levels_[level].head;
  loads_of(level)[slot] = level == first_load_level_ ? taken_load() : joined_load(level);
}

void Pyramid::read_loads(std::size_t level, FloorWindow& window) const {
  window.has_loads = keeps_load(level) && window.size > 0;
  if (!window.has_loads) return;
  const std::uint8_t* const loads = loads_of(level);
  std::size_t slot = levels_[level].head;
  for (std::size_t i = window.size; i > 0; --i) {
    slot = (slot + ring_ - 1U) % ring_;
    window.has_loads = window.has_loads && loads[slot] != kNoLoad;
    window.loads[i - 1] = (loads[slot] - 1) * static_cast<double>(load_step_);
  }
}

bool Pyramid::read_with_open(std::size_t level, double now_seconds, FloorWindow& window) const {
  const double start = static_cast<double>(open_bucket_ >> level) * bucket_seconds(level);
  if (now_seconds - start < bucket_seconds(level) / 4) return false;
  float minimum = std::numeric_limits<float>::infinity();
  for (std::size_t k = 0; k <= level; ++k) {
    if (levels_[k].open) minimum = std::min(minimum, levels_[k].open_minimum);
  }
  if (minimum == std::numeric_limits<float>::infinity()) return false;
  read(level, window);
  if (window.size == ring_) {
    const double leaving = std::min(window.values[0], window.values[1]);
    window.prior_maximum = std::max(window.prior_maximum, leaving);
    std::shift_left(window.times.begin(), window.times.begin() + window.size, 1);
    std::shift_left(window.values.begin(), window.values.begin() + window.size, 1);
    std::shift_left(window.loads.begin(), window.loads.begin() + window.size, 1);
    --window.size;
  }
  window.times[window.size] = (start + now_seconds) / 2;
  window.values[window.size] = static_cast<double>(minimum);
  // Between two readings with a load, that of the newest bucket stands for the open one.
  if (window.has_loads) {
    window.loads[window.size] = load_count_ > 0 ? static_cast<double>(load_sum_) / load_count_
                                                : window.loads[window.size - 1];
  }
  ++window.size;
  return true;
}

void Pyramid::clear() {
  std::fill(levels_.begin(), levels_.end(), Level{});
  open_bucket_ = 0;
  load_sum_ = 0;
  load_count_ = 0;
  started_ = false;
}

std::size_t Pyramid::heap_bytes() const {
  return levels_.capacity() * sizeof(Level) + values_.capacity() * sizeof(float) + gaps_.capacity();
}

void Pyramid::save(ByteWriter& out) const {
  out.put(bucket_seconds_);
  out.put(ring_);
  out.put(static_cast<std::uint8_t>(levels_.size()));
  out.put(started_);
  out.put(open_bucket_);
  out.put(knows_load());
  out.put(load_step_);
  out.put(load_sum_);
  out.put(load_count_);
  for (std::size_t k = 0; k < levels_.size(); ++k) {
    const Level& level = levels_[k];
    out.put(level.open_minimum);
    out.put(level.evicted_maximum);
    out.put(level.evicted);
    out.put(level.open);
    out.put(level.count);
    for (std::size_t i = 0; i < level.count; ++i) {  // oldest first
      const std::size_t slot = (std::size_t{level.head} + ring_ - level.count + i) % ring_;
      out.put(values_[k * ring_ + slot]);
      out.put(gaps_[k * ring_ + slot]);
      if (keeps_load(k)) out.put(loads_of(k)[slot]);
    }
  }
}

bool Pyramid::restore(ByteReader& in) {
  clear();
  const bool is_same_shape = in.take_any<double>() == bucket_seconds_ &&
                             in.take<std::uint8_t>() == ring_ &&
                             in.take<std::uint8_t>() == levels_.size();
  if (!in.require(is_same_shape)) return false;
  started_ = in.take_flag();
  open_bucket_ = in.take<std::int64_t>();
  const auto largest = static_cast<std::int64_t>(kLargestBucket);
  in.require(open_bucket_ > -largest && open_bucket_ < largest);
  if (in.take_flag()) make_room_for_loads();
  load_step_ = in.take_number<float>(0, kMostLoad);
  load_sum_ = in.take_number<float>(0, kMostLoad);
  load_count_ = in.take<std::uint32_t>();
  for (std::size_t k = 0; k < levels_.size(); ++k) restore_level(k, in);
  if (in.failed()) clear();
  return !in.failed();
}

void Pyramid::restore_level(std::size_t level, ByteReader& in) {
  Level& ring = levels_[level];
  ring.open_minimum = in.take_number<float>(0, kMostValue);
  ring.evicted_maximum = in.take_number<float>(0, kMostValue);
  ring.evicted = in.take_flag();
  ring.open = in.take_flag();
  ring.count = in.take_at_most(ring_);
  ring.head = static_cast<std::uint8_t>(ring.count % ring_);
  for (std::size_t i = 0; i < ring.count; ++i) {
    values_[level * ring_ + i] = in.take_number<float>(0, kMostValue);
    gaps_[level * ring_ + i] = in.take_at_most<std::uint8_t>(kLongestGap - 1);
    in.require(gaps_[level * ring_ + i] > 0);
    if (keeps_load(level)) loads_of(level)[i] = in.take<std::uint8_t>();
  }
}

}  // namespace heapfloor
