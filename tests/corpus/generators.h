// The generators of the catalogue and of the short scenarios; labels.cpp names them.
#pragma once

#include "tests/corpus/random.h"
#include "tests/corpus/shapes.h"

namespace heapfloor::generators {

// leaks_plain.cpp
shapes::Draft linear_native(Random& r);
shapes::Draft gc_linear_events(Random& r);
shapes::Draft gc_linear_no_events(Random& r);
shapes::Draft slow_below_noise(Random& r);
shapes::Draft rate_follows_load(Random& r);
shapes::Draft under_strong_daily_load(Random& r);
shapes::Draft hash_map_doubling(Random& r);
shapes::Draft equal_stairs(Random& r);
shapes::Draft onset_at_deploy(Random& r);
shapes::Draft masked_by_restart(Random& r);
shapes::Draft partial_free(Random& r);
shapes::Draft accelerating(Random& r);

// leaks_disguised.cpp
shapes::Draft sublinear(Random& r);
shapes::Draft business_hours(Random& r);
shapes::Draft after_warm_up(Random& r);
shapes::Draft with_cache_drops(Random& r);
shapes::Draft class_loader_steps(Random& r);
shapes::Draft gaps(Random& r);
shapes::Draft heavy_tail_leak(Random& r);
shapes::Draft fast_to_limit(Random& r);
shapes::Draft gc_growing_heap(Random& r);
shapes::Draft gc_under_daily_load(Random& r);
shapes::Draft quantised_leak(Random& r);
shapes::Draft late_slow_onset(Random& r);

// leaks_by_cause.cpp
shapes::Draft goroutine_leak(Random& r);
shapes::Draft thread_local_in_pool(Random& r);
shapes::Draft direct_buffers(Random& r);
shapes::Draft slice_keeps_array(Random& r);
shapes::Draft error_path_only(Random& r);
shapes::Draft shared_pointer_cycles(Random& r);
shapes::Draft queue_growth(Random& r);
shapes::Draft string_interning(Random& r);
shapes::Draft mutable_keys(Random& r);
shapes::Draft shmem_leak(Random& r);
shapes::Draft nightly_collection_only(Random& r);
shapes::Draft leaking_site(Random& r);
shapes::Draft geometric_cache(Random& r);

// healthy_plain.cpp
shapes::Draft flat(Random& r);
shapes::Draft short_memory(Random& r);
shapes::Draft long_memory(Random& r);
shapes::Draft gc_events(Random& r);
shapes::Draft gc_no_events(Random& r);
shapes::Draft warm_up_3h(Random& r);
shapes::Draft warm_up_15h(Random& r);
shapes::Draft cache_fill_to_cap(Random& r);
shapes::Draft linear_fill_to_high_cap(Random& r);
shapes::Draft daily_load(Random& r);
shapes::Draft daily_and_weekly_load(Random& r);
shapes::Draft rising_limb_only(Random& r);
shapes::Draft deploy_step(Random& r);
shapes::Draft config_steps(Random& r);
shapes::Draft jit_log(Random& r);
shapes::Draft early_doublings(Random& r);
shapes::Draft retention_ratchet(Random& r);
shapes::Draft fragmentation_plateau(Random& r);

// healthy_cyclic.cpp
shapes::Draft log_rotation(Random& r);
shapes::Draft nightly_batch(Random& r);
shapes::Draft long_teeth_events(Random& r);
shapes::Draft pool_growth(Random& r);
shapes::Draft restarts_with_warm_up(Random& r);
shapes::Draft quantised_flat(Random& r);
shapes::Draft heavy_tail_flat(Random& r);
shapes::Draft decreasing(Random& r);
shapes::Draft lsm_memtable(Random& r);
shapes::Draft load_hump(Random& r);
shapes::Draft gc_warm_up(Random& r);
shapes::Draft gc_daily_load(Random& r);

// healthy_by_cause.cpp
shapes::Draft page_cache_to_limit(Random& r);
shapes::Draft soft_references(Random& r);
shapes::Draft map_peak_then_deletes(Random& r);
shapes::Draft jemalloc_dirty_pages(Random& r);
shapes::Draft arena_per_thread(Random& r);
shapes::Draft young_collections_only(Random& r);
shapes::Draft drifting_amplitude(Random& r);
shapes::Draft growing_traffic(Random& r);

// short_scenarios.cpp
shapes::Draft short_flat(Random& r);
shapes::Draft short_linear_start(Random& r);
shapes::Draft short_exponential_start(Random& r);
shapes::Draft short_logarithmic_start(Random& r);
shapes::Draft short_sigmoid_start(Random& r);
shapes::Draft short_doubling_start(Random& r);
shapes::Draft short_staged_start(Random& r);
shapes::Draft short_collector_start(Random& r);
shapes::Draft short_reload_after_hours(Random& r);
shapes::Draft short_burst_humps(Random& r);
shapes::Draft short_level_teeth(Random& r);
shapes::Draft short_wandering(Random& r);
shapes::Draft short_worker_pool(Random& r);
shapes::Draft short_steady_leak(Random& r);
shapes::Draft short_leak_after_start(Random& r);
shapes::Draft short_toothed_leak(Random& r);
shapes::Draft short_doubling_leak(Random& r);
shapes::Draft short_late_leak(Random& r);
shapes::Draft short_batch_leak(Random& r);

}  // namespace heapfloor::generators
