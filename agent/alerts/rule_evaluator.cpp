#include "agent/alerts/rule_evaluator.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <span>
#include <utility>

#include "agent/alerts/leak_alerts.h"
#include "agent/series/glob.h"
#include "agent/trend/signal_list.h"

namespace heapfloor {
namespace {

constexpr std::string_view kGroupProcesses = "heapfloor_group_processes";
constexpr std::string_view kHostSubject = "host";

bool is_in_bytes(const AlertRule& rule) {
  if (!rule.is_signal) return rule.quantity.ends_with("_bytes");
  const std::optional<Signal> signal = find_signal(rule.quantity);
  return signal && signal_info(*signal).counted.empty();
}

std::string say_value(const AlertRule& rule, double value) {
  constexpr double kMiB = 1024.0 * 1024.0;
  if (!is_in_bytes(rule)) return fmt::format("{:.6g}", value);
  if (value >= 1024 * kMiB) return fmt::format("{:.2f} GiB", value / (1024 * kMiB));
  return value >= kMiB ? fmt::format("{:.1f} MiB", value / kMiB) : fmt::format("{:.0f} B", value);
}

std::string_view say_side(Comparison comparison) {
  return comparison == Comparison::greater || comparison == Comparison::greater_or_equal ? "above"
                                                                                         : "below";
}

// A glob as a regular expression of RE2, which PromQL uses.
std::string regex_of(std::string_view glob) {
  std::string regex;
  for (const char byte : glob) {
    if (byte == '*') {
      regex += ".*";
    } else if (byte == '?') {
      regex += '.';
    } else {
      if (std::string_view(R"(\.+^$()[]{}|)").find(byte) != std::string_view::npos)
        regex += R"(\\)";
      regex += byte;
    }
  }
  return regex;
}

}  // namespace

std::string rule_query(const AlertRule& rule) {
  std::string labels;
  for (const auto& [label, glob] : rule.match) {
    const bool is_plain = glob.find_first_of("*?") == std::string::npos;
    labels += fmt::format("{}{}{}\"{}\"", labels.empty() ? "" : ",", label, is_plain ? "=" : "=~",
                          is_plain ? glob : regex_of(glob));
  }
  if (!labels.empty()) labels = "{" + labels + "}";
  return fmt::format("{}{} {} {}", rule.quantity, labels, comparison_text(rule.comparison),
                     rule.value);
}

// One value of one subject.
struct RuleEvaluator::Reading {
  double value = 0;
  std::string_view name;  // comm, group, cgroup: how people call the subject
  std::string_view group;
  std::string_view label_name;  // the metric's own label
  std::string_view label_value;
};

// An alert of the rule that the book holds.
struct RuleEvaluator::Active {
  const Alert* alert = nullptr;
  bool is_visited = false;  // it had its reading
  bool is_present = false;  // its subject is there, with or without the reading
};

// Reads what one rule is about.
class RuleEvaluator::Visitor {
 public:
  Visitor(const AlertRule& rule, std::vector<Active> active,
          std::vector<AlertCondition>& conditions)
      : rule_(rule), active_(std::move(active)), conditions_(conditions) {}

  void visit(const Tick& tick) {
    if (!tick.is_listed && rule_.scope != RuleScope::host) {
      for (const Active& one : active_) conditions_.push_back(one.alert->condition);
      return;
    }
    if (rule_.is_signal) {
      visit_watches(tick.watches);
    } else if (rule_.scope == RuleScope::process) {
      visit_processes(tick.batch, tick.groups);
    } else if (rule_.scope == RuleScope::group) {
      visit_groups(tick.groups);
    } else {
      visit_entities(tick.batch);
    }
    if (rule_.scope != RuleScope::host) end_unvisited();
  }

  [[nodiscard]] std::uint64_t refused() const { return refused_; }

 private:
  void visit_watches(const WatchList& watches) {
    watches.for_each([this](const Watch& watch) {
      if (watch.ended_seconds || signal_name(watch.key.signal) != rule_.quantity) return;
      if (watch.scope() != rule_scope_name(rule_.scope)) return;
      take({watch.last_value, watch.name, watch.group, {}, {}}, [&] { return watch.subject(); });
    });
  }

  void visit_samples(std::span<const SampleBatch::Sample> samples, Reading reading,
                     const auto& subject) {
    for (const SampleBatch::Sample& sample : samples) {
      if (sample.desc->name != rule_.quantity) continue;
      reading.value = sample.value;
      reading.label_name = sample.desc->label_name;
      reading.label_value = sample.desc->label_value;
      take(reading, subject);
    }
  }

  void visit_processes(const SampleBatch& batch, const GroupTable& groups) {
    for (const ProcessEntry& process : groups.processes()) {
      const Reading reading{0,
                            batch.entity(process.batch_entities[0]).name,
                            groups.groups()[process.group].name,
                            {},
                            {}};
      const auto subject = [&process] {
        return fmt::format("process:{}:{}", process.id.pid, process.id.start_ticks);
      };
      note_present(subject);
      for (std::size_t record = 0; record < process.batch_entity_count; ++record) {
        visit_samples(batch.samples(process.batch_entities.at(record)), reading, subject);
      }
    }
  }

  void visit_groups(const GroupTable& groups) {
    for (const ProcessGroup& group : groups.groups()) {
      if (group.name.empty() && group.processes == 0) continue;  // a free slot
      const auto subject = [&group] { return "group:" + group.name; };
      if (group.processes > 0) note_present(subject);
      Reading reading{0, group.name, group.name, {}, {}};
      if (rule_.quantity == kGroupProcesses) {
        reading.value = static_cast<double>(group.processes);
        take(reading, subject);
        continue;
      }
      for (std::size_t position = 0; position < group.values.size(); ++position) {
        const MetricDesc& desc = groups.metric(position);
        if (desc.group_name != rule_.quantity || !group.values[position]) continue;
        reading.value = *group.values[position];
        reading.label_name = desc.label_name;
        reading.label_value = desc.label_value;
        take(reading, subject);
      }
    }
  }

  void visit_entities(const SampleBatch& batch) {
    const bool is_host = rule_.scope == RuleScope::host;
    const EntityKind kind = is_host ? EntityKind::host : EntityKind::cgroup;
    for (std::size_t index = 0; index < batch.entities(); ++index) {
      const Entity entity = batch.entity(index);
      if (entity.kind != kind) continue;
      const std::string_view name = is_host ? std::string_view("the host") : entity.name;
      const auto subject = [&entity, is_host] {
        return is_host ? std::string(kHostSubject) : fmt::format("cgroup:{}", entity.name);
      };
      note_present(subject);
      visit_samples(batch.samples(index), {0, name, {}, {}, {}}, subject);
    }
  }

  // Takes over one reading. The subject's name is only made when it is needed: most readings are
  // on the right side of the threshold.
  void take(const Reading& reading, const auto& subject_of) {
    const bool is_breaching = compare(reading.value, rule_.comparison, rule_.value);
    if (!is_breaching && active_.empty()) return;
    const std::string subject = subject_of();
    const std::string signal = signal_of(reading);
    const Alert* const alert = find_active(subject, signal);
    const bool is_held = alert != nullptr && alert->phase == AlertPhase::firing && rule_.clear &&
                         compare(reading.value, rule_.comparison, *rule_.clear);
    if ((!is_breaching && !is_held) || !is_matched(reading, subject)) return;
    if (++taken_ > kMostAlerts) {
      ++refused_;
      return;
    }
    conditions_.push_back(condition_of(reading, subject, signal));
  }

  // Its alerts are not ended for want of a reading.
  void note_present(const auto& subject_of) {
    if (active_.empty()) return;
    const std::string subject = subject_of();
    const auto key = [](const Active& one) -> std::string_view {
      return one.alert->condition.subject;
    };
    auto one = std::ranges::lower_bound(active_, std::string_view(subject), {}, key);
    for (; one != active_.end() && key(*one) == subject; ++one) one->is_present = true;
  }

  const Alert* find_active(std::string_view subject, std::string_view signal) {
    const std::pair wanted(subject, signal);
    const auto key = [](const Active& one) {
      return std::pair<std::string_view, std::string_view>(one.alert->condition.subject,
                                                           one.alert->condition.signal);
    };
    const auto found = std::ranges::lower_bound(active_, wanted, {}, key);
    if (found == active_.end() || key(*found) != wanted) return nullptr;
    found->is_visited = true;
    return found->alert;
  }

  [[nodiscard]] std::string signal_of(const Reading& reading) const {
    if (reading.label_name.empty()) return rule_.quantity;
    return fmt::format("{}{{{}=\"{}\"}}", rule_.quantity, reading.label_name, reading.label_value);
  }

  [[nodiscard]] bool is_matched(const Reading& reading, std::string_view subject) const {
    return std::ranges::all_of(rule_.match, [&](const auto& matcher) {
      const auto& [label, glob] = matcher;
      if (label == "group") return glob_matches(glob, reading.group);
      if (label == "comm" || label == "cgroup") return glob_matches(glob, reading.name);
      if (label == "subject") return glob_matches(glob, subject);
      return label == reading.label_name && glob_matches(glob, reading.label_value);
    });
  }

  [[nodiscard]] AlertCondition condition_of(const Reading& reading, const std::string& subject,
                                            const std::string& signal) const {
    AlertCondition condition;
    condition.name = rule_.name;
    condition.severity = rule_.severity;
    condition.subject = subject;
    condition.scope = std::string(rule_scope_name(rule_.scope));
    condition.group = std::string(reading.group);
    condition.signal = signal;
    condition.value = reading.value;
    condition.hold_seconds = rule_.hold_seconds;
    condition.summary = rule_.summary.empty()
                            ? fmt::format("{} of {} is {} its threshold.", signal, reading.name,
                                          say_side(rule_.comparison))
                            : rule_.summary;
    condition.description = fmt::format("{} of {} is {}, {} the threshold of {}.", signal,
                                        reading.name, say_value(rule_, reading.value),
                                        say_side(rule_.comparison), say_value(rule_, rule_.value));
    return condition;
  }

  // A subject that is gone ends its alerts; one without its reading stays as it was.
  void end_unvisited() {
    for (const Active& one : active_) {
      if (one.is_visited) continue;
      conditions_.push_back(one.alert->condition);
      conditions_.back().ended = !one.is_present;
    }
  }

  const AlertRule& rule_;
  std::vector<Active> active_;  // sorted, as the book is
  std::vector<AlertCondition>& conditions_;
  std::size_t taken_ = 0;
  std::uint64_t refused_ = 0;
};

void RuleEvaluator::set_rules(std::vector<AlertRule> rules) {
  rules_ = std::move(rules);
  refused_.assign(rules_.size(), 0);
}

std::vector<AlertCondition> RuleEvaluator::evaluate(const Tick& tick, const AlertBook& book) {
  std::vector<AlertCondition> conditions;
  const std::vector<Alert> alerts = book.alerts();
  std::map<std::string_view, std::vector<Active>> active;
  for (const AlertRule& rule : rules_) active[rule.name];
  for (const Alert& alert : alerts) {
    if (const auto found = active.find(alert.condition.name); found != active.end()) {
      found->second.push_back({&alert, false});
    } else if (std::ranges::find(kLeakAlertNames, alert.condition.name) == kLeakAlertNames.end()) {
      conditions.push_back(alert.condition);  // its rule was taken out of the configuration
      conditions.back().ended = true;
    }
  }
  for (std::size_t index = 0; index < rules_.size(); ++index) {
    const AlertRule& rule = rules_[index];
    Visitor visitor(rule, std::move(active[rule.name]), conditions);
    visitor.visit(tick);
    refused_[index] = visitor.refused();
  }
  return conditions;
}

}  // namespace heapfloor
