// Every constant of DETECTION.md, with its default. Configuration section `trend` writes this.
#pragma once

#include <cstdint>
#include <optional>

namespace heapfloor {

struct TrendPolicy {
  double bucket_seconds = 60;  // D: length of a bucket of level 0
  double time_scale = 1;       // multiplies every time constant below except bucket_seconds
  std::uint32_t ring = 16;     // B: floors kept a level
  std::uint32_t minimum_floors = 8;
  double history_days = 60;
  double z = 3;
  double minimum_rise_bytes = 2.0 * 1024 * 1024;  // A
  double minimum_rise_ratio = 0.02;               // r
  double signal_sigmas = 4;
  double record_sigmas = 2;
  double record_rise_ratio = 0.10;
  double effective_increments = 3;
  double largest_step_ratio = 0.5;
  double without_step_z_ratio = 0.66;
  double still_growing_ratio = 0.4;
  double linear_ratio = 0.8;
  double asymptote_limit_ratio = 0.9;
  double precedent_ratio = 1.25;
  double precedent_decay = 0.998;
  double patience = 0.25;  // kappa
  double patience_hours = 30;
  // At least, while less than season_history_days are known: most of what levels off does so then.
  double short_history_patience = 0.4;
  // At least, of a rise that the load explains and that is younger than patience_hours.
  double load_patience = 3;
  double patience_slow_hours = 336;
  double patience_slow_large_rise_hours = 48;
  double large_rise_ratio = 0.10;
  double slow_divisor = 12;
  double clear_slope_ratio = 0.2;      // lower bound over slope from which evidence counts in full
  double start_patience_minutes = 30;  // least evidence from a window at the series' start
  double short_history_patience_hours =
      1.5;  // the same while less than season_history_days are known
  double season_hours = 24;
  double season_history_days = 2.25;
  double imminent_hours = 8;
  double seasonal_span_days = 1.9;
  double seasonal_z = 2.6;
  double seasonal_explained_ratio = 0.6;
  double season_compare_days = 1.1;
  double trough_fall_ratio = 0.25;
  double trough_regain_ratio = 0.10;
  std::uint32_t gc_minimum_floors = 4;
  std::uint32_t persistence = 2;
  bool prescreen = true;  // skip full tests that cannot find a rise; changes cost, not decisions
};

}  // namespace heapfloor
