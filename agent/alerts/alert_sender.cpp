#include "agent/alerts/alert_sender.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <exception>
#include <functional>
#include <stop_token>
#include <thread>
#include <utility>

#include "agent/alerts/notification_json.h"
#include "agent/log.h"

namespace heapfloor {
namespace {

constexpr double kLongestWaitSeconds = 3600;

DeliveryPolicy policy_of(const ReceiverSettings& settings) {
  DeliveryPolicy policy;
  policy.resend_seconds = settings.resend_seconds;
  if (settings.kind == ReceiverKind::webhook) {
    // A webhook is told of changes: it keeps no state that would have to be refreshed, and might
    // take an empty message for an alarm.
    policy.resolved_resend_seconds = 0;
    policy.unheard_resolved_seconds = 0;
    policy.probe_seconds.reset();
  }
  return policy;
}

std::string target_of(const ReceiverSettings& settings) {
  if (settings.kind == ReceiverKind::webhook) return settings.url;
  std::string base = settings.url;
  while (base.ends_with('/')) base.pop_back();
  return base + "/api/v2/alerts";
}

}  // namespace

void DurationHistogram::add(double seconds) {
  const auto* const bound = std::ranges::lower_bound(kBounds, seconds);
  ++counts.at(static_cast<std::size_t>(bound - kBounds.begin()));
  sum_seconds += seconds;
}

class AlertSender::Receiver {
 public:
  // `number` tells it from a later one of the same name.
  Receiver(const ReceiverSettings& settings, const Clock& clock, std::uint64_t number)
      : settings_(settings),
        number_(number),
        clock_(clock),
        target_(target_of(settings)),
        queue_(policy_of(settings), std::hash<std::string>()(settings.name) ^
                                        static_cast<std::uint64_t>(clock.wall_seconds() * 1e6)),
        thread_([this](const std::stop_token& stop) { run(stop); }) {}

  [[nodiscard]] const ReceiverSettings& settings() const { return settings_; }

  void update(const OutgoingAlerts& alerts, double now_seconds, double now_unix_seconds) {
    {
      const std::scoped_lock lock(mutex_);
      queue_.update(alerts.firing, alerts.withheld, now_seconds, now_unix_seconds);
    }
    changed_.notify_one();
  }

  [[nodiscard]] ReceiverStatus status() const {
    const std::scoped_lock lock(mutex_);
    return {settings_.kind,    settings_.name, queue_.counts(), queue_.size(),
            queue_.capacity(), queue_.is_up(), durations_,      since_seconds_};
  }

  // Nothing where the queue is as `mark` says.
  [[nodiscard]] std::optional<std::string> save(QueueMark& mark) const {
    std::vector<DeliveryQueue::Saved> saved;
    {
      const std::scoped_lock lock(mutex_);
      const QueueMark now{number_, queue_.version()};
      if (mark == now) return std::nullopt;
      mark = now;
      saved = queue_.save();
    }
    return encode_queue(saved);
  }

  void restore(const std::string& bytes) {
    const Result<std::vector<DeliveryQueue::Saved>> saved = decode_queue(bytes);
    if (!saved) {
      log_line(LogLevel::warning, "what was saved for a receiver is damaged",
               {{"receiver", settings_.name}, {"error", saved.error().reason}});
      return;
    }
    {
      const std::scoped_lock lock(mutex_);
      queue_.restore(*saved, clock_.steady_seconds(), clock_.wall_seconds());
    }
    changed_.notify_one();
  }

 private:
  void run(const std::stop_token& stop) noexcept {
    try {
      HttpClient client(settings_.http);
      while (const std::optional<DeliveryQueue::Batch> batch = wait_for_batch(stop))
        deliver(client, *batch, stop);
    } catch (const std::exception& error) {
      // Out of memory, or a libcurl that lacks what is needed. The collection goes on; the queue's
      // length tells.
      log_line(LogLevel::error, "a receiver is given up",
               {{"receiver", settings_.name}, {"error", error.what()}});
    }
  }

  // The next request; nothing once a stop is requested.
  std::optional<DeliveryQueue::Batch> wait_for_batch(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    while (!stop.stop_requested()) {
      const double now_seconds = clock_.steady_seconds();
      if (std::optional<DeliveryQueue::Batch> batch = queue_.take(now_seconds)) return batch;
      const double due = queue_.next_due_seconds().value_or(now_seconds + kLongestWaitSeconds);
      // The queue may ask for a moment that rounding puts before now.
      const double wait = std::clamp(due - now_seconds, 0.001, kLongestWaitSeconds);
      changed_.wait_for(lock, stop, std::chrono::duration<double>(wait), [this, due] {
        const std::optional<double> next = queue_.next_due_seconds();
        return next && *next < due;
      });
    }
    return std::nullopt;
  }

  void deliver(HttpClient& client, const DeliveryQueue::Batch& batch, const std::stop_token& stop) {
    HttpRequest request;
    request.method = "POST";
    request.url = target_;
    request.content_type = "application/json";
    request.body =
        settings_.kind == ReceiverKind::webhook
            ? webhook_body(batch.alerts, settings_.name, settings_.external_url)
            : alertmanager_body(batch.alerts, clock_.wall_seconds(), settings_.valid_seconds);
    const HttpExchange exchange = client.send(request, stop);
    if (stop.stop_requested() && !exchange.answer) return;
    const DeliveryOutcome outcome =
        exchange.answer ? outcome_of_status(exchange.answer->status) : DeliveryOutcome::unavailable;
    tell_change(exchange, outcome, batch.alerts.size());
    const std::scoped_lock lock(mutex_);
    durations_.add(exchange.duration_seconds);
    queue_.finish(batch, outcome, clock_.steady_seconds());
  }

  // One line when a receiver begins to fail and one when it is back, however long that takes.
  void tell_change(const HttpExchange& exchange, DeliveryOutcome outcome, std::size_t alerts) {
    if (outcome == last_outcome_) return;
    const bool was_good = last_outcome_ == DeliveryOutcome::delivered;
    last_outcome_ = outcome;
    if (outcome == DeliveryOutcome::delivered) {
      log_line(LogLevel::info, "a receiver takes alerts again", {{"receiver", settings_.name}});
      return;
    }
    const std::string reason = exchange.answer ? "status " + std::to_string(exchange.answer->status)
                                               : exchange.answer.error().reason;
    log_line(was_good ? LogLevel::warning : LogLevel::info, "a receiver does not take alerts",
             {{"receiver", settings_.name}, {"error", reason}, {"alerts", std::to_string(alerts)}});
  }

  const ReceiverSettings settings_;
  const std::uint64_t number_;
  const Clock& clock_;
  const std::string target_;
  mutable std::mutex mutex_;  // queue_, durations_
  std::condition_variable_any changed_;
  DeliveryQueue queue_;
  DurationHistogram durations_;
  const double since_seconds_ = clock_.steady_seconds();
  DeliveryOutcome last_outcome_ = DeliveryOutcome::delivered;  // the thread's own
  std::jthread thread_;                                        // last: it uses all of the above
};

AlertSender::AlertSender(const Clock& clock) : clock_(clock) {}

AlertSender::~AlertSender() = default;

void AlertSender::configure(std::span<const ReceiverSettings> settings) {
  std::vector<std::unique_ptr<Receiver>> gone;  // their threads end after the lock was given back
  const std::scoped_lock lock(mutex_);
  std::vector<std::unique_ptr<Receiver>> kept;
  for (const ReceiverSettings& wanted : settings) {
    const auto same = std::ranges::find_if(receivers_, [&wanted](const auto& receiver) {
      return receiver && receiver->settings() == wanted;
    });
    if (same != receivers_.end()) {
      kept.push_back(std::move(*same));
      continue;
    }
    kept.push_back(std::make_unique<Receiver>(wanted, clock_, ++receivers_made_));
    // What the receiver of that name still has to be told does not go with its former settings.
    for (const auto& former : receivers_) {
      if (!former || former->settings().name != wanted.name ||
          former->settings().kind != wanted.kind)
        continue;
      QueueMark unknown;
      if (const auto queue = former->save(unknown)) kept.back()->restore(*queue);
    }
  }
  gone = std::exchange(receivers_, std::move(kept));
}

void AlertSender::update(const OutgoingAlerts& alerts, double now_seconds,
                         double now_unix_seconds) {
  const std::scoped_lock lock(mutex_);
  for (const auto& receiver : receivers_) receiver->update(alerts, now_seconds, now_unix_seconds);
}

std::vector<ReceiverStatus> AlertSender::status() const {
  const std::scoped_lock lock(mutex_);
  std::vector<ReceiverStatus> all;
  for (const auto& receiver : receivers_) all.push_back(receiver->status());
  return all;
}

AlertSender::SavedQueues AlertSender::save(QueueMarks& marks) const {
  const std::scoped_lock lock(mutex_);
  SavedQueues saved;
  QueueMarks present;
  for (const auto& receiver : receivers_) {
    const std::string& name = receiver->settings().name;
    const auto known = marks.find(name);
    QueueMark mark = known == marks.end() ? QueueMark() : known->second;
    if (std::optional<std::string> bytes = receiver->save(mark))
      saved.emplace_back(name, *std::move(bytes));
    present.emplace(name, mark);
  }
  marks = std::move(present);
  return saved;
}

void AlertSender::restore(const SavedQueues& saved) {
  const std::scoped_lock lock(mutex_);
  for (const auto& receiver : receivers_) {
    const auto found =
        std::ranges::find(saved, receiver->settings().name, &SavedQueues::value_type::first);
    if (found != saved.end()) receiver->restore(found->second);
  }
}

}  // namespace heapfloor
