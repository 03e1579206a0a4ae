#include "tests/corpus/labels.h"

#include <algorithm>
#include <array>

#include "tests/corpus/generators.h"

namespace heapfloor {
namespace {

namespace g = generators;
using enum SignalTraits;

constexpr auto kDaily = Label::kDaily;
constexpr auto kLoad = Label::kLoad;
constexpr auto kPrototype = Label::kPrototype;
constexpr auto kUndecidable = Label::kUndecidable;

constexpr std::string_view kStart = "at the start";
constexpr std::optional<double> kNone = std::nullopt;  // nothing is lost, or at no one pace

// Catalogue number, name, leaks, onset, MiB an hour in the long run (mean over seeds), signal,
// traits, features, generator.
// clang-format off
constexpr auto kLabels = std::to_array<Label>({
    {1, "L01_linear_native", true, kStart, 4, "rss_anon", unmarked, kPrototype, g::linear_native},
    {2, "L02_gc_linear_events", true, kStart, 2.5, "gc_live", gc_marked, kPrototype, g::gc_linear_events},
    {3, "L03_gc_linear_no_events", true, kStart, 2.5, "rss_anon", unmarked, kPrototype, g::gc_linear_no_events},
    {4, "L04_slow_below_noise", true, kStart, 0.5, "rss_anon", unmarked, kPrototype, g::slow_below_noise},
    {5, "L05_rate_follows_load", true, kStart, 2.5, "rss_anon", unmarked, kPrototype | kDaily | kLoad, g::rate_follows_load},
    {6, "L06_under_strong_daily_load", true, kStart, 1.8, "rss_anon", unmarked, kPrototype | kDaily | kLoad, g::under_strong_daily_load},
    {7, "L07_hash_map_doubling", true, kStart, kNone, "rss_anon", unmarked, kPrototype, g::hash_map_doubling},
    {8, "L08_equal_stairs", true, kStart, 4.5, "rss_anon", unmarked, kPrototype, g::equal_stairs},
    {9, "L09_onset_at_deploy", true, "at a deploy, 20 to 30 h", 5, "rss_anon", unmarked, kPrototype, g::onset_at_deploy},
    {10, "L10_masked_by_restart", true, "at the start, in every incarnation", 10, "rss_anon", unmarked, kPrototype, g::masked_by_restart},
    {11, "L11_partial_free", true, kStart, 2.39, "rss_anon", unmarked, kPrototype, g::partial_free},
    {12, "L12_accelerating", true, kStart, kNone, "rss_anon", unmarked, kPrototype, g::accelerating},
    {13, "L13_sublinear", true, kStart, kNone, "rss_anon", unmarked, kPrototype, g::sublinear},
    {14, "L14_business_hours", true, "when business first opens, 9 h", 2, "rss_anon", unmarked, kPrototype | kDaily | kLoad, g::business_hours},
    {15, "L15_after_warm_up", true, kStart, 2, "rss_anon", unmarked, kPrototype, g::after_warm_up},
    {16, "L16_with_cache_drops", true, kStart, 2.5, "rss_anon", unmarked, kPrototype, g::with_cache_drops},
    {17, "L17_class_loader_steps", true, "at the first step", 4.17, "rss_anon", unmarked, kPrototype, g::class_loader_steps},
    {18, "L18_gaps", true, kStart, 3.5, "rss_anon", unmarked, kPrototype, g::gaps},
    {19, "L19_heavy_tail", true, kStart, 3, "rss_anon", unmarked, kPrototype, g::heavy_tail_leak},
    {20, "L20_fast_to_limit", true, "after 2 h", 300, "rss_anon", unmarked, kPrototype, g::fast_to_limit},
    {21, "L21_gc_growing_heap", true, kStart, 2.5, "gc_live", gc_marked, kPrototype, g::gc_growing_heap},
    {22, "L22_gc_under_daily_load", true, kStart, 2.2, "gc_live", gc_marked, kPrototype | kDaily | kLoad, g::gc_under_daily_load},
    {23, "L23_quantised", true, kStart, 2.5, "external", unmarked, kPrototype, g::quantised_leak},
    {24, "L24_late_slow_onset", true, "drawn from 30 to 36 h", 3, "rss_anon", unmarked, kPrototype, g::late_slow_onset},
    {25, "L25_goroutine_leak", true, kStart, 3.2, "rss_anon", unmarked, 0, g::goroutine_leak},
    {26, "L26_thread_local_in_pool", true, kStart, 2.2, "rss_anon", unmarked, 0, g::thread_local_in_pool},
    {27, "L27_direct_buffers", true, kStart, 3, "rss_anon", unmarked, 0, g::direct_buffers},
    {28, "L28_slice_keeps_array", true, kStart, 2.5, "gc_live", gc_marked, 0, g::slice_keeps_array},
    {29, "L29_error_path_only", true, kStart, 2.25, "rss_anon", unmarked, 0, g::error_path_only},
    {30, "L30_shared_pointer_cycles", true, kStart, 4, "rss_anon", unmarked, 0, g::shared_pointer_cycles},
    {31, "L31_queue_growth", true, kStart, 0.4, "rss_anon", unmarked, 0, g::queue_growth},
    {32, "L32_string_interning", true, kStart, 2.5, "rss_anon", unmarked, 0, g::string_interning},
    {33, "L33_mutable_keys", true, kStart, kNone, "gc_live", gc_marked, 0, g::mutable_keys},
    {34, "L34_shmem_leak", true, kStart, 4.8, "cgroup_shmem", unmarked, 0, g::shmem_leak},
    {35, "L35_nightly_collection_only", true, kStart, 1.25, "gc_live", gc_marked, kDaily, g::nightly_collection_only},
    {36, "L36_leaking_site", true, kStart, 3.5, "site_bytes", exact, 0, g::leaking_site},
    {37, "L37_geometric_cache", true, kStart, kNone, "rss_anon", unmarked, 0, g::geometric_cache},
    {38, "N01_flat", false, "-", kNone, "rss_anon", unmarked, kPrototype, g::flat},
    {39, "N02_short_memory", false, "-", kNone, "rss_anon", unmarked, kPrototype, g::short_memory},
    {39, "N03_long_memory", false, "-", kNone, "rss_anon", unmarked, kPrototype, g::long_memory},
    {40, "N04_gc_events", false, "-", kNone, "gc_live", gc_marked, kPrototype, g::gc_events},
    {40, "N05_gc_no_events", false, "-", kNone, "rss_anon", unmarked, kPrototype, g::gc_no_events},
    {41, "N06_warm_up_3h", false, "-", kNone, "rss_anon", unmarked, kPrototype, g::warm_up_3h},
    {41, "N07_warm_up_15h", false, "-", kNone, "rss_anon", unmarked, kPrototype, g::warm_up_15h},
    {42, "N08_cache_fill_to_cap", false, "-", kNone, "rss_anon", unmarked, kPrototype, g::cache_fill_to_cap},
    {42, "N18_linear_fill_to_high_cap", false, "-", kNone, "rss_anon", unmarked, kPrototype | kUndecidable, g::linear_fill_to_high_cap},
    {43, "N09_daily_load", false, "-", kNone, "rss_anon", unmarked, kPrototype | kDaily | kLoad, g::daily_load},
    {43, "N10_daily_and_weekly_load", false, "-", kNone, "rss_anon", unmarked, kPrototype | kDaily | kLoad, g::daily_and_weekly_load},
    {44, "N11_rising_limb_only", false, "-", kNone, "rss_anon", unmarked, kPrototype | kDaily, g::rising_limb_only},
    {45, "N12_deploy_step", false, "-", kNone, "rss_anon", unmarked, kPrototype, g::deploy_step},
    {46, "N13_config_steps", false, "-", kNone, "rss_anon", unmarked, kPrototype, g::config_steps},
    {47, "N14_jit_log", false, "-", kNone, "rss_anon", unmarked, kPrototype, g::jit_log},
    {48, "N15_early_doublings", false, "-", kNone, "rss_anon", unmarked, kPrototype, g::early_doublings},
    {49, "N16_retention_ratchet", false, "-", kNone, "rss_anon", unmarked, kPrototype, g::retention_ratchet},
    {50, "N17_fragmentation_plateau", false, "-", kNone, "rss_anon", unmarked, kPrototype, g::fragmentation_plateau},
    {51, "N31_page_cache_to_limit", false, "-", kNone, "external", unmarked, kUndecidable, g::page_cache_to_limit},
    {52, "N19_log_rotation", false, "-", kNone, "rss_anon", unmarked, kPrototype | kDaily, g::log_rotation},
    {53, "N20_nightly_batch", false, "-", kNone, "rss_anon", unmarked, kPrototype | kDaily, g::nightly_batch},
    {54, "N21_long_teeth_events", false, "-", kNone, "gc_live", gc_marked, kPrototype, g::long_teeth_events},
    {55, "N22_pool_growth", false, "-", kNone, "rss_anon", unmarked, kPrototype, g::pool_growth},
    {56, "N23_restarts_with_warm_up", false, "-", kNone, "rss_anon", unmarked, kPrototype, g::restarts_with_warm_up},
    {57, "N24_quantised_flat", false, "-", kNone, "external", unmarked, kPrototype, g::quantised_flat},
    {58, "N25_heavy_tail_flat", false, "-", kNone, "rss_anon", unmarked, kPrototype, g::heavy_tail_flat},
    {59, "N26_decreasing", false, "-", kNone, "rss_anon", unmarked, kPrototype, g::decreasing},
    {60, "N27_lsm_memtable", false, "-", kNone, "rss_anon", unmarked, kPrototype, g::lsm_memtable},
    {61, "N28_load_hump", false, "-", kNone, "rss_anon", unmarked, kPrototype, g::load_hump},
    {62, "N29_gc_warm_up", false, "-", kNone, "gc_live", gc_marked, kPrototype, g::gc_warm_up},
    {63, "N30_gc_daily_load", false, "-", kNone, "gc_live", gc_marked, kPrototype | kDaily | kLoad, g::gc_daily_load},
    {64, "N32_soft_references", false, "-", kNone, "gc_live", gc_marked, kUndecidable, g::soft_references},
    {65, "N33_map_peak_then_deletes", false, "-", kNone, "gc_live", gc_marked, 0, g::map_peak_then_deletes},
    {66, "N34_jemalloc_dirty_pages", false, "-", kNone, "rss_anon", unmarked, 0, g::jemalloc_dirty_pages},
    {67, "N35_arena_per_thread", false, "-", kNone, "rss_anon", unmarked, 0, g::arena_per_thread},
    {68, "N36_young_collections_only", false, "-", kNone, "gc_live", gc_marked, 0, g::young_collections_only},
    {69, "N37_drifting_amplitude", false, "-", kNone, "rss_anon", unmarked, 0, g::drifting_amplitude},
    {70, "N38_growing_traffic", false, "-", kNone, "rss_anon", unmarked, kDaily | kLoad, g::growing_traffic},
    {101, "SL1_steady", true, kStart, kNone, "rss_anon", unmarked, 0, g::short_steady_leak},
    {102, "SL2_after_start", true, kStart, kNone, "rss_anon", unmarked, 0, g::short_leak_after_start},
    {103, "SL3_toothed", true, kStart, kNone, "rss_anon", unmarked, 0, g::short_toothed_leak},
    {104, "SL4_doubling", true, kStart, kNone, "rss_anon", unmarked, 0, g::short_doubling_leak},
    {105, "SL5_late", true, "drawn from 1 to 3 h", kNone, "rss_anon", unmarked, 0, g::short_late_leak},
    {106, "SL6_batches", true, kStart, kNone, "rss_anon", unmarked, 0, g::short_batch_leak},
    {107, "SN1_flat", false, "-", kNone, "rss_anon", unmarked, 0, g::short_flat},
    {108, "SN2_linear_start", false, "-", kNone, "rss_anon", unmarked, 0, g::short_linear_start},
    {109, "SN3_exponential_start", false, "-", kNone, "rss_anon", unmarked, 0, g::short_exponential_start},
    {110, "SN4_logarithmic_start", false, "-", kNone, "rss_anon", unmarked, 0, g::short_logarithmic_start},
    {111, "SN5_sigmoid_start", false, "-", kNone, "rss_anon", unmarked, 0, g::short_sigmoid_start},
    {112, "SN6_doubling_start", false, "-", kNone, "rss_anon", unmarked, 0, g::short_doubling_start},
    {113, "SN7_staged_start", false, "-", kNone, "rss_anon", unmarked, 0, g::short_staged_start},
    {114, "SN8_collector_start", false, "-", kNone, "rss_anon", unmarked, 0, g::short_collector_start},
    {115, "SN9_reload_after_hours", false, "-", kNone, "rss_anon", unmarked, 0, g::short_reload_after_hours},
    {116, "SN10_burst_humps", false, "-", kNone, "rss_anon", unmarked, 0, g::short_burst_humps},
    {117, "SN11_level_teeth", false, "-", kNone, "rss_anon", unmarked, 0, g::short_level_teeth},
    {118, "SN12_wandering", false, "-", kNone, "rss_anon", unmarked, 0, g::short_wandering},
    {119, "SN13_worker_pool", false, "-", kNone, "rss_anon", unmarked, 0, g::short_worker_pool},
});
// clang-format on

std::vector<Scenario> chosen(bool (*wanted)(const Label&)) {
  std::vector<Scenario> result;
  for (const Label& label : kLabels) {
    if (wanted(label)) {
      const double spacing_seconds = label.number > 70 ? 15 : 60;
      result.push_back({label.name, [make = label.make, spacing_seconds](std::uint64_t seed) {
                          Random random(seed);
                          return shapes::finish(make(random), spacing_seconds);
                        }});
    }
  }
  return result;
}

}  // namespace

std::span<const Label> labels() { return kLabels; }

const Label* find_label(std::string_view name) {
  const auto* const found =
      std::find_if(kLabels.begin(), kLabels.end(), [&](const Label& l) { return l.name == name; });
  return found == kLabels.end() ? nullptr : found;
}

const std::vector<Scenario>& long_scenarios() {
  static const auto kChosen = chosen([](const Label& label) { return label.number <= 70; });
  return kChosen;
}

const std::vector<Scenario>& prototype_scenarios() {
  static const auto kChosen = chosen([](const Label& label) { return label.has(kPrototype); });
  return kChosen;
}

const std::vector<Scenario>& short_scenarios() {
  static const auto kChosen = chosen([](const Label& label) { return label.number > 70; });
  return kChosen;
}

const std::vector<Scenario>& reserved_scenarios() {
  static const auto kChosen = chosen([](const Label& label) { return label.reserved(); });
  return kChosen;
}

const std::vector<Scenario>& tuning_scenarios() {
  static const auto kChosen =
      chosen([](const Label& label) { return label.number <= 70 && !label.reserved(); });
  return kChosen;
}

}  // namespace heapfloor
