#include "agent/alerts/operator_rules.h"

#include <algorithm>
#include <utility>

namespace heapfloor {
namespace {

AlertRule rule_of(std::string name, RuleScope scope, std::string quantity, double value,
                  double hold_seconds) {
  AlertRule rule;
  rule.is_builtin = true;
  rule.name = std::move(name);
  rule.scope = scope;
  rule.quantity = std::move(quantity);
  rule.value = value;
  rule.hold_seconds = hold_seconds;
  return rule;
}

AlertRule heap_near_limit(RuleScope scope, std::string live, std::string limit, std::string words) {
  AlertRule rule = rule_of("HeapfloorHeapNearLimit", scope, std::move(live), 0.8, 30);
  rule.per = std::move(limit);
  rule.summary = "The live heap of a runtime is near the limit of its heap.";
  rule.description = "What lives after collections in {name} ({group}) is {value} of " + words;
  return rule;
}

AlertRule gc_pressure(RuleScope scope, std::string quantity, std::string words) {
  AlertRule rule = rule_of("HeapfloorGcPressure", scope, std::move(quantity), 0.25, 600);
  rule.summary = "A runtime spends much of its time in garbage collection.";
  rule.description = std::move(words);
  return rule;
}

// Promotion is what fills the old generation between its own collections: its use rises, garbage
// included.
AlertRule young_gc_storm() {
  AlertRule rule = rule_of("HeapfloorYoungGcStorm", RuleScope::jvm,
                           "heapfloor_jvm_gc_collections_total", 5.0 / 60, 300);
  rule.match = {{"generation", "young"}};
  rule.rate_seconds = 300;
  rule.while_rising = RisingMetric{"heapfloor_jvm_memory_used_bytes", {{"pool", "old"}}, 600};
  rule.summary = "Young collections are frequent and promote what they do not free.";
  rule.description =
      "Young collections of {name} ({group}) are {value} while the old generation rises.";
  return rule;
}

// What Shenandoah counts is no standstill; concurrent cycles stop the program for moments only.
AlertRule jvm_gc_pressure() {
  AlertRule rule = gc_pressure(RuleScope::jvm, "heapfloor_jvm_gc_seconds_total",
                               "{name} ({group}) stands still for its garbage collection {value}.");
  rule.match = {{"generation", "!concurrent"}, {"collector", "!shenandoah*"}};
  rule.rate_seconds = 300;
  return rule;
}

AlertRule oom_kill() {
  AlertRule rule = rule_of("HeapfloorOomKill", RuleScope::workload,
                           "heapfloor_workload_last_oom_timestamp_seconds", 600, 0);
  rule.comparison = Comparison::less;
  rule.is_age = true;
  rule.summary = "A workload lost a process to the OOM killer.";
  rule.description = "{name} lost a process to the OOM killer within the last ten minutes{detail}.";
  return rule;
}

AlertRule mappings_near_limit() {
  AlertRule rule = rule_of("HeapfloorMappingsNearLimit", RuleScope::group,
                           "heapfloor_group_memory_mappings_max", 0.8, 900);
  rule.per = "heapfloor_host_memory_mappings_limit";
  rule.summary = "A process is near the number of mappings that the kernel allows.";
  rule.description =
      "A process of group {name} has {value} of the mappings that vm.max_map_count allows.";
  return rule;
}

// A parent holds what its children hold; only a limit of its own is what it may be near to.
AlertRule cgroup_near_limit() {
  AlertRule rule = rule_of("HeapfloorCgroupNearLimit", RuleScope::cgroup,
                           "heapfloor_cgroup_unreclaimable_memory_bytes", 0.9, 600);
  rule.per = "heapfloor_cgroup_memory_limit_bytes";
  rule.summary = "A cgroup's memory that cannot be reclaimed is near its limit.";
  rule.description = "{name} holds {value} of its limit in memory that reclaim cannot take.";
  return rule;
}

AlertRule concentration() {
  AlertRule rule = rule_of("HeapfloorConcentration", RuleScope::process,
                           "heapfloor_live_heap_concentration_ratio", 0.65, 3600);
  rule.severity = "info";
  rule.summary = "A few sites hold most of a program's live heap.";
  rule.description = "At most five sites of {name} ({group}) hold {value} of its live heap.";
  return rule;
}

}  // namespace

std::vector<AlertRule> operator_rules() {
  return {
      heap_near_limit(RuleScope::jvm, "heapfloor_jvm_memory_used_after_gc_bytes",
                      "heapfloor_jvm_heap_limit_bytes", "the heap that it may have."),
      young_gc_storm(), jvm_gc_pressure(),
      // GOMEMLIMIT is of all that the runtime has: a heap of four fifths of it leaves the
      // collector no peace.
      heap_near_limit(RuleScope::go, "heapfloor_go_heap_live_bytes",
                      "heapfloor_go_memory_limit_bytes", "its memory limit (GOMEMLIMIT)."),
      gc_pressure(RuleScope::go, "heapfloor_go_gc_cpu_ratio",
                  "The garbage collection of {name} ({group}) has taken {value} of its processor "
                  "time since it started."),
      oom_kill(), mappings_near_limit(), cgroup_near_limit(), concentration()};
}

std::vector<AlertRule> rules_in_force(std::span<const RuleChange> changes,
                                      std::span<const AlertRule> configured) {
  std::vector<AlertRule> rules;
  std::vector<AlertRule> own = operator_rules();
  for (AlertRule& rule : own) {
    const auto change = std::ranges::find(changes, rule.name, &RuleChange::name);
    if (change != changes.end()) {
      if (!change->is_enabled) continue;
      rule.value = change->value.value_or(rule.value);
      if (change->hold_seconds) rule.hold_seconds = change->hold_seconds;
      rule.severity = change->severity.value_or(rule.severity);
    }
    rules.push_back(std::move(rule));
  }
  rules.insert(rules.end(), configured.begin(), configured.end());
  return rules;
}

}  // namespace heapfloor
