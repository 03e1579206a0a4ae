// The agent itself: the process_* set of the Prometheus client libraries, and its heap as glibc
// sees it.
//
// Sources: self/stat and self/fd, getrlimit(2), mallinfo(3);
// https://prometheus.io/docs/instrumenting/writing_clientlibs/#process-metrics.
//
// mallinfo2 takes the lock of every arena in turn and walks the free chunks while it holds it: with
// 500,000 free chunks that stalled other threads for tens of milliseconds. The agent's heap is
// small and its chunks few (its memory is bounded by configuration), so asking at every tick costs
// microseconds here; in a target it would have to be rationed.
#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <optional>

#include "collectors/allocator_metrics.h"
#include "collectors/collector.h"
#include "collectors/free_parts.h"
#include "collectors/host_root.h"
#include "collectors/metric_table.h"
#include "collectors/parse/boot_time.h"
#include "collectors/parse/pid_stat.h"
#include "collectors/parse/text.h"

namespace heapfloor {
namespace {

constexpr std::array kMetrics = {
    MetricDesc{"process_cpu_seconds_total", "User and system CPU time (stat utime, stime).",
               MetricType::counter},
    MetricDesc{"process_open_fds", "Open file descriptors (fd)."},
    MetricDesc{"process_max_fds", "Most file descriptors that may be open (RLIMIT_NOFILE)."},
    MetricDesc{"process_virtual_memory_bytes", "Mapped address space (stat vsize)."},
    MetricDesc{"process_resident_memory_bytes", "Resident memory (stat rss)."},
    MetricDesc{"process_start_time_seconds", "Unix time of the start (stat starttime and btime)."},
    MetricDesc{"process_threads", "Threads (stat num_threads)."},
    allocator_metrics::in_use(),
    allocator_metrics::free_memory("fastbin"),
    allocator_metrics::free_memory("bins"),
    allocator_metrics::free_memory("top"),
    allocator_metrics::mapped_regions(),
    allocator_metrics::releasable(),
};

constexpr const MetricDesc& metric(std::string_view name, std::string_view label = {}) {
  return find_metric(kMetrics, name, label);
}
constexpr const MetricDesc& kCpu = metric("process_cpu_seconds_total");
constexpr const MetricDesc& kOpenDescriptors = metric("process_open_fds");
constexpr const MetricDesc& kMostDescriptors = metric("process_max_fds");
constexpr const MetricDesc& kVirtual = metric("process_virtual_memory_bytes");
constexpr const MetricDesc& kResident = metric("process_resident_memory_bytes");
constexpr const MetricDesc& kStart = metric("process_start_time_seconds");
constexpr const MetricDesc& kThreads = metric("process_threads");
constexpr const MetricDesc& kInUse = metric("heapfloor_allocator_in_use_bytes");
constexpr const MetricDesc& kFastbin = metric("heapfloor_allocator_free_bytes", "fastbin");
constexpr const MetricDesc& kBins = metric("heapfloor_allocator_free_bytes", "bins");
constexpr const MetricDesc& kTop = metric("heapfloor_allocator_free_bytes", "top");
constexpr const MetricDesc& kMappedRegions = metric("heapfloor_allocator_mapped_regions");
constexpr const MetricDesc& kReleasable = metric("heapfloor_allocator_releasable_bytes");

constexpr std::size_t kBufferBytes = std::size_t{512} * 1024;  // for stat, see host_collector.cpp

void add(SampleSink& sink, const MetricDesc& desc, std::size_t value) {
  sink.add(desc, static_cast<double>(value));
}

void read_allocator(SampleSink& sink) {
  const struct mallinfo2 info = ::mallinfo2();
  const FreeParts free = free_parts(info);
  add(sink, kInUse, info.uordblks + info.hblkhd);
  add(sink, kFastbin, free.fastbin_bytes);
  add(sink, kBins, free.bins_bytes);
  add(sink, kTop, free.top_bytes);
  add(sink, kMappedRegions, info.hblks);
  add(sink, kReleasable, info.keepcost);
}

class SelfCollector final : public Collector {
 public:
  explicit SelfCollector(const HostRoot& root)
      : root_(root),
        ticks_per_second_(static_cast<double>(::sysconf(_SC_CLK_TCK))),
        page_bytes_(static_cast<double>(::sysconf(_SC_PAGESIZE))) {}

  [[nodiscard]] Result<CollectReport> collect(SampleSink& sink) override {
    CollectReport report;
    report.entities_read = 1;
    sink.begin({.kind = EntityKind::agent});
    read_process(sink, report);
    read_descriptors(sink, report);
    read_allocator(sink);
    return report;
  }

 private:
  void read_process(SampleSink& sink, CollectReport& report) {
    std::array<char, 4096> buffer;
    auto text = root_.read(HostRoot::Tree::proc, "self/stat", buffer);
    const auto stat = text ? with_path(parse_pid_stat(*text), "self/stat")
                           : Result<PidStat>(Failure(std::move(text.error())));
    if (!stat) {
      report.count(stat.error());
      return;
    }
    const double cpu_ticks =
        static_cast<double>(stat->user_ticks) + static_cast<double>(stat->system_ticks);
    sink.add(kCpu, cpu_ticks / ticks_per_second_);
    sink.add(kVirtual, static_cast<double>(stat->virtual_bytes));
    sink.add(kResident, static_cast<double>(stat->resident_pages) * page_bytes_);
    sink.add(kThreads, static_cast<double>(stat->threads));
    if (!boot_seconds_) read_boot_time(report);
    if (!boot_seconds_) return;
    sink.add(kStart, static_cast<double>(*boot_seconds_) +
                         static_cast<double>(stat->start_ticks) / ticks_per_second_);
  }

  // Once: a start time that follows every correction of the clock would look like a restart.
  void read_boot_time(CollectReport& report) {
    // NOLINTNEXTLINE(modernize-avoid-c-arrays): the array form of unique_ptr
    const auto buffer = std::make_unique_for_overwrite<char[]>(kBufferBytes);
    auto text = root_.read(HostRoot::Tree::proc, "stat", {buffer.get(), kBufferBytes});
    const auto seconds = text ? with_path(parse_boot_time(*text), "stat")
                              : Result<std::uint64_t>(Failure(std::move(text.error())));
    if (seconds) {
      boot_seconds_ = *seconds;
    } else {
      report.count(seconds.error());
    }
  }

  void read_descriptors(SampleSink& sink, CollectReport& report) {
    if (const auto open = root_.count_own_descriptors()) {
      add(sink, kOpenDescriptors, *open);
    } else {
      report.count(open.error());
    }
    struct rlimit limit = {};
    if (::getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) {
      add(sink, kMostDescriptors, limit.rlim_cur);
    }
  }

  const HostRoot& root_;
  double ticks_per_second_;
  double page_bytes_;
  std::optional<std::uint64_t> boot_seconds_;
};

std::unique_ptr<Collector> make(const HostRoot& root, const CollectorOptions& /*options*/) {
  return std::make_unique<SelfCollector>(root);
}

}  // namespace

extern constinit const CollectorEntry self_collector = {
    .name = "self",
    .summary = "CPU, memory, descriptors and heap of the agent itself",
    .enabled_by_default = true,
    .metrics = kMetrics,
    .make = make,
};

}  // namespace heapfloor
