// The metrics that the cgroup collector writes, for it and for the agent, which reads some of them.
#pragma once

#include <array>
#include <string_view>

#include "collectors/metric_table.h"
#include "collectors/sample.h"

namespace heapfloor {

namespace cgroup_detail {

constexpr MetricDesc gauge(std::string_view name, std::string_view help) { return {name, help}; }
constexpr MetricDesc counter(std::string_view name, std::string_view help) {
  return {name, help, MetricType::counter};
}
constexpr MetricDesc component(std::string_view label) {
  return {
      "heapfloor_cgroup_memory_component_bytes",
      "Memory of the cgroup and those below it by use; components are disjoint, file is without "
      "shmem and the swap cache, other_kernel is what the kernel counts and no other component "
      "names (memory.stat).",
      MetricType::gauge, "component", label};
}
constexpr MetricDesc file_list(std::string_view label) {
  return {"heapfloor_cgroup_file_memory_bytes",
          "File pages by the list that reclaim keeps them on (memory.stat active_file, "
          "inactive_file).",
          MetricType::gauge, "state", label};
}
constexpr MetricDesc anon_list(std::string_view label) {
  return {"heapfloor_cgroup_anon_memory_bytes",
          "Anonymous and shared pages by the list that reclaim keeps them on (memory.stat "
          "active_anon, inactive_anon).",
          MetricType::gauge, "state", label};
}
constexpr MetricDesc event(std::string_view label) {
  return {"heapfloor_cgroup_memory_events_total",
          "Events of the cgroup and those below it (memory.events; version 2).",
          MetricType::counter, "event", label};
}
constexpr MetricDesc local_event(std::string_view label) {
  return {"heapfloor_cgroup_memory_events_local_total",
          "Events of the cgroup itself (memory.events.local; version 1: memory.failcnt as max, "
          "memory.oom_control as oom_kill).",
          MetricType::counter, "event", label};
}
constexpr MetricDesc refaults(std::string_view label) {
  return {"heapfloor_cgroup_workingset_refaults_total",
          "Pages that were needed again soon after reclaim had taken them (memory.stat "
          "workingset_refault_*).",
          MetricType::counter, "kind", label};
}

}  // namespace cgroup_detail

inline constexpr std::array kCgroupMetrics = {
    cgroup_detail::gauge("heapfloor_cgroups", "Cgroups that were read in the last tick."),
    cgroup_detail::counter(
        "heapfloor_cgroups_skipped_total",
        "Cgroups, at least, that were not read because limits.cgroups was reached or their path is "
        "too long; counted at each tick."),
    cgroup_detail::gauge("heapfloor_cgroup_memory_current_bytes",
                         "Memory charged to the cgroup and those below it (memory.current, "
                         "memory.usage_in_bytes)."),
    cgroup_detail::component("anon"),
    cgroup_detail::component("file"),
    cgroup_detail::component("shmem"),
    cgroup_detail::component("kernel_stack"),
    cgroup_detail::component("page_tables"),
    cgroup_detail::component("percpu"),
    cgroup_detail::component("sock"),
    cgroup_detail::component("vmalloc"),
    cgroup_detail::component("slab_reclaimable"),
    cgroup_detail::component("slab_unreclaimable"),
    cgroup_detail::component("zswap"),
    cgroup_detail::component("other_kernel"),
    cgroup_detail::file_list("active"),
    cgroup_detail::file_list("inactive"),
    cgroup_detail::anon_list("active"),
    cgroup_detail::anon_list("inactive"),
    cgroup_detail::gauge("heapfloor_cgroup_file_mapped_bytes",
                         "File and shared pages that processes have mapped (memory.stat "
                         "file_mapped)."),
    cgroup_detail::gauge("heapfloor_cgroup_file_dirty_bytes",
                         "File pages that wait to be written (memory.stat file_dirty)."),
    cgroup_detail::gauge("heapfloor_cgroup_file_writeback_bytes",
                         "File pages that are being written (memory.stat file_writeback)."),
    cgroup_detail::gauge("heapfloor_cgroup_working_set_bytes",
                         "memory.current minus inactive_file, not below 0: what cAdvisor and the "
                         "kubelet call the working set. It holds file pages and slab that reclaim "
                         "could still take."),
    cgroup_detail::gauge(
        "heapfloor_cgroup_unreclaimable_memory_bytes",
        "memory.current minus active_file, inactive_file and, where the kernel "
        "tells it, slab_reclaimable, not below 0: what reclaim cannot take without "
        "swapping."),
    cgroup_detail::gauge("heapfloor_cgroup_memory_peak_bytes",
                         "Most memory that was ever charged (memory.peak since 5.19, "
                         "memory.max_usage_in_bytes)."),
    cgroup_detail::gauge("heapfloor_cgroup_memory_limit_bytes",
                         "The cgroup's own limit (memory.max, memory.limit_in_bytes); absent where "
                         "it has none."),
    cgroup_detail::gauge("heapfloor_cgroup_memory_high_bytes",
                         "Above this the cgroup is slowed down (memory.high); absent where it is "
                         "not set."),
    cgroup_detail::gauge("heapfloor_cgroup_memory_low_bytes",
                         "Protected from reclaim as far as possible (memory.low); absent where it "
                         "is 0."),
    cgroup_detail::gauge("heapfloor_cgroup_memory_min_bytes",
                         "Protected from reclaim (memory.min); absent where it is 0."),
    cgroup_detail::gauge(
        "heapfloor_cgroup_memory_effective_limit_bytes",
        "The smallest limit of the cgroup, of those above it that can be seen, and "
        "of the host (meminfo MemTotal)."),
    cgroup_detail::gauge("heapfloor_cgroup_swap_current_bytes",
                         "Swap used by the cgroup and those below it (memory.swap.current, "
                         "memory.stat total_swap)."),
    cgroup_detail::gauge("heapfloor_cgroup_swap_limit_bytes",
                         "The cgroup's own limit of swap (memory.swap.max); absent where it has "
                         "none."),
    cgroup_detail::gauge("heapfloor_cgroup_swap_peak_bytes",
                         "Most swap that was ever used (memory.swap.peak, since 6.5)."),
    cgroup_detail::event("low"),
    cgroup_detail::event("high"),
    cgroup_detail::event("max"),
    cgroup_detail::event("oom"),
    cgroup_detail::event("oom_kill"),
    cgroup_detail::event("oom_group_kill"),
    cgroup_detail::local_event("low"),
    cgroup_detail::local_event("high"),
    cgroup_detail::local_event("max"),
    cgroup_detail::local_event("oom"),
    cgroup_detail::local_event("oom_kill"),
    cgroup_detail::local_event("oom_group_kill"),
    cgroup_detail::counter("heapfloor_cgroup_memory_pressure_waiting_seconds_total",
                           "Time in which at least one task of the cgroup waited for memory "
                           "(memory.pressure some)."),
    cgroup_detail::counter("heapfloor_cgroup_memory_pressure_stalled_seconds_total",
                           "Time in which all tasks of the cgroup waited for memory "
                           "(memory.pressure full)."),
    cgroup_detail::refaults("anon"),
    cgroup_detail::refaults("file"),
    cgroup_detail::counter("heapfloor_cgroup_reclaim_scanned_pages_total",
                           "Pages of the cgroup that reclaim looked at (memory.stat pgscan)."),
    cgroup_detail::counter("heapfloor_cgroup_reclaim_reclaimed_pages_total",
                           "Pages of the cgroup that reclaim took back (memory.stat pgsteal)."),
    cgroup_detail::counter("heapfloor_cgroup_major_page_faults_total",
                           "Page faults that waited for a disk read (memory.stat pgmajfault)."),
    cgroup_detail::gauge(
        "heapfloor_cgroup_processes",
        "Processes in the cgroup itself; those of cgroups below it are not counted "
        "(cgroup.procs, read every collection.refresh_ticks intervals)."),
};

constexpr const MetricDesc* cgroup_metric(std::string_view name, std::string_view label = {}) {
  return &find_metric(kCgroupMetrics, name, label);
}

}  // namespace heapfloor
