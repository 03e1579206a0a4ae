#include "agent/series/tiered_ring.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace heapfloor {

void TieredRing::push(double time_seconds, double value) {
  if (empty_) {
    base_seconds_ = time_seconds;
    empty_ = false;
  }
  const double tenths = std::round((time_seconds - base_seconds_) * 10);
  if (!(tenths >= 0) || tenths > std::numeric_limits<std::uint32_t>::max()) return;
  const auto reading = static_cast<float>(value);
  Entry entry{static_cast<std::uint32_t>(tenths), reading, reading};
  if (!tiers_[0].entries.empty() &&
      entry.tenths < nth(tiers_[0], tiers_[0].entries.size() - 1).tenths)
    return;
  append(tiers_[0], entry);
  for (std::size_t index = 1; index < kTiers; ++index) {
    Tier& tier = tiers_.at(index);
    Entry& sum = tier.gathering;
    sum = tier.merged == 0 ? entry
                           : Entry{entry.tenths, std::min(sum.minimum, entry.minimum),
                                   std::max(sum.maximum, entry.maximum)};
    if (++tier.merged < kThinning) return;
    tier.merged = 0;
    append(tier, sum);
    entry = sum;
  }
}

void TieredRing::append(Tier& tier, const Entry& entry) {
  if (tier.entries.size() < kPointsPerTier) {
    if (tier.entries.size() == tier.entries.capacity()) {
      tier.entries.reserve(
          std::min(kPointsPerTier, std::max<std::size_t>(16, 2 * tier.entries.size())));
    }
    tier.entries.push_back(entry);
    return;
  }
  tier.entries[tier.oldest] = entry;
  tier.oldest = static_cast<std::uint16_t>((tier.oldest + 1U) % kPointsPerTier);
}

const TieredRing::Entry& TieredRing::nth(const Tier& tier, std::size_t index) {
  return tier.entries[(tier.oldest + index) % tier.entries.size()];
}

Point TieredRing::to_point(const Entry& entry) const {
  return {base_seconds_ + 0.1 * entry.tenths, static_cast<double>(entry.minimum),
          static_cast<double>(entry.maximum)};
}

std::vector<Point> TieredRing::points() const {
  std::vector<Point> all;
  for (std::size_t index = kTiers; index-- > 0;) {
    const Tier& tier = tiers_.at(index);
    // A finer tier's oldest point is where this tier has nothing more to add.
    std::uint32_t end = std::numeric_limits<std::uint32_t>::max();
    for (std::size_t finer = index; finer-- > 0;) {
      if (!tiers_.at(finer).entries.empty()) end = std::min(end, nth(tiers_.at(finer), 0).tenths);
    }
    for (std::size_t position = 0; position < tier.entries.size(); ++position) {
      Entry entry = nth(tier, position);
      const bool is_straddling = index > 0 && entry.tenths >= end;
      // The coarse point at the seam also holds readings that the finer tier has lost already.
      if (is_straddling) {
        if (tiers_.at(index - 1).entries.size() < kPointsPerTier) break;  // it has lost none
        entry.tenths = end;
      }
      all.push_back(to_point(entry));
      if (is_straddling) break;
    }
  }
  return all;
}

std::size_t TieredRing::heap_bytes() const {
  std::size_t bytes = 0;
  for (const Tier& tier : tiers_) bytes += tier.entries.capacity() * sizeof(Entry);
  return bytes;
}

void TieredRing::save_entry(ByteWriter& out, const Entry& entry) {
  out.put(entry.tenths);
  out.put(entry.minimum);
  out.put(entry.maximum);
}

TieredRing::Entry TieredRing::take_entry(ByteReader& in) {
  Entry entry;
  entry.tenths = in.take<std::uint32_t>();
  entry.minimum = in.take_number<float>(-kMostValue, kMostValue);
  entry.maximum = in.take_number<float>(-kMostValue, kMostValue);
  return entry;
}

void TieredRing::save(ByteWriter& out) const {
  out.put(base_seconds_);
  out.put(empty_);
  for (const Tier& tier : tiers_) {
    out.put(tier.merged);
    save_entry(out, tier.gathering);
    out.put(static_cast<std::uint16_t>(tier.entries.size()));
    for (std::size_t i = 0; i < tier.entries.size(); ++i) save_entry(out, nth(tier, i));
  }
}

bool TieredRing::restore(ByteReader& in) {
  *this = TieredRing();
  base_seconds_ = in.take_number<double>(-kMostSeconds, kMostSeconds);
  empty_ = in.take_flag();
  for (Tier& tier : tiers_) {
    tier.merged = in.take_at_most<std::uint16_t>(kThinning - 1);
    tier.gathering = take_entry(in);
    const auto count = in.take_at_most<std::uint16_t>(kPointsPerTier);
    for (std::size_t i = 0; i < count && !in.failed(); ++i) {
      const Entry entry = take_entry(in);
      in.require(tier.entries.empty() || tier.entries.back().tenths <= entry.tenths);
      append(tier, entry);
    }
  }
  if (in.failed()) *this = TieredRing();
  return !in.failed();
}

}  // namespace heapfloor
