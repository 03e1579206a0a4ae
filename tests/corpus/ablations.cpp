#include "tests/corpus/ablations.h"

#include <array>

namespace heapfloor {
namespace {

constexpr double kNever = 1e9;  // longer or larger than anything
constexpr double kNone = -1e9;  // below every ratio

constexpr auto kAblations = std::to_array<Ablation>({
    {"as it is", [](ScoreOptions&) {}},
    {"patience off",
     [](ScoreOptions& o) {
       o.policy.patience = 0;
       o.policy.start_patience_minutes = 0;
       o.policy.short_history_patience = 0;
       o.policy.short_history_patience_hours = 0;
       o.policy.clear_slope_ratio = 1e-9;
     }},
    {"start and short-history patience off",
     [](ScoreOptions& o) {
       o.policy.start_patience_minutes = 0;
       o.policy.short_history_patience = 0;
       o.policy.short_history_patience_hours = 0;
     }},
    {"shape off", [](ScoreOptions& o) { o.policy.linear_ratio = kNone; }},
    {"season off",
     [](ScoreOptions& o) {
       o.policy.season_history_days = 0;
       o.policy.season_compare_days = kNever;
       o.policy.seasonal_span_days = kNever;
     }},
    {"record margins off",
     [](ScoreOptions& o) {
       o.policy.record_sigmas = 0;
       o.policy.record_rise_ratio = 0;
     }},
    {"increments off",
     [](ScoreOptions& o) {
       o.policy.effective_increments = 0;
       o.policy.largest_step_ratio = kNever;
       o.policy.without_step_z_ratio = 0;
     }},
    {"precedent off", [](ScoreOptions& o) { o.policy.precedent_ratio = 0; }},
    {"signal off", [](ScoreOptions& o) { o.policy.signal_sigmas = 0; }},
    {"still growing off", [](ScoreOptions& o) { o.policy.still_growing_ratio = kNone; }},
    {"persistence off", [](ScoreOptions& o) { o.policy.persistence = 1; }},
    {"GC runtime off", [](ScoreOptions& o) { o.policy.gc_minimum_floors = 0; }},
    {"median of five and inferred troughs off", [](ScoreOptions& o) { o.unfiltered = true; }},
    {"clear slope off", [](ScoreOptions& o) { o.policy.clear_slope_ratio = 1e-9; }},
    {"load off", [](ScoreOptions& o) { o.policy.load_patience = 0; }},
    {"z 2", [](ScoreOptions& o) { o.policy.z = 2; }},
    {"z 4", [](ScoreOptions& o) { o.policy.z = 4; }},
    {"ring 8", [](ScoreOptions& o) { o.policy.ring = 8; }},
    {"ring 32", [](ScoreOptions& o) { o.policy.ring = 32; }},
    {"kappa 1/8", [](ScoreOptions& o) { o.policy.patience = 0.125; }},
    {"kappa 1/2", [](ScoreOptions& o) { o.policy.patience = 0.5; }},
});

}  // namespace

std::span<const Ablation> ablations() { return kAblations; }

}  // namespace heapfloor
