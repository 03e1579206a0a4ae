#include "agent/alerts/alert_book.h"

#include <array>
#include <set>
#include <utility>

namespace heapfloor {
namespace {

constexpr std::size_t kMostText = 4096;        // of one text of an alert
constexpr std::uint32_t kMostAlerts = 100000;  // in bytes that can be believed

void save_condition(ByteWriter& out, const AlertCondition& condition) {
  for (const std::string* const text :
       {&condition.name, &condition.severity, &condition.subject, &condition.scope,
        &condition.group, &condition.signal, &condition.summary, &condition.description}) {
    out.put_text(std::string_view(*text).substr(0, kMostText));
  }
  out.put(condition.value);
}

AlertCondition take_condition(ByteReader& in) {
  constexpr double kMostRate = 1e20;
  AlertCondition condition;
  for (std::string* const text :
       {&condition.name, &condition.severity, &condition.subject, &condition.scope,
        &condition.group, &condition.signal, &condition.summary, &condition.description}) {
    *text = in.take_text(kMostText);
  }
  condition.value = in.take_number<double>(-kMostRate, kMostRate);
  return condition;
}

}  // namespace

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

void AlertBook::save(ByteWriter& out) const {
  out.put(static_cast<std::uint32_t>(alerts_.size()));
  for (const auto& [identity, alert] : alerts_) {
    save_condition(out, alert.condition);
    out.put(alert.phase);
    out.put(alert.active_since_seconds);
    out.put(alert.last_seen_seconds);
  }
  out.put(static_cast<std::uint32_t>(counts_.size()));
  for (const auto& [name, counts] : counts_) {
    out.put_text(name);
    out.put(counts.pending);
    out.put(counts.firing);
    out.put(counts.resolved);
  }
}

bool AlertBook::restore(ByteReader& in) {
  std::map<Identity, Alert> alerts;
  std::map<std::string, AlertCounts> counts = counts_;
  const auto alert_count = in.take_at_most<std::uint32_t>(kMostAlerts);
  for (std::uint32_t i = 0; i < alert_count && !in.failed(); ++i) {
    Alert alert;
    alert.condition = take_condition(in);
    alert.phase = in.take_enum<AlertPhase>(2);
    alert.active_since_seconds = in.take_number<double>(-kMostSeconds, kMostSeconds);
    alert.last_seen_seconds = in.take_number<double>(-kMostSeconds, kMostSeconds);
    Identity identity(alert.condition.name, alert.condition.subject, alert.condition.signal);
    alerts.emplace(std::move(identity), std::move(alert));
  }
  const auto name_count = in.take_at_most<std::uint32_t>(kMostAlerts);
  for (std::uint32_t i = 0; i < name_count && !in.failed(); ++i) {
    AlertCounts& count = counts[in.take_text(kMostText)];
    count.pending = in.take<std::uint64_t>();
    count.firing = in.take<std::uint64_t>();
    count.resolved = in.take<std::uint64_t>();
  }
  if (in.failed()) return false;
  alerts_ = std::move(alerts);
  counts_ = std::move(counts);
  return true;
}

}  // namespace heapfloor
