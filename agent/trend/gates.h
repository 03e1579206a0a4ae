// The gates of DETECTION.md over one window of floors. Pure: a window and its context in, a verdict
// out.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "agent/trend/earlier_lives.h"
#include "agent/trend/observation.h"
#include "agent/trend/policy.h"
#include "agent/trend/verdict.h"

namespace heapfloor {

// A window of floors, oldest first; at least five.
struct WindowView {
  std::span<const double> times;
  std::span<const double> values;
  double bucket_seconds = 0;
  double prior_maximum = 0;  // the largest floor ever seen before the window; -infinity when none
  bool sparse = false;       // compaction points, tested by the exact distribution
  bool by_phase = false;     // of the season: only for a series that the time of day explains
  std::span<const double> loads = {};  // mean of every bucket, any unit; empty where not known
};

// What the gates need to know besides the window.
struct GateContext {
  explicit GateContext(const TrendPolicy& trend_policy) : policy(trend_policy) {}

  const TrendPolicy& policy;
  SignalTraits traits = SignalTraits::unmarked;
  double now_seconds = 0;
  double history_start_seconds = 0;  // first reading of the series
  std::optional<double> limit;
  bool limit_is_inferred =
      false;  // from the series itself: it may shorten patience, not refute a plateau
  double largest_undone_rise = 0;             // that later fell back, near this time scale
  std::uint64_t compactions = 0;              // seen by the series
  std::optional<double> asymptote_to_exceed;  // a floor above it refutes that the growth saturates
  double asymptote_window_seconds = 0;        // the evidence from which that was foretold
  EarlierLives earlier;                       // of the same program
};

// Runs gates 1 to 11 and fills everything but gate 12, level, limit and forecast.
// Evidence::confirmed means that all eleven passed; persistence is the caller's to judge, since it
// spans windows.
Verdict run_gates(const WindowView& window, const GateContext& context);

// What gate 9 weighs.
struct PatienceInput {
  double time_to_limit_seconds = 0;  // infinite where no limit is known
  bool large_rise = false;           // more than large_rise_ratio of the level
  bool at_start = false;             // the window reaches back to the series' start
  bool short_history = false;        // the daily course of the series is not known yet
  bool follows_load = false;         // the load rose by as much, and may be the reason
};

// Seconds of evidence that the present life must give, however much earlier ones gave.
double own_patience_seconds(const TrendPolicy& policy, const PatienceInput& input);

// Seconds of evidence that gate 9 asks for.
double patience_seconds(const TrendPolicy& policy, const PatienceInput& input);

}  // namespace heapfloor
