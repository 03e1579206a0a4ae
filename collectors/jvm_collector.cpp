// JVMs (HotSpot), as they are: their memory pools, collections, and what lives after them.
//
// Source: the performance counters that each HotSpot JVM keeps unless it runs with
// -XX:-UsePerfData (parse/hsperfdata.h; measured on OpenJDK 17): mapped from
// /tmp/hsperfdata_USER/PID, or in its own memory (-XX:+PerfDisableSharedMem), where its library
// tells of them (runtime/jvm_library.h). Nothing is asked of the JVM, and it notices nothing.
// Reading needs what reading /proc/PID/maps and memory needs: the same user, or CAP_SYS_PTRACE and,
// since mem is a file of the other user's, CAP_DAC_READ_SEARCH.
//
// Cost: a JVM reserves kLeastMapped of address space and more, so that nearly all processes are
// passed over without a read. What is left (Go programs, databases) has its maps read now and then
// (runtime/process_looks.h), at most kMapsBytesASecond of them. A JVM costs one read of 12 KiB a
// tick, about 3 us, of ZGC two words more; looking for what its library tells, 0.3 ms once.
//
// Counters of a file that are malformed or of another layout are not read again until another is
// mapped.
#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "collectors/collector.h"
#include "collectors/host_root.h"
#include "collectors/jvm_metrics.h"
#include "collectors/process_board.h"
#include "collectors/runtime/jvm_library.h"
#include "collectors/runtime/jvm_target.h"
#include "collectors/runtime/process_looks.h"
#include "collectors/runtime/seen_directory.h"
#include "collectors/stopwatch.h"

namespace heapfloor {
namespace {

constexpr std::string_view kSource = "hsperfdata";
constexpr std::string_view kNeeds =
    "CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH for other users' processes";

// The code cache alone reserves 240 MiB by default, the space for classes 1 GiB.
constexpr std::uint64_t kLeastMapped = std::uint64_t{192} << 20;
constexpr std::size_t kMostTargets = 256;
constexpr double kMapsBytesASecond = 512 * 1024;
constexpr std::size_t kOpeningBytes = 1024;                    // what opening maps counts for
constexpr std::size_t kLibraryBytes = std::size_t{192} << 10;  // what finding counters reads
constexpr std::size_t kBufferBytes = std::size_t{64} << 10;

// Why a JVM cannot be read.
enum class Refusal : std::uint8_t { no_counters, no_symbols, implausible, denied };
constexpr std::array<std::string_view, 4> kRefusals = {"no_counters", "no_symbols", "implausible",
                                                       "denied"};

// What is remembered of every process that may be a JVM.
struct Notes {
  std::uint64_t quarantined_inode = 0;  // of counters that are not believed; 0: none
  std::optional<Refusal> refusal;
};
using Looks = ProcessLooks<Notes>;

struct Target {
  explicit Target(JvmTarget read) : jvm(std::move(read)) {}
  JvmTarget jvm;
  std::uint64_t inode = 0;
  std::string described;  // version and vendor as they were said last
};

constexpr const MetricDesc& metric(std::string_view name, std::string_view label = {}) {
  return find_metric(kJvmTable, name, label);
}

struct CollectionMetric {
  JvmCollector collector;
  const MetricDesc* count;
  const MetricDesc* seconds;
};
constexpr std::array kCollections = {
    CollectionMetric{JvmCollector::young, &metric("heapfloor_jvm_gc_collections_total", "young"),
                     &metric("heapfloor_jvm_gc_seconds_total", "young")},
    CollectionMetric{JvmCollector::full, &metric("heapfloor_jvm_gc_collections_total", "old"),
                     &metric("heapfloor_jvm_gc_seconds_total", "old")},
    CollectionMetric{JvmCollector::cycle,
                     &metric("heapfloor_jvm_gc_collections_total", "concurrent"),
                     &metric("heapfloor_jvm_gc_seconds_total", "concurrent")},
};

struct PoolMetrics {
  const MetricDesc* used;
  const MetricDesc* committed;
  const MetricDesc* limit;
};
constexpr PoolMetrics pool_metrics(std::string_view area) {
  return {&metric("heapfloor_jvm_memory_used_bytes", area),
          &metric("heapfloor_jvm_memory_committed_bytes", area),
          &metric("heapfloor_jvm_memory_limit_bytes", area)};
}
constexpr PoolMetrics kHeap = pool_metrics("heap");
constexpr PoolMetrics kNonHeap = pool_metrics("nonheap");

void add(SampleSink& sink, const MetricDesc& desc, const std::optional<double>& value) {
  if (value) sink.add(desc, *value);
}

class JvmCollectorOfProcesses final : public Collector {
 public:
  JvmCollectorOfProcesses(const HostRoot& root, const CollectorOptions& options)
      : root_(root),
        processes_(options.board),
        stopwatch_(options.stopwatch),
        buffer_(kBufferBytes) {}

  [[nodiscard]] Result<CollectReport> collect(SampleSink& sink) override {
    if (processes_ == nullptr || stopwatch_ == nullptr || processes_->tick == seen_tick_) {
      return failure(ErrorKind::unavailable, std::string(kSource),
                     "the collector process has not listed the processes");
    }
    seen_tick_ = processes_->tick;
    CollectReport report;
    looks_.reconcile(*processes_, kLeastMapped, stopwatch_->seconds(),
                     [this](const ProcessId& id) { targets_.erase(id); });
    // One that is read needs no look: its memory ends with the program.
    looks_.look_around(
        *processes_, kMapsBytesASecond,
        [this](const ProcessId& id) { return targets_.contains(id); },
        [&](Looks::Known& known, const SeenProcess& seen) { return look(known, seen, report); });
    read_targets(report);
    report_access(report);
    for (auto& [id, target] : targets_) write(target, sink);
    write_counts(sink);
    return report;
  }

 private:
  // Returns the bytes of maps that it read.
  std::size_t look(Looks::Known& known, const SeenProcess& seen, CollectReport& report) {
    JvmMaps maps;
    std::size_t bytes = kOpeningBytes;
    if (auto looked = look_in(known, seen, maps, bytes); !looked) {
      known.is_refused = looked.error().kind == ErrorKind::denied;
      if (known.is_refused) {
        report.count_quietly(ErrorKind::denied);
      } else {
        report.count(looked.error());
      }
    }
    return maps.bytes + bytes;
  }

  Result<void> look_in(Looks::Known& known, const SeenProcess& seen, JvmMaps& maps,
                       std::size_t& bytes) {
    Notes& notes = known.notes;
    const auto directory = SeenDirectory::open(root_, seen);
    if (!directory) return Failure(directory.error());
    if (auto read = read_jvm_maps(directory->get(), buffer_, maps); !read) return read;
    const bool is_there = std::ranges::any_of(maps.mappings, [&notes](const JvmMapping& mapping) {
      return mapping.inode == notes.quarantined_inode;
    });
    if (!is_there) notes = {};
    if (targets_.size() >= kMostTargets) return {};
    for (const JvmMapping& mapping : maps.mappings) {
      if (mapping.inode == notes.quarantined_inode) continue;
      auto opened = JvmCounterBytes::open(directory->get(), mapping);
      if (opened) {
        Target target(JvmTarget(seen.id, std::move(*opened), z_heap_of(*directory, maps, bytes)));
        target.inode = mapping.inode;
        return keep(*directory, seen.id, std::move(target));
      }
      notes.refusal = refusal_of(opened.error().kind);
      return Failure(std::move(opened.error()));
    }
    if (!maps.mappings.empty() || !maps.library) return {};
    bytes += kLibraryBytes;
    return look_in_memory(known, *directory, *maps.library);
  }

  // One that is starting has made no counters yet: what is missing at the first look says nothing.
  Result<void> look_in_memory(Looks::Known& known, const SeenDirectory& directory,
                              const JvmMapping& library) {
    auto opened = JvmLibrary::open(directory.get(), library);
    if (!opened) {
      known.notes.refusal = refusal_of(opened.error().kind);
      if (known.notes.refusal == Refusal::no_symbols) return {};  // of another make
      return Failure(std::move(opened.error()));
    }
    const auto z_heap = opened->z_heap();
    auto counters = std::move(*opened).take_counters();
    if (counters && *counters)
      return keep(directory, known.id, Target(JvmTarget(known.id, std::move(**counters), z_heap)));
    if (known.looks == 0) return {};
    known.notes.refusal = counters ? Refusal::no_counters : refusal_of(counters.error().kind);
    if (counters) return {};
    return Failure(std::move(counters.error()));
  }

  // Whatever refuses to tell, the counters of its file are read without.
  static std::optional<ZHeapPlace> z_heap_of(const SeenDirectory& directory, const JvmMaps& maps,
                                             std::size_t& bytes) {
    if (!maps.library) return std::nullopt;
    bytes += kLibraryBytes;
    const auto library = JvmLibrary::open(directory.get(), *maps.library);
    return library ? library->z_heap() : std::nullopt;
  }

  Result<void> keep(const SeenDirectory& directory, const ProcessId& id, Target target) {
    if (auto same = directory.confirm(buffer_); !same) return same;
    is_open_ = true;
    targets_.insert_or_assign(id, std::move(target));
    return {};
  }

  static std::optional<Refusal> refusal_of(ErrorKind kind) {
    if (kind == ErrorKind::denied) return Refusal::denied;
    if (kind == ErrorKind::unavailable) return Refusal::no_symbols;
    if (kind == ErrorKind::malformed) return Refusal::implausible;
    return std::nullopt;
  }

  void read_targets(CollectReport& report) {
    for (auto at = targets_.begin(); at != targets_.end();) {
      const Result<void> read = at->second.jvm.read();
      if (read) ++report.entities_read;
      if (read || read.error().kind == ErrorKind::unavailable) {
        ++at;
        continue;
      }
      drop(at->first, at->second, read.error(), report);
      at = targets_.erase(at);
    }
  }

  // A program that has ended, or became another one, has no memory to read: that is no error.
  void drop(const ProcessId& id, const Target& target, const Error& error, CollectReport& report) {
    if (error.kind == ErrorKind::malformed) {
      looks_.notes(id) = {target.inode, Refusal::implausible};
      report.count(error);
      return;
    }
    looks_.start_over(id);
    report.count_quietly(ErrorKind::gone);
  }

  void write_counts(SampleSink& sink) const {
    std::array<std::uint64_t, kRefusals.size()> refused = {};
    for (const Looks::Known& known : looks_.known()) {
      if (known.notes.refusal) ++refused.at(static_cast<std::size_t>(*known.notes.refusal));
    }
    sink.begin({.kind = EntityKind::agent});
    sink.add(metric("heapfloor_watched_jvms"), static_cast<double>(targets_.size()));
    for (std::size_t i = 0; i < kRefusals.size(); ++i) {
      sink.add(find_metric(kJvmTable, "heapfloor_unreadable_jvms", kRefusals.at(i)),
               static_cast<double>(refused.at(i)));
    }
  }

  void report_access(CollectReport& report) const {
    if (std::ranges::any_of(looks_.known(), &Looks::Known::is_refused)) {
      report.sources.push_back({kSource, false, kNeeds});
    } else if (is_open_) {
      report.sources.push_back({kSource, true});
    }
  }

  static void write(Target& target, SampleSink& sink) {
    const JvmTarget& jvm = target.jvm;
    if (jvm.index().end == 0) return;
    const JvmReading& reading = jvm.reading();
    sink.begin({.kind = EntityKind::jvm, .process = jvm.id(), .name = jvm_gc_name(jvm.index().gc)});
    for (const CollectionMetric& of : kCollections) {
      add(sink, *of.count, reading.of(of.collector).count);
      add(sink, *of.seconds, reading.of(of.collector).seconds);
    }
    if (const auto old = old_collections(jvm.index().gc, reading))
      sink.add(kJvmOldCollections, static_cast<double>(*old));
    add(sink, kJvmHeapCommitted, heap_committed(reading));
    add(sink, kJvmHeapLimit, reading.heap_limit);
    add(sink, metric("heapfloor_jvm_classes_loaded"), reading.classes);
    add(sink, metric("heapfloor_jvm_threads"), reading.threads);
    describe(target, sink);
    write_pools(jvm, sink);
  }

  static std::optional<double> heap_committed(const JvmReading& reading) {
    if (!reading.old.committed) return std::nullopt;
    return *reading.old.committed + reading.eden.committed.value_or(0) +
           reading.survivor.committed.value_or(0);
  }

  static void describe(Target& target, SampleSink& sink) {
    const HsperfIndex& index = target.jvm.index();
    std::string words = index.version + '\0' + index.vendor;
    if (words == target.described) return;
    target.described = std::move(words);
    if (!index.version.empty()) sink.describe(Attribute::version, index.version);
    if (!index.vendor.empty()) sink.describe(Attribute::vendor, index.vendor);
  }

  static void write_pools(const JvmTarget& jvm, SampleSink& sink) {
    const JvmReading& reading = jvm.reading();
    const auto pool = [&](std::string_view name, const JvmPool& values,
                          const PoolMetrics& metrics) {
      if (!values.used) return;
      sink.begin({.kind = EntityKind::jvm_pool, .process = jvm.id(), .name = name});
      sink.add(*metrics.used, *values.used);
      add(sink, *metrics.committed, values.committed);
      add(sink, *metrics.limit, values.limit);
    };
    pool("eden", reading.eden, kHeap);
    pool("survivor", reading.survivor, kHeap);
    pool("metaspace", reading.metaspace, kNonHeap);
    pool("compressed_class_space", reading.class_space, kNonHeap);
    const JvmGc gc = jvm.index().gc;
    pool(gc == JvmGc::z || gc == JvmGc::shenandoah ? "heap" : "old", reading.old, kHeap);
    if (reading.old.used && jvm.live()) sink.add(kJvmAfterGc, jvm.live()->bytes);
  }

  const HostRoot& root_;
  const ProcessBoard* processes_;
  const Stopwatch* stopwatch_;
  std::vector<char> buffer_;
  Looks looks_;
  std::map<ProcessId, Target> targets_;
  std::uint64_t seen_tick_ = 0;
  bool is_open_ = false;  // the counters of some JVM could be opened
};

std::unique_ptr<Collector> make(const HostRoot& root, const CollectorOptions& options) {
  return std::make_unique<JvmCollectorOfProcesses>(root, options);
}

}  // namespace

extern constinit const CollectorEntry jvm_collector = {
    .name = "jvm",
    .summary = "memory pools and collections of JVMs, and what lives after them",
    .enabled_by_default = true,
    .metrics = kJvmTable,
    .make = make,
};

}  // namespace heapfloor
