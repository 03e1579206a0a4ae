// The metrics of Go programs, by name. See process_metrics.h.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string_view>

#include "collectors/metric_table.h"
#include "collectors/sample.h"
#include "collectors/site_metric.h"

namespace heapfloor {
namespace go_tables {

constexpr MetricDesc gauge(std::string_view name, std::string_view help,
                           GroupRule rule = GroupRule::sum) {
  return {.name = name, .help = help, .group_rule = rule, .group_name = name};
}
constexpr MetricDesc counter(std::string_view name, std::string_view help) {
  return {.name = name,
          .help = help,
          .type = MetricType::counter,
          .group_rule = GroupRule::sum,
          .group_name = name};
}
constexpr MetricDesc unreadable(std::string_view reason) {
  return {.name = "heapfloor_unreadable_go_programs",
          .help =
              "Processes that run Go and are not read: no_symbols (stripped, -ldflags=-s, and not "
              "of Go 1.19 for x86-64), "
              "no_layout (a version that is not known, without debugging information), "
              "implausible (what stands there can be no figures), denied (CAP_SYS_PTRACE, "
              "CAP_DAC_READ_SEARCH).",
          .label_name = "reason",
          .label_value = reason};
}

// Of each process: written for entities of kind go.
inline constexpr std::array kGo = {
    gauge(
        "heapfloor_go_heap_live_bytes",
        "Heap that the last collection found in use (gcController.heapMarked; "
        "/gc/heap/live:bytes); of a program that is asked over HTTP and does not say it, reckoned "
        "from the goal of the next collection."),
    counter("heapfloor_go_gc_cycles_total", "Collections that have ended (memstats.numgc)."),
    gauge("heapfloor_go_heap_allocated_bytes",
          "Objects, garbage that was not swept yet and the free places of spans in use included "
          "(HeapAlloc)."),
    counter("heapfloor_go_allocated_bytes_total", "All that was ever allocated (TotalAlloc)."),
    gauge("heapfloor_go_heap_inuse_bytes", "Spans that hold objects (HeapInuse)."),
    gauge("heapfloor_go_heap_idle_bytes",
          "Spans that hold none, those that were given back to the system included (HeapIdle)."),
    gauge("heapfloor_go_heap_released_bytes", "Spans given back to the system (HeapReleased)."),
    gauge("heapfloor_go_heap_objects",
          "Objects that live or were not swept yet (HeapObjects: Mallocs less Frees)."),
    gauge("heapfloor_go_heap_goal_bytes",
          "What the heap grows to before the next collection begins, by GOGC; a memory limit may "
          "let it begin earlier."),
    gauge("heapfloor_go_memory_limit_bytes",
          "What all memory of the runtime is to stay below (GOMEMLIMIT); absent where none is "
          "set."),
    gauge("heapfloor_go_stack_inuse_bytes", "Stacks of goroutines (StackInuse)."),
    gauge("heapfloor_go_system_bytes",
          "All that the runtime has from the system, as address space (Sys)."),
    gauge("heapfloor_go_goroutines", "Goroutines, without those of the runtime itself."),
    counter("heapfloor_go_gc_pause_seconds_total",
            "Time in which the whole program stood still for collections (PauseTotalNs)."),
    gauge("heapfloor_go_gc_cpu_ratio",
          "Share of processor time that collections took since the program started, of the "
          "process with the largest (GCCPUFraction).",
          GroupRule::maximum),
    gauge("heapfloor_go_last_gc_timestamp_seconds",
          "When a collection of any process of the group ended last (LastGC).", GroupRule::maximum),
};

// Of each of the largest sites: written for entities of kind site. One family with those of probes.
inline constexpr std::array kSite = {
    MetricDesc{.name = kSiteLiveName, .help = kSiteLiveHelp},
};

inline constexpr std::array kAgent = {
    MetricDesc{.name = "heapfloor_watched_go_programs",
               .help = "Processes that run Go and whose runtime is read."},
    unreadable("no_symbols"),
    unreadable("no_layout"),
    unreadable("implausible"),
    unreadable("denied"),
};

constexpr auto joined() {
  std::array<MetricDesc, kGo.size() + kSite.size() + kAgent.size()> all = {};
  std::size_t at = 0;
  for (const MetricDesc& desc : kGo) all.at(at++) = desc;
  for (const MetricDesc& desc : kSite) all.at(at++) = desc;
  for (const MetricDesc& desc : kAgent) all.at(at++) = desc;
  return all;
}

}  // namespace go_tables

// One array, since samples are told apart by the address of their descriptor.
inline constexpr std::array kGoTable = go_tables::joined();

inline constexpr std::span<const MetricDesc> kGoMetrics =
    std::span(kGoTable).first(go_tables::kGo.size());

inline constexpr const MetricDesc& kGoLive = find_metric(kGoTable, "heapfloor_go_heap_live_bytes");
inline constexpr const MetricDesc& kGoSiteLive = find_metric(kGoTable, kSiteLiveName);
inline constexpr const MetricDesc& kGoCycles =
    find_metric(kGoTable, "heapfloor_go_gc_cycles_total");
inline constexpr const MetricDesc& kGoInUse =
    find_metric(kGoTable, "heapfloor_go_heap_inuse_bytes");
inline constexpr const MetricDesc& kGoIdle = find_metric(kGoTable, "heapfloor_go_heap_idle_bytes");
inline constexpr const MetricDesc& kGoReleased =
    find_metric(kGoTable, "heapfloor_go_heap_released_bytes");
inline constexpr const MetricDesc& kGoMemoryLimit =
    find_metric(kGoTable, "heapfloor_go_memory_limit_bytes");
inline constexpr const MetricDesc& kGoStacks =
    find_metric(kGoTable, "heapfloor_go_stack_inuse_bytes");
inline constexpr const MetricDesc& kGoGoroutines = find_metric(kGoTable, "heapfloor_go_goroutines");
inline constexpr const MetricDesc& kGoSystem = find_metric(kGoTable, "heapfloor_go_system_bytes");

}  // namespace heapfloor
