#include "agent/alerts/delivery_queue.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace heapfloor {
namespace {

constexpr double kRejectionPauseSeconds = 1;  // between requests that are taken apart
constexpr std::size_t kRejectionDivisor = 8;  // 64, 8, 1: three requests find the culprit's batch

}  // namespace

DeliveryOutcome outcome_of_status(int status) {
  if (status >= 200 && status < 300) return DeliveryOutcome::delivered;
  if (status == 400 || status == 413 || status == 415 || status == 422)
    return DeliveryOutcome::rejected;
  return DeliveryOutcome::unavailable;
}

void DeliveryQueue::update(std::span<const OutgoingAlert> firing,
                           std::span<const std::string> withheld, double now_seconds,
                           double now_unix_seconds) {
  end_missing(firing, withheld, now_seconds, now_unix_seconds);
  take_over(firing, now_seconds);
}

void DeliveryQueue::end_missing(std::span<const OutgoingAlert> firing,
                                std::span<const std::string> withheld, double now_seconds,
                                double now_unix_seconds) {
  std::set<std::string_view> present;
  for (const OutgoingAlert& alert : firing) present.insert(alert.identity);
  for (auto place = entries_.begin(); place != entries_.end();) {
    Entry& entry = place->second;
    if (!entry.alert.ended_at_seconds && !present.contains(place->first)) {
      if (std::ranges::binary_search(withheld, place->first)) {
        entry.is_withheld = true;
      } else {
        end(entry, now_seconds, now_unix_seconds);
      }
    }
    place = is_done(entry, now_seconds) ? forget(place) : std::next(place);
  }
}

DeliveryQueue::Entries::iterator DeliveryQueue::forget(Entries::iterator place) {
  ++version_;
  return entries_.erase(place);
}

DeliveryQueue::Entry& DeliveryQueue::enter(const OutgoingAlert& alert) {
  ++version_;
  Entry& entry = entries_[alert.identity];
  entry.alert = alert;
  return entry;
}

void DeliveryQueue::end(Entry& entry, double now_seconds, double now_unix_seconds) {
  ++version_;
  entry.alert.ended_at_seconds = std::max(now_unix_seconds, entry.alert.starts_at_seconds);
  entry.ended_seconds = now_seconds;
  entry.due_seconds = now_seconds;
  entry.told_seconds.reset();
  ++entry.version;
}

bool DeliveryQueue::is_done(const Entry& entry, double now_seconds) const {
  if (!entry.alert.ended_at_seconds || entry.is_in_flight) return false;
  if (entry.told_seconds) {
    const double until =
        std::max(entry.ended_seconds, *entry.told_seconds) + policy_.resolved_resend_seconds;
    return entry.due_seconds > until || now_seconds > until;
  }
  return !entry.is_heard && now_seconds - entry.ended_seconds >= policy_.unheard_resolved_seconds;
}

void DeliveryQueue::refresh(Entry& entry, const OutgoingAlert& alert, double now_seconds) {
  const bool begins_anew = entry.alert.ended_at_seconds.has_value();
  if (begins_anew) {
    entry.is_heard = entry.is_heard && !entry.told_seconds;
    entry.told_seconds.reset();
    ++entry.version;
  }
  if (begins_anew || entry.is_withheld) entry.due_seconds = now_seconds;
  entry.is_withheld = false;
  if (!begins_anew && entry.alert == alert) return;
  ++version_;
  entry.alert = alert;
}

void DeliveryQueue::take_over(std::span<const OutgoingAlert> firing, double now_seconds) {
  std::set<std::string> refused;
  std::optional<std::vector<Entries::iterator>> room;  // to be given away from the back
  for (const OutgoingAlert& alert : firing) {
    if (const auto known = entries_.find(alert.identity); known != entries_.end()) {
      refresh(known->second, alert, now_seconds);
      continue;
    }
    if (entries_.size() >= policy_.capacity) {
      if (!room) room = evictable();
      // One that began anew meanwhile is not for giving away.
      while (!room->empty() && !room->back()->second.alert.ended_at_seconds) room->pop_back();
      if (room->empty()) {
        if (!refused_.contains(alert.identity)) ++counts_.dropped;
        refused.insert(alert.identity);
        continue;
      }
      if (!room->back()->second.told_seconds) ++counts_.dropped;
      forget(room->back());
      room->pop_back();
    }
    enter(alert).due_seconds = now_seconds;
  }
  refused_ = std::move(refused);
}

// What has ended, those that go first last: told, then the oldest.
std::vector<DeliveryQueue::Entries::iterator> DeliveryQueue::evictable() {
  std::vector<Entries::iterator> found;
  for (auto place = entries_.begin(); place != entries_.end(); ++place) {
    if (place->second.alert.ended_at_seconds) found.push_back(place);
  }
  std::ranges::sort(found, std::greater<>(), [](const Entries::iterator& place) {
    const Entry& entry = place->second;
    return std::pair(!entry.told_seconds.has_value(), entry.ended_seconds);
  });
  return found;
}

std::optional<double> DeliveryQueue::next_due_seconds() const {
  std::optional<double> due;
  for (const auto& [identity, entry] : entries_) {
    if (is_silent(entry)) continue;
    if (!due || entry.due_seconds < *due) due = entry.due_seconds;
  }
  if (!due) return std::nullopt;
  double attempt = not_before_seconds_;
  if (may_probe()) attempt = std::min(attempt, next_probe_seconds_);
  return std::max(*due, attempt);
}

std::optional<DeliveryQueue::Batch> DeliveryQueue::take(double now_seconds) {
  const std::optional<double> next = next_due_seconds();
  if (!next || *next > now_seconds) return std::nullopt;
  Batch batch;
  if (now_seconds < not_before_seconds_) return batch;  // a probe
  std::vector<Entry*> due;
  for (auto& [identity, entry] : entries_) {
    if (!is_silent(entry) && entry.due_seconds <= now_seconds) due.push_back(&entry);
  }
  std::ranges::stable_sort(due, {}, &Entry::due_seconds);
  std::size_t limit = policy_.batch;
  for (Entry* const entry : due) {
    const std::size_t allowed =
        entry->batch_limit == 0 ? limit : std::min(limit, entry->batch_limit);
    if (batch.alerts.size() >= allowed) continue;
    limit = allowed;
    entry->is_in_flight = true;
    batch.alerts.push_back(entry->alert);
    batch.versions.push_back(entry->version);
    if (batch.alerts.size() == limit) break;
  }
  return batch;
}

void DeliveryQueue::finish(const Batch& batch, DeliveryOutcome outcome, double now_seconds) {
  const bool is_good = outcome == DeliveryOutcome::delivered;
  is_up_ = outcome != DeliveryOutcome::unavailable;
  if (batch.alerts.empty()) return finish_probe(is_good, now_seconds);
  const std::size_t size = batch.alerts.size();
  counts_.sent += size;
  if (!is_good) counts_.failed += size;
  if (outcome == DeliveryOutcome::unavailable) {
    is_probe_misleading_ = is_probe_misleading_ || is_probed_attempt_;
    back_off(now_seconds);
  } else {
    failures_ = 0;
    is_probe_misleading_ = false;
    not_before_seconds_ = is_good ? now_seconds : now_seconds + kRejectionPauseSeconds;
  }
  is_probed_attempt_ = false;
  for (std::size_t i = 0; i < size; ++i)
    finish_alert(batch.alerts[i], batch.versions[i], size, outcome, now_seconds);
}

void DeliveryQueue::finish_probe(bool is_good, double now_seconds) {
  next_probe_seconds_ = now_seconds + jittered(policy_.probe_seconds.value_or(0));
  if (!is_good) {
    is_probe_misleading_ = false;
  } else if (!is_probe_misleading_) {
    is_probed_attempt_ = true;
    not_before_seconds_ = now_seconds;
  }
}

void DeliveryQueue::finish_alert(const OutgoingAlert& sent, std::uint64_t version,
                                 std::size_t batch_size, DeliveryOutcome outcome,
                                 double now_seconds) {
  const auto place = entries_.find(sent.identity);
  // An answer about a namesake that was forgotten meanwhile is nobody's.
  if (place == entries_.end() || !place->second.is_in_flight) return;
  Entry& entry = place->second;
  entry.is_in_flight = false;
  const bool is_same = entry.version == version;
  if (outcome == DeliveryOutcome::delivered) {
    ++version_;  // somebody has heard
    entry.batch_limit = 0;
    if (!sent.ended_at_seconds) entry.is_heard = true;
    if (is_same) entry.due_seconds = now_seconds + policy_.resend_seconds;
    if (is_same && sent.ended_at_seconds && !entry.told_seconds) entry.told_seconds = now_seconds;
  } else if (outcome == DeliveryOutcome::rejected && is_same) {
    entry.batch_limit = std::max<std::size_t>(batch_size / kRejectionDivisor, 1);
    // The innocent of a batch are not to wait: only an alert that was alone is surely to blame.
    entry.due_seconds = batch_size > 1 ? now_seconds : now_seconds + policy_.resend_seconds;
    const bool is_old = sent.ended_at_seconds && batch_size == 1 &&
                        now_seconds - entry.ended_seconds >= policy_.resolved_resend_seconds;
    if (is_old) {
      ++counts_.dropped;
      forget(place);
      return;
    }
  }
  if (is_done(entry, now_seconds)) forget(place);
}

void DeliveryQueue::back_off(double now_seconds) {
  constexpr std::uint32_t kMostDoublings = 16;
  const double grown = std::ldexp(policy_.first_backoff_seconds,
                                  static_cast<int>(std::min(failures_, kMostDoublings)));
  ++failures_;
  not_before_seconds_ = now_seconds + jittered(std::min(grown, policy_.most_backoff_seconds));
  next_probe_seconds_ = now_seconds + jittered(policy_.probe_seconds.value_or(0));
}

// Between the half and the whole, so that many agents do not come back in one instant.
double DeliveryQueue::jittered(double seconds) {
  return seconds * std::uniform_real_distribution<double>(0.5, 1)(random_);
}

std::vector<DeliveryQueue::Saved> DeliveryQueue::save() const {
  std::vector<Saved> saved;
  saved.reserve(entries_.size());
  for (const auto& [identity, entry] : entries_)
    saved.push_back({entry.alert, entry.is_heard, entry.told_seconds.has_value()});
  return saved;
}

void DeliveryQueue::restore(std::span<const Saved> saved, double now_seconds,
                            double now_unix_seconds) {
  for (const Saved& one : saved) {
    if (entries_.size() >= policy_.capacity) {
      ++counts_.dropped;
      continue;
    }
    Entry& entry = enter(one.alert);
    entry.is_heard = one.is_heard;
    entry.due_seconds = now_seconds;
    if (!one.alert.ended_at_seconds) continue;
    entry.ended_seconds =
        now_seconds - std::max(0.0, now_unix_seconds - *one.alert.ended_at_seconds);
    if (one.is_told) entry.told_seconds = entry.ended_seconds;
  }
}

}  // namespace heapfloor
