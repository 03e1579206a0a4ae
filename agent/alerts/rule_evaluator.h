// RuleEvaluator: the configured thresholds over what one tick knows.
//
// A signal is read from the watched series, a metric from the collectors' samples and the groups.
// A subject that is gone resolves its alerts at once; a reading that is missing says nothing, and
// so does a tick in which the processes could not be listed. Not thread-safe: the owner locks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "agent/alerts/alert_book.h"
#include "agent/alerts/alert_rule.h"
#include "agent/alerts/watch_list.h"
#include "agent/series/group_table.h"
#include "agent/series/sample_batch.h"

namespace heapfloor {

class RuleEvaluator {
 public:
  // What one tick knows. All outlive the call.
  struct Tick {
    const WatchList& watches;
    const SampleBatch& batch;
    const GroupTable& groups;
    bool is_listed = true;  // whether the processes could be listed
  };

  void set_rules(std::vector<AlertRule> rules);
  [[nodiscard]] const std::vector<AlertRule>& rules() const { return rules_; }
  // Subjects beyond kMostAlerts that one rule was true for in the last tick, by position in
  // rules().
  [[nodiscard]] std::uint64_t refused(std::size_t rule) const { return refused_.at(rule); }

  // What is wrong now. `book` tells which alerts are active: their rule's `clear` holds them, and
  // those whose rule is gone are ended.
  [[nodiscard]] std::vector<AlertCondition> evaluate(const Tick& tick, const AlertBook& book);

  static constexpr std::size_t kMostAlerts = 1000;  // of one rule at a time

 private:
  struct Reading;
  struct Active;
  class Visitor;

  std::vector<AlertRule> rules_;
  std::vector<std::uint64_t> refused_;
};

}  // namespace heapfloor
