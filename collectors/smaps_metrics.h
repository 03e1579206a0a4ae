// The metrics that smaps_rollup and smaps give of a process, by name. See process_metrics.h.
#pragma once

#include <array>
#include <string_view>

#include "collectors/metric_table.h"
#include "collectors/sample.h"

namespace heapfloor {

constexpr MetricDesc proportional_memory(std::string_view kind) {
  return {.name = "heapfloor_process_proportional_memory_bytes",
          .help =
              "Resident memory by kind, each shared page divided by the number of its sharers, as "
              "of the last read (smaps_rollup Pss_Anon, Pss_File, Pss_Shmem; Linux 5.4).",
          .label_name = "kind",
          .label_value = kind,
          .group_rule = GroupRule::complete_sum,
          .group_name = "heapfloor_group_proportional_memory_bytes"};
}

constexpr MetricDesc unique_memory(std::string_view state) {
  return {.name = "heapfloor_process_unique_memory_bytes",
          .help =
              "Resident memory that no other process maps, as of the last read (smaps_rollup "
              "Private_Clean, Private_Dirty).",
          .label_name = "state",
          .label_value = state,
          .group_rule = GroupRule::complete_sum,
          .group_name = "heapfloor_group_unique_memory_bytes"};
}

inline constexpr std::array kSmapsMetrics = {
    proportional_memory("anon"),
    proportional_memory("file"),
    proportional_memory("shmem"),
    MetricDesc{.name = "heapfloor_process_proportional_memory_estimated_bytes",
               .help = "RSS of now times PSS/RSS of the last read (status, smaps_rollup).",
               .group_rule = GroupRule::resident_scaled_sum,
               .group_name = "heapfloor_group_proportional_memory_estimated_bytes"},
    unique_memory("clean"),
    unique_memory("dirty"),
    MetricDesc{.name = "heapfloor_process_proportional_swap_bytes",
               .help = "Swapped out memory, each shared page divided by the number of its sharers, "
                       "as of the last read (smaps_rollup SwapPss).",
               .group_rule = GroupRule::complete_sum,
               .group_name = "heapfloor_group_proportional_swap_bytes"},
    MetricDesc{.name = "heapfloor_process_lazy_free_memory_bytes",
               .help = "Resident memory that the program gave back with MADV_FREE and the kernel "
                       "has not taken yet, as of the last read (smaps_rollup LazyFree).",
               .group_rule = GroupRule::complete_sum,
               .group_name = "heapfloor_group_lazy_free_memory_bytes"},
    MetricDesc{.name = "heapfloor_process_transparent_hugepage_bytes",
               .help = "Anonymous memory in transparent huge pages, as of the last read "
                       "(smaps_rollup AnonHugePages).",
               .group_rule = GroupRule::complete_sum,
               .group_name = "heapfloor_group_transparent_hugepage_bytes"},
    MetricDesc{.name = "heapfloor_process_proportional_sample_timestamp_seconds",
               .help = "When smaps_rollup was last read.",
               .group_rule = GroupRule::minimum,
               .group_name = "heapfloor_group_proportional_sample_timestamp_seconds",
               .is_since_boot = true},
    MetricDesc{.name = "heapfloor_process_thread_stack_bytes",
               .help =
                   "What the stack of one thread holds, resident or swapped out: the mean of "
                   "those of the commonest size, as of the last read (smaps), of suspects whose "
                   "threads became more."},
    MetricDesc{
        .name = "heapfloor_smaps_duty_ratio",
        .help =
            "Time spent in reads of smaps_rollup and smaps, over the time since the tick before; "
            "on average at most collection.smaps_duty."},
};

inline constexpr const MetricDesc& kProportionalAnon =
    find_metric(kSmapsMetrics, "heapfloor_process_proportional_memory_bytes", "anon");
inline constexpr const MetricDesc& kProportionalFile =
    find_metric(kSmapsMetrics, "heapfloor_process_proportional_memory_bytes", "file");
inline constexpr const MetricDesc& kProportionalShmem =
    find_metric(kSmapsMetrics, "heapfloor_process_proportional_memory_bytes", "shmem");
inline constexpr const MetricDesc& kProportionalEstimated =
    find_metric(kSmapsMetrics, "heapfloor_process_proportional_memory_estimated_bytes");
inline constexpr const MetricDesc& kUniqueClean =
    find_metric(kSmapsMetrics, "heapfloor_process_unique_memory_bytes", "clean");
inline constexpr const MetricDesc& kUniqueDirty =
    find_metric(kSmapsMetrics, "heapfloor_process_unique_memory_bytes", "dirty");
inline constexpr const MetricDesc& kProportionalSwap =
    find_metric(kSmapsMetrics, "heapfloor_process_proportional_swap_bytes");
inline constexpr const MetricDesc& kLazyFree =
    find_metric(kSmapsMetrics, "heapfloor_process_lazy_free_memory_bytes");
inline constexpr const MetricDesc& kTransparentHugepage =
    find_metric(kSmapsMetrics, "heapfloor_process_transparent_hugepage_bytes");
// Written for every process that has a sample.
inline constexpr const MetricDesc& kProportionalSampleTime =
    find_metric(kSmapsMetrics, "heapfloor_process_proportional_sample_timestamp_seconds");
inline constexpr const MetricDesc& kThreadStack =
    find_metric(kSmapsMetrics, "heapfloor_process_thread_stack_bytes");
inline constexpr const MetricDesc& kSmapsDuty =
    find_metric(kSmapsMetrics, "heapfloor_smaps_duty_ratio");

}  // namespace heapfloor
