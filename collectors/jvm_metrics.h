// The metrics of JVMs, by name. See process_metrics.h.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string_view>

#include "collectors/metric_table.h"
#include "collectors/sample.h"

namespace heapfloor {
namespace jvm_tables {

constexpr MetricDesc gauge(std::string_view name, std::string_view help,
                           std::string_view area = {}) {
  return {.name = name,
          .help = help,
          .label_name = area.empty() ? std::string_view() : std::string_view("area"),
          .label_value = area,
          .group_rule = GroupRule::sum,
          .group_name = name};
}
constexpr MetricDesc counter(std::string_view name, std::string_view help,
                             std::string_view generation = {}) {
  return {.name = name,
          .help = help,
          .type = MetricType::counter,
          .label_name = generation.empty() ? std::string_view() : std::string_view("generation"),
          .label_value = generation,
          .group_rule = GroupRule::sum,
          .group_name = name};
}

constexpr MetricDesc used(std::string_view area) {
  return gauge("heapfloor_jvm_memory_used_bytes",
               "Memory of the pool that holds objects, or classes, garbage included (sun.gc "
               "counters of hsperfdata).",
               area);
}
constexpr MetricDesc committed(std::string_view area) {
  return gauge("heapfloor_jvm_memory_committed_bytes",
               "Memory of the pool that the JVM has from the system.", area);
}
constexpr MetricDesc limit(std::string_view area) {
  return gauge("heapfloor_jvm_memory_limit_bytes",
               "What the pool may grow to; pools share it where the collector lets them.", area);
}
constexpr MetricDesc collections(std::string_view generation) {
  return counter("heapfloor_jvm_gc_collections_total",
                 "Pauses for collections: young, of the young generation (G1: mixed ones "
                 "included); old, of the old one or the whole heap (Shenandoah: its phases, too); "
                 "concurrent, those of concurrent cycles (G1 two a cycle, ZGC three).",
                 generation);
}
constexpr MetricDesc collection_seconds(std::string_view generation) {
  return counter("heapfloor_jvm_gc_seconds_total",
                 "Time in which the program stood still for them (Shenandoah: the time of its "
                 "phases, in which it does not).",
                 generation);
}

constexpr MetricDesc unreadable(std::string_view reason) {
  return {.name = "heapfloor_unreadable_jvms",
          .help =
              "JVMs that are not read: no_counters (-XX:-UsePerfData), no_symbols (no file of "
              "counters is mapped, and its library does not tell where they are: not HotSpot), "
              "implausible (what stands there can be no counters), denied (CAP_SYS_PTRACE).",
          .label_name = "reason",
          .label_value = reason};
}

// Of each JVM's collector: written for entities of kind jvm.
inline constexpr std::array kJvm = {
    collections("young"),
    collections("old"),
    collections("concurrent"),
    collection_seconds("young"),
    collection_seconds("old"),
    collection_seconds("concurrent"),
    counter("heapfloor_jvm_old_collections_total",
            "Full collections and concurrent cycles, behind which live memory is measured."),
    gauge("heapfloor_jvm_heap_committed_bytes", "Heap that the JVM has from the system."),
    gauge("heapfloor_jvm_heap_limit_bytes", "What the heap may grow to (-Xmx)."),
    gauge("heapfloor_jvm_classes_loaded",
          "Classes that are loaded, those of its archive included."),
    gauge("heapfloor_jvm_threads", "Threads of the program (java.threads.live)."),
};

// Of each pool of its memory: written for entities of kind jvm_pool.
inline constexpr std::array kPool = {
    used("heap"),
    used("nonheap"),
    committed("heap"),
    committed("nonheap"),
    limit("heap"),
    limit("nonheap"),
    gauge("heapfloor_jvm_memory_used_after_gc_bytes",
          "Memory of the pool that lives after collections: of the old generation, or of the heap "
          "where there are no generations."),
};

inline constexpr std::array kAgent = {
    MetricDesc{.name = "heapfloor_watched_jvms", .help = "JVMs whose counters are read."},
    unreadable("no_counters"),
    unreadable("no_symbols"),
    unreadable("implausible"),
    unreadable("denied"),
};

constexpr auto joined() {
  std::array<MetricDesc, kJvm.size() + kPool.size() + kAgent.size()> all = {};
  std::size_t at = 0;
  const auto append = [&](const auto& part) {
    for (const MetricDesc& desc : part) all.at(at++) = desc;
  };
  append(kJvm);
  append(kPool);
  append(kAgent);
  return all;
}

}  // namespace jvm_tables

// One array, since samples are told apart by the address of their descriptor.
inline constexpr std::array kJvmTable = jvm_tables::joined();

inline constexpr std::span<const MetricDesc> kJvmMetrics =
    std::span(kJvmTable).first(jvm_tables::kJvm.size());
inline constexpr std::span<const MetricDesc> kJvmPoolMetrics =
    std::span(kJvmTable).subspan(jvm_tables::kJvm.size(), jvm_tables::kPool.size());

inline constexpr const MetricDesc& kJvmOldCollections =
    find_metric(kJvmTable, "heapfloor_jvm_old_collections_total");
inline constexpr const MetricDesc& kJvmHeapCommitted =
    find_metric(kJvmTable, "heapfloor_jvm_heap_committed_bytes");
inline constexpr const MetricDesc& kJvmHeapLimit =
    find_metric(kJvmTable, "heapfloor_jvm_heap_limit_bytes");
inline constexpr const MetricDesc& kJvmAfterGc =
    find_metric(kJvmTable, "heapfloor_jvm_memory_used_after_gc_bytes");

}  // namespace heapfloor
