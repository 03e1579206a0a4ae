// Proportional and unique memory of processes, from /proc/PID/smaps_rollup; Linux 4.14. And of the
// few that a StackBoard names, what the stack of a thread holds (stack_meter.h).
//
// Sources: Documentation/ABI/testing/procfs-smaps_rollup. Cost, and who pays it: see
// smaps_budget.h; so only some processes are read in a tick, and what was read of the others is
// written again, with the time of that reading. What is
// kept of a process takes about 130 bytes, twice.
//
// The processes are those of the process collector in the same tick: without it there is nothing to
// read. Kernel threads and zombies have no resident memory and are never read. Where the process
// collector keeps a directory open, that is the process; elsewhere the start time is confirmed
// after the read.
//
// Needs, for processes of other users, CAP_PERFMON since 6.15 and CAP_SYS_PTRACE before. A process
// that refuses is counted once, and asked again every kDeniedRetrySeconds.
#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "collectors/collector.h"
#include "collectors/host_root.h"
#include "collectors/parse/smaps_rollup.h"
#include "collectors/parse/text.h"
#include "collectors/process_board.h"
#include "collectors/process_identity.h"
#include "collectors/smaps_budget.h"
#include "collectors/smaps_metrics.h"
#include "collectors/stack_meter.h"
#include "collectors/stopwatch.h"

namespace heapfloor {
namespace {

constexpr std::string_view kSource = "smaps_rollup";
// PTRACE_MODE_READ with the file system's ids (fs/proc/task_mmu.c, mm_access in kernel/fork.c).
constexpr std::string_view kNeeds = "CAP_PERFMON since Linux 6.15, CAP_SYS_PTRACE before";
constexpr std::string_view kNeedsKernel = "Linux 4.14 with CONFIG_PROC_PAGE_MONITOR";
constexpr double kDeniedRetrySeconds = 600;
constexpr double kRetrySeconds = 60;
constexpr double kUnavailableRetrySeconds = 3600;
// Most processes that are born end before they are worth a read.
constexpr double kYoungSeconds = 10;
constexpr std::size_t kBufferBytes = 4096;  // a rollup has about 700 bytes, stat about 350

struct SizeMetric {
  const MetricDesc* desc;
  std::optional<std::uint64_t> SmapsRollup::*value;
};
constexpr std::array kSizes = {
    SizeMetric{&kProportionalAnon, &SmapsRollup::proportional_anon_bytes},
    SizeMetric{&kProportionalFile, &SmapsRollup::proportional_file_bytes},
    SizeMetric{&kProportionalShmem, &SmapsRollup::proportional_shmem_bytes},
    SizeMetric{&kUniqueClean, &SmapsRollup::private_clean_bytes},
    SizeMetric{&kUniqueDirty, &SmapsRollup::private_dirty_bytes},
    SizeMetric{&kProportionalSwap, &SmapsRollup::proportional_swap_bytes},
    SizeMetric{&kLazyFree, &SmapsRollup::lazy_free_bytes},
    SizeMetric{&kTransparentHugepage, &SmapsRollup::anon_huge_page_bytes},
};

// What is remembered of a process beside its target, at the same position. There is one for every
// process of the host, so sizes are kept in the kernel's own unit.
struct Reading {
  static constexpr std::uint32_t kAbsent = std::numeric_limits<std::uint32_t>::max();

  const SeenProcess* seen = nullptr;  // in this tick's board
  double read_seconds = 0;
  std::array<std::uint32_t, kSizes.size()> sizes_kib = {};  // by position in kSizes
  std::uint32_t proportional_kib = 0;
  std::uint32_t resident_kib = 0;
  bool is_denied = false;

  static std::uint32_t kib_of(std::uint64_t bytes) {
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(bytes / 1024, kAbsent - 1));
  }
  void take(const SmapsRollup& rollup) {
    for (std::size_t i = 0; i < kSizes.size(); ++i) {
      const std::optional<std::uint64_t> bytes = rollup.*kSizes.at(i).value;
      sizes_kib.at(i) = bytes ? kib_of(*bytes) : kAbsent;
    }
    proportional_kib = kib_of(rollup.proportional_bytes);
    resident_kib = kib_of(rollup.resident_bytes);
  }
};

class SmapsCollector final : public Collector {
 public:
  SmapsCollector(const HostRoot& root, const CollectorOptions& options)
      : root_(root),
        board_(options.board),
        stopwatch_(options.stopwatch),
        budget_({options.smaps_duty, options.smaps_max_read_seconds}),
        stacks_(root, options.stack_board, options.smaps_duty) {}

  [[nodiscard]] Result<CollectReport> collect(SampleSink& sink) override {
    if (board_ == nullptr || stopwatch_ == nullptr || board_->tick == board_tick_) {
      return failure(ErrorKind::unavailable, std::string(kSource),
                     "the collector process has not listed the processes");
    }
    const double now_seconds = stopwatch_->seconds();
    reconcile(now_seconds);
    board_tick_ = board_->tick;
    budget_.set_others_wait(stacks_.is_wanted());
    budget_.begin_tick(now_seconds, targets_);
    CollectReport report;
    while (now_seconds >= quiet_until_seconds_) {
      const auto target = budget_.next();
      if (!target) break;
      read(*target, report);
    }
    report.skipped = SkippedReads{.budget = budget_.left_over(),
                                  .disabled = budget_.disabled(),
                                  .too_large = budget_.too_large()};
    if (now_seconds >= quiet_until_seconds_) stacks_.measure(*board_, *stopwatch_, budget_, report);
    report_access(report);
    write(sink);
    return report;
  }

 private:
  // Makes targets_ and readings_ hold exactly the processes of the board that have memory.
  void reconcile(double now_seconds) {
    next_targets_.clear();
    next_readings_.clear();
    // Growing by doubling would keep up to twice the room for good.
    const std::size_t room = board_->processes.size() + board_->processes.size() / 16;
    if (next_targets_.capacity() < board_->processes.size()) {
      next_targets_.reserve(room);
      next_readings_.reserve(room);
    }
    std::size_t known = 0;
    for (const SeenProcess& seen : board_->processes) {
      if (seen.resident_bytes == 0) continue;
      while (known < targets_.size() && targets_[known].id < seen.id) ++known;
      if (known < targets_.size() && targets_[known].id == seen.id) {
        next_targets_.push_back(targets_[known]);
        next_readings_.push_back(readings_[known]);
      } else {
        SmapsTarget& target = next_targets_.emplace_back();
        target.id = seen.id;
        target.waiting_since_seconds = now_seconds;
        // Those of the first tick were there before the agent.
        if (board_tick_ != 0) target.not_before_seconds = now_seconds + kYoungSeconds;
        next_readings_.emplace_back();
      }
      next_targets_.back().resident_bytes = seen.resident_bytes;
      next_targets_.back().swapped_bytes = seen.swapped_bytes;
      next_readings_.back().seen = &seen;
    }
    std::swap(targets_, next_targets_);
    std::swap(readings_, next_readings_);
  }

  void read(std::size_t position, CollectReport& report) {
    Reading& reading = readings_[position];
    const double began_seconds = stopwatch_->seconds();
    const auto rollup = read_rollup(*reading.seen);
    const double seconds = stopwatch_->seconds() - began_seconds;
    if (rollup) {
      reading.take(*rollup);
      reading.read_seconds = began_seconds;
      reading.is_denied = false;
      budget_.took(position, seconds);
      ++report.entities_read;
      return;
    }
    const ErrorKind kind = rollup.error().kind;
    const bool is_known = kind == ErrorKind::denied && reading.is_denied;
    if (!is_known) report.count(rollup.error());
    reading.is_denied = kind == ErrorKind::denied;
    is_unavailable_ = kind == ErrorKind::unavailable;
    if (is_unavailable_) quiet_until_seconds_ = began_seconds + kUnavailableRetrySeconds;
    budget_.failed(position, seconds, reading.is_denied ? kDeniedRetrySeconds : kRetrySeconds);
  }

  [[nodiscard]] Result<SmapsRollup> read_rollup(const SeenProcess& seen) {
    if (seen.directory != nullptr) return read_rollup_in(*seen.directory, seen.id.pid);
    auto opened = root_.open_process(seen.id.pid);
    if (!opened) return Failure(std::move(opened.error()));
    auto rollup = read_rollup_in(*opened, seen.id.pid);
    if (!rollup) return rollup;
    if (auto same = confirm_process(*opened, seen.id, buffer_); !same)
      return Failure(std::move(same.error()));
    return rollup;
  }

  [[nodiscard]] Result<SmapsRollup> read_rollup_in(const ProcessDir& directory, std::int32_t pid) {
    auto text = directory.read_record("smaps_rollup", buffer_);
    if (!text) return Failure(std::move(text.error()));
    return with_path(parse_smaps_rollup(*text), path_of(pid, "smaps_rollup"));
  }

  static std::string path_of(std::int32_t pid, const char* name) {
    return std::to_string(pid) + "/" + name;
  }

  void report_access(CollectReport& report) const {
    const bool is_denied = std::ranges::any_of(readings_, &Reading::is_denied);
    const bool is_sampled = std::ranges::any_of(targets_, &SmapsTarget::is_sampled);
    if (is_denied || is_unavailable_) {
      report.sources.push_back({kSource, false, is_denied ? kNeeds : kNeedsKernel});
    } else if (is_sampled) {
      report.sources.push_back({kSource, true});
    }
  }

  void write(SampleSink& sink) const {
    for (std::size_t position = 0; position < targets_.size(); ++position) {
      const auto stack_bytes = stacks_.bytes_of_one(targets_[position].id);
      if (!targets_[position].is_sampled && !stack_bytes) continue;
      sink.begin({.kind = EntityKind::process, .process = targets_[position].id});
      if (targets_[position].is_sampled) write_process(position, sink);
      if (stack_bytes) sink.add(kThreadStack, *stack_bytes);
    }
    const auto duty = budget_.duty_ratio();
    if (!duty) return;
    sink.begin({.kind = EntityKind::agent});
    sink.add(kSmapsDuty, *duty);
  }

  void write_process(std::size_t position, SampleSink& sink) const {
    const Reading& reading = readings_[position];
    for (std::size_t i = 0; i < kSizes.size(); ++i) {
      const std::uint32_t kib = reading.sizes_kib.at(i);
      if (kib != Reading::kAbsent) sink.add(*kSizes.at(i).desc, 1024.0 * kib);
    }
    if (reading.resident_kib > 0) {
      const double ratio = std::min(1.0, static_cast<double>(reading.proportional_kib) /
                                             static_cast<double>(reading.resident_kib));
      sink.add(kProportionalEstimated,
               ratio * static_cast<double>(targets_[position].resident_bytes));
    }
    sink.add(kProportionalSampleTime, reading.read_seconds);
  }

  const HostRoot& root_;
  const ProcessBoard* board_;
  const Stopwatch* stopwatch_;
  SmapsBudget budget_;
  StackMeter stacks_;
  std::vector<SmapsTarget> targets_, next_targets_;  // ascending by id
  std::vector<Reading> readings_, next_readings_;    // by position in targets_
  std::array<char, kBufferBytes> buffer_ = {};
  std::uint64_t board_tick_ = 0;
  double quiet_until_seconds_ = 0;  // a kernel without the file is asked rarely
  bool is_unavailable_ = false;
};

std::unique_ptr<Collector> make(const HostRoot& root, const CollectorOptions& options) {
  return std::make_unique<SmapsCollector>(root, options);
}

}  // namespace

extern constinit const CollectorEntry smaps_collector = {
    .name = "smaps",
    .summary = "proportional and unique memory of processes, read under a budget",
    .enabled_by_default = true,
    .metrics = kSmapsMetrics,
    .make = make,
};

}  // namespace heapfloor
