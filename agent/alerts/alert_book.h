// AlertBook: which alerts are pending or firing, with hold times at both ends.
//
// A condition that holds makes its alert pending; once it has held for `hold_seconds` the alert
// fires; a firing alert is resolved when the condition has been away for `resolve_hold_seconds`
// (hysteresis: a verdict that wavers does not flap), a pending one as soon as it is away. Identity
// is (name, subject, signal): what changes, such as the rate or the severity, is not part of it.
// Pure: times come from the caller. Not thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "agent/series/bytes.h"

namespace heapfloor {

enum class AlertPhase : std::uint8_t { pending, firing };

// Something that is wrong right now.
struct AlertCondition {
  std::string name;      // HeapfloorLeak
  std::string severity;  // critical, warning, info
  std::string subject;   // process:4711:123456
  std::string scope;
  std::string group;
  std::string signal;
  double value = 0;  // bytes per second
  std::string summary;
  std::string description;
  bool ended = false;  // its subject has ended: resolved at once, whatever the hold
};

struct Alert {
  AlertCondition condition;  // as last seen
  AlertPhase phase = AlertPhase::pending;
  double active_since_seconds = 0;
  double last_seen_seconds = 0;
};

enum class AlertChange : std::uint8_t { pending, firing, resolved };
std::string_view alert_change_name(AlertChange change);

struct AlertTransition {
  AlertChange change = AlertChange::pending;
  Alert alert;
  bool was_firing = false;  // resolved: whether anybody was told
};

struct AlertCounts {
  std::uint64_t pending = 0, firing = 0, resolved = 0;
};

class AlertBook {
 public:
  AlertBook(double hold_seconds, double resolve_hold_seconds)
      : hold_seconds_(hold_seconds), resolve_hold_seconds_(resolve_hold_seconds) {}
  void set_holds(double hold_seconds, double resolve_hold_seconds);

  // Takes over what is wrong at `now_seconds`; returns what changed: what is new first.
  std::vector<AlertTransition> step(std::span<const AlertCondition> conditions, double now_seconds);

  [[nodiscard]] std::vector<Alert> alerts() const;  // sorted by name, subject, signal
  // Transitions since the start, by alert name. Names given to declare() exist with zeros.
  [[nodiscard]] const std::map<std::string, AlertCounts>& counts() const { return counts_; }
  void declare(const std::string& name) { counts_.try_emplace(name); }

  void save(ByteWriter& out) const;
  // Takes over alerts and counts, so that what was active stays active since the same time. False,
  // and no change, when the bytes are not what save() writes.
  [[nodiscard]] bool restore(ByteReader& in);

 private:
  using Identity = std::tuple<std::string, std::string, std::string>;
  double hold_seconds_;
  double resolve_hold_seconds_;
  std::map<Identity, Alert> alerts_;
  std::map<std::string, AlertCounts> counts_;
};

// Where transitions go. Called by the collection thread; must not throw and must not block.
class AlertSink {
 public:
  AlertSink() = default;
  AlertSink(const AlertSink&) = delete;
  AlertSink& operator=(const AlertSink&) = delete;
  virtual ~AlertSink() = default;
  virtual void deliver(const AlertTransition& transition) noexcept = 0;
};

}  // namespace heapfloor
