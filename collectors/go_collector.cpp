// Programs that run Go, as they are: what lives in their heap after each collection, and what their
// runtime tells beside it.
//
// Source: runtime.gcController and runtime.memstats in the process's own memory, found by the
// symbols of the program's file and laid out as runtime/go_layout.h says. Tested with Go 1.19, with
// and without debugging information, PIE and cgo; other versions are read by the debugging
// information of the program (not tested: Debian has no other), and not at all without it. Programs
// without symbols (-ldflags=-s) are read where they are of Go 1.19 for x86-64: what the code of
// their runtime refers to says where its variables are (runtime/go_variables.h). Others are counted
// and left alone, and so is what does not look like such figures. Nothing is asked of the program
// or written to it, and it notices nothing. Reading needs what reading /proc/PID/mem needs:
// CAP_SYS_PTRACE and, since mem is a file of the other user's, CAP_DAC_READ_SEARCH; or the same
// user where ptrace_scope lets it.
//
// Cost: a Go program reserves kLeastMapped of address space and more, so that small processes are
// passed over. Of the others the file is looked at now and then (runtime/process_looks.h), three
// short reads for what is not Go; of a Go program its tables of symbols are read once, and of
// versions that are not known its debugging information: together at most kFileBytesASecond, one
// file more at the most. A file that several processes run is read once. A Go program costs one
// read a tick, and three more after a collection; every kCountSeconds its goroutines and objects
// are counted, about 10 us. Its allocation sites (go_sites.h) are read every kSitesSeconds and less
// often the longer that takes: at most kProgramDuty of the time for one program, kSitesDuty for
// all. Of a program with more than kMostBuckets they are not followed.
#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "collectors/collector.h"
#include "collectors/go_board.h"
#include "collectors/go_metrics.h"
#include "collectors/host_root.h"
#include "collectors/process_board.h"
#include "collectors/runtime/go_program.h"
#include "collectors/runtime/go_target.h"
#include "collectors/runtime/process_looks.h"
#include "collectors/runtime/seen_directory.h"
#include "collectors/site_metric.h"
#include "collectors/stopwatch.h"

namespace heapfloor {
namespace {

constexpr std::string_view kSource = "go_memory";
constexpr std::string_view kNeeds =
    "CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH for other users' processes";

constexpr std::uint64_t kLeastMapped = std::uint64_t{64} << 20;  // an arena of the heap alone
constexpr std::size_t kMostTargets = 1024;
constexpr double kFileBytesASecond = 2 << 20;
constexpr std::size_t kOpeningBytes = 4096;  // what opening a file counts for
constexpr std::size_t kBufferBytes = std::size_t{16} << 10;
constexpr double kCountSeconds = 10;
constexpr double kSitesSeconds = 10;
constexpr std::size_t kMostSites = 32;       // of a program, that are told one by one
constexpr std::size_t kMostBuckets = 32768;  // of a program: 10 ms
constexpr double kSitesDuty = 0.001;         // of the time, for all programs together
constexpr double kProgramDuty = 0.0003;      // for one
constexpr double kMostSitesSeconds = 0.05;   // that may be made up for
// Of address space, since the board is of a moment ago.
constexpr double kGrowthFactor = 2;

// What is remembered of every process that may run Go.
struct Notes {
  FileFacts file;  // that it ran at the last look
  std::optional<GoRefusal> refusal;
};
using Looks = ProcessLooks<Notes>;

struct Target {
  explicit Target(GoTarget opened) : go(std::move(opened)) {}
  GoTarget go;
  double next_count_seconds = 0;
  GoCounts counts;  // the last ones
  double next_sites_seconds = 0;
  std::vector<GoSite> sites;  // of this tick, where they were read in it
  bool is_described = false;
};

// A file, and how much of it was asked for.
class CountedFile final : public ByteSource {
 public:
  explicit CountedFile(const HostFile& file) : file_(file) {}
  [[nodiscard]] std::uint64_t size() const override { return file_.size(); }
  [[nodiscard]] bool read_at(std::uint64_t offset, std::span<char> buffer) const override {
    bytes_ += buffer.size();
    return file_.read_at(offset, buffer);
  }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  FileSource file_;
  mutable std::size_t bytes_ = 0;
};

// Without a device of its own a file is not told from one on another mount.
bool is_same_file(const FileFacts& one, const FileFacts& other) {
  return one == other && one.device != 0;
}

constexpr const MetricDesc& metric(std::string_view name, std::string_view label = {}) {
  return find_metric(kGoTable, name, label);
}

void add(SampleSink& sink, const MetricDesc& desc, const std::optional<double>& value) {
  if (value) sink.add(desc, *value);
}

class GoCollector final : public Collector {
 public:
  GoCollector(const HostRoot& root, const CollectorOptions& options)
      : root_(root),
        processes_(options.board),
        board_(options.go_board),
        stopwatch_(options.stopwatch),
        buffer_(kBufferBytes) {}

  [[nodiscard]] Result<CollectReport> collect(SampleSink& sink) override {
    if (processes_ == nullptr || stopwatch_ == nullptr || processes_->tick == seen_tick_) {
      return failure(ErrorKind::unavailable, std::string(kSource),
                     "the collector process has not listed the processes");
    }
    seen_tick_ = processes_->tick;
    now_seconds_ = stopwatch_->seconds();
    CollectReport report;
    looks_.reconcile(*processes_, kLeastMapped, now_seconds_,
                     [this](const ProcessId& id) { forget(id); });
    looks_.look_around(
        *processes_, kFileBytesASecond,
        [this](const ProcessId& id) { return targets_.contains(id); },
        [&](Looks::Known& known, const SeenProcess& seen) { return look(known, seen, report); });
    read_targets(report);
    read_sites();
    report_access(report);
    for (auto& [id, target] : targets_) write(target, sink);
    write_counts(sink);
    return report;
  }

 private:
  void forget(const ProcessId& id) {
    targets_.erase(id);
    if (board_ != nullptr) board_->drop(id);
  }

  void refuse(const ProcessId& id, Notes& notes, GoRefusal refusal) {
    notes.refusal = refusal;
    if (board_ != nullptr) board_->refuse(id, refusal);
  }

  // Returns the bytes that it read.
  std::size_t look(Looks::Known& known, const SeenProcess& seen, CollectReport& report) {
    std::size_t bytes = kOpeningBytes;
    if (auto looked = look_in(known.notes, seen, bytes); !looked) {
      known.is_refused = looked.error().kind == ErrorKind::denied;
      known.notes.file = {};  // what failed once may not the next time
      if (known.is_refused) {
        report.count_quietly(ErrorKind::denied);
      } else {
        report.count(looked.error());
      }
    }
    return bytes;
  }

  Result<void> look_in(Notes& notes, const SeenProcess& seen, std::size_t& bytes) {
    const auto directory = SeenDirectory::open(root_, seen);
    if (!directory) return Failure(directory.error());
    const auto facts = directory->get().look_at_file("exe");
    if (!facts) return Failure(facts.error());
    if (is_same_file(*facts, notes.file)) return {};
    notes = {*facts, std::nullopt};
    const auto program = program_of(*directory, *facts, bytes);
    if (!program) return Failure(program.error());
    if (*program == nullptr) return {};
    if (targets_.size() >= kMostTargets)
      return failure(ErrorKind::unavailable, std::to_string(seen.id.pid), "too many Go programs");
    if (const auto refusal = (*program)->refusal) {
      refuse(seen.id, notes, *refusal);
      return {};
    }
    auto target = GoTarget::open(seen.id, *program, directory->get(), buffer_);
    if (!target) {
      if (target.error().kind == ErrorKind::denied) refuse(seen.id, notes, GoRefusal::denied);
      return Failure(std::move(target.error()));
    }
    // That the memory is of the program whose file was read: it may have become another one.
    const auto again = directory->get().look_at_file("exe");
    if (!again || *again != *facts)
      return failure(ErrorKind::gone, std::to_string(seen.id.pid), "runs another program by now");
    if (auto same = directory->confirm(buffer_); !same) return same;
    is_open_ = true;
    if (board_ != nullptr) board_->put(target->site_source());
    targets_.insert_or_assign(seen.id, Target(std::move(*target)));
    return {};
  }

  // What the file tells; null where it is no Go program.
  Result<std::shared_ptr<const GoProgram>> program_of(const SeenDirectory& directory,
                                                      const FileFacts& facts, std::size_t& bytes) {
    const auto known = std::ranges::find_if(
        programs_, [&facts](const auto& entry) { return is_same_file(entry.first, facts); });
    if (known != programs_.end()) {
      if (auto program = known->second.lock()) return program;
    }
    const auto file = directory.get().open_file("exe");
    if (!file) return Failure(file.error());
    const CountedFile source(*file);
    auto examined = examine_go_program(source);
    bytes += source.bytes();
    if (!examined) return nullptr;
    auto program = std::make_shared<const GoProgram>(std::move(*examined));
    std::erase_if(programs_, [](const auto& entry) { return entry.second.expired(); });
    programs_.emplace_back(file->facts(), program);
    return program;
  }

  void read_targets(CollectReport& report) {
    auto seen = processes_->processes.begin();
    for (auto at = targets_.begin(); at != targets_.end();) {
      while (seen->id != at->first) ++seen;
      Target& target = at->second;
      const Result<void> read =
          target.go.read(kGrowthFactor * static_cast<double>(seen->mapped_bytes));
      if (read) {
        ++report.entities_read;
        count(target);
      }
      if (read || read.error().kind == ErrorKind::unavailable) {
        ++at;
        continue;
      }
      drop(at->first, read.error(), report);
      at = targets_.erase(at);
    }
  }

  void count(Target& target) const {
    if (now_seconds_ < target.next_count_seconds) return;
    target.counts = target.go.count();
    target.next_count_seconds = now_seconds_ + kCountSeconds;
  }

  // Those that are due, beginning behind the one that was read last, while there is time for it.
  void read_sites() {
    const double rest =
        std::clamp(now_seconds_ - sites_read_seconds_, 0.0, kMostSitesSeconds / kSitesDuty);
    sites_seconds_ = std::min(kMostSitesSeconds, sites_seconds_ + rest * kSitesDuty);
    sites_read_seconds_ = now_seconds_;
    std::vector<Target*> due;
    for (auto& [id, target] : targets_) {
      target.sites.clear();
      if (target.next_sites_seconds <= now_seconds_ && target.go.reading()) due.push_back(&target);
    }
    const auto first = std::ranges::find_if(
        due, [this](const Target* target) { return last_sites_ < target->go.id(); });
    std::rotate(due.begin(), first, due.end());
    for (Target* const target : due) {
      if (sites_seconds_ <= 0) return;
      const double start = stopwatch_->seconds();
      if (auto sites = target->go.site_source()->read({kMostBuckets, kMostSites}))
        target->sites = std::move(sites->sites);
      std::ranges::sort(target->sites, std::greater<>(), &GoSite::live_bytes);
      const double took = std::max(0.0, stopwatch_->seconds() - start);
      sites_seconds_ -= took;
      target->next_sites_seconds = now_seconds_ + std::max(kSitesSeconds, took / kProgramDuty);
      last_sites_ = target->go.id();
    }
  }

  // A program that has ended, or became another one, has no memory to read: that is no error.
  void drop(const ProcessId& id, const Error& error, CollectReport& report) {
    // Nothing is mapped where they should be: io.
    if (error.kind == ErrorKind::malformed || error.kind == ErrorKind::io) {
      refuse(id, looks_.notes(id), GoRefusal::implausible);
      report.count(error);
      return;
    }
    if (board_ != nullptr) board_->drop(id);
    looks_.notes(id) = {};
    looks_.start_over(id);
    report.count_quietly(ErrorKind::gone);
  }

  void report_access(CollectReport& report) const {
    if (std::ranges::any_of(looks_.known(), &Looks::Known::is_refused)) {
      report.sources.push_back({kSource, false, kNeeds});
    } else if (is_open_) {
      report.sources.push_back({kSource, true});
    }
  }

  static void write(Target& target, SampleSink& sink) {
    if (!target.go.reading()) return;
    const GoReading& reading = *target.go.reading();
    const GoRest& rest = target.go.rest();
    sink.begin({.kind = EntityKind::go, .process = target.go.id()});
    add(sink, kGoLive, reading.live);
    sink.add(kGoCycles, reading.cycles);
    add(sink, metric("heapfloor_go_heap_objects"), target.counts.objects);
    add(sink, metric("heapfloor_go_heap_allocated_bytes"), reading.allocated);
    add(sink, metric("heapfloor_go_allocated_bytes_total"), reading.allocations);
    add(sink, kGoInUse, reading.in_use);
    if (reading.free && reading.released) sink.add(kGoIdle, *reading.free + *reading.released);
    add(sink, kGoReleased, reading.released);
    add(sink, metric("heapfloor_go_heap_goal_bytes"), reading.goal);
    add(sink, kGoMemoryLimit, reading.limit);
    add(sink, kGoStacks, rest.stacks);
    add(sink, kGoSystem, rest.system);
    add(sink, kGoGoroutines, target.counts.goroutines);
    add(sink, metric("heapfloor_go_gc_pause_seconds_total"), rest.pause_seconds);
    add(sink, metric("heapfloor_go_gc_cpu_ratio"), rest.cpu_fraction);
    add(sink, metric("heapfloor_go_last_gc_timestamp_seconds"), rest.last_gc_seconds);
    if (!std::exchange(target.is_described, true))
      sink.describe(Attribute::version, target.go.program().version);
    for (const GoSite& site : target.sites) write_site(target.go.id(), site, sink);
  }

  static void write_site(const ProcessId& id, const GoSite& site, SampleSink& sink) {
    if (site.live_bytes <= 0) return;
    const std::string name = site_name_of(site.hash);
    sink.begin({.kind = EntityKind::site, .process = id, .name = name});
    sink.add(kGoSiteLive, site.live_bytes);
  }

  void write_counts(SampleSink& sink) const {
    std::array<std::uint64_t, kGoRefusals> refused = {};
    for (const Looks::Known& known : looks_.known()) {
      if (known.notes.refusal) ++refused.at(static_cast<std::size_t>(*known.notes.refusal));
    }
    sink.begin({.kind = EntityKind::agent});
    sink.add(metric("heapfloor_watched_go_programs"), static_cast<double>(targets_.size()));
    for (std::size_t i = 0; i < kGoRefusals; ++i) {
      const auto reason = go_refusal_name(static_cast<GoRefusal>(i));
      sink.add(find_metric(kGoTable, "heapfloor_unreadable_go_programs", reason),
               static_cast<double>(refused.at(i)));
    }
  }

  const HostRoot& root_;
  const ProcessBoard* processes_;
  GoBoard* board_;
  const Stopwatch* stopwatch_;
  std::vector<char> buffer_;
  Looks looks_;
  std::map<ProcessId, Target> targets_;
  // Those that some process runs.
  std::vector<std::pair<FileFacts, std::weak_ptr<const GoProgram>>> programs_;
  std::uint64_t seen_tick_ = 0;
  double now_seconds_ = 0;
  double sites_seconds_ = kMostSitesSeconds;  // left for reading sites
  double sites_read_seconds_ = 0;
  ProcessId last_sites_;
  bool is_open_ = false;  // the memory of some Go program could be opened
};

std::unique_ptr<Collector> make(const HostRoot& root, const CollectorOptions& options) {
  return std::make_unique<GoCollector>(root, options);
}

}  // namespace

extern constinit const CollectorEntry go_collector = {
    .name = "go",
    .summary = "heap, collections and goroutines of Go programs, from outside",
    .enabled_by_default = true,
    .metrics = kGoTable,
    .make = make,
};

}  // namespace heapfloor
