// Victims of the OOM killer, from the kernel's log (/dev/kmsg), read from the agent's start on.
//
// Sources: Documentation/ABI/testing/dev-kmsg, mm/oom_kill.c. The line that names the cgroup came
// with 4.19; before it a victim has no cgroup. Cost: one read a tick and one a record. Needs
// CAP_SYSLOG where kernel.dmesg_restrict is 1, as it is on Debian, and the device in a container;
// without it the log is counted as not accessible, once, and tried again from time to time.
#include <array>
#include <memory>

#include "collectors/collector.h"
#include "collectors/host_root.h"
#include "collectors/metric_table.h"
#include "collectors/oom_board.h"
#include "collectors/parse/kernel_log.h"

namespace heapfloor {
namespace {

constexpr std::array kMetrics = {
    MetricDesc{"heapfloor_kernel_log_oom_victims_total",
               "Processes that the kernel's log named as killed for want of memory since the agent "
               "started (/dev/kmsg).",
               MetricType::counter},
    MetricDesc{"heapfloor_kernel_log_gaps_total",
               "Times that records of the kernel's log were overwritten before they were read.",
               MetricType::counter},
};
constexpr const MetricDesc* kVictims =
    &find_metric(kMetrics, "heapfloor_kernel_log_oom_victims_total");
constexpr const MetricDesc* kGaps = &find_metric(kMetrics, "heapfloor_kernel_log_gaps_total");

// A record with its header is at most this long (PRINTK_MESSAGE_MAX).
constexpr std::size_t kRecordBytes = 8192;
// What one tick reads at most; the rest waits in the kernel's ring.
constexpr std::size_t kMostRecords = 4096;
// A log that was refused is asked for again after so many ticks.
constexpr std::uint32_t kRetryTicks = 40;

class KmsgCollector final : public Collector {
 public:
  KmsgCollector(const HostRoot& root, OomBoard* board)
      : root_(root), board_(board != nullptr ? board : &own_board_) {}

  [[nodiscard]] Result<CollectReport> collect(SampleSink& sink) override {
    CollectReport report;
    board_->victims.clear();
    if (!log_.is_open() && tick_++ % kRetryTicks == 0) open(report);
    if (log_.is_open()) read_records(report);
    if (board_->is_log_readable)
      report.sources.push_back({"kmsg", *board_->is_log_readable, "CAP_SYSLOG"});
    if (!log_.is_open()) return report;
    sink.begin({.kind = EntityKind::host});
    sink.add(*kVictims, static_cast<double>(victims_));
    sink.add(*kGaps, static_cast<double>(gaps_));
    report.entities_read = 1;
    return report;
  }

 private:
  void open(CollectReport& report) {
    auto log = root_.open_kernel_log();
    board_->is_log_readable = log.has_value();
    if (log) {
      log_ = std::move(*log);
    } else if (!was_refused_) {
      report.count(log.error());
    }
    was_refused_ = !log.has_value();
  }

  void read_records(CollectReport& report) {
    for (std::size_t read = 0; read < kMostRecords; ++read) {
      const auto record = log_.next(buffer_);
      if (!record) {
        report.count(record.error());
        board_->is_log_readable = false;
        log_ = {};
        return;
      }
      if (!*record) return;
      if ((*record)->empty()) {
        ++gaps_;
        selected_ = {};
        dying_group_.clear();
        continue;
      }
      const auto parsed = parse_kernel_log_record(**record);
      if (!parsed) {
        report.count(parsed.error());
      } else if (parsed->is_from_kernel) {
        take(parsed->text);
      }
    }
  }

  // The kernel says whom it chose and in which cgroup, then that it killed it, and then, of a
  // cgroup that dies as a whole, its path and the others.
  void take(std::string_view text) {
    if (const auto selection = find_oom_selection(text)) {
      selected_ = {selection->pid, unescaped_log_text(selection->comm),
                   unescaped_log_text(selection->cgroup), std::nullopt};
      dying_group_.clear();
      return;
    }
    if (const auto group = find_oom_group(text)) {
      dying_group_ = unescaped_log_text(*group);
      return;
    }
    const auto kill = find_oom_kill(text);
    if (!kill) return;
    ++victims_;
    if (board_->victims.size() == kMostRecords) return;
    OomVictim& victim = board_->victims.emplace_back();
    victim.pid = kill->pid;
    victim.comm = unescaped_log_text(kill->comm);
    victim.anon_bytes = kill->anon_bytes;
    victim.cgroup = selected_.pid == kill->pid ? std::move(selected_.cgroup) : dying_group_;
    selected_ = {};
  }

  const HostRoot& root_;
  OomBoard own_board_;
  OomBoard* board_;
  KernelLog log_;
  std::array<char, kRecordBytes> buffer_ = {};
  OomVictim selected_;
  std::string dying_group_;
  std::uint64_t victims_ = 0;
  std::uint64_t gaps_ = 0;
  std::uint32_t tick_ = 0;
  bool was_refused_ = false;
};

std::unique_ptr<Collector> make(const HostRoot& root, const CollectorOptions& options) {
  return std::make_unique<KmsgCollector>(root, options.oom_board);
}

}  // namespace

extern constinit const CollectorEntry kmsg_collector = {
    .name = "kmsg",
    .summary = "victims of the OOM killer, from the kernel's log",
    .enabled_by_default = true,
    .metrics = kMetrics,
    .make = make,
};

}  // namespace heapfloor
