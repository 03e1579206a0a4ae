#include "agent/series/series_store.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

namespace heapfloor {
namespace {

// By EntityKind; part of the stored format.
constexpr std::array<std::string_view, kEntityKinds> kKindNames = {
    "host", "process", "agent", "cgroup",   "allocator", "structure",
    "site", "arena",   "jvm",   "jvm_pool", "go",        "external"};
static_assert(!kKindNames.back().empty());

}  // namespace

void save_key(ByteWriter& out, const SeriesKey& key) {
  out.put_text(kKindNames.at(static_cast<std::size_t>(key.kind)));
  out.put_text(signal_name(key.signal));
  out.put(key.process.pid);
  out.put(key.process.start_ticks);
  out.put(key.part);
}

std::optional<SeriesKey> take_key(ByteReader& in) {
  constexpr std::size_t kMostName = 64;
  const std::string kind_name = in.take_text(kMostName);
  const std::string name = in.take_text(kMostName);
  SeriesKey key;
  key.process.pid = in.take<std::int32_t>();
  key.process.start_ticks = in.take<std::uint64_t>();
  key.part = in.take<std::uint64_t>();
  const auto* const kind = std::ranges::find(kKindNames, kind_name);
  const std::optional<Signal> signal = find_signal(name);
  if (!in.require(kind != kKindNames.end() && signal.has_value())) return std::nullopt;
  key.kind = static_cast<EntityKind>(kind - kKindNames.begin());
  key.signal = *signal;
  return key;
}

std::size_t SeriesKeyHash::operator()(const SeriesKey& key) const noexcept {
  // Multiplicative mixing (Knuth); pids are dense and start times are not, so both must reach all
  // bits.
  constexpr std::uint64_t kGolden = 0x9e3779b97f4a7c15ULL;
  std::uint64_t mix = static_cast<std::uint64_t>(key.process.pid) << 16U;
  mix |= static_cast<std::uint64_t>(key.kind) << 8U | static_cast<std::uint64_t>(key.signal);
  mix = (mix ^ (key.process.start_ticks + key.part) * kGolden) * kGolden;
  return mix ^ (mix >> 32U);
}

std::optional<SeriesIndex> SeriesStore::find(const SeriesKey& key) const {
  const auto found = index_.find(key);
  return found == index_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<SeriesIndex> SeriesStore::find_or_add(const SeriesKey& key) {
  if (const auto found = find(key)) return found;
  if (index_.size() >= limit_) return std::nullopt;
  SeriesIndex index = 0;
  if (free_.empty()) {
    index = static_cast<SeriesIndex>(slots_.size());
    slots_.push_back({key, {}});
  } else {
    index = free_.back();
    free_.pop_back();
    slots_[index] = {key, {}};
  }
  index_.emplace(key, index);
  return index;
}

void SeriesStore::refuse(const SeriesKey& key) {
  if (refused_.insert(key).second && !refused_before_.contains(key)) ++dropped_;
}

void SeriesStore::end_tick() {
  std::swap(refused_before_, refused_);
  refused_.clear();
}

void SeriesStore::evict(SeriesIndex index) {
  Slot& slot = slots_.at(index);
  if (index_.erase(slot.key) == 0) return;
  slot.ring = TieredRing();
  free_.push_back(index);
  ++evicted_;
}

}  // namespace heapfloor
