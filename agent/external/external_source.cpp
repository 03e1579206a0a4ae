#include "agent/external/external_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>

#include "agent/external/target_reader.h"
#include "agent/log.h"

namespace heapfloor {

class ExternalSource::Worker {
 public:
  Worker(const PrometheusTarget& target, double interval_seconds, const Clock& clock)
      : target_(std::make_shared<const PrometheusTarget>(target)),
        interval_seconds_(interval_seconds),
        clock_(clock) {
    status_.name = target.name;
    status_.url = target.url;
    thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
  }

  [[nodiscard]] bool is_as(const PrometheusTarget& target, double interval_seconds) const {
    return *target_ == target && interval_seconds_ == interval_seconds;
  }

  [[nodiscard]] std::optional<ExternalAnswer> take() {
    std::optional<ExternalAnswer> taken;
    {
      const std::scoped_lock lock(mutex_);
      taken = std::exchange(answer_, std::nullopt);
    }
    taken_.notify_one();
    return taken;
  }

  [[nodiscard]] ExternalTargetStatus status() const {
    const std::scoped_lock lock(mutex_);
    return status_;
  }

  void ask_to_stop() { thread_.request_stop(); }

 private:
  void run(const std::stop_token& stop) noexcept {
    try {
      TargetReader reader(target_, interval_seconds_);
      while (!stop.stop_requested()) {
        const double began_seconds = clock_.steady_seconds();
        ask(reader, stop);
        if (!wait_for_round(began_seconds + interval_seconds_, stop)) return;
      }
    } catch (const std::exception& error) {
      // Out of memory, or a libcurl that lacks what is needed. The collection goes on.
      log_line(LogLevel::error, "a target is given up",
               {{"target", target_->name}, {"error", error.what()}});
      const std::scoped_lock lock(mutex_);
      status_.is_up = false;
      status_.last_error = error.what();
    }
  }

  void ask(TargetReader& reader, const std::stop_token& stop) {
    const double began_seconds = clock_.steady_seconds();
    Result<ExternalAnswer> answer = reader.read(clock_.wall_seconds(), stop);
    if (stop.stop_requested()) return;
    if (!reader.given_up().empty())
      log_line(LogLevel::warning, "the past of a target is given up",
               {{"target", target_->name}, {"error", reader.given_up()}});
    std::string problem;
    if (!answer) problem = fmt::format("{}: {}", answer.error().path, answer.error().reason);
    note_change(problem);
    const std::scoped_lock lock(mutex_);
    status_.duration_seconds = clock_.steady_seconds() - began_seconds;
    status_.is_up = answer.has_value();
    status_.last_error = std::move(problem);
    if (!answer) {
      ++status_.errors.at(static_cast<std::size_t>(answer.error().kind));
      return;
    }
    status_.last_success_seconds = clock_.steady_seconds();
    status_.series = answer->series.size();
    for (std::size_t drop = 0; drop < kExternalDrops; ++drop)
      status_.dropped.at(drop) += reader.drops().at(drop);
    answer_ = std::move(*answer);
  }

  // An outage is told once, and its end.
  void note_change(const std::string& problem) {
    const bool was_fine = !is_failing_;
    is_failing_ = !problem.empty();
    if (is_failing_ && was_fine)
      log_line(LogLevel::warning, "a target does not answer as it should",
               {{"target", target_->name}, {"error", problem}});
    if (!is_failing_ && !was_fine)
      log_line(LogLevel::info, "a target answers again", {{"target", target_->name}});
  }

  // Until the round is due and the last answer was taken; false once a stop is requested.
  bool wait_for_round(double due_seconds, const std::stop_token& stop) {
    if (!clock_.wait_until(due_seconds, stop)) return false;
    std::unique_lock lock(mutex_);
    return taken_.wait(lock, stop, [this] { return !answer_.has_value(); });
  }

  std::shared_ptr<const PrometheusTarget> target_;
  double interval_seconds_;
  const Clock& clock_;
  bool is_failing_ = false;  // the thread's own
  mutable std::mutex mutex_;
  std::condition_variable_any taken_;
  ExternalTargetStatus status_;
  std::optional<ExternalAnswer> answer_;
  std::jthread thread_;  // last: it uses all of the above
};

ExternalSource::ExternalSource(const Clock& clock) : clock_(clock) {}

// All at once: one that hangs at its deadline does not make the others wait.
ExternalSource::~ExternalSource() {
  for (const auto& worker : workers_) worker->ask_to_stop();
}

void ExternalSource::configure(std::span<const PrometheusTarget> targets, double interval_seconds) {
  std::vector<std::unique_ptr<Worker>> old;  // ended without the lock
  {
    const std::scoped_lock lock(mutex_);
    old = std::exchange(workers_, {});
    for (const PrometheusTarget& target : targets) {
      const double interval = target.interval_seconds.value_or(interval_seconds);
      const auto same = std::ranges::find_if(old, [&](const std::unique_ptr<Worker>& worker) {
        return worker && worker->is_as(target, interval);
      });
      workers_.push_back(same != old.end() ? std::move(*same)
                                           : std::make_unique<Worker>(target, interval, clock_));
    }
    for (const auto& worker : old) {
      if (worker) worker->ask_to_stop();
    }
  }
}

std::vector<ExternalAnswer> ExternalSource::take() {
  const std::scoped_lock lock(mutex_);
  std::vector<ExternalAnswer> answers;
  for (const auto& worker : workers_) {
    if (auto answer = worker->take()) answers.push_back(std::move(*answer));
  }
  return answers;
}

std::vector<ExternalTargetStatus> ExternalSource::status() const {
  const std::scoped_lock lock(mutex_);
  std::vector<ExternalTargetStatus> all;
  all.reserve(workers_.size());
  for (const auto& worker : workers_) all.push_back(worker->status());
  return all;
}

}  // namespace heapfloor
