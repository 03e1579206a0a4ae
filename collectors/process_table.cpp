#include "collectors/process_table.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <limits>
#include <utility>

#include "collectors/parse/integer.h"
#include "collectors/parse/pid_cgroup.h"
#include "collectors/parse/pid_limits.h"
#include "collectors/parse/pid_statm.h"
#include "collectors/parse/text.h"
#include "collectors/probe_board.h"
#include "collectors/process_board.h"
#include "collectors/process_metrics.h"

namespace heapfloor {
namespace {

constexpr std::size_t kDescriptorsOfOne = 2;
// Left to the rest of the program: HTTP connections, log, store.
constexpr std::size_t kReserve = 256;
// Descriptors that a lowered ceiling wins back each tick.
constexpr std::size_t kRegain = 64;

struct StatusSize {
  const MetricDesc* desc;
  std::optional<std::uint64_t> PidStatus::*value;
};
constexpr std::array kStatusSizes = {
    StatusSize{&kProcessResidentAnon, &PidStatus::rss_anon_bytes},
    StatusSize{&kProcessResidentFile, &PidStatus::rss_file_bytes},
    StatusSize{&kProcessResidentShmem, &PidStatus::rss_shmem_bytes},
    StatusSize{&kProcessResidentPeak, &PidStatus::resident_peak_bytes},
    StatusSize{&kProcessVirtual, &PidStatus::virtual_bytes},
    StatusSize{&kProcessData, &PidStatus::data_bytes},
    StatusSize{&kProcessPageTable, &PidStatus::page_table_bytes},
    StatusSize{&kProcessLocked, &PidStatus::locked_bytes},
    StatusSize{&kProcessHugetlb, &PidStatus::hugetlb_bytes},
    StatusSize{&kProcessSwap, &PidStatus::swap_bytes},
};
static_assert(kStatusSizes.size() == TrackedProcess::kSizes);
static_assert(sizeof(TrackedProcess) - sizeof(std::string) <= 256);

// Sources of attributes, by their bit in TrackedProcess::unreadable.
struct AttributeSource {
  const MetricDesc* unreadable;
  std::string_view needs;
};
constexpr std::string_view kNeedsTracing = "CAP_SYS_PTRACE";
constexpr std::string_view kNeedsSight = "the group of hidepid's gid= option, or CAP_SYS_PTRACE";
constexpr std::array kAttributeSources = {
    AttributeSource{&kProcessUnreadableExe, kNeedsTracing},
    AttributeSource{&kProcessUnreadableCmdline, kNeedsSight},
    AttributeSource{&kProcessUnreadableCgroup, kNeedsSight},
};
constexpr std::size_t kExe = 0;
constexpr std::size_t kCmdline = 1;
constexpr std::size_t kCgroup = 2;

constexpr std::size_t kAnon = 0;
constexpr std::size_t kFile = 1;
constexpr std::size_t kShmem = 2;
constexpr std::size_t kPeak = 3;
constexpr std::size_t kVirtual = 4;
constexpr std::size_t kSwap = 9;
static_assert(kStatusSizes[kAnon].desc == &kProcessResidentAnon);
static_assert(kStatusSizes[kFile].desc == &kProcessResidentFile);
static_assert(kStatusSizes[kShmem].desc == &kProcessResidentShmem);
static_assert(kStatusSizes[kPeak].desc == &kProcessResidentPeak);
static_assert(kStatusSizes[kVirtual].desc == &kProcessVirtual);
static_assert(kStatusSizes[kSwap].desc == &kProcessSwap);

void set_size(TrackedProcess& process, std::size_t index, std::uint64_t bytes) {
  process.sizes_bytes[index] = bytes;
  process.sizes_present = static_cast<std::uint16_t>(process.sizes_present | 1U << index);
}

bool has_size(const TrackedProcess& process, std::size_t index) {
  return (process.sizes_present >> index & 1U) != 0;
}

std::array<std::uint64_t, 4> fingerprint_of(const PidStatm& statm) {
  return {statm.size_pages, statm.resident_pages, statm.shared_pages, statm.data_pages};
}

std::array<std::uint64_t, 4> fingerprint_of(const PidStat& stat) {
  return {stat.virtual_bytes, stat.resident_pages, stat.minor_faults, stat.threads};
}

std::uint32_t clamped(std::uint64_t count) {
  return static_cast<std::uint32_t>(
      std::min<std::uint64_t>(count, std::numeric_limits<std::uint32_t>::max()));
}

// Up to 16 TiB exactly.
std::uint32_t mapped_pages_of(const TrackedProcess& process) {
  return static_cast<std::uint32_t>(process.sizes_bytes[kVirtual] / 4096);
}

std::uint64_t known_limit(const Result<PidLimits>& limits,
                          std::optional<std::uint64_t> PidLimits::*limit) {
  return limits ? ((*limits).*limit).value_or(TrackedProcess::kNoLimit) : TrackedProcess::kNoLimit;
}

// What was read rarely was of the former owner of the pid.
void forget_rare(TrackedProcess& process) {
  process.rare_known = false;
  process.has_descriptor_limit = false;
  process.has_oom_score = false;
  process.address_space_limit_bytes = TrackedProcess::kNoLimit;
  process.data_limit_bytes = TrackedProcess::kNoLimit;
  process.mappings = 0;
  process.mappings_due = true;
  process.mappings_refused = false;
}

void take_stat(TrackedProcess& process, const PidStat& stat) {
  if (!process.identified || process.start_ticks != stat.start_ticks) forget_rare(process);
  process.identified = true;
  process.start_ticks = stat.start_ticks;
  process.name.assign(stat.comm);
  process.threads = clamped(stat.threads);
  process.cpu_ticks = stat.user_ticks + stat.system_ticks;
  process.minor_faults = stat.minor_faults;
  process.major_faults = stat.major_faults;
  process.kernel_thread = stat.is_kernel_thread();
  process.status_unreadable = false;
  process.sizes_present = 0;
  process.has_descriptors = false;
  if (stat.virtual_bytes > 0) set_size(process, kVirtual, stat.virtual_bytes);
}

void take_status(TrackedProcess& process, const PidStatus& status) {
  if (status.user_id && *status.user_id <= std::numeric_limits<std::uint32_t>::max()) {
    const auto user = static_cast<std::uint32_t>(*status.user_id);
    if (!process.user_known || process.user_id != user) process.attributes_due = true;
    process.user_id = user;
    process.user_known = true;
  }
  // The peak of a process falls when it executes another program, which may keep the name.
  const auto& peak = status.resident_peak_bytes;
  if (peak && *peak < process.sizes_bytes[kPeak]) process.attributes_due = true;
  for (std::size_t i = 0; i < kStatusSizes.size(); ++i) {
    const auto& value = status.*kStatusSizes[i].value;
    if (value) set_size(process, i, *value);
  }
}

std::string path_of(std::int32_t pid, const char* name) { return std::to_string(pid) + "/" + name; }

// Where the memory of the process is accounted for.
Result<std::string_view> cgroup_path(std::string_view text) {
  const auto cgroup = parse_pid_cgroup(text);
  if (!cgroup) return Failure(cgroup.error());
  const auto path = cgroup->path();
  if (path) return *path;
  return failure(ErrorKind::unavailable, "cgroup", "in no cgroup of memory");
}

// Whatever else refuses a read, the process may be alive.
bool has_ended(const Error& error) {
  return error.kind == ErrorKind::gone || error.kind == ErrorKind::unavailable;
}

double ticks_per_second() {
  static const auto value = static_cast<double>(::sysconf(_SC_CLK_TCK));
  return value;
}

// As stat counts it (nsec_to_clock_t in kernel/time/time.c).
std::uint64_t start_ticks_of(const TaskVisit& visit) {
  static const auto tick_nanoseconds =
      static_cast<std::uint64_t>(1'000'000'000 / std::max(1L, ::sysconf(_SC_CLK_TCK)));
  return visit.start_nanoseconds / tick_nanoseconds;
}

void begin(const TrackedProcess& process, SampleSink& sink) {
  sink.begin({EntityKind::process, {process.pid, process.start_ticks}, process.name});
}

void emit(const TrackedProcess& process, SampleSink& sink) {
  begin(process, sink);
  for (std::size_t i = 0; i < kStatusSizes.size(); ++i) {
    if (has_size(process, i))
      sink.add(*kStatusSizes[i].desc, static_cast<double>(process.sizes_bytes[i]));
  }
  sink.add(kProcessThreads, process.threads);
  sink.add(kProcessCpu, static_cast<double>(process.cpu_ticks) / ticks_per_second());
  sink.add(kProcessMinorFaults, static_cast<double>(process.minor_faults));
  sink.add(kProcessMajorFaults, static_cast<double>(process.major_faults));
  if (process.has_descriptors) sink.add(kProcessDescriptors, process.descriptors);
  if (process.has_descriptor_limit) sink.add(kProcessDescriptorLimit, process.descriptor_limit);
  if (process.address_space_limit_bytes != TrackedProcess::kNoLimit)
    sink.add(kProcessAddressSpaceLimit, static_cast<double>(process.address_space_limit_bytes));
  if (process.data_limit_bytes != TrackedProcess::kNoLimit)
    sink.add(kProcessDataLimit, static_cast<double>(process.data_limit_bytes));
  if (process.mappings > 0) sink.add(kProcessMappings, process.mappings);
  if (process.has_oom_score) sink.add(kProcessOomScore, process.oom_score);
  if (process.status_unreadable) sink.add(kProcessUnreadableStatus, 1);
  if (process.mappings_refused) sink.add(kProcessUnreadableMaps, 1);
  for (std::size_t i = 0; i < kAttributeSources.size(); ++i) {
    if ((process.unreadable >> i & 1U) != 0) sink.add(*kAttributeSources[i].unreadable, 1);
  }
}

// FNV-1a, 64 bits: texts that a target chose to collide only hide its own change of attributes.
class Hash {
 public:
  void add(std::string_view text) {
    for (const char byte : text) add(static_cast<unsigned char>(byte));
    add(std::uint64_t{0x100});
  }
  void add(std::uint64_t value) { state_ = (state_ ^ value) * 0x100000001b3U; }
  [[nodiscard]] std::uint64_t value() const { return state_; }

 private:
  std::uint64_t state_ = 0xcbf29ce484222325U;
};

std::uint64_t stamp_of(const TaskVisit& visit) {
  Hash hash;
  hash.add(visit.start_nanoseconds);
  hash.add(visit.runtime_nanoseconds);
  hash.add(visit.memory_stamp);
  return hash.value() | 1U;
}

}  // namespace

ProcessTable::ProcessTable(const HostRoot& root, const CollectorOptions& options)
    : root_(root),
      options_(options),
      page_bytes_(static_cast<std::size_t>(::sysconf(_SC_PAGESIZE))),
      hints_(options.tasks, options.tasks_from),
      // NOLINTNEXTLINE(modernize-avoid-c-arrays): the array form of unique_ptr
      buffer_(std::make_unique_for_overwrite<char[]>(kBufferBytes)),
      ceiling_(options.descriptor_budget) {}

// The limit may change under a running program (prlimit), so it is asked for at every tick.
void ProcessTable::update_allowance() {
  ceiling_ = std::min(options_.descriptor_budget, ceiling_ + kRegain);
  const std::size_t others =
      options_.probe_board != nullptr ? options_.probe_board->held_descriptors() : 0;
  allowance_ = ceiling_ > others ? ceiling_ - others : 0;
  struct rlimit limit = {};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return;
  const std::size_t most = limit.rlim_cur;
  allowance_ = std::min(allowance_, most > kReserve ? most - kReserve : 0);
}

bool ProcessTable::refresh_due(std::int32_t pid) const {
  if (options_.refresh_ticks <= 1) return true;
  return (tick_ + static_cast<std::uint32_t>(pid)) % options_.refresh_ticks == 0;
}

Result<CollectReport> ProcessTable::tick(SampleSink& sink) {
  CollectReport report;
  hints_.look(pids_.size(), report);
  auto listed = list_processes();
  if (!listed) return Failure(std::move(listed.error()));
  ++tick_;
  update_allowance();
  mappings_left_ = kMostMappingsATick;
  reconcile();

  bool stat_was_refused = false;
  if (options_.board) {
    options_.board->processes.clear();
    ++options_.board->tick;
  }
  for (TrackedProcess& process : processes_) {
    attributes_.were_read = false;
    note_visit(process, hints_.of(process.pid));
    const auto reading = read_process(process, report);
    if (!reading) {
      report.count(reading.error());
      stat_was_refused = stat_was_refused || reading.error().kind == ErrorKind::denied;
      process.known = false;
      if (has_ended(reading.error())) process.identified = false;
    }
    if (!reading || process.kernel_thread || held_ > allowance_) release(process);
    if (!process.identified || process.kernel_thread) continue;
    if (reading) {
      ++report.entities_read;
      if (attributes_.were_read) process.unreadable = attributes_.refused;
      emit(process, sink);
      if (attributes_.were_read) describe(process, sink);
      publish(process);
    } else {
      begin(process, sink);
      sink.add(kProcessUnreadableStatus, 1);
    }
  }
  report_sources(report, stat_was_refused);
  return report;
}

// Every pid namespace has a process 1 for as long as it lives: where it is not listed, processes
// are hidden (hidepid=2 and 4), and those that the source sees would be opened in vain. Others the
// kernel may keep from the source.
Result<void> ProcessTable::list_processes() {
  const bool is_due = tick_ % std::max(1U, options_.refresh_ticks) == 0;
  const bool is_hinted = hints_.list(seen_);
  if (knows_unseen_ && !is_due && is_hinted) {
    pids_.clear();
    std::ranges::set_union(seen_, unseen_, std::back_inserter(pids_));
    return {};
  }
  auto listed = root_.list_pids(pids_);
  lists_all_ = listed && !pids_.empty() && pids_.front() == 1;
  knows_unseen_ = lists_all_ && is_hinted;
  unseen_.clear();
  if (knows_unseen_) std::ranges::set_difference(pids_, seen_, std::back_inserter(unseen_));
  return listed;
}

// The visit came before whatever is read in this tick, so what moves in between shows in the next
// one.
void ProcessTable::note_visit(TrackedProcess& process, const TaskVisit* visit) {
  const std::uint64_t stamp = visit ? stamp_of(*visit) : 0;
  process.is_unmoved = visit && process.known && process.identified &&
                       process.task_stamp == stamp &&
                       process.kernel_thread == visit->is_kernel_thread &&
                       process.start_ticks == start_ticks_of(*visit);
  process.is_stat_behind = process.is_stat_behind || !process.is_unmoved;
  if (visit && process.kernel_thread && !visit->is_kernel_thread) process.known = false;
  process.task_stamp = stamp;
}

void ProcessTable::report_sources(CollectReport& report, bool stat_was_refused) const {
  report.sources.push_back({"processes", lists_all_, kNeedsSight});
  report.sources.push_back({"stat", !stat_was_refused, kNeedsSight});
  hints_.report_source(report);
  std::uint8_t refused = 0;
  bool status_refused = false;
  bool maps_refused = false;
  for (const TrackedProcess& process : processes_) {
    refused = static_cast<std::uint8_t>(refused | process.unreadable);
    status_refused = status_refused || process.status_unreadable;
    maps_refused = maps_refused || process.mappings_refused;
  }
  report.sources.push_back({"status", !status_refused, kNeedsSight});
  report.sources.push_back({"maps", !maps_refused, kNeedsTracing});
  for (std::size_t i = 0; i < kAttributeSources.size(); ++i) {
    const AttributeSource& source = kAttributeSources[i];
    report.sources.push_back({source.unreadable->label_value,
                              (static_cast<unsigned>(refused) >> i & 1U) == 0, source.needs});
  }
}

bool ProcessTable::attributes_due(const TrackedProcess& process) const {
  if (process.kernel_thread) return false;
  if (process.attributes_due) return true;
  if (!has_size(process, kVirtual)) return false;
  if (!process.settled && tick_ - process.named_tick >= kSettleTicks) return true;
  const std::uint32_t period = std::max(1U, options_.refresh_ticks) * kAttributesRefreshes;
  return (tick_ + static_cast<std::uint32_t>(process.pid)) % period == 0;
}

std::uint64_t ProcessTable::Attributes::hash(const TrackedProcess& process) const {
  Hash hash;
  hash.add(process.name);
  hash.add(process.user_known ? std::uint64_t{process.user_id} + 1 : 0);
  for (const auto* text : {&executable, &command_line, &cgroup}) {
    hash.add(std::uint64_t{text->has_value()});
    hash.add(text->has_value() ? std::string_view(**text) : std::string_view());
  }
  return hash.value();
}

Result<void> ProcessTable::read_attributes(const ProcessDir& directory, CollectReport& report) {
  std::optional<Error> ended;
  std::uint8_t refused = 0;
  const auto take = [&](std::size_t source, Result<std::string_view> text) {
    if (text) return std::optional<std::string>(*text);
    const ErrorKind kind = text.error().kind;
    if (kind == ErrorKind::gone) {
      ended = std::move(text.error());
    } else if (kind != ErrorKind::unavailable) {  // no such file: a zombie has no executable
      refused = static_cast<std::uint8_t>(refused | 1U << source);
      report.count_quietly(kind);
    }
    return std::optional<std::string>();
  };
  attributes_.executable = take(kExe, directory.read_link("exe", buffer()));
  attributes_.command_line =
      take(kCmdline, directory.read_start("cmdline", buffer().first(kMostCommandLineBytes)));
  attributes_.cgroup =
      take(kCgroup, directory.read_record("cgroup", buffer()).and_then(cgroup_path));
  if (ended) return Failure(std::move(*ended));
  attributes_.refused = refused;
  attributes_.were_read = true;
  return {};
}

void ProcessTable::describe(TrackedProcess& process, SampleSink& sink) {
  process.attributes_due = false;
  process.settled = tick_ - process.named_tick >= kSettleTicks;
  const std::uint64_t hash = attributes_.hash(process);
  if (hash == process.attributes_hash) return;
  process.attributes_hash = hash;
  if (attributes_.executable) sink.describe(Attribute::executable, *attributes_.executable);
  if (attributes_.command_line) sink.describe(Attribute::command_line, *attributes_.command_line);
  if (process.user_known) sink.describe(Attribute::user_id, std::to_string(process.user_id));
  sink.describe(Attribute::parent_id, std::to_string(process.parent_pid));
  if (attributes_.cgroup) sink.describe(Attribute::cgroup, *attributes_.cgroup);
}

void ProcessTable::publish(const TrackedProcess& process) const {
  if (!options_.board) return;
  std::uint64_t resident = 0;
  for (const std::size_t kind : {kAnon, kFile, kShmem}) {
    if (has_size(process, kind)) resident += process.sizes_bytes[kind];
  }
  options_.board->processes.push_back(
      {{process.pid, process.start_ticks},
       resident,
       has_size(process, kSwap) ? process.sizes_bytes[kSwap] : 0,
       has_size(process, kVirtual) ? process.sizes_bytes[kVirtual] : 0,
       process.directory.pinned() ? &process.directory : nullptr,
       process.threads});
}

// Makes the table hold exactly the listed pids, in their order. Between most ticks nothing came or
// went, else few: in place, since the whole table is many pages.
void ProcessTable::reconcile() {
  const auto same_pid = [](const TrackedProcess& process, std::int32_t pid) {
    return process.pid == pid;
  };
  if (std::equal(processes_.begin(), processes_.end(), pids_.begin(), pids_.end(), same_pid))
    return;
  auto listed = pids_.begin();
  const auto is_listed = [&](std::int32_t pid) {
    while (listed != pids_.end() && *listed < pid) ++listed;
    return listed != pids_.end() && *listed == pid;
  };
  std::size_t kept = 0;
  for (std::size_t index = 0; index < processes_.size(); ++index) {
    if (!is_listed(processes_[index].pid)) {
      release(processes_[index]);
    } else if (kept++ < index) {
      processes_[kept - 1] = std::move(processes_[index]);
    }
  }
  processes_.resize(kept);
  if (pids_.size() > processes_.capacity()) processes_.reserve(pids_.size() + pids_.size() / 8);
  std::size_t known = 0;
  for (const std::int32_t pid : pids_) {
    if (known < kept && processes_[known].pid == pid) {
      ++known;
    } else {
      processes_.emplace_back().pid = pid;
    }
  }
  const auto met = processes_.begin() + static_cast<std::ptrdiff_t>(kept);
  std::inplace_merge(
      processes_.begin(), met, processes_.end(),
      [](const TrackedProcess& one, const TrackedProcess& other) { return one.pid < other.pid; });
}

// Whether nothing of it has to be read in this tick.
bool ProcessTable::is_left_out(const TrackedProcess& process) const {
  const bool is_due = refresh_due(process.pid);
  if (process.kernel_thread && process.known && !is_due) return true;
  if (!process.is_unmoved || attributes_due(process)) return false;
  return !is_due || (process.kernel_thread && !whole_turn_due(process.pid));
}

Result<void> ProcessTable::read_process(TrackedProcess& process, CollectReport& report) {
  if (is_left_out(process)) return {};
  if (!process.directory.keeps_file()) return read_opened(process, report);
  auto kept = read_kept(process, report);
  if (kept) return kept;
  release(process);
  // Descriptors that outlived their process: whoever has the pid now is another one, and is met as
  // such.
  if (has_ended(kept.error())) process.identified = false;
  auto opened = read_opened(process, report);
  if (opened) report.count(kept.error());
  return opened;
}

Result<void> ProcessTable::read_kept(TrackedProcess& process, CollectReport& report) {
  const auto line = process.directory.read_kept_line("statm", buffer());
  if (!line) return Failure(line.error());
  const auto statm = with_path(parse_pid_statm(*line), path_of(process.pid, "statm"));
  if (!statm) return Failure(statm.error());
  const auto fingerprint = fingerprint_of(*statm);
  const bool same = process.known && process.fingerprint == fingerprint;
  const bool stat_holds = !process.is_stat_behind && repeats_status(process);
  if (same && (!refresh_due(process.pid) || (stat_holds && !whole_turn_due(process.pid))))
    return read_due_attributes(process, process.directory, report);

  auto stat = read_stat(process.pid, process.directory);
  if (!stat) {
    if (!same || has_ended(stat.error())) return Failure(std::move(stat.error()));
    // The refresh is tried again in the next tick; for this one statm vouches.
    report.count(stat.error());
    process.known = false;
    return {};
  }
  if (same && is_still(process, *stat) && !whole_turn_due(process.pid)) {
    process.cpu_ticks = stat->user_ticks + stat->system_ticks;
    take_identity(process, *stat);
    take_descriptors(process, process.directory);
    return read_due_attributes(process, process.directory, report);
  }
  take_identity(process, *stat);
  take_stat(process, *stat);
  process.fingerprint = fingerprint;
  auto status = read_status(process, process.directory, report);
  if (!status) return status;
  return read_due_attributes(process, process.directory, report);
}

// Whether status says what it said before, where statm did not move: without a fault nothing comes
// into memory or back from the swap space. (What is swapped out can go without one.)
bool ProcessTable::is_still(const TrackedProcess& process, const PidStat& stat) {
  return process.identified && process.start_ticks == stat.start_ticks &&
         process.name == stat.comm && process.threads == clamped(stat.threads) &&
         process.minor_faults == stat.minor_faults && process.major_faults == stat.major_faults &&
         repeats_status(process);
}

// Whether nothing of status has to be read again for its own sake.
bool ProcessTable::repeats_status(const TrackedProcess& process) {
  return !process.status_unreadable && process.rare_known && !process.mappings_due &&
         has_size(process, kSwap) && process.sizes_bytes[kSwap] == 0;
}

// One of sixteen refreshes, or each where every tick is one.
bool ProcessTable::whole_turn_due(std::int32_t pid) const {
  return options_.refresh_ticks <= 1 || rare_turn_due(pid);
}

bool ProcessTable::rare_turn_due(std::int32_t pid) const {
  constexpr std::uint32_t kRefreshes = 16;
  const std::uint32_t turn = tick_ / std::max(1U, options_.refresh_ticks);
  return (turn + static_cast<std::uint32_t>(pid)) % kRefreshes == 0;
}

// The kernel walks all mappings to write them down. Where the address space is as large as when
// they were counted, every fourth turn will do: what is left to change are splits and merges in
// place.
bool ProcessTable::mappings_turn_due(const TrackedProcess& process) const {
  constexpr std::uint32_t kTurns = 64;
  const std::uint32_t turn = tick_ / std::max(1U, options_.refresh_ticks);
  return mapped_pages_of(process) != process.mapped_pages ||
         (turn + static_cast<std::uint32_t>(process.pid)) % kTurns == 0;
}

Result<void> ProcessTable::read_due_attributes(const TrackedProcess& process,
                                               const ProcessDir& directory, CollectReport& report) {
  if (!attributes_due(process)) return {};
  return read_attributes(directory, report);
}

// Another process, or another program under another name: its attributes are not known.
void ProcessTable::take_identity(TrackedProcess& process, const PidStat& stat) const {
  const bool same = process.identified && process.start_ticks == stat.start_ticks;
  if (!same) {
    process.attributes_hash = 0;
    process.user_known = false;
    process.unreadable = 0;
  }
  if (!same || process.name != stat.comm) {
    process.attributes_due = true;
    process.named_tick = tick_;
    process.settled = false;
  }
  process.is_stat_behind = false;
  process.parent_pid = static_cast<std::uint32_t>(std::min<std::uint64_t>(
      stat.parent_pid.value_or(0), std::numeric_limits<std::int32_t>::max()));
}

Result<void> ProcessTable::read_opened(TrackedProcess& process, CollectReport& report) {
  auto opened = root_.open_process(process.pid);
  if (!opened) return Failure(std::move(opened.error()));
  ProcessDir directory = std::move(*opened);
  if (!directory.pinned()) ceiling_ = held_ / 2;
  auto stat = read_stat(process.pid, directory);
  if (!stat) return Failure(std::move(stat.error()));
  if (!stat->is_kernel_thread() && keep(process, directory)) return read_kept(process, report);
  const auto fingerprint = fingerprint_of(*stat);
  const bool same = process.known && process.start_ticks == stat->start_ticks &&
                    process.fingerprint == fingerprint;
  const bool is_whole = !same || refresh_due(process.pid);
  if (!is_whole && !attributes_due(process)) return {};
  if (is_whole) {
    take_identity(process, *stat);
    take_stat(process, *stat);
    process.fingerprint = fingerprint;
    auto status = read_status(process, directory, report);
    if (!status) return status;
  }
  auto attributes = read_due_attributes(process, directory, report);
  if (!attributes) return attributes;
  return confirm(process, directory);
}

// What was read by path may be of the next owner of the pid; a pinned directory cannot be.
Result<void> ProcessTable::confirm(const TrackedProcess& process,
                                   const ProcessDir& directory) const {
  if (directory.pinned()) return {};
  auto again = read_stat(process.pid, directory);
  if (!again) return Failure(std::move(again.error()));
  if (again->start_ticks == process.start_ticks) return {};
  return failure(ErrorKind::gone, std::to_string(process.pid),
                 "the pid was reused while it was read");
}

Result<PidStat> ProcessTable::read_stat(std::int32_t pid, const ProcessDir& directory) const {
  auto text = directory.read_record("stat", buffer());
  if (!text) return Failure(std::move(text.error()));
  return with_path(parse_pid_stat(*text), path_of(pid, "stat"));
}

// Fails only when the process ended. A status that cannot be read leaves what stat gave, and is
// counted.
Result<void> ProcessTable::read_status(TrackedProcess& process, const ProcessDir& directory,
                                       CollectReport& report) {
  process.known = true;
  if (process.kernel_thread) return {};
  auto text = directory.read_record("status", buffer());
  if (!text && text.error().kind == ErrorKind::gone) return Failure(std::move(text.error()));
  auto status = text ? with_path(parse_pid_status(*text), path_of(process.pid, "status"))
                     : Result<PidStatus>(Failure(std::move(text.error())));
  if (status) {
    take_status(process, *status);
  } else {
    report.count(status.error());
    process.status_unreadable = true;
  }
  const bool has_memory = has_size(process, kVirtual);
  if (has_memory && !has_size(process, kAnon)) take_anon_from_statm(process, directory);
  take_descriptors(process, directory);
  take_rarely(process, directory);
  return {};
}

// What cannot be counted here (an older kernel, another user's process) is left out: it is no
// error, since this kernel says it of no such process.
void ProcessTable::take_descriptors(TrackedProcess& process, const ProcessDir& directory) const {
  const auto count = directory.count_descriptors();
  process.has_descriptors = count.has_value();
  if (count) process.descriptors = clamped(*count);
}

// What hardly ever changes, or is dear to read.
void ProcessTable::take_rarely(TrackedProcess& process, const ProcessDir& directory) {
  const bool is_due = rare_turn_due(process.pid);
  process.mappings_due = process.mappings_due || (is_due && mappings_turn_due(process));
  if (process.mappings_due && has_size(process, kVirtual)) take_mappings(process, directory);
  if (process.rare_known && !is_due) return;
  const auto text = directory.read_record("limits", buffer());
  const auto limits = text ? parse_pid_limits(*text) : Failure(text.error());
  process.has_descriptor_limit = limits && limits->open_files;
  if (process.has_descriptor_limit) process.descriptor_limit = clamped(*limits->open_files);
  process.address_space_limit_bytes = known_limit(limits, &PidLimits::address_space_bytes);
  process.data_limit_bytes = known_limit(limits, &PidLimits::data_bytes);
  const auto line = directory.read_record("oom_score", buffer());
  const auto score = line ? parse_integer(*line) : Failure(line.error());
  process.rare_known = text || line;
  process.has_oom_score = score && *score <= std::numeric_limits<std::uint16_t>::max();
  if (process.has_oom_score) process.oom_score = static_cast<std::uint16_t>(*score);
}

// The kernel holds the target's memory map for a page of lines at a time, however many there are.
void ProcessTable::take_mappings(TrackedProcess& process, const ProcessDir& directory) {
  if (mappings_left_ == 0) return;
  const auto lines = directory.count_lines("maps", buffer());
  process.mappings_due = false;
  process.mapped_pages = mapped_pages_of(process);
  process.mappings_refused = !lines && lines.error().kind == ErrorKind::denied;
  process.mappings = lines ? clamped(*lines) : 0;
  mappings_left_ -= std::min<std::size_t>(mappings_left_, std::max(process.mappings, 1U));
}

// Every kernel's statm tells anon from the rest: file and shmem pages are the "shared" ones.
void ProcessTable::take_anon_from_statm(TrackedProcess& process,
                                        const ProcessDir& directory) const {
  const auto text = directory.read_record("statm", buffer());
  if (!text) return;
  const auto statm = parse_pid_statm(*text);
  if (!statm || statm->resident_pages < statm->shared_pages) return;
  const std::uint64_t pages = statm->resident_pages - statm->shared_pages;
  if (pages < std::numeric_limits<std::uint64_t>::max() / page_bytes_) {
    set_size(process, kAnon, pages * page_bytes_);
  }
}

// Takes the directory over, where the budget and the kernel allow it. From then on statm is the
// fingerprint.
bool ProcessTable::keep(TrackedProcess& process, ProcessDir& directory) {
  if (!directory.pinned() || held_ + kDescriptorsOfOne > allowance_) return false;
  const auto keeping = directory.keep_open("statm");
  if (keeping == ProcessDir::Keeping::no_descriptor) ceiling_ = held_ / 2;
  if (keeping != ProcessDir::Keeping::kept) return false;
  process.directory = std::move(directory);
  process.known = false;
  held_ += kDescriptorsOfOne;
  return true;
}

void ProcessTable::release(TrackedProcess& process) {
  if (!process.directory.keeps_file()) return;
  process.known = false;
  process.directory = {};
  held_ -= kDescriptorsOfOne;
}

}  // namespace heapfloor
