// Memory of the whole host: meminfo, vmstat, pressure/memory, sys/vm/max_map_count and the boot
// time.
//
// Sources: Documentation/filesystems/proc.rst ("meminfo"), Documentation/accounting/psi.rst
// (pressure, since 4.20), Documentation/admin-guide/sysctl/vm.rst. Cost: about 100 microseconds a
// tick. Needs no capability.
#include <algorithm>
#include <array>
#include <optional>

#include "collectors/collector.h"
#include "collectors/host_root.h"
#include "collectors/metric_table.h"
#include "collectors/parse/boot_time.h"
#include "collectors/parse/integer.h"
#include "collectors/parse/meminfo.h"
#include "collectors/parse/pressure.h"
#include "collectors/parse/text.h"
#include "collectors/parse/vmstat.h"

namespace heapfloor {
namespace {

constexpr MetricDesc component(std::string_view label) {
  return {"heapfloor_host_memory_component_bytes",
          "Memory by use; components are disjoint, file_cache is Cached minus Shmem (meminfo).",
          MetricType::gauge, "component", label};
}

constexpr std::array kMetrics = {
    MetricDesc{"heapfloor_host_memory_capacity_bytes",
               "Memory that the kernel can use (meminfo MemTotal)."},
    MetricDesc{"heapfloor_host_memory_available_bytes",
               "What programs could still get without swapping, the kernel's estimate (meminfo "
               "MemAvailable)."},
    component("anon"),
    component("file_cache"),
    component("buffers"),
    component("shmem"),
    component("slab_reclaimable"),
    component("slab_unreclaimable"),
    component("page_tables"),
    component("kernel_stack"),
    component("percpu"),
    component("free"),
    MetricDesc{"heapfloor_host_swap_capacity_bytes", "Size of all swap areas (meminfo SwapTotal)."},
    MetricDesc{"heapfloor_host_swap_free_bytes", "Unused swap (meminfo SwapFree)."},
    MetricDesc{"heapfloor_host_committed_bytes",
               "Memory promised to programs (meminfo Committed_AS)."},
    MetricDesc{"heapfloor_host_commit_limit_bytes",
               "What may be promised under strict overcommit (meminfo CommitLimit)."},
    MetricDesc{"heapfloor_host_memory_pressure_waiting_seconds_total",
               "Time in which at least one task waited for memory (pressure/memory some).",
               MetricType::counter},
    MetricDesc{"heapfloor_host_memory_pressure_stalled_seconds_total",
               "Time in which all tasks waited for memory (pressure/memory full).",
               MetricType::counter},
    MetricDesc{"heapfloor_host_oom_kills_total",
               "Processes killed for want of memory (vmstat oom_kill).", MetricType::counter},
    MetricDesc{"heapfloor_host_major_page_faults_total",
               "Page faults that waited for a disk read (vmstat pgmajfault).", MetricType::counter},
    MetricDesc{
        "heapfloor_host_reclaim_scanned_pages_total",
        "Pages looked at by reclaim (vmstat pgscan_kswapd, _direct, _khugepaged, _proactive).",
        MetricType::counter},
    MetricDesc{
        "heapfloor_host_reclaim_reclaimed_pages_total",
        "Pages taken back by reclaim (vmstat pgsteal_kswapd, _direct, _khugepaged, _proactive).",
        MetricType::counter},
    MetricDesc{"heapfloor_host_memory_mappings_limit",
               "Mappings that one process may have (sysctl vm.max_map_count)."},
    MetricDesc{"heapfloor_host_boot_timestamp_seconds",
               "Unix time of the kernel's start (stat btime)."},
};

struct MeminfoMetric {
  const MetricDesc* desc;
  std::optional<std::uint64_t> Meminfo::*value;
};

constexpr const MetricDesc* metric(std::string_view name, std::string_view label = {}) {
  return &find_metric(kMetrics, name, label);
}
constexpr const MetricDesc* part(std::string_view label) {
  return metric("heapfloor_host_memory_component_bytes", label);
}

constexpr std::array kMeminfoMetrics = {
    MeminfoMetric{metric("heapfloor_host_memory_available_bytes"), &Meminfo::available_bytes},
    MeminfoMetric{part("anon"), &Meminfo::anon_bytes},
    MeminfoMetric{part("buffers"), &Meminfo::buffers_bytes},
    MeminfoMetric{part("shmem"), &Meminfo::shmem_bytes},
    MeminfoMetric{part("slab_reclaimable"), &Meminfo::slab_reclaimable_bytes},
    MeminfoMetric{part("slab_unreclaimable"), &Meminfo::slab_unreclaimable_bytes},
    MeminfoMetric{part("page_tables"), &Meminfo::page_tables_bytes},
    MeminfoMetric{part("kernel_stack"), &Meminfo::kernel_stack_bytes},
    MeminfoMetric{part("percpu"), &Meminfo::percpu_bytes},
    MeminfoMetric{part("free"), &Meminfo::free_bytes},
    MeminfoMetric{metric("heapfloor_host_swap_capacity_bytes"), &Meminfo::swap_total_bytes},
    MeminfoMetric{metric("heapfloor_host_swap_free_bytes"), &Meminfo::swap_free_bytes},
    MeminfoMetric{metric("heapfloor_host_committed_bytes"), &Meminfo::committed_bytes},
    MeminfoMetric{metric("heapfloor_host_commit_limit_bytes"), &Meminfo::commit_limit_bytes},
};
constexpr const MetricDesc* kCapacity = metric("heapfloor_host_memory_capacity_bytes");
constexpr const MetricDesc* kFileCache = part("file_cache");
constexpr const MetricDesc* kWaiting =
    metric("heapfloor_host_memory_pressure_waiting_seconds_total");
constexpr const MetricDesc* kStalled =
    metric("heapfloor_host_memory_pressure_stalled_seconds_total");
constexpr const MetricDesc* kOomKills = metric("heapfloor_host_oom_kills_total");
constexpr const MetricDesc* kMajorFaults = metric("heapfloor_host_major_page_faults_total");
constexpr const MetricDesc* kScanned = metric("heapfloor_host_reclaim_scanned_pages_total");
constexpr const MetricDesc* kReclaimed = metric("heapfloor_host_reclaim_reclaimed_pages_total");
constexpr const MetricDesc* kMappingsLimit = metric("heapfloor_host_memory_mappings_limit");
constexpr const MetricDesc* kBootTime = metric("heapfloor_host_boot_timestamp_seconds");

// The kernel sums up every interrupt of every processor for the file that holds btime, and btime
// moves only when the clock is set.
constexpr std::uint32_t kBootTimeTicks = 20;

// The largest of these files, stat, has a number for each interrupt line and ten for each
// processor.
constexpr std::size_t kBufferBytes = std::size_t{512} * 1024;

void add(SampleSink& sink, const MetricDesc* desc, std::optional<std::uint64_t> value,
         double unit = 1) {
  if (value) sink.add(*desc, static_cast<double>(*value) * unit);
}

class HostCollector final : public Collector {
 public:
  explicit HostCollector(const HostRoot& root)
      // NOLINTNEXTLINE(modernize-avoid-c-arrays): the array form of unique_ptr
      : root_(root), buffer_(std::make_unique_for_overwrite<char[]>(kBufferBytes)) {}

  [[nodiscard]] Result<CollectReport> collect(SampleSink& sink) override {
    sink.begin({.kind = EntityKind::host});
    CollectReport report;
    read_memory(sink, report);
    read_counters(sink, report);
    read_pressure(sink, report);
    read_mappings_limit(sink, report);
    read_boot_time(sink, report);
    if (report.entities_read == 0 && report.first_error) return Failure(*report.first_error);
    return report;
  }

 private:
  // Reads and parses one file. Its failure is counted, unless it may be missing and is.
  template <class T>
  std::optional<T> read(std::string_view path, Result<T> (*parse)(std::string_view),
                        CollectReport& report, bool may_be_missing = false) {
    auto text = root_.read(HostRoot::Tree::proc, path, {buffer_.get(), kBufferBytes});
    auto value = text ? with_path(parse(*text), path) : Result<T>(Failure(std::move(text.error())));
    if (value) {
      report.entities_read = 1;
      return *value;
    }
    if (!may_be_missing || value.error().kind != ErrorKind::unavailable)
      report.count(value.error());
    return std::nullopt;
  }

  void read_memory(SampleSink& sink, CollectReport& report) {
    const auto info = read("meminfo", parse_meminfo, report);
    if (!info) return;
    sink.add(*kCapacity, static_cast<double>(info->total_bytes));
    for (const MeminfoMetric& entry : kMeminfoMetrics) add(sink, entry.desc, *info.*entry.value);
    if (info->cached_bytes && info->shmem_bytes) {
      // The two are read one after the other, so that shmem may exceed the cache that it is part of
      // by a few pages.
      const std::uint64_t shmem_bytes = std::min(*info->shmem_bytes, *info->cached_bytes);
      add(sink, kFileCache, *info->cached_bytes - shmem_bytes);
    }
  }

  void read_counters(SampleSink& sink, CollectReport& report) {
    const auto stat = read("vmstat", parse_vmstat, report);
    if (!stat) return;
    add(sink, kOomKills, stat->oom_kills);
    add(sink, kMajorFaults, stat->major_faults);
    add(sink, kScanned, stat->reclaim_scanned_pages);
    add(sink, kReclaimed, stat->reclaim_stolen_pages);
  }

  // Three kinds of "no": no such file (kernel without PSI, or booted with psi=0) and EOPNOTSUPP
  // (compiled in, off by default) are this host's normal state, and its samples stay absent.
  // Everything else is an error.
  void read_pressure(SampleSink& sink, CollectReport& report) {
    constexpr double kSecondsPerMicrosecond = 1e-6;
    const auto pressure = read("pressure/memory", parse_pressure, report, true);
    if (!pressure) return;
    add(sink, kWaiting, pressure->some_microseconds, kSecondsPerMicrosecond);
    add(sink, kStalled, pressure->full_microseconds, kSecondsPerMicrosecond);
  }

  void read_mappings_limit(SampleSink& sink, CollectReport& report) {
    add(sink, kMappingsLimit, read("sys/vm/max_map_count", parse_integer, report));
  }

  void read_boot_time(SampleSink& sink, CollectReport& report) {
    if (!boot_seconds_ || tick_ % kBootTimeTicks == 0) {
      boot_seconds_ = read("stat", parse_boot_time, report);
    }
    ++tick_;
    add(sink, kBootTime, boot_seconds_);
  }

  const HostRoot& root_;
  // Uninitialised: only what is used becomes resident.
  // NOLINTNEXTLINE(modernize-avoid-c-arrays): the array form of unique_ptr
  std::unique_ptr<char[]> buffer_;
  std::optional<std::uint64_t> boot_seconds_;
  std::uint32_t tick_ = 0;
};

std::unique_ptr<Collector> make(const HostRoot& root, const CollectorOptions& /*options*/) {
  return std::make_unique<HostCollector>(root);
}

}  // namespace

extern constinit const CollectorEntry host_collector = {
    .name = "host",
    .summary = "memory of the host by use, swap, pressure, OOM kills and reclaim",
    .enabled_by_default = true,
    .metrics = kMetrics,
    .make = make,
};

}  // namespace heapfloor
