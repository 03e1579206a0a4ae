// The metrics that a probe gives of a program, by name. See process_metrics.h.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string_view>

#include "collectors/allocator_metrics.h"
#include "collectors/metric_table.h"
#include "collectors/sample.h"
#include "collectors/site_metric.h"

namespace heapfloor {

constexpr MetricDesc allocator_gauge(std::string_view name, std::string_view help,
                                     GroupRule rule = GroupRule::sum) {
  return {.name = name, .help = help, .group_rule = rule, .group_name = name};
}
constexpr MetricDesc probe_counter(std::string_view name, std::string_view help) {
  return {.name = name,
          .help = help,
          .type = MetricType::counter,
          .group_rule = GroupRule::sum,
          .group_name = name};
}
constexpr MetricDesc skipped_samples(std::string_view reason) {
  return {.name = "heapfloor_process_allocator_samples_skipped_total",
          .help =
              "Readings of the allocator that the probe put off: budget, since the last ones "
              "took too long; busy, another thread was reading.",
          .type = MetricType::counter,
          .label_name = "reason",
          .label_value = reason,
          .group_rule = GroupRule::sum,
          .group_name = "heapfloor_allocator_samples_skipped_total"};
}
constexpr MetricDesc rejected_reads(std::string_view reason) {
  return {.name = "heapfloor_probe_reads_rejected_total",
          .help =
              "Segments that were not believed: malformed, of another layout version, of "
              "another process, or not readable.",
          .type = MetricType::counter,
          .label_name = "reason",
          .label_value = reason};
}

constexpr MetricDesc arena_memory(std::string_view state) {
  return {
      .name = "heapfloor_allocator_arena_memory_bytes",
      .help =
          "Memory of one of glibc's arenas, in use and free (malloc_info); 0 is the main one. Only "
          "of programs started with HEAPFLOOR_ARENAS=1.",
      .label_name = "state",
      .label_value = state,
      .group_rule = GroupRule::sum,
      .group_name = "heapfloor_allocator_arena_memory_bytes"};
}

namespace probe_tables {

// Of a program's allocator: written for entities of kind allocator.
inline constexpr std::array kAllocator = {
    allocator_metrics::in_use(),
    allocator_metrics::free_memory("fastbin"),
    allocator_metrics::free_memory("bins"),
    allocator_metrics::free_memory("top"),
    allocator_metrics::free_memory("dirty"),
    allocator_metrics::free_memory("muzzy"),
    allocator_metrics::free_memory("pageheap"),
    allocator_metrics::free_memory("central"),
    allocator_metrics::free_memory("thread"),
    allocator_gauge("heapfloor_allocator_active_bytes",
                    "Pages that hold at least one block in use (jemalloc stats.active)."),
    allocator_gauge("heapfloor_allocator_resident_bytes",
                    "Resident memory of the allocator, as it estimates it (jemalloc "
                    "stats.resident)."),
    allocator_gauge("heapfloor_allocator_mapped_bytes",
                    "Address space of the allocator that holds extents (jemalloc stats.mapped)."),
    allocator_gauge("heapfloor_allocator_retained_bytes",
                    "Address space that the allocator keeps and has given the memory of back "
                    "(jemalloc stats.retained)."),
    allocator_gauge("heapfloor_allocator_metadata_bytes",
                    "Memory for the allocator's own account (jemalloc stats.metadata)."),
    allocator_metrics::releasable(),
    allocator_gauge("heapfloor_allocator_arenas", "Arenas of the allocator."),
    allocator_gauge("heapfloor_allocator_free_chunks",
                    "Free blocks that the allocator holds (mallinfo2 ordblks plus smblks)."),
    allocator_metrics::mapped_regions(),
    probe_counter("heapfloor_allocator_trims_total",
                  "Times that free memory was returned to the kernel: malloc_trim, purges, "
                  "releases; by the program and on request."),
    probe_counter("heapfloor_allocator_trim_released_bytes_total",
                  "By how much resident memory fell in them."),
    probe_counter("heapfloor_allocator_allocations_total",
                  "Blocks allocated, as sampling estimates it."),
    probe_counter("heapfloor_allocator_allocated_bytes_total",
                  "Bytes allocated, as sampling estimates it."),
    probe_counter("heapfloor_allocator_freed_bytes_total",
                  "Bytes freed, as sampling estimates it."),
    allocator_gauge("heapfloor_allocator_sample_duration_seconds",
                    "Time of the last reading of the allocator; its locks were held for part of "
                    "it.",
                    GroupRule::maximum),
    MetricDesc{.name = "heapfloor_allocator_sample_timestamp_seconds",
               .help = "When the allocator was last read.",
               .group_rule = GroupRule::minimum,
               .group_name = "heapfloor_allocator_sample_timestamp_seconds",
               .is_since_boot = true},
};

// Of each arena that the probe lists: written for entities of kind arena.
inline constexpr std::array kArena = {arena_memory("used"), arena_memory("free")};

// Of all structures of one name of a program: written for entities of kind structure.
inline constexpr std::array kStructure = {
    allocator_gauge("heapfloor_structure_elements", "Elements, summed over living instances."),
    allocator_gauge("heapfloor_structure_capacity_elements",
                    "Elements that there is room for before it grows (capacity; buckets times the "
                    "largest load)."),
    allocator_gauge("heapfloor_structure_memory_bytes",
                    "Bytes that its instances have allocated for themselves."),
    allocator_gauge("heapfloor_structure_instances", "Instances that live."),
    allocator_gauge("heapfloor_structure_hash_buckets", "Buckets of its hash tables."),
    allocator_gauge("heapfloor_structure_peak_elements",
                    "Most elements since the last clear, summed over living instances."),
    probe_counter("heapfloor_structure_insertions_total", "Elements inserted."),
    probe_counter("heapfloor_structure_removals_total", "Elements removed."),
    probe_counter("heapfloor_structure_growths_total", "Times that its room grew."),
    probe_counter("heapfloor_structure_rehashes_total", "Times that its hash table was rebuilt."),
    probe_counter("heapfloor_structure_shrinks_total", "Times that it gave room back."),
    probe_counter("heapfloor_structure_clears_total", "Times that it was emptied."),
    probe_counter("heapfloor_structure_moved_bytes_total",
                  "Bytes that growths copied or moved to a new place."),
    probe_counter("heapfloor_structure_instances_started_total", "Instances constructed."),
    probe_counter("heapfloor_structure_instances_ended_total", "Instances destroyed."),
    MetricDesc{.name = "heapfloor_structure_last_clear_timestamp_seconds",
               .help = "When an instance was last cleared, shrunk or rehashed.",
               .group_rule = GroupRule::maximum,
               .group_name = "heapfloor_structure_last_clear_timestamp_seconds",
               .is_since_boot = true},
    probe_counter("heapfloor_structure_epochs_total",
                  "Clears, shrinks and rehashes, which the detector takes for compactions."),
};

// What of a probe stands beside the process, for the detector and the process's own series. A
// sample of them says that the process carries a probe.
inline constexpr std::array kProcess = {
    MetricDesc{.name = "heapfloor_process_allocator_in_use_bytes",
               .help = "Heap in use by the program as its allocator counts it; see "
                       "heapfloor_allocator_in_use_bytes."},
    MetricDesc{.name = "heapfloor_process_allocator_free_bytes",
               .help = "Heap that its allocator holds free in all states; see "
                       "heapfloor_allocator_free_bytes."},
    MetricDesc{.name = "heapfloor_process_allocator_trims_total",
               .help = "Times that the program's allocator returned free memory to the kernel.",
               .type = MetricType::counter},
    MetricDesc{.name = "heapfloor_process_sampled_live_bytes",
               .help = "Heap in use by the program as sampling estimates it."},
    skipped_samples("budget"),
    skipped_samples("busy"),
};

// Of each of the largest sites: written for entities of kind site.
inline constexpr std::array kSite = {
    MetricDesc{.name = kSiteLiveName, .help = kSiteLiveHelp},
};

inline constexpr std::array kAgent = {
    MetricDesc{.name = "heapfloor_probe_targets", .help = "Programs whose probe is read."},
    MetricDesc{.name = "heapfloor_probe_quarantined_targets",
               .help = "Programs whose segment was malformed or of another layout version, and is "
                       "not read until their mappings change."},
    MetricDesc{.name = "heapfloor_probe_reads_total",
               .help = "Readings of a segment that were believed.",
               .type = MetricType::counter},
    rejected_reads("malformed"),
    rejected_reads("version"),
    rejected_reads("identity"),
    rejected_reads("io"),
    MetricDesc{.name = "heapfloor_probe_kept_targets",
               .help = "Programs that have ended and whose last segment is kept."},
};

template <std::size_t... kCounts>
constexpr auto joined(const std::array<MetricDesc, kCounts>&... parts) {
  std::array<MetricDesc, (kCounts + ...)> all = {};
  std::size_t at = 0;
  const auto append = [&](const auto& part) {
    for (const MetricDesc& desc : part) all.at(at++) = desc;
  };
  (append(parts), ...);
  return all;
}

}  // namespace probe_tables

// One array, since samples are told apart by the address of their descriptor.
inline constexpr std::array kProbeMetrics =
    probe_tables::joined(probe_tables::kAllocator, probe_tables::kStructure, probe_tables::kProcess,
                         probe_tables::kSite, probe_tables::kAgent, probe_tables::kArena);

inline constexpr std::span<const MetricDesc> kAllocatorMetrics =
    std::span(kProbeMetrics).first(probe_tables::kAllocator.size());
inline constexpr std::span<const MetricDesc> kStructureMetrics =
    std::span(kProbeMetrics).subspan(kAllocatorMetrics.size(), probe_tables::kStructure.size());
inline constexpr std::span<const MetricDesc> kProbeProcessMetrics =
    std::span(kProbeMetrics)
        .subspan(kAllocatorMetrics.size() + kStructureMetrics.size(),
                 probe_tables::kProcess.size());

inline constexpr std::span<const MetricDesc> kArenaMetrics =
    std::span(kProbeMetrics).last(probe_tables::kArena.size());

inline constexpr const MetricDesc& kProbedInUse =
    find_metric(kProbeMetrics, "heapfloor_process_allocator_in_use_bytes");
inline constexpr const MetricDesc& kProbedFree =
    find_metric(kProbeMetrics, "heapfloor_process_allocator_free_bytes");
inline constexpr const MetricDesc& kProbedTrims =
    find_metric(kProbeMetrics, "heapfloor_process_allocator_trims_total");
inline constexpr const MetricDesc& kProbedSampledLive =
    find_metric(kProbeMetrics, "heapfloor_process_sampled_live_bytes");
inline constexpr const MetricDesc& kAllocatorSampled =
    find_metric(kProbeMetrics, "heapfloor_allocator_sample_timestamp_seconds");
inline constexpr const MetricDesc& kStructureElements =
    find_metric(kProbeMetrics, "heapfloor_structure_elements");
inline constexpr const MetricDesc& kStructureMemory =
    find_metric(kProbeMetrics, "heapfloor_structure_memory_bytes");
inline constexpr const MetricDesc& kStructureEpochs =
    find_metric(kProbeMetrics, "heapfloor_structure_epochs_total");
inline constexpr const MetricDesc& kSiteLive = find_metric(kProbeMetrics, kSiteLiveName);

}  // namespace heapfloor
