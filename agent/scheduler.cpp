#include "agent/scheduler.h"

#include <algorithm>
#include <exception>

#include "agent/log.h"

namespace heapfloor {
namespace {

void add_skipped(CollectorHealth& health, const SkippedReads& skipped) {
  SkippedReads total = health.skipped.value_or(SkippedReads{});
  total.budget += skipped.budget;
  total.disabled += skipped.disabled;
  total.too_large += skipped.too_large;
  health.skipped = total;
}

}  // namespace

Scheduler::Scheduler(std::span<const CollectorEntry* const> entries,
                     const std::function<bool(const CollectorEntry&)>& is_enabled,
                     const HostRoot& root, const CollectorOptions& options, const Clock& clock)
    : clock_(clock) {
  for (const CollectorEntry* entry : entries) {
    if (!is_enabled(*entry)) continue;
    Running& running = running_.emplace_back();
    running.entry = entry;
    running.collector = entry->make(root, options);
    health_.emplace_back().name = std::string(entry->name);
  }
}

Result<CollectReport> Scheduler::run_one(Running& running, SampleSink& sink) const {
  try {
    return running.collector->collect(sink);
  } catch (const std::exception& error) {
    return failure(ErrorKind::io, std::string(running.entry->name), error.what());
  }
}

void Scheduler::collect(SampleSink& sink) {
  for (std::size_t index = 0; index < running_.size(); ++index) {
    Running& running = running_[index];
    CollectorHealth& health = health_[index];
    const double began_seconds = clock_.steady_seconds();
    const Result<CollectReport> report = run_one(running, sink);
    const double ended_seconds = clock_.steady_seconds();
    health.duration_seconds = ended_seconds - began_seconds;
    health.success = report.has_value();
    if (report) {
      health.last_success_seconds = ended_seconds;
      std::ranges::transform(report->errors, health.errors, health.errors.begin(), std::plus<>());
      if (report->skipped) add_skipped(health, *report->skipped);
      health.sources = report->sources;
      if (report->first_error) log_error(running, health, *report->first_error, ended_seconds);
    } else {
      ++health.errors.at(static_cast<std::size_t>(report.error().kind));
      log_error(running, health, report.error(), ended_seconds);
    }
  }
}

void Scheduler::log_error(Running& running, CollectorHealth& health, const Error& error,
                          double now_seconds) const {
  const auto kind = static_cast<std::size_t>(error.kind);
  const bool is_new = running.errors_when_logged.at(kind) == 0;
  if (!is_new && now_seconds - running.logged_seconds.at(kind) < kLogEverySeconds) return;
  const std::uint64_t since = health.errors.at(kind) - running.errors_when_logged.at(kind);
  running.logged_seconds.at(kind) = now_seconds;
  running.errors_when_logged.at(kind) = std::max<std::uint64_t>(1, health.errors.at(kind));
  log_line(error.kind == ErrorKind::unavailable ? LogLevel::info : LogLevel::warning,
           "collector could not read everything",
           {{"collector", running.entry->name},
            {"reason", reason_label(error.kind)},
            {"path", error.path},
            {"error", error.reason},
            {"count", since}});
}

bool Scheduler::succeeded(std::string_view name) const {
  const auto found = std::ranges::find(health_, name, &CollectorHealth::name);
  return found != health_.end() && found->success;
}

}  // namespace heapfloor
