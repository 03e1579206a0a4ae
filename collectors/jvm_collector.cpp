// JVMs (HotSpot), as they are: their memory pools, collections, and what lives after them.
//
// Source: the performance counters that each HotSpot JVM maps from /tmp/hsperfdata_USER/PID unless
// it runs with -XX:-UsePerfData or -XX:+PerfDisableSharedMem (parse/hsperfdata.h; measured on
// OpenJDK 17). Nothing is asked of the JVM, and it notices nothing. Reading needs what reading
// /proc/PID/maps and memory needs: the same user, or CAP_SYS_PTRACE.
//
// Cost: a JVM reserves kLeastMapped of address space and more, so that nearly all processes are
// passed over without a read. What is left (Go programs, databases) has its maps read when it is
// first seen, after 3 and 10 s (a shell that has become a JVM) and after 60 s; later only when the
// size of its address space has moved, after a rest that doubles from kRestSeconds to
// kMostRestSeconds. At most kMapsBytesASecond of maps are read, the processes in turn. A JVM costs
// one read of 12 KiB a tick, about 3 us.
//
// Counters that are malformed or of another layout are not read again until another file is mapped.
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
#include "collectors/parse/pid_stat.h"
#include "collectors/process_board.h"
#include "collectors/runtime/jvm_target.h"
#include "collectors/stopwatch.h"

namespace heapfloor {
namespace {

constexpr std::string_view kSource = "hsperfdata";
constexpr std::string_view kNeeds = "CAP_SYS_PTRACE for other users' processes";

// The code cache alone reserves 240 MiB by default, the space for classes 1 GiB.
constexpr std::uint64_t kLeastMapped = std::uint64_t{192} << 20;
constexpr std::array<double, 4> kLooksSeconds = {0, 3, 10, 60};  // after first sight
constexpr double kRestSeconds = 60;
constexpr double kMostRestSeconds = 3600;
constexpr double kDeniedRestSeconds = 600;
constexpr std::size_t kMostTargets = 256;
constexpr double kMapsBytesASecond = 512 * 1024;
constexpr double kMostMapsSeconds = 16;      // that one tick may make up for
constexpr std::size_t kOpeningBytes = 1024;  // what opening maps counts for
constexpr std::size_t kBufferBytes = std::size_t{64} << 10;

// What is remembered of every process that may be a JVM.
struct Known {
  ProcessId id;
  double met_seconds = 0;
  double next_look_seconds = 0;
  double rest_seconds = kRestSeconds;
  std::uint64_t mapped_bytes = 0;       // at the last look
  std::uint64_t quarantined_inode = 0;  // of counters that are not believed; 0: none
  std::uint32_t looks = 0;
  bool is_refused = false;
};

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
    now_seconds_ = stopwatch_->seconds();
    reconcile();
    look_around(report);
    read_targets(report);
    report_access(report);
    for (auto& [id, target] : targets_) write(target, sink);
    sink.begin({.kind = EntityKind::agent});
    sink.add(metric("heapfloor_watched_jvms"), static_cast<double>(targets_.size()));
    const auto unreadable = std::ranges::count_if(
        known_, [](const Known& known) { return known.quarantined_inode != 0; });
    sink.add(metric("heapfloor_unreadable_jvms"), static_cast<double>(unreadable));
    return report;
  }

 private:
  // Makes known_ hold exactly the processes of the board that may be JVMs.
  void reconcile() {
    next_known_.clear();
    auto known = known_.begin();
    const auto end_before = [&](const ProcessId& id) {
      for (; known != known_.end() && known->id < id; ++known) targets_.erase(known->id);
    };
    for (const SeenProcess& seen : processes_->processes) {
      if (seen.mapped_bytes < kLeastMapped) continue;
      end_before(seen.id);
      if (known != known_.end() && known->id == seen.id) {
        next_known_.push_back(*known++);
      } else {
        Known& met = next_known_.emplace_back();
        met.id = seen.id;
        met.met_seconds = met.next_look_seconds = now_seconds_;
      }
    }
    for (; known != known_.end(); ++known) targets_.erase(known->id);
    std::swap(known_, next_known_);
  }

  // Looks at the maps of those that are due, beginning behind the one that was looked at last.
  void look_around(CollectReport& report) {
    const double seconds = std::clamp(now_seconds_ - looked_around_seconds_, 1.0, kMostMapsSeconds);
    const auto most_bytes = static_cast<std::size_t>(kMapsBytesASecond * seconds);
    looked_around_seconds_ = now_seconds_;
    due_.clear();
    auto seen = processes_->processes.begin();
    for (Known& known : known_) {
      while (seen->id != known.id) ++seen;
      if (is_due(known, *seen)) due_.emplace_back(&known, &*seen);
    }
    const auto first = std::ranges::find_if(
        due_, [this](const auto& entry) { return last_looked_ < entry.first->id; });
    std::rotate(due_.begin(), first, due_.end());
    std::size_t bytes = 0;
    for (const auto& [known, process] : due_) {
      if (bytes >= most_bytes) break;
      bytes += look(*known, *process, report);
      last_looked_ = known->id;
    }
  }

  [[nodiscard]] bool is_due(const Known& known, const SeenProcess& seen) const {
    // One that is read needs no look: its memory ends with the program.
    if (now_seconds_ < known.next_look_seconds || targets_.contains(known.id)) return false;
    return known.looks < kLooksSeconds.size() || known.mapped_bytes != seen.mapped_bytes;
  }

  // When it is looked at again.
  void rest(Known& known) const {
    ++known.looks;
    if (known.is_refused) {
      known.next_look_seconds = now_seconds_ + kDeniedRestSeconds;
    } else if (known.looks < kLooksSeconds.size()) {
      known.next_look_seconds = known.met_seconds + kLooksSeconds.at(known.looks);
    } else {
      known.next_look_seconds = now_seconds_ + known.rest_seconds;
      known.rest_seconds = std::min(2 * known.rest_seconds, kMostRestSeconds);
    }
  }

  // Returns the bytes of maps that it read.
  std::size_t look(Known& known, const SeenProcess& seen, CollectReport& report) {
    known.mapped_bytes = seen.mapped_bytes;
    known.is_refused = false;
    JvmMaps maps;
    if (auto looked = look_in(known, seen, maps); !looked) {
      known.is_refused = looked.error().kind == ErrorKind::denied;
      if (known.is_refused) {
        report.count_quietly(ErrorKind::denied);
      } else {
        report.count(looked.error());
      }
    }
    rest(known);
    return maps.bytes + kOpeningBytes;
  }

  Result<void> look_in(Known& known, const SeenProcess& seen, JvmMaps& maps) {
    ProcessDir opened;
    const ProcessDir* directory = seen.directory;
    if (directory == nullptr) {
      auto result = root_.open_process(seen.id.pid);
      if (!result) return Failure(std::move(result.error()));
      opened = std::move(*result);
      directory = &opened;
    }
    if (auto read = read_jvm_maps(*directory, buffer_, maps); !read) return read;
    const bool is_there = std::ranges::any_of(maps.mappings, [&known](const JvmMapping& mapping) {
      return mapping.inode == known.quarantined_inode;
    });
    if (!is_there) known.quarantined_inode = 0;
    for (const JvmMapping& mapping : maps.mappings) {
      if (mapping.inode == known.quarantined_inode || targets_.size() >= kMostTargets) continue;
      auto bytes = JvmCounterBytes::open(*directory, mapping);
      if (!bytes) return Failure(std::move(bytes.error()));
      if (auto same = confirm(*directory, seen); !same) return same;
      Target target(JvmTarget(known.id, std::move(*bytes)));
      target.inode = mapping.inode;
      is_open_ = true;
      targets_.insert_or_assign(known.id, std::move(target));
      return {};
    }
    return {};
  }

  // That it is still the process that was seen.
  Result<void> confirm(const ProcessDir& directory, const SeenProcess& seen) {
    if (directory.pinned()) return {};
    auto text = directory.read("stat", buffer_);
    if (!text) return Failure(std::move(text.error()));
    const Result<PidStat> stat = parse_pid_stat(*text);
    if (stat && stat->start_ticks == seen.id.start_ticks) return {};
    return failure(ErrorKind::gone, std::to_string(seen.id.pid), "the pid was reused");
  }

  void read_targets(CollectReport& report) {
    for (auto at = targets_.begin(); at != targets_.end();) {
      const Result<void> read = at->second.jvm.read();
      if (read) ++report.entities_read;
      if (read || read.error().kind == ErrorKind::unavailable) {
        ++at;
        continue;
      }
      drop(*std::ranges::lower_bound(known_, at->first, {}, &Known::id), at->second, read.error(),
           report);
      at = targets_.erase(at);
    }
  }

  // A program that has ended, or became another one, has no memory to read: that is no error.
  void drop(Known& known, const Target& target, const Error& error, CollectReport& report) const {
    if (error.kind == ErrorKind::malformed) {
      known.quarantined_inode = target.inode;
      report.count(error);
      return;
    }
    known.looks = 0;
    known.met_seconds = now_seconds_;
    known.next_look_seconds = now_seconds_ + kLooksSeconds[1];
    report.count_quietly(ErrorKind::gone);
  }

  void report_access(CollectReport& report) const {
    if (std::ranges::any_of(known_, &Known::is_refused)) {
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
  std::vector<Known> known_, next_known_;  // ascending by id
  std::vector<std::pair<Known*, const SeenProcess*>> due_;
  std::map<ProcessId, Target> targets_;
  ProcessId last_looked_;
  std::uint64_t seen_tick_ = 0;
  double now_seconds_ = 0;
  double looked_around_seconds_ = 0;
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
