// RuleEvaluator: the thresholds, the agent's own and the configured, over what one tick knows.
//
// A signal is read from the watched series, a metric from the collectors' samples, the groups and
// what the agent itself has worked out. A subject that is gone resolves its alerts at once; a
// reading that is missing says nothing, and so does a tick in which the processes could not be
// listed. Not thread-safe: the owner locks.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/alerts/alert_book.h"
#include "agent/alerts/alert_rule.h"
#include "agent/alerts/growth_window.h"
#include "agent/alerts/watch_list.h"
#include "agent/series/group_table.h"
#include "agent/series/sample_batch.h"

namespace heapfloor {

class RuleEvaluator {
 public:
  // A metric that no collector writes: the agent worked it out. Scope process or workload.
  struct OwnReading {
    RuleScope scope = RuleScope::process;
    std::string_view metric;  // one of kOwnMetrics
    double value = 0;
    std::string subject;  // "process:4711:123456"
    std::string name;     // comm; the workload
    std::string group;    // of a process
    std::string detail;   // {detail} of a rule's description
  };
  // What one tick knows. All outlive the call.
  struct Tick {
    const WatchList& watches;
    const SampleBatch& batch;
    const GroupTable& groups;
    bool is_listed = true;  // whether the processes could be listed
    double time_seconds = 0;
    double unix_seconds = 0;  // the same moment
    std::span<const OwnReading> own = {};
  };

  void set_rules(std::vector<AlertRule> rules);
  [[nodiscard]] const std::vector<AlertRule>& rules() const { return rules_; }
  // Subjects that one rule left out in the last tick, by position in rules(): beyond kMostAlerts
  // that it was true for, and beyond kMostWindows whose growth it asks for.
  [[nodiscard]] std::uint64_t refused(std::size_t rule) const { return states_.at(rule).refused; }

  // What is wrong now. `book` tells which alerts are active: their rule's `clear` holds them, and
  // those whose rule is gone are ended.
  [[nodiscard]] std::vector<AlertCondition> evaluate(const Tick& tick, const AlertBook& book);

  static constexpr std::size_t kMostAlerts = 1000;   // of one rule at a time
  static constexpr std::size_t kMostWindows = 2000;  // of one rule

 private:
  struct Reading;
  struct Active;
  struct Runtime;
  struct Records;
  class Visitor;
  // What a rule remembers: the growth of its quantity and of what has to rise beside it, by subject
  // and signal.
  using Windows = std::map<std::string, GrowthWindow, std::less<>>;
  struct State {
    Windows rates, rises;
    std::uint64_t refused = 0;
  };

  static Records records_of(const Tick& tick);

  std::vector<AlertRule> rules_;
  std::vector<State> states_;
};

}  // namespace heapfloor
