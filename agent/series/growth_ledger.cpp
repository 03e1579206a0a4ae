#include "agent/series/growth_ledger.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace heapfloor {
namespace {

constexpr std::size_t kLeastBuckets = 3;

float stored(const std::optional<double>& value) {
  return value ? static_cast<float>(*value) : std::numeric_limits<float>::quiet_NaN();
}

std::optional<double> difference(float from, float to) {
  if (std::isnan(from) || std::isnan(to)) return std::nullopt;
  return static_cast<double>(to) - static_cast<double>(from);
}

}  // namespace

// What one of them does not know is taken from the other.
GrowthLedger::Bucket GrowthLedger::merged(const Bucket& first, const Bucket& second) {
  Bucket whole = first;
  for (std::size_t part = 0; part < kParts; ++part)
    whole.least.at(part) = std::fmin(first.least.at(part), second.least.at(part));
  return whole;
}

const GrowthLedger::Bucket& GrowthLedger::at(const Level& level, std::size_t position) {
  return level.ring.at((level.next + kBuckets - level.count + position) % kBuckets);
}

void GrowthLedger::add(const GrowthReading& reading) {
  if (levels_.empty()) first_seconds_ = reading.time_seconds;
  Bucket bucket{static_cast<float>(reading.time_seconds - first_seconds_),
                {static_cast<float>(reading.anon_bytes), stored(reading.file_bytes),
                 stored(reading.shmem_bytes), stored(reading.threads), stored(reading.live_bytes),
                 stored(reading.free_bytes),
                 reading.live_bytes ? static_cast<float>(reading.anon_bytes) : kAbsent}};
  for (std::size_t index = 0; index < kMostLevels; ++index) {
    if (index == levels_.size()) levels_.emplace_back();
    Level& level = levels_[index];
    level.has_dropped |= level.count == kBuckets;
    level.ring.at(level.next) = bucket;
    level.next = (level.next + 1U) % kBuckets;
    level.count = static_cast<std::uint8_t>(std::min<std::size_t>(level.count + 1U, kBuckets));
    level.has_half = !level.has_half;
    if (level.has_half) {
      level.half = bucket;
      return;
    }
    bucket = merged(level.half, bucket);
  }
}

void GrowthLedger::put(ByteWriter& out, const Bucket& bucket) {
  out.put(bucket.seconds);
  for (const float least : bucket.least) out.put(least);
}

// What is absent is not a number.
GrowthLedger::Bucket GrowthLedger::take(ByteReader& in) {
  Bucket bucket;
  bucket.seconds = in.take_number<float>(0, kMostSeconds);
  for (float& least : bucket.least) {
    least = in.take_any<float>();
    in.require(std::isnan(least) || (least >= 0 && least <= static_cast<float>(kMostValue)));
  }
  return bucket;
}

void GrowthLedger::save(ByteWriter& out) const {
  out.put(first_seconds_);
  out.put(static_cast<std::uint8_t>(levels_.size()));
  for (const Level& level : levels_) {
    out.put(level.count);
    out.put(level.has_half);
    out.put(level.has_dropped);
    for (std::size_t position = 0; position < level.count; ++position)
      put(out, at(level, position));
    if (level.has_half) put(out, level.half);
  }
}

bool GrowthLedger::restore(ByteReader& in) {
  GrowthLedger ledger;
  ledger.first_seconds_ = in.take_number<double>(-kMostSeconds, kMostSeconds);
  const auto levels = in.take_at_most<std::uint8_t>(kMostLevels);
  for (std::uint8_t index = 0; index < levels && !in.failed(); ++index) {
    Level& level = ledger.levels_.emplace_back();
    level.count = in.take_at_most<std::uint8_t>(kBuckets);
    level.has_half = in.take_flag();
    level.has_dropped = in.take_flag();
    in.require(level.count > 0 && (!level.has_dropped || level.count == kBuckets));
    level.next = static_cast<std::uint8_t>(level.count % kBuckets);
    float before = 0;
    for (std::size_t position = 0; position < level.count; ++position) {
      level.ring.at(position) = take(in);
      in.require(level.ring.at(position).seconds >= before);
      before = level.ring.at(position).seconds;
    }
    if (level.has_half) level.half = take(in);
  }
  if (in.failed()) return false;
  *this = std::move(ledger);
  return true;
}

// The finest one that still has the bucket in which the window begins.
std::optional<std::size_t> GrowthLedger::level_for(float start) const {
  for (std::size_t index = 0; index < levels_.size(); ++index) {
    const Level& level = levels_[index];
    if (!level.has_dropped || at(level, 0).seconds <= start) return index;
  }
  return levels_.empty() ? std::nullopt : std::optional(levels_.size() - 1);
}

GrowthLedger::Bucket GrowthLedger::least_of(const Level& level, std::size_t first,
                                            std::size_t count) {
  Bucket least = at(level, first);
  for (std::size_t i = 1; i < count; ++i) least = merged(least, at(level, first + i));
  return least;
}

// How many buckets from `first` on do not have what the program holds, where one in the first half
// of the window has it; else 0.
std::size_t GrowthLedger::untold(const Level& level, std::size_t first) {
  const std::size_t half = (level.count - first + 1) / 2;
  for (std::size_t index = 0; index < half; ++index) {
    if (!std::isnan(at(level, first + index).least[kLive])) return index;
  }
  return 0;
}

// At most `width` buckets, from `start` on, of which the last is the newest one that has what the
// program holds.
std::optional<GrowthLedger::Bucket> GrowthLedger::last_told(const Level& level, std::size_t width,
                                                            float start) {
  std::size_t end = level.count;
  while (end > 0 && std::isnan(at(level, end - 1).least[kLive])) --end;
  std::size_t first = end;
  while (first > 0 && end - first < width && at(level, first - 1).seconds >= start) --first;
  if (first == end) return std::nullopt;
  return least_of(level, first, end - first);
}

MemoryGrowth GrowthLedger::growth_between(const Bucket& begin, const Bucket& end) {
  const auto gained = [&begin, &end](Part part) {
    return difference(begin.least.at(part), end.least.at(part));
  };
  MemoryGrowth growth;
  growth.seconds = static_cast<double>(end.seconds) - static_cast<double>(begin.seconds);
  growth.live_bytes = gained(kLive);
  growth.free_bytes = gained(kFree);
  growth.anon_bytes = gained(growth.live_bytes ? kAnonWithLive : kAnon).value_or(0);
  growth.file_bytes = gained(kFile);
  growth.shmem_bytes = gained(kShmem);
  growth.threads = gained(kThreads);
  return growth;
}

std::optional<MemoryGrowth> GrowthLedger::growth_since(double start_seconds) const {
  const auto start = static_cast<float>(start_seconds - first_seconds_);
  const std::optional<std::size_t> index = level_for(start);
  if (!index) return std::nullopt;
  const Level& level = levels_[*index];
  std::size_t first = 0;
  while (first < level.count && at(level, first).seconds < start) ++first;
  std::size_t buckets = level.count - first;
  if (buckets < (*index == 0 ? kLeastReadings : kLeastBuckets)) return std::nullopt;
  const std::size_t skipped = untold(level, first);
  first += skipped;
  buckets -= skipped;
  // A quarter of the window at either end. The last one from the finer level, which ends nearer to
  // now.
  const std::size_t quarter = std::max<std::size_t>(1, buckets / 4);
  const Bucket begin = least_of(level, first, quarter);
  const Level& newest = *index == 0 ? level : levels_[*index - 1];
  const std::size_t width = *index == 0 ? quarter : 2 * quarter;
  const std::size_t last = std::min<std::size_t>(width, newest.count);
  MemoryGrowth growth = growth_between(begin, least_of(newest, newest.count - last, last));
  if (!std::isnan(begin.least[kLive])) {
    const float later = at(level, first + quarter).seconds;
    std::optional<Bucket> told = last_told(newest, width, later);
    if (!told) told = last_told(level, quarter, later);
    const auto until_told = told ? std::optional(growth_between(begin, *told)) : std::nullopt;
    const bool has_grown = until_told && (until_told->anon_bytes > 0 || growth.anon_bytes <= 0);
    if (has_grown) {
      growth = *until_told;
    } else {
      growth.live_bytes = growth.free_bytes = std::nullopt;
    }
  }
  const float threads = at(levels_[0], levels_[0].count - 1U).least[kThreads];
  if (!std::isnan(threads)) growth.threads_now = threads;
  if (growth.seconds <= 0) return std::nullopt;
  return growth;
}

}  // namespace heapfloor
