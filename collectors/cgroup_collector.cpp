// Memory of every cgroup: how much and of what kind, limits, events, pressure, and who it is.
//
// Sources: Documentation/admin-guide/cgroup-v2.rst (memory.*, cgroup.procs; memory since 4.5) and
// cgroup-v1/memory.rst. The hierarchy with the memory controller is found by mountinfo, else where
// systemd mounts it; on a hybrid host pressure comes from version 2 and everything else from
// version 1. Needs no capability; names of containers, images and pods do (container_names.h).
// Cost: about ten small reads a cgroup, memory.stat being the dearest; directories without
// directories are not listed.
//
// The root of a host is not read: the host collector says the same for less (its memory.stat takes
// seconds on large hosts, google/cadvisor#2259). The root of a cgroup namespace is a cgroup.
//
// A cgroup that is there and cannot be read is written without values: it has not ended, and what
// is below it is read under the limit that was read last. Where a directory cannot be listed, or no
// hierarchy is found, all that was known below it is written so.
//
// The components: file = file - shmem - swapcached; page_tables = pagetables + sec_pagetables;
// other_kernel = kernel - kernel_stack - page_tables - percpu - vmalloc - slab_reclaimable -
// slab_unreclaimable - zswap, where the kernel counts `kernel` (5.18), and on version 1 the whole
// of memory.kmem.usage_in_bytes. sock is charged beside `kernel`. The kernel reads its counters
// one after the other, so differences are not let below 0.
#include <algorithm>
#include <array>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "collectors/cgroup_metrics.h"
#include "collectors/collector.h"
#include "collectors/container_names.h"
#include "collectors/host_root.h"
#include "collectors/parse/cgroup_identity.h"
#include "collectors/parse/cgroup_stat.h"
#include "collectors/parse/cgroup_value.h"
#include "collectors/parse/integer.h"
#include "collectors/parse/meminfo.h"
#include "collectors/parse/mountinfo.h"
#include "collectors/parse/pressure.h"
#include "collectors/parse/text.h"

namespace heapfloor {
namespace {

using Bytes = std::optional<std::uint64_t>;
using Tree = HostRoot::Tree;

constexpr std::size_t kBufferBytes = std::size_t{512} * 1024;
// Deeper ones are not looked for: nothing nests its containers this far, and a path has an end.
constexpr std::size_t kMostDepth = 32;

// A mounted hierarchy.
struct Hierarchy {
  Tree tree = Tree::sys;
  std::string path;
  bool is_v2 = false;
  bool is_host_root = true;  // and not that of a cgroup namespace, which is a cgroup like others
  [[nodiscard]] std::string file(std::string_view cgroup, std::string_view name) const {
    std::string full;
    full.reserve(path.size() + cgroup.size() + name.size() + 1);
    full.append(path).append(cgroup).append(1, '/').append(name);
    return full;
  }
};

// What changes by an administrator's hand only.
struct Limits {
  Bytes limit, high, low, min, swap_limit;
};

struct Reading {
  std::uint64_t current = 0;
  Bytes peak, swap_current, swap_peak, processes;
  Bytes v1_kernel, v1_sock;
  CgroupStat stat;
  CgroupEvents events, local_events;
  Pressure pressure;
  Limits limits;
};

Bytes smaller(Bytes a, Bytes b) {
  if (!a || !b) return a ? a : b;
  return std::min(*a, *b);
}

// The value without the parts, not below 0; absent parts take nothing.
std::uint64_t without(std::uint64_t value, std::initializer_list<Bytes> parts) {
  for (const Bytes& part : parts) value -= std::min(value, part.value_or(0));
  return value;
}

Bytes sum_of(Bytes a, Bytes b) {
  if (!a) return b;
  return *a + b.value_or(0);
}

void add(SampleSink& sink, const MetricDesc* desc, Bytes value, double unit = 1) {
  if (value) sink.add(*desc, static_cast<double>(*value) * unit);
}

struct StatMetric {
  const MetricDesc* desc;
  Bytes CgroupStat::*value;
};
constexpr const MetricDesc* part(std::string_view label) {
  return cgroup_metric("heapfloor_cgroup_memory_component_bytes", label);
}
constexpr std::array kStatMetrics = {
    StatMetric{part("anon"), &CgroupStat::anon_bytes},
    StatMetric{part("shmem"), &CgroupStat::shmem_bytes},
    StatMetric{part("kernel_stack"), &CgroupStat::kernel_stack_bytes},
    StatMetric{part("percpu"), &CgroupStat::percpu_bytes},
    StatMetric{part("vmalloc"), &CgroupStat::vmalloc_bytes},
    StatMetric{part("slab_reclaimable"), &CgroupStat::slab_reclaimable_bytes},
    StatMetric{part("slab_unreclaimable"), &CgroupStat::slab_unreclaimable_bytes},
    StatMetric{part("zswap"), &CgroupStat::zswap_bytes},
    StatMetric{cgroup_metric("heapfloor_cgroup_file_memory_bytes", "active"),
               &CgroupStat::active_file_bytes},
    StatMetric{cgroup_metric("heapfloor_cgroup_file_memory_bytes", "inactive"),
               &CgroupStat::inactive_file_bytes},
    StatMetric{cgroup_metric("heapfloor_cgroup_anon_memory_bytes", "active"),
               &CgroupStat::active_anon_bytes},
    StatMetric{cgroup_metric("heapfloor_cgroup_anon_memory_bytes", "inactive"),
               &CgroupStat::inactive_anon_bytes},
    StatMetric{cgroup_metric("heapfloor_cgroup_file_mapped_bytes"), &CgroupStat::file_mapped_bytes},
    StatMetric{cgroup_metric("heapfloor_cgroup_file_dirty_bytes"), &CgroupStat::file_dirty_bytes},
    StatMetric{cgroup_metric("heapfloor_cgroup_file_writeback_bytes"),
               &CgroupStat::file_writeback_bytes},
    StatMetric{cgroup_metric("heapfloor_cgroup_workingset_refaults_total", "anon"),
               &CgroupStat::anon_refaults},
    StatMetric{cgroup_metric("heapfloor_cgroup_workingset_refaults_total", "file"),
               &CgroupStat::file_refaults},
    StatMetric{cgroup_metric("heapfloor_cgroup_reclaim_scanned_pages_total"),
               &CgroupStat::scanned_pages},
    StatMetric{cgroup_metric("heapfloor_cgroup_reclaim_reclaimed_pages_total"),
               &CgroupStat::reclaimed_pages},
    StatMetric{cgroup_metric("heapfloor_cgroup_major_page_faults_total"),
               &CgroupStat::major_faults},
};

struct EventMetric {
  std::string_view label;
  Bytes CgroupEvents::*count;
};
constexpr std::array kEvents = {
    EventMetric{"low", &CgroupEvents::low},
    EventMetric{"high", &CgroupEvents::high},
    EventMetric{"max", &CgroupEvents::max},
    EventMetric{"oom", &CgroupEvents::oom},
    EventMetric{"oom_kill", &CgroupEvents::oom_kill},
    EventMetric{"oom_group_kill", &CgroupEvents::oom_group_kill},
};

void write_events(SampleSink& sink, const CgroupEvents& events, std::string_view family) {
  for (const EventMetric& event : kEvents)
    add(sink, &find_metric(kCgroupMetrics, family, event.label), events.*event.count);
}

void write_memory(SampleSink& sink, const Reading& reading) {
  const CgroupStat& stat = reading.stat;
  for (const StatMetric& metric : kStatMetrics) add(sink, metric.desc, stat.*metric.value);
  if (stat.cache_bytes) {
    add(sink, part("file"), without(*stat.cache_bytes, {stat.shmem_bytes, stat.swap_cached_bytes}));
  }
  const Bytes page_tables = sum_of(stat.page_tables_bytes, stat.secondary_page_tables_bytes);
  add(sink, part("page_tables"), page_tables);
  add(sink, part("sock"), stat.sock_bytes ? stat.sock_bytes : reading.v1_sock);
  if (const Bytes kernel = stat.kernel_bytes ? stat.kernel_bytes : reading.v1_kernel) {
    add(sink, part("other_kernel"),
        without(*kernel,
                {stat.kernel_stack_bytes, page_tables, stat.percpu_bytes, stat.vmalloc_bytes,
                 stat.slab_reclaimable_bytes, stat.slab_unreclaimable_bytes, stat.zswap_bytes}));
  }
  add(sink, cgroup_metric("heapfloor_cgroup_memory_current_bytes"), reading.current);
  if (stat.inactive_file_bytes) {
    add(sink, cgroup_metric("heapfloor_cgroup_working_set_bytes"),
        without(reading.current, {stat.inactive_file_bytes}));
  }
  if (stat.inactive_file_bytes && stat.active_file_bytes) {
    add(sink, cgroup_metric("heapfloor_cgroup_unreclaimable_memory_bytes"),
        without(reading.current,
                {stat.active_file_bytes, stat.inactive_file_bytes, stat.slab_reclaimable_bytes}));
  }
}

void write_limits(SampleSink& sink, const Limits& limits, Bytes effective) {
  add(sink, cgroup_metric("heapfloor_cgroup_memory_limit_bytes"), limits.limit);
  add(sink, cgroup_metric("heapfloor_cgroup_memory_high_bytes"), limits.high);
  if (limits.low.value_or(0) > 0)
    add(sink, cgroup_metric("heapfloor_cgroup_memory_low_bytes"), limits.low);
  if (limits.min.value_or(0) > 0)
    add(sink, cgroup_metric("heapfloor_cgroup_memory_min_bytes"), limits.min);
  add(sink, cgroup_metric("heapfloor_cgroup_swap_limit_bytes"), limits.swap_limit);
  add(sink, cgroup_metric("heapfloor_cgroup_memory_effective_limit_bytes"), effective);
}

void write_pressure(SampleSink& sink, const Pressure& pressure) {
  constexpr double kSecondsPerMicrosecond = 1e-6;
  add(sink, cgroup_metric("heapfloor_cgroup_memory_pressure_waiting_seconds_total"),
      pressure.some_microseconds, kSecondsPerMicrosecond);
  add(sink, cgroup_metric("heapfloor_cgroup_memory_pressure_stalled_seconds_total"),
      pressure.full_microseconds, kSecondsPerMicrosecond);
}

void describe(SampleSink& sink, const CgroupIdentity& identity, const ContainerFacts* names) {
  const auto say = [&sink](Attribute attribute, std::string_view text) {
    if (!text.empty()) sink.describe(attribute, text);
  };
  say(Attribute::runtime, identity.runtime);
  say(Attribute::container_id, identity.container_id);
  say(Attribute::pod_uid, identity.pod_uid);
  say(Attribute::qos, identity.qos);
  say(Attribute::unit, identity.unit);
  say(Attribute::slice, identity.slice);
  if (names == nullptr) return;
  say(Attribute::container, names->name);
  say(Attribute::image, names->image);
  say(Attribute::image_id, names->image_id);
  say(Attribute::pod, names->pod);
  say(Attribute::kubernetes_namespace, names->pod_namespace);
}

class CgroupCollector final : public Collector {
 public:
  CgroupCollector(const HostRoot& root, const CollectorOptions& options)
      : root_(root),
        names_of_containers_(root),
        limit_(options.cgroup_limit),
        refresh_ticks_(std::max(options.refresh_ticks, 1U)),
        // NOLINTNEXTLINE(modernize-avoid-c-arrays): the array form of unique_ptr
        buffer_(std::make_unique_for_overwrite<char[]>(kBufferBytes)) {}

  [[nodiscard]] Result<CollectReport> collect(SampleSink& sink) override {
    CollectReport report;
    const bool is_refresh = tick_++ % refresh_ticks_ == 0;
    if (memory_ && has_vanished()) memory_.reset();
    if (!memory_ && (is_refresh || !known_.empty())) find_hierarchies(report);
    if (!memory_) {
      keep_below("", sink);
      names_of_containers_.finish_tick(report);
      return report;
    }
    if (is_refresh) read_capacity(report);
    walk(sink, report);
    names_of_containers_.finish_tick(report);
    std::erase_if(known_, [this](const auto& entry) { return entry.second.last_tick != tick_; });
    sink.begin({.kind = EntityKind::host});
    add(sink, cgroup_metric("heapfloor_cgroups"), report.entities_read);
    add(sink, cgroup_metric("heapfloor_cgroups_skipped_total"), skipped_);
    return report;
  }

 private:
  struct Pending {
    std::string path;  // "" for the root, "/a/b"
    std::size_t depth = 0;
    Bytes limit;  // the smallest of those above it
  };
  struct Known {
    Limits limits;
    Bytes processes;
    bool has_limits = false;                // and has been asked for its processes
    bool may_have_names = false;            // those of a container, or of a pod
    const ContainerFacts* names = nullptr;  // that it was described with
    std::string path;
    std::uint64_t last_tick = 0;
  };

  template <class T>
  Result<T> try_read(const Hierarchy& hierarchy, std::string_view cgroup, std::string_view name,
                     Result<T> (*parse)(std::string_view)) {
    const std::string path = hierarchy.file(cgroup, name);
    auto text = root_.read(hierarchy.tree, path, {buffer_.get(), kBufferBytes});
    return text ? with_path(parse(*text), path) : Result<T>(Failure(std::move(text.error())));
  }

  // A file that may be missing; every other refusal is counted.
  template <class T>
  std::optional<T> read(const Hierarchy& hierarchy, std::string_view cgroup, std::string_view name,
                        Result<T> (*parse)(std::string_view), CollectReport& report) {
    const Result<T> value = try_read(hierarchy, cgroup, name, parse);
    if (value) return *value;
    if (value.error().kind != ErrorKind::unavailable) report.count(value.error());
    return std::nullopt;
  }

  Bytes read_limit(std::string_view cgroup, std::string_view name, CollectReport& report) {
    const auto limit = read<CgroupLimit>(*memory_, cgroup, name, parse_cgroup_limit, report);
    return limit ? limit->bytes : std::nullopt;
  }
  Bytes read_number(std::string_view cgroup, std::string_view name, CollectReport& report) {
    return read<std::uint64_t>(*memory_, cgroup, name, parse_integer, report);
  }

  [[nodiscard]] bool is_there(Tree tree, const std::string& path) {
    return root_.read(tree, path, {buffer_.get(), kBufferBytes}).has_value();
  }

  // The places to look in: those of mountinfo, the roots of hierarchies first, then those where
  // systemd mounts them. The first process sees the host's mounts, where it may be asked.
  std::vector<std::pair<Tree, std::string>> places() {
    constexpr std::string_view kSys = "sys/";  // below the root of the mounts
    std::vector<std::pair<Tree, std::string>> found;
    for (const std::string_view whose : {"1/mountinfo", "self/mountinfo"}) {
      const auto text = root_.read(Tree::proc, whose, {buffer_.get(), kBufferBytes});
      auto mounts = text ? parse_mountinfo(*text)
                         : Result<std::vector<CgroupMount>>(std::vector<CgroupMount>());
      if (!mounts || mounts->empty()) continue;
      std::ranges::stable_sort(*mounts, std::greater<>(), &CgroupMount::shows_all);
      for (const CgroupMount& mount : *mounts) {
        std::string_view point = mount.mount_point;
        if (!point.starts_with('/') || !(mount.is_v2 || mount.has_memory)) continue;
        point.remove_prefix(1);
        const bool is_sys = point.starts_with(kSys);
        found.emplace_back(is_sys ? Tree::sys : Tree::root, point.substr(is_sys ? kSys.size() : 0));
      }
      break;
    }
    for (const char* usual : {"fs/cgroup/memory", "fs/cgroup", "fs/cgroup/unified"})
      found.emplace_back(Tree::sys, usual);
    return found;
  }

  // Version 1, where it has the memory controller, keeps it from version 2.
  void find_hierarchies(CollectReport& report) {
    std::optional<Hierarchy> v1;
    std::optional<Hierarchy> v2;
    bool v2_has_memory = false;
    for (auto& [tree, path] : places()) {
      const Hierarchy here{tree, path, false, true};
      if (!v1 && is_there(tree, here.file("", "memory.usage_in_bytes"))) {
        v1 = here;
        v1->is_host_root = is_there(tree, here.file("", "release_agent"));
      }
      if (v2) continue;
      const auto controllers =
          root_.read(tree, here.file("", "cgroup.controllers"), {buffer_.get(), kBufferBytes});
      if (!controllers) continue;
      v2_has_memory = controllers_include_memory(*controllers);
      v2 = here;
      v2->is_v2 = true;
      v2->is_host_root = !is_there(tree, here.file("", "memory.current"));
    }
    pressure_.reset();
    if (v1) {
      memory_ = std::move(v1);
      pressure_ = std::move(v2);
    } else if (v2 && v2_has_memory) {
      memory_ = std::move(v2);
    } else if (!was_missed_) {
      was_missed_ = true;
      report.count({ErrorKind::unavailable, "sys/fs/cgroup", "no memory controller is mounted"});
    }
    if (memory_) was_missed_ = false;
  }

  void read_capacity(CollectReport& report) {
    const auto text = root_.read(Tree::proc, "meminfo", {buffer_.get(), kBufferBytes});
    const auto info = text ? parse_meminfo(*text) : Result<Meminfo>(Failure(text.error()));
    if (info) {
      capacity_ = info->total_bytes;
    } else if (info.error().kind != ErrorKind::unavailable) {
      report.count(info.error());
    }
  }

  // From the root down, so that what is above comes before what is below, and the cap cuts off
  // the deepest.
  void walk(SampleSink& sink, CollectReport& report) {
    std::deque<Pending> queue;
    queue.push_back({});
    std::size_t met = 0;
    while (!queue.empty()) {
      Pending next = std::move(queue.front());
      queue.pop_front();
      const std::string directory = memory_->path + next.path;
      const auto facts = root_.look_at_directory(memory_->tree, directory);
      if (!facts) {
        if (next.path.empty() || !is_gone(facts.error())) keep_below(next.path, sink);
        count_missing(facts.error(), report);
        continue;
      }
      const bool is_cgroup = !next.path.empty() || !memory_->is_host_root;
      if (is_cgroup && !read_one(sink, next, directory, *facts, report)) continue;
      if (!facts->may_have_directories || next.depth == kMostDepth) continue;
      if (const auto listed = root_.list_directories(memory_->tree, directory, limit_ + 1, names_);
          !listed) {
        if (!is_gone(listed.error())) keep_below(next.path, sink);
        count_missing(listed.error(), report);
        continue;
      }
      for (const std::string& name : names_) {
        if (met == limit_ || next.path.size() + 1 + name.size() > kMostCgroupPathBytes) {
          ++skipped_;
          continue;
        }
        ++met;
        queue.push_back({next.path + '/' + name, next.depth + 1, next.limit});
      }
    }
  }

  static bool is_gone(const Error& error) {
    return error.kind == ErrorKind::unavailable || error.kind == ErrorKind::gone;
  }
  [[nodiscard]] bool has_vanished() const {
    const auto facts = root_.look_at_directory(memory_->tree, memory_->path);
    return !facts && is_gone(facts.error());
  }

  // It is there, though nothing can be said of it in this tick.
  void keep(std::uint64_t inode, std::string_view path, SampleSink& sink) {
    const auto [place, is_new] = known_.try_emplace(inode);
    note(place->second, path);
    begin(inode, path, place->second, is_new, sink);
  }

  // Begins the cgroup, and says what it is when that is new.
  void begin(std::uint64_t inode, std::string_view path, Known& known, bool is_new,
             SampleSink& sink) {
    const std::string_view name = path.empty() ? std::string_view("/") : path;
    sink.begin({.kind = EntityKind::cgroup, .name = name, .cgroup_id = inode});
    if (!is_new && !known.may_have_names) return;
    const CgroupIdentity identity = cgroup_identity(name);
    known.may_have_names = !identity.container_id.empty() || !identity.pod_uid.empty();
    const ContainerFacts* const names =
        known.may_have_names ? names_of_containers_.find(identity) : nullptr;
    if (!is_new && known.names == names) return;
    known.names = names;
    describe(sink, identity, names);
  }

  // The same for all that is known at the path and below it, and not met yet in this tick. What is
  // above comes first.
  void keep_below(std::string_view path, SampleSink& sink) {
    std::vector<std::pair<std::string_view, std::uint64_t>> kept;
    for (const auto& [inode, known] : known_) {
      const bool is_below = known.path.starts_with(path) &&
                            (known.path.size() == path.size() || known.path[path.size()] == '/');
      if (is_below && known.last_tick != tick_) kept.emplace_back(known.path, inode);
    }
    std::ranges::sort(kept);
    for (const auto& [name, inode] : kept) keep(inode, name, sink);
  }

  void note(Known& known, std::string_view path) {
    known.last_tick = tick_;
    if (known.path != path) known.path = path;
  }

  static void count_missing(Error error, CollectReport& report) {
    // Listed a moment ago.
    if (error.kind == ErrorKind::unavailable) error.kind = ErrorKind::gone;
    report.count(error);
  }

  // False when it has no memory controller, and so nothing below it has; or when it is gone.
  bool read_one(SampleSink& sink, Pending& cgroup, const std::string& directory,
                const DirectoryFacts& facts, CollectReport& report) {
    const bool is_v2 = memory_->is_v2;
    const Result<std::uint64_t> current = try_read<std::uint64_t>(
        *memory_, cgroup.path, is_v2 ? "memory.current" : "memory.usage_in_bytes", parse_integer);
    if (!current) return keep_refused(sink, cgroup, facts, current.error(), report);
    Reading reading;
    reading.current = *current;
    const auto [place, is_new] = known_.try_emplace(facts.inode);
    Known& known = place->second;
    // Not all in the same tick.
    if (!known.has_limits || (tick_ + facts.inode) % refresh_ticks_ == 0)
      read_rarely(cgroup.path, known, report);
    reading.limits = known.limits;
    reading.processes = known.processes;
    if (is_v2) {
      read_v2(cgroup.path, reading, report);
    } else {
      read_v1(cgroup.path, reading, report);
    }
    const auto after = root_.look_at_directory(memory_->tree, directory);
    if (!after || after->inode != facts.inode) {
      report.count({ErrorKind::gone, directory, "removed while it was read"});
      if (is_new) known_.erase(place);
      return false;
    }
    note(known, cgroup.path);
    ++report.entities_read;
    cgroup.limit =
        smaller(cgroup.limit, smaller(reading.limits.limit, reading.stat.hierarchical_limit_bytes));
    begin(facts.inode, cgroup.path, known, is_new, sink);
    write(sink, reading, smaller(cgroup.limit, capacity_));
    return true;
  }

  // What read_one() returns for one whose memory could not be read.
  bool keep_refused(SampleSink& sink, Pending& cgroup, const DirectoryFacts& facts,
                    const Error& error, CollectReport& report) {
    if (error.kind != ErrorKind::unavailable) report.count(error);
    if (is_gone(error)) return false;
    keep(facts.inode, cgroup.path, sink);
    cgroup.limit = smaller(cgroup.limit, known_.at(facts.inode).limits.limit);
    return true;
  }

  // The kernel sorts a list of all processes to answer the second.
  void read_rarely(std::string_view cgroup, Known& known, CollectReport& report) {
    known.limits = memory_->is_v2 ? read_v2_limits(cgroup, report) : read_v1_limits(cgroup, report);
    known.processes =
        read<std::uint64_t>(*memory_, cgroup, "cgroup.procs", parse_cgroup_procs, report);
    known.has_limits = true;
  }

  Limits read_v2_limits(std::string_view cgroup, CollectReport& report) {
    return {read_limit(cgroup, "memory.max", report), read_limit(cgroup, "memory.high", report),
            read_limit(cgroup, "memory.low", report), read_limit(cgroup, "memory.min", report),
            read_limit(cgroup, "memory.swap.max", report)};
  }
  Limits read_v1_limits(std::string_view cgroup, CollectReport& report) {
    return {read_limit(cgroup, "memory.limit_in_bytes", report), {}, {}, {}, {}};
  }

  void read_v2(std::string_view cgroup, Reading& reading, CollectReport& report) {
    reading.stat = read<CgroupStat>(*memory_, cgroup, "memory.stat", parse_cgroup_stat, report)
                       .value_or(CgroupStat{});
    reading.peak = read_number(cgroup, "memory.peak", report);
    reading.swap_current = read_number(cgroup, "memory.swap.current", report);
    reading.swap_peak = read_number(cgroup, "memory.swap.peak", report);
    reading.events =
        read<CgroupEvents>(*memory_, cgroup, "memory.events", parse_cgroup_events, report)
            .value_or(CgroupEvents{});
    reading.local_events =
        read<CgroupEvents>(*memory_, cgroup, "memory.events.local", parse_cgroup_events, report)
            .value_or(CgroupEvents{});
    read_pressure(*memory_, cgroup, reading, report);
  }

  void read_v1(std::string_view cgroup, Reading& reading, CollectReport& report) {
    reading.stat = read<CgroupStat>(*memory_, cgroup, "memory.stat", parse_cgroup_v1_stat, report)
                       .value_or(CgroupStat{});
    reading.peak = read_number(cgroup, "memory.max_usage_in_bytes", report);
    reading.swap_current = reading.stat.swap_bytes;
    reading.v1_kernel = read_number(cgroup, "memory.kmem.usage_in_bytes", report);
    reading.v1_sock = read_number(cgroup, "memory.kmem.tcp.usage_in_bytes", report);
    reading.local_events =
        read<CgroupEvents>(*memory_, cgroup, "memory.oom_control", parse_cgroup_events, report)
            .value_or(CgroupEvents{});
    reading.local_events.max = read_number(cgroup, "memory.failcnt", report);
    if (pressure_) read_pressure(*pressure_, cgroup, reading, report);
  }

  void read_pressure(const Hierarchy& pressure, std::string_view cgroup, Reading& reading,
                     CollectReport& report) {
    reading.pressure = read<Pressure>(pressure, cgroup, "memory.pressure", parse_pressure, report)
                           .value_or(Pressure{});
  }

  static void write(SampleSink& sink, const Reading& reading, Bytes effective_limit) {
    write_memory(sink, reading);
    add(sink, cgroup_metric("heapfloor_cgroup_memory_peak_bytes"), reading.peak);
    add(sink, cgroup_metric("heapfloor_cgroup_swap_current_bytes"), reading.swap_current);
    add(sink, cgroup_metric("heapfloor_cgroup_swap_peak_bytes"), reading.swap_peak);
    write_limits(sink, reading.limits, effective_limit);
    write_events(sink, reading.events, "heapfloor_cgroup_memory_events_total");
    write_events(sink, reading.local_events, "heapfloor_cgroup_memory_events_local_total");
    write_pressure(sink, reading.pressure);
    add(sink, cgroup_metric("heapfloor_cgroup_processes"), reading.processes);
  }

  const HostRoot& root_;
  ContainerNames names_of_containers_;
  std::size_t limit_;
  std::uint32_t refresh_ticks_;
  // Uninitialised: only what is used becomes resident.
  // NOLINTNEXTLINE(modernize-avoid-c-arrays): the array form of unique_ptr
  std::unique_ptr<char[]> buffer_;
  std::vector<std::string> names_;
  std::optional<Hierarchy> memory_;
  std::optional<Hierarchy> pressure_;               // version 2 of a hybrid host
  std::unordered_map<std::uint64_t, Known> known_;  // by inode
  Bytes capacity_;
  std::uint64_t skipped_ = 0;
  std::uint64_t tick_ = 0;
  bool was_missed_ = false;
};

std::unique_ptr<Collector> make(const HostRoot& root, const CollectorOptions& options) {
  return std::make_unique<CgroupCollector>(root, options);
}

}  // namespace

extern constinit const CollectorEntry cgroup_collector = {
    .name = "cgroup",
    .summary = "memory, limits, events and pressure of every cgroup: containers, pods and units",
    .enabled_by_default = true,
    .metrics = kCgroupMetrics,
    .make = make,
};

}  // namespace heapfloor
