// How a watch is written down and read back.
#include <algorithm>
#include <array>
#include <utility>

#include "agent/alerts/watch_list.h"
#include "agent/trend/state_bytes.h"

namespace heapfloor {
namespace {

constexpr std::size_t kMostName = kMostCgroupPathBytes;  // no name is longer
constexpr std::size_t kMostPart = 64;
// Only these have the text, so that what was written before there were any is still read.
bool has_part(const SeriesKey& key) {
  return key.kind == EntityKind::structure || key.kind == EntityKind::site;
}
// The texts that WatchLabels::limit_source points to.
constexpr std::array<std::string_view, 7> kLimitSources = {"configured", "host", "rlimit", "cgroup",
                                                           "jvm",        "go",   "query"};

}  // namespace

void WatchList::save(ByteWriter& out, const Watch& watch) const {
  out.put(kStateVersion);
  save_key(out, watch.key);
  out.put(watch.detector.traits());
  out.put_text(watch.name);
  out.put_text(watch.group);
  out.put_text(watch.cgroup);
  if (has_part(watch.key)) out.put_text(watch.part);
  out.put_text(watch.limit_source);
  save_build(out, watch.build);
  out.put(watch.exec_seconds);
  out.put(watch.start_seconds);
  out.put(watch.last_seen_seconds);
  out.put(watch.ended_seconds);
  save_observation(out, watch.last_reading);
  watch.load.save(out);
  out.put(static_cast<std::uint8_t>(watch.changes.size()));
  for (const StateChange& change : watch.changes) {
    out.put(change.time_seconds);
    out.put(change.state);
  }
  watch.judge.save(out);
  watch.detector.save(out);
  const auto index = store_.find(watch.key);
  if (index) store_.ring(*index).save(out);
}

bool WatchList::restore_watch(ByteReader& in, Watch& watch, std::uint8_t version) const {
  watch.name = in.take_text(kMostName);
  watch.group = in.take_text(kMostName);
  watch.cgroup = in.take_text(kMostCgroupPathBytes);
  if (has_part(watch.key)) watch.part = in.take_text(kMostPart);
  const std::string source = in.take_text(kMostName);
  const auto* const known = std::ranges::find(kLimitSources, source);
  if (known != kLimitSources.end()) watch.limit_source = *known;
  if (version > kStateWithoutBuild) {
    watch.build = take_build(in, version > kStateWithoutImage);
    watch.exec_seconds = in.take_optional<double>(-kMostSeconds, kMostSeconds);
  }
  watch.start_seconds = in.take_number<double>(-kMostSeconds, kMostSeconds);
  watch.last_seen_seconds = in.take_number<double>(-kMostSeconds, kMostSeconds);
  watch.ended_seconds = in.take_optional<double>(-kMostSeconds, kMostSeconds);
  watch.last_reading = take_observation(in);
  watch.last_value = watch.last_reading.value;
  in.require(watch.load.restore(in));
  const auto changes = in.take_at_most<std::uint8_t>(Watch::kChanges);
  in.require(changes > 0);
  for (std::size_t i = 0; i < changes; ++i) {
    StateChange change;
    change.time_seconds = in.take_number<double>(-kMostSeconds, kMostSeconds);
    change.state = in.take_enum<LeakState>(kLeakStates);
    watch.changes.push_back(change);
  }
  if (!in.require(watch.judge.restore(in)) || !in.require(watch.detector.restore(in))) return false;
  // Confirmed and not leaking is only what was held back.
  watch.is_retention = watch.judge.state() == LeakState::suspected &&
                       watch.detector.verdict().evidence == Evidence::confirmed;
  return true;
}

std::unique_ptr<Watch> WatchList::read(ByteReader& in, TieredRing& ring) const {
  const auto version = in.take<std::uint8_t>();
  if (!in.require(version >= kStateWithoutBuild && version <= kStateVersion)) return nullptr;
  const std::optional<SeriesKey> key = take_key(in);
  const auto traits = in.take_enum<SignalTraits>(kSignalTraits);
  if (in.failed()) return nullptr;
  auto watch = std::make_unique<Watch>(*key, policy(key->signal), traits);
  if (!restore_watch(in, *watch, version) || !ring.restore(in)) return nullptr;
  return watch;
}

const Watch* WatchList::restore(std::unique_ptr<Watch> watch, TieredRing ring) {
  if (is_watched(watch->key)) return nullptr;
  const std::optional<SeriesIndex> index = store_.find_or_add(watch->key);
  if (!index) return nullptr;
  store_.ring(*index) = std::move(ring);
  if (*index >= watches_.size()) watches_.resize(*index + 1U);
  watches_[*index] = std::move(watch);
  return watches_[*index].get();
}

}  // namespace heapfloor
