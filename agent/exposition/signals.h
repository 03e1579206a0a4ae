// What the metrics page and the API decide alike about a watched signal.
#pragma once

#include <optional>
#include <string_view>

#include "agent/exposition/snapshot.h"
#include "agent/trend/signal_list.h"

namespace heapfloor {

// What the signal counts: "bytes", "threads"; empty where there is no such signal.
inline std::string_view unit_of(std::string_view signal) {
  const std::optional<Signal> known = find_signal(signal);
  if (!known) return {};
  const std::string_view counted = signal_info(*known).counted;
  return counted.empty() ? "bytes" : counted;
}

// What explain() is told of the signal.
inline std::string_view counted_by(std::string_view signal) {
  const std::optional<Signal> known = find_signal(signal);
  return known ? signal_info(*known).counted : std::string_view();
}

// The floor, the growth and the confidence, each only where the verdict gives it a meaning.
inline std::optional<double> known_floor(const Verdict& verdict) {
  if (verdict.floors == 0) return std::nullopt;
  return verdict.floor;
}
inline std::optional<Growth> known_growth(const Verdict& verdict) {
  if (verdict.evidence < Evidence::held) return std::nullopt;
  return verdict.growth;
}
inline std::optional<double> known_confidence(const Verdict& verdict) {
  if (verdict.evidence == Evidence::too_few_floors) return std::nullopt;
  return verdict.confidence;
}

// Whether the watch says that something grows now.
inline bool is_growing(const WatchRow& watch) {
  return !watch.ended_seconds &&
         (watch.state == LeakState::suspected || watch.state == LeakState::leaking);
}

// The forecast, which is shown only while the signal is suspected or leaking.
inline std::optional<Exhaustion> shown_exhaustion(LeakState state, const Verdict& verdict) {
  const bool threatens = state == LeakState::suspected || state == LeakState::leaking;
  return threatens ? verdict.exhaustion : std::nullopt;
}
inline std::optional<Exhaustion> shown_exhaustion(const WatchRow& watch) {
  return shown_exhaustion(watch.state, watch.verdict);
}

}  // namespace heapfloor
