#include "collectors/runtime/jvm_live.h"

#include <algorithm>

namespace heapfloor {
namespace {

constexpr std::uint64_t kPausesOfG1Cycle = 2;
constexpr std::uint64_t kPausesOfZCycle = 3;

bool is_exact(JvmGc gc) { return gc == JvmGc::serial || gc == JvmGc::parallel; }

std::optional<std::uint64_t> count_of(const JvmReading& reading, JvmCollector collector) {
  const std::optional<double>& count = reading.of(collector).count;
  if (!count) return std::nullopt;
  return static_cast<std::uint64_t>(*count);
}

bool is_running(const JvmReading& reading) {
  return std::ranges::any_of(reading.collections, &JvmCollections::is_running);
}

}  // namespace

std::optional<std::uint64_t> old_collections(JvmGc gc, const JvmReading& reading) {
  const auto full = count_of(reading, JvmCollector::full);
  const auto pauses = count_of(reading, JvmCollector::cycle);
  switch (gc) {
    case JvmGc::serial:
    case JvmGc::parallel:
    case JvmGc::shenandoah:
      return full;
    case JvmGc::g1:
      if (!full) return std::nullopt;
      return *full + pauses.value_or(0) / kPausesOfG1Cycle;
    case JvmGc::z:
      if (!pauses) return std::nullopt;
      return *pauses / kPausesOfZCycle;
    case JvmGc::z_generational:
      return pauses;
    case JvmGc::other:
      break;
  }
  return std::nullopt;
}

// A pause is counted when it begins, and what it frees is told when it ends.
std::optional<LiveAfterGc> JvmLive::take(const JvmReading& reading) {
  const std::optional<std::uint64_t> epoch = old_collections(gc_, reading);
  if (!epoch || !reading.old.used || is_running(reading)) return live_;
  const double used = *reading.old.used;
  const bool has_moved = epoch_ && *epoch > *epoch_;
  if (is_exact(gc_)) {
    if (has_moved) live_ = LiveAfterGc{used, *epoch};
    if (live_) live_->bytes = std::min(live_->bytes, used);
  } else if (has_moved) {
    // The collection that has just ended may have freed something at once, too.
    live_ = LiveAfterGc{std::min(least_.value_or(used), used), *epoch};
    least_ = used;
  } else {
    least_ = std::min(least_.value_or(used), used);
  }
  epoch_ = epoch;
  return live_;
}

}  // namespace heapfloor
