// Programs that carry a probe: their allocators, structures and allocation sites.
//
// Source: the segment that collectors/probe/include/heapfloor/segment.h lays out, found as
// "/memfd:heapfloor_probe" in /proc/PID/maps and opened through /proc/PID/map_files. That needs
// CAP_CHECKPOINT_RESTORE (Linux 5.9; CAP_SYS_ADMIN before), of another user's process also
// CAP_DAC_READ_SEARCH, whose folder map_files is; where it is refused, /proc/PID/mem
// gives the same bytes to whoever may trace the process, but nothing more of it once it has ended.
//
// Cost: reading maps takes about 15 us and 95 ns for each mapping (measured on 6.18), asking for
// shared mappings alone (Linux 6.11) about 3 us. It is done when a process is first seen, after 10
// s (a program that loads its libraries late) and after 60 s; later only when the size of its
// address space has moved, after a rest that doubles from kRestSeconds to kMostRestSeconds while
// nothing is found. A segment is several MiB of address space, so it cannot come without moving
// that size. At most kMapsBytesASecond of maps are read, the processes in turn: 5,000 of 60
// mappings have been looked at once after a minute, after 10 s where the kernel can be asked. A
// probed process costs about 2 us a tick where it has few structures, and one read of its sites
// every kSitesSeconds.
//
// A segment is believed where it is of the process that maps it: by its start time, and by its pid
// as the process sees itself. A child shares its parent's until it has its own. One that is
// malformed or of another layout is quarantined: not read again until another one is mapped; one
// that has no magic yet is looked at again. When a target has ended, its last segment goes to the
// board (probe_board.h).
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "collectors/collector.h"
#include "collectors/host_root.h"
#include "collectors/parse/pid_stat.h"
#include "collectors/parse/pid_status.h"
#include "collectors/probe_board.h"
#include "collectors/probe_finder.h"
#include "collectors/probe_metrics.h"
#include "collectors/probe_target.h"
#include "collectors/process_board.h"
#include "collectors/site_metric.h"
#include "collectors/stopwatch.h"

namespace heapfloor {
namespace {

constexpr std::string_view kSource = "probe";
constexpr std::string_view kNeeds =
    "CAP_CHECKPOINT_RESTORE since Linux 5.9, CAP_SYS_ADMIN before; CAP_SYS_PTRACE and "
    "CAP_DAC_READ_SEARCH for other users' processes";

constexpr std::array<double, 3> kLooksSeconds = {0, 10, 60};  // after first sight
constexpr double kRestSeconds = 60;
constexpr double kMostRestSeconds = 3600;
constexpr double kDeniedRestSeconds = 600;
constexpr double kSitesSeconds = 60;
constexpr std::size_t kMostTargets = 256;
constexpr double kMapsBytesASecond = 512 * 1024;  // 2 ms of reading
constexpr double kMostMapsSeconds = 16;           // that one tick may make up for
constexpr std::size_t kOpeningBytes = 1024;       // what opening maps counts for
constexpr std::size_t kBufferBytes = std::size_t{64} << 10;
constexpr std::size_t kMostComm = 64;

// What is remembered of every process.
struct Known {
  ProcessId id;
  double met_seconds = 0;
  double next_look_seconds = 0;
  double rest_seconds = kRestSeconds;
  std::uint64_t mapped_bytes = 0;       // at the last look
  std::uint64_t quarantined_inode = 0;  // of a segment that is not believed; 0: none
  std::uint32_t looks = 0;
  bool is_refused = false;       // its maps, or the file behind a mapping
  bool is_file_refused = false;  // the latter
  bool is_unsettled = false;     // it maps a segment of another process, or one that is being made
};

struct Target {
  Target(ProbeTarget read, std::uint64_t segment_inode)
      : probe(std::move(read)), inode(segment_inode) {}
  ProbeTarget probe;
  std::uint64_t inode = 0;
  double next_sites_seconds = 0;
  std::vector<LargeSite> sites;  // of this tick, where they were read in it
  std::string described_version;
  std::unordered_set<std::size_t> described_structures;  // hashes of what was said of them
};

constexpr const MetricDesc& metric(std::string_view name, std::string_view label = {}) {
  return find_metric(kProbeMetrics, name, label);
}

struct AllocatorMetric {
  const MetricDesc* desc;
  std::optional<double> ProbeAllocator::*value;
};
constexpr std::array kAllocatorValues = {
    AllocatorMetric{&metric("heapfloor_allocator_in_use_bytes"), &ProbeAllocator::in_use},
    AllocatorMetric{&metric("heapfloor_allocator_free_bytes", "fastbin"),
                    &ProbeAllocator::free_fastbin},
    AllocatorMetric{&metric("heapfloor_allocator_free_bytes", "bins"), &ProbeAllocator::free_bins},
    AllocatorMetric{&metric("heapfloor_allocator_free_bytes", "top"), &ProbeAllocator::free_top},
    AllocatorMetric{&metric("heapfloor_allocator_free_bytes", "dirty"),
                    &ProbeAllocator::free_dirty},
    AllocatorMetric{&metric("heapfloor_allocator_free_bytes", "muzzy"),
                    &ProbeAllocator::free_muzzy},
    AllocatorMetric{&metric("heapfloor_allocator_free_bytes", "pageheap"),
                    &ProbeAllocator::free_pageheap},
    AllocatorMetric{&metric("heapfloor_allocator_free_bytes", "central"),
                    &ProbeAllocator::free_central},
    AllocatorMetric{&metric("heapfloor_allocator_free_bytes", "thread"),
                    &ProbeAllocator::free_thread},
    AllocatorMetric{&metric("heapfloor_allocator_active_bytes"), &ProbeAllocator::active},
    AllocatorMetric{&metric("heapfloor_allocator_resident_bytes"), &ProbeAllocator::resident},
    AllocatorMetric{&metric("heapfloor_allocator_mapped_bytes"), &ProbeAllocator::mapped},
    AllocatorMetric{&metric("heapfloor_allocator_retained_bytes"), &ProbeAllocator::retained},
    AllocatorMetric{&metric("heapfloor_allocator_metadata_bytes"), &ProbeAllocator::metadata},
    AllocatorMetric{&metric("heapfloor_allocator_releasable_bytes"), &ProbeAllocator::releasable},
    AllocatorMetric{&metric("heapfloor_allocator_arenas"), &ProbeAllocator::arenas},
    AllocatorMetric{&metric("heapfloor_allocator_free_chunks"), &ProbeAllocator::free_chunks},
    AllocatorMetric{&metric("heapfloor_allocator_mapped_regions"), &ProbeAllocator::mapped_regions},
    AllocatorMetric{&metric("heapfloor_allocator_trims_total"), &ProbeAllocator::trims},
    AllocatorMetric{&metric("heapfloor_allocator_trim_released_bytes_total"),
                    &ProbeAllocator::trim_released},
    AllocatorMetric{&metric("heapfloor_allocator_sample_duration_seconds"),
                    &ProbeAllocator::sample_duration_seconds},
    AllocatorMetric{&metric("heapfloor_allocator_sample_timestamp_seconds"),
                    &ProbeAllocator::sampled_since_boot_seconds},
};
constexpr const MetricDesc& kSkippedBudget =
    metric("heapfloor_process_allocator_samples_skipped_total", "budget");
constexpr const MetricDesc& kSkippedBusy =
    metric("heapfloor_process_allocator_samples_skipped_total", "busy");
constexpr const MetricDesc& kArenaUsed = metric("heapfloor_allocator_arena_memory_bytes", "used");
constexpr const MetricDesc& kArenaFree = metric("heapfloor_allocator_arena_memory_bytes", "free");
constexpr const MetricDesc& kAllocations = metric("heapfloor_allocator_allocations_total");
constexpr const MetricDesc& kAllocated = metric("heapfloor_allocator_allocated_bytes_total");
constexpr const MetricDesc& kFreed = metric("heapfloor_allocator_freed_bytes_total");

struct StructureMetric {
  const MetricDesc* desc;
  double ProbeStructure::*value;
};
constexpr std::array kStructureValues = {
    StructureMetric{&kStructureElements, &ProbeStructure::elements},
    StructureMetric{&kStructureMemory, &ProbeStructure::bytes},
    StructureMetric{&metric("heapfloor_structure_instances"), &ProbeStructure::instances},
    StructureMetric{&metric("heapfloor_structure_peak_elements"), &ProbeStructure::peak_elements},
    StructureMetric{&metric("heapfloor_structure_insertions_total"), &ProbeStructure::insertions},
    StructureMetric{&metric("heapfloor_structure_removals_total"), &ProbeStructure::removals},
    StructureMetric{&metric("heapfloor_structure_growths_total"), &ProbeStructure::growths},
    StructureMetric{&metric("heapfloor_structure_rehashes_total"), &ProbeStructure::rehashes},
    StructureMetric{&metric("heapfloor_structure_shrinks_total"), &ProbeStructure::shrinks},
    StructureMetric{&metric("heapfloor_structure_clears_total"), &ProbeStructure::clears},
    StructureMetric{&metric("heapfloor_structure_moved_bytes_total"), &ProbeStructure::moved_bytes},
    StructureMetric{&metric("heapfloor_structure_instances_started_total"),
                    &ProbeStructure::instances_started},
    StructureMetric{&metric("heapfloor_structure_instances_ended_total"),
                    &ProbeStructure::instances_ended},
    StructureMetric{&kStructureEpochs, &ProbeStructure::epochs},
};
constexpr const MetricDesc& kCapacity = metric("heapfloor_structure_capacity_elements");
constexpr const MetricDesc& kBuckets = metric("heapfloor_structure_hash_buckets");
constexpr const MetricDesc& kLastClear = metric("heapfloor_structure_last_clear_timestamp_seconds");

constexpr std::array<std::string_view, kProbeRejections> kRejectionNames = {"malformed", "version",
                                                                            "identity", "io"};

void add(SampleSink& sink, const MetricDesc& desc, const std::optional<double>& value) {
  if (value) sink.add(desc, *value);
}

void describe(SampleSink& sink, Attribute attribute, std::string_view text) {
  if (!text.empty()) sink.describe(attribute, text);
}

class ProbeCollector final : public Collector {
 public:
  ProbeCollector(const HostRoot& root, const CollectorOptions& options)
      : root_(root),
        processes_(options.board),
        board_(options.probe_board != nullptr ? options.probe_board : &own_board_),
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
    board_->forget_old(now_seconds_);
    report_access(report);
    for (auto& [id, target] : targets_) write(target, sink);
    write_counts(sink);
    return report;
  }

 private:
  // Makes known_ hold exactly the processes of the board that have memory.
  void reconcile() {
    next_known_.clear();
    next_known_.reserve(processes_->processes.size());
    auto known = known_.begin();
    const auto end_before = [&](const ProcessId& id) {
      for (; known != known_.end() && known->id < id; ++known) end(known->id);
    };
    for (const SeenProcess& seen : processes_->processes) {
      if (seen.mapped_bytes == 0) continue;
      end_before(seen.id);
      if (known != known_.end() && known->id == seen.id) {
        next_known_.push_back(*known++);
      } else {
        Known& met = next_known_.emplace_back();
        met.id = seen.id;
        met.met_seconds = met.next_look_seconds = now_seconds_;
      }
    }
    for (; known != known_.end(); ++known) end(known->id);
    std::swap(known_, next_known_);
  }

  void end(const ProcessId& id) {
    if (targets_.erase(id) > 0) board_->end(id, now_seconds_);
  }

  // Looks at the maps of those that are due, beginning behind the one that was looked at last.
  void look_around(CollectReport& report) {
    std::size_t bytes = 0;
    const double seconds = std::clamp(now_seconds_ - looked_around_seconds_, 1.0, kMostMapsSeconds);
    const auto most_bytes = static_cast<std::size_t>(kMapsBytesASecond * seconds);
    looked_around_seconds_ = now_seconds_;
    auto seen = processes_->processes.begin();
    std::vector<std::pair<Known*, const SeenProcess*>> due;
    for (Known& known : known_) {
      while (seen->id != known.id) ++seen;
      if (is_due(known, *seen)) due.emplace_back(&known, &*seen);
    }
    const auto first = std::ranges::find_if(
        due, [this](const auto& entry) { return last_looked_ < entry.first->id; });
    std::rotate(due.begin(), first, due.end());
    for (const auto& [known, process] : due) {
      if (bytes >= most_bytes) break;
      bytes += look(*known, *process, report);
      last_looked_ = known->id;
    }
  }

  [[nodiscard]] bool is_due(const Known& known, const SeenProcess& seen) const {
    if (now_seconds_ < known.next_look_seconds) return false;
    // Its own segment comes in the place of its parent's, or is there at last: that moves no size.
    return known.looks < kLooksSeconds.size() || known.is_unsettled ||
           known.mapped_bytes != seen.mapped_bytes;
  }

  // When it is looked at again.
  void rest(Known& known, bool is_target) const {
    ++known.looks;
    if (known.is_refused && !is_target) {
      known.next_look_seconds = now_seconds_ + kDeniedRestSeconds;
    } else if (is_target) {
      known.looks = std::max<std::uint32_t>(known.looks, kLooksSeconds.size());
      known.rest_seconds = kRestSeconds;
      known.next_look_seconds = now_seconds_ + kRestSeconds;
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
    known.is_file_refused = false;
    known.is_unsettled = false;
    ProbeMaps maps;
    if (auto looked = look_in(known, seen, maps, report); !looked) {
      const ErrorKind kind = looked.error().kind;
      known.is_refused = known.is_refused || kind == ErrorKind::denied;
      if (kind == ErrorKind::denied) {
        report.count_quietly(kind);
      } else {
        report.count(looked.error());
      }
    }
    rest(known, targets_.contains(known.id));
    return maps.bytes + kOpeningBytes;
  }

  Result<void> look_in(Known& known, const SeenProcess& seen, ProbeMaps& maps,
                       CollectReport& report) {
    ProcessDir opened;
    const ProcessDir* directory = seen.directory;
    if (directory == nullptr) {
      auto result = root_.open_process(seen.id.pid);
      if (!result) return Failure(std::move(result.error()));
      opened = std::move(*result);
      directory = &opened;
    }
    if (auto read = read_probe_maps(*directory, buffer_, maps); !read) return read;
    const auto target = targets_.find(known.id);
    if (target != targets_.end() && still_maps(maps, target->second.inode)) {
      take_mappings(target->second, maps);
      return {};
    }
    if (target != targets_.end()) end(known.id);  // it runs another program now
    if (maps.segments.empty()) {
      known.quarantined_inode = 0;
      return {};
    }
    return choose(known, seen, *directory, maps, report);
  }

  static bool still_maps(const ProbeMaps& maps, std::uint64_t inode) {
    return std::ranges::any_of(
        maps.segments, [inode](const PidMapping& segment) { return segment.inode == inode; });
  }

  // The first of its segments that is its own. Another one's was inherited and says nothing of it.
  Result<void> choose(Known& known, const SeenProcess& seen, const ProcessDir& directory,
                      ProbeMaps& maps, CollectReport& report) {
    if (targets_.size() >= kMostTargets) return {};
    for (const PidMapping& segment : maps.segments) {
      if (segment.inode == known.quarantined_inode) continue;
      auto bytes = open(known, directory, segment);
      if (!bytes) return Failure(std::move(bytes.error()));
      if (is_being_made(*bytes)) {
        known.is_unsettled = true;
        continue;
      }
      ProbeTarget probe(known.id, std::make_shared<const MappedProbe>(std::move(*bytes)));
      std::optional<ProbeRejection> rejection = probe.read();
      std::optional<std::int32_t> own_pid;
      if (!rejection) {
        auto own = read_own_pid(directory, seen);
        if (!own) return Failure(std::move(own.error()));
        own_pid = *own;
        if (!is_own(probe.header(), seen.id, own_pid)) rejection = ProbeRejection::identity;
      }
      if (rejection) {
        reject(known, *rejection, segment.inode);
        continue;
      }
      ++report.entities_read;
      known.quarantined_inode = 0;
      accept(std::move(probe), segment.inode, read_comm(directory), maps);
      return {};
    }
    return {};
  }

  // The magic is written last.
  static bool is_being_made(const MappedBytes& segment) {
    std::uint64_t magic = 0;
    return segment.read(0, std::as_writable_bytes(std::span(&magic, 1))) && magic == 0;
  }

  Result<MappedBytes> open(Known& known, const ProcessDir& directory, const PidMapping& segment) {
    auto bytes = open_probe_segment(directory, segment);
    if (bytes && bytes->outlives_process()) is_file_open_ = true;
    if (bytes && !bytes->outlives_process()) known.is_refused = known.is_file_refused = true;
    return bytes;
  }

  // Its pid as it sees itself, and that it is still the process that was seen.
  Result<std::optional<std::int32_t>> read_own_pid(const ProcessDir& directory,
                                                   const SeenProcess& seen) {
    auto status = directory.read_record("status", buffer_);
    if (!status) return Failure(std::move(status.error()));
    const std::optional<std::int32_t> own_pid = parse_own_pid(*status);
    if (directory.pinned()) return own_pid;
    auto text = directory.read_record("stat", buffer_);
    if (!text) return Failure(std::move(text.error()));
    const Result<PidStat> stat = parse_pid_stat(*text);
    if (!stat || stat->start_ticks != seen.id.start_ticks)
      return failure(ErrorKind::gone, std::to_string(seen.id.pid), "the pid was reused");
    return own_pid;
  }

  static bool is_own(const ProbeHeader& header, const ProcessId& id,
                     const std::optional<std::int32_t>& own_pid) {
    if (header.start_ticks && *header.start_ticks != id.start_ticks) return false;
    if (own_pid) return header.pid == *own_pid;
    return header.start_ticks || header.pid == id.pid;
  }

  void reject(Known& known, ProbeRejection rejection, std::uint64_t inode) {
    ++rejected_.at(static_cast<std::size_t>(rejection));
    const bool is_quarantined =
        rejection == ProbeRejection::malformed || rejection == ProbeRejection::version;
    if (is_quarantined) known.quarantined_inode = inode;
    if (rejection == ProbeRejection::identity) known.is_unsettled = true;
  }

  std::string read_comm(const ProcessDir& directory) {
    const auto text = directory.read_start("comm", std::span(buffer_).first(kMostComm));
    return text ? std::string(text->substr(0, text->find('\n'))) : std::string();
  }

  void accept(ProbeTarget probe, std::uint64_t inode, std::string comm, ProbeMaps& maps) {
    const ProcessId id = probe.id();
    ProbedTarget shown;
    shown.id = id;
    shown.name = std::move(comm);
    shown.own_pid = probe.header().pid;
    board_->put(shown, probe.source());
    Target& target = targets_.insert_or_assign(id, Target(std::move(probe), inode)).first->second;
    take_mappings(target, maps);
  }

  void take_mappings(Target& target, ProbeMaps& maps) {
    board_->set_mappings(target.probe.id(), std::move(maps.text));
    target.probe.set_executables(std::move(maps.executables));
  }

  void read_targets(CollectReport& report) {
    for (auto at = targets_.begin(); at != targets_.end();) {
      Target& target = at->second;
      const std::optional<ProbeRejection> rejection = target.probe.read();
      if (!rejection) {
        ++reads_;
        ++report.entities_read;
        read_sites(target);
        ++at;
        continue;
      }
      const auto known = std::ranges::lower_bound(known_, at->first, {}, &Known::id);
      reject(*known, *rejection, target.inode);
      board_->drop(at->first);
      at = targets_.erase(at);
    }
  }

  void read_sites(Target& target) {
    target.sites.clear();
    if (now_seconds_ < target.next_sites_seconds) return;
    target.next_sites_seconds = now_seconds_ + kSitesSeconds;
    target.sites = target.probe.read_sites();
  }

  void report_access(CollectReport& report) const {
    const bool is_refused = std::ranges::any_of(known_, &Known::is_file_refused);
    if (is_refused) {
      report.sources.push_back({kSource, false, kNeeds});
    } else if (is_file_open_) {
      report.sources.push_back({kSource, true});
    }
  }

  static void write(Target& target, SampleSink& sink) {
    const ProbeTarget& probe = target.probe;
    sink.begin({.kind = EntityKind::process, .process = probe.id()});
    if (probe.allocator()) {
      add(sink, kProbedInUse, probe.allocator()->in_use);
      add(sink, kProbedFree, probe.allocator()->free_bytes());
      add(sink, kProbedTrims, probe.allocator()->trims);
      add(sink, kSkippedBudget, probe.allocator()->skipped_budget);
      add(sink, kSkippedBusy, probe.allocator()->skipped_busy);
    }
    add(sink, kProbedSampledLive, probe.header().sampler.live_bytes);
    write_allocator(target, sink);
    write_arenas(probe, sink);
    for (const ProbeStructure& structure : probe.structures())
      write_structure(target, structure, sink);
    target.probe.note_said();
    for (const LargeSite& site : target.sites) write_site(probe.id(), site, sink);
  }

  // Before the probe has read it once, nobody knows which allocator the sums are of.
  static void write_allocator(Target& target, SampleSink& sink) {
    const ProbeSampler& sampler = target.probe.header().sampler;
    if (!target.probe.allocator()) return;
    const ProbeAllocator& allocator = *target.probe.allocator();
    sink.begin(
        {.kind = EntityKind::allocator, .process = target.probe.id(), .name = allocator.name});
    for (const AllocatorMetric& value : kAllocatorValues)
      add(sink, *value.desc, allocator.*value.value);
    if (allocator.version != target.described_version) {
      target.described_version = allocator.version;
      describe(sink, Attribute::version, allocator.version);
    }
    add(sink, kAllocations, sampler.allocated_objects);
    add(sink, kAllocated, sampler.allocated_bytes);
    if (sampler.allocated_bytes && sampler.live_bytes)
      sink.add(kFreed, std::max(0.0, *sampler.allocated_bytes - *sampler.live_bytes));
  }

  static void write_arenas(const ProbeTarget& probe, SampleSink& sink) {
    for (std::size_t number = 0; number < probe.arenas().size(); ++number) {
      const std::string name = std::to_string(number);
      sink.begin({.kind = EntityKind::arena, .process = probe.id(), .name = name});
      add(sink, kArenaUsed, probe.arenas()[number].used);
      add(sink, kArenaFree, probe.arenas()[number].free);
    }
  }

  // Whether this has not been said yet.
  static bool remember(Target& target, const ProbeStructure& structure) {
    constexpr std::size_t kMostRemembered = 4 * ProbeTarget::kMostStructures;
    const std::hash<std::string_view> hash;
    std::size_t mix = 0;
    for (const std::string_view text : std::initializer_list<std::string_view>{
             structure.name, structure.kind, structure.element, structure.file})
      mix = mix * 31 + hash(text);
    if (target.described_structures.size() >= kMostRemembered) target.described_structures.clear();
    return target.described_structures.insert(mix).second;
  }

  static void write_structure(Target& target, const ProbeStructure& structure, SampleSink& sink) {
    sink.begin(
        {.kind = EntityKind::structure, .process = target.probe.id(), .name = structure.name});
    for (const StructureMetric& value : kStructureValues)
      sink.add(*value.desc, structure.*value.value);
    add(sink, kCapacity, structure.capacity_elements);
    add(sink, kBuckets, structure.hash_buckets);
    add(sink, kLastClear, structure.last_clear_since_boot_seconds);
    if (structure.kind.empty() || !remember(target, structure)) return;
    describe(sink, Attribute::kind, structure.kind);
    describe(sink, Attribute::element, structure.element);
    describe(sink, Attribute::file, structure.file);
  }

  static void write_site(const ProcessId& id, const LargeSite& site, SampleSink& sink) {
    const std::string name = site_name_of(site.stack_hash);
    sink.begin({.kind = EntityKind::site, .process = id, .name = name});
    sink.add(kSiteLive, site.live_bytes);
    describe(sink, Attribute::location, site.location);
    describe(sink, Attribute::structure, site.structure);
    describe(sink, Attribute::phase, site.phase);
  }

  void write_counts(SampleSink& sink) const {
    sink.begin({.kind = EntityKind::agent});
    sink.add(metric("heapfloor_probe_targets"), static_cast<double>(targets_.size()));
    const auto quarantined = std::ranges::count_if(
        known_, [](const Known& known) { return known.quarantined_inode != 0; });
    sink.add(metric("heapfloor_probe_quarantined_targets"), static_cast<double>(quarantined));
    sink.add(metric("heapfloor_probe_kept_targets"), static_cast<double>(board_->kept_targets()));
    sink.add(metric("heapfloor_probe_reads_total"), static_cast<double>(reads_));
    for (std::size_t i = 0; i < kProbeRejections; ++i)
      sink.add(metric("heapfloor_probe_reads_rejected_total", kRejectionNames.at(i)),
               static_cast<double>(rejected_.at(i)));
  }

  const HostRoot& root_;
  const ProcessBoard* processes_;
  ProbeBoard own_board_;
  ProbeBoard* board_;
  const Stopwatch* stopwatch_;
  std::vector<char> buffer_;
  std::vector<Known> known_, next_known_;  // ascending by id
  std::map<ProcessId, Target> targets_;
  ProcessId last_looked_;
  std::uint64_t seen_tick_ = 0;
  double now_seconds_ = 0;
  double looked_around_seconds_ = 0;
  std::uint64_t reads_ = 0;
  std::array<std::uint64_t, kProbeRejections> rejected_ = {};
  bool is_file_open_ = false;  // the file behind a mapping could be opened
};

std::unique_ptr<Collector> make(const HostRoot& root, const CollectorOptions& options) {
  return std::make_unique<ProbeCollector>(root, options);
}

}  // namespace

extern constinit const CollectorEntry probe_collector = {
    .name = "probe",
    .summary = "allocators, structures and allocation sites of programs that carry a probe",
    .enabled_by_default = true,
    .metrics = kProbeMetrics,
    .make = make,
};

}  // namespace heapfloor
