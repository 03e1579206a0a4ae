// The detector's measurement of one series. It never says "leak": that is the leak state's
// judgement.
//
// Plain data of fixed size; words for people are made from it by agent/trend/explain.h.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace heapfloor {

// The gates of DETECTION.md in order. The first that fails is the reason.
enum class Gate : std::uint8_t {
  trend,
  size,
  signal,
  record,
  increments,
  still_growing,
  shape,
  precedent,
  patience,
  season,
  gc_runtime,
  persistence,
};
inline constexpr std::size_t kGates = 12;

constexpr std::string_view gate_name(Gate gate) {
  constexpr std::array<std::string_view, kGates> kNames = {
      "trend", "size",      "signal",   "record", "increments", "still_growing",
      "shape", "precedent", "patience", "season", "gc_runtime", "persistence"};
  return kNames.at(static_cast<std::size_t>(gate));
}

enum class GateOutcome : std::uint8_t { not_reached, passed, failed, not_applicable };
inline constexpr std::size_t kGateOutcomes = 4;

struct GateResult {
  GateOutcome outcome = GateOutcome::not_reached;
  float measured =
      0;  // what the gate looked at, in the gate's own unit (see gate_detail in explain.h)
  float required = 0;  // what it asked for
};

enum class Evidence : std::uint8_t {
  too_few_floors,  // fewer than eight floors anywhere
  none,            // one of gates 1 to 6 or 8 failed at every level
  held,            // rising, but held back by gate 7 or 9 to 12
  confirmed,       // every gate passed
};
inline constexpr std::size_t kEvidences = 4;

struct Growth {  // bytes per second
  double estimate = 0;
  double low = 0;
  double high = 0;
};

// When the series meets its limit, on the axis of the observations. `latest` is absent when it
// would be many times as far as `at` ("no upper bound"; forecast.h).
struct Exhaustion {
  double at_seconds = 0;
  double earliest_seconds = 0;
  std::optional<double> latest_seconds;
};

// Where the floors come from that are of no level of the pyramid.
inline constexpr std::int32_t kSparseLevel = -1;  // compaction points
inline constexpr std::int32_t kSeasonLevel = -2;  // by phase of the day

struct Verdict {
  Evidence evidence = Evidence::too_few_floors;
  std::optional<Gate>
      deciding_gate;  // the first that failed at the deciding level; none when confirmed
  std::array<GateResult, kGates> gates = {};
  std::int32_t level = kSparseLevel;  // that decided, or nothing yet
  double bucket_seconds = 0;
  std::uint32_t floors = 0;         // floors in the deciding window
  std::uint32_t rising_floors = 0;  // consecutive rising floors at its end
  bool follows_load = false;        // the load rose with it, and by as large a part
  std::uint8_t earlier_lives = 0;   // that grew alike, whose evidence is part of this one's
  float earlier_seconds = 0;        // the part of evidence_seconds that is theirs
  double window_start_seconds = 0;
  double window_end_seconds = 0;
  double z = 0;
  double confidence =
      0;             // 1 - one-sided p of the corrected trend test; at most 0.5 while not confirmed
  Growth growth;     // meaningful from Evidence::held on
  double floor = 0;  // the latest floor
  double level_median = 0;
  double line_time_seconds = 0;  // a point of the fitted line; with growth.estimate it is the line
  double line_value = 0;
  double amplitude = 0;                  // 95th percentile of (peak - floor)
  std::optional<double> limit;           // as last observed
  std::optional<double> asymptote;       // where a saturating series is heading
  double evidence_seconds = 0;           // W, that of earlier lives included
  double evidence_needed_seconds = 0;    // what patience asks for
  std::optional<Exhaustion> exhaustion;  // from Evidence::held on, when a limit is known
};

// The fitted line at a time; meaningful from Evidence::held on.
inline double line_at(const Verdict& verdict, double time_seconds) {
  return verdict.line_value + verdict.growth.estimate * (time_seconds - verdict.line_time_seconds);
}

}  // namespace heapfloor
