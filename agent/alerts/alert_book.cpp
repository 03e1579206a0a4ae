#include "agent/alerts/alert_book.h"

#include <array>
#include <set>

namespace heapfloor {

std::string_view alert_change_name(AlertChange change) {
  constexpr std::array<std::string_view, 3> kNames = {"pending", "firing", "resolved"};
  return kNames.at(static_cast<std::size_t>(change));
}

void AlertBook::set_holds(double hold_seconds, double resolve_hold_seconds) {
  hold_seconds_ = hold_seconds;
  resolve_hold_seconds_ = resolve_hold_seconds;
}

std::vector<AlertTransition> AlertBook::step(std::span<const AlertCondition> conditions,
                                             double now_seconds) {
  std::vector<AlertTransition> changes;
  std::set<Identity> ended;
  for (const AlertCondition& condition : conditions) {
    const Identity identity(condition.name, condition.subject, condition.signal);
    if (condition.ended) {
      ended.insert(identity);
      continue;
    }
    const auto [entry, is_new] = alerts_.try_emplace(identity);
    Alert& alert = entry->second;
    alert.condition = condition;
    alert.last_seen_seconds = now_seconds;
    if (!is_new) continue;
    alert.active_since_seconds = now_seconds;
    ++counts_[condition.name].pending;
    changes.push_back({AlertChange::pending, alert, false});
  }
  for (auto entry = alerts_.begin(); entry != alerts_.end();) {
    Alert& alert = entry->second;
    const bool holds = alert.last_seen_seconds == now_seconds;
    const bool is_firing = alert.phase == AlertPhase::firing;
    if (holds && !is_firing && now_seconds - alert.active_since_seconds >= hold_seconds_) {
      alert.phase = AlertPhase::firing;
      ++counts_[alert.condition.name].firing;
      changes.push_back({AlertChange::firing, alert, true});
    }
    const bool waits = is_firing && !ended.contains(entry->first) &&
                       now_seconds - alert.last_seen_seconds < resolve_hold_seconds_;
    if (holds || waits) {
      ++entry;
      continue;
    }
    ++counts_[alert.condition.name].resolved;
    changes.push_back({AlertChange::resolved, alert, is_firing});
    entry = alerts_.erase(entry);
  }
  return changes;
}

std::vector<Alert> AlertBook::alerts() const {
  std::vector<Alert> all;
  all.reserve(alerts_.size());
  for (const auto& [identity, alert] : alerts_) all.push_back(alert);
  return all;
}

}  // namespace heapfloor
