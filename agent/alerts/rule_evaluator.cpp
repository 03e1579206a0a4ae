#include "agent/alerts/rule_evaluator.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <span>
#include <utility>

#include "agent/alerts/leak_alerts.h"
#include "agent/series/glob.h"
#include "agent/series/part_table.h"
#include "agent/trend/signal_list.h"

namespace heapfloor {
namespace {

constexpr std::string_view kGroupProcesses = "heapfloor_group_processes";
constexpr std::string_view kHostSubject = "host";

bool is_in_bytes(const AlertRule& rule) {
  if (!rule.is_signal)
    return rule.quantity.ends_with("_bytes") || rule.quantity.ends_with("_bytes_total");
  const std::optional<Signal> signal = find_signal(rule.quantity);
  return signal && signal_info(*signal).counted.empty();
}

std::string say_bytes(double value) {
  constexpr double kMiB = 1024.0 * 1024.0;
  if (value >= 1024 * kMiB) return fmt::format("{:.2f} GiB", value / (1024 * kMiB));
  return value >= kMiB ? fmt::format("{:.1f} MiB", value / kMiB) : fmt::format("{:.0f} B", value);
}

std::string say_value(const AlertRule& rule, double value) {
  const bool is_ratio = rule.quantity.ends_with("_ratio");
  if (rule.rate_seconds > 0) {
    if (!rule.per.empty()) return fmt::format("{:.3g} % a minute", 6000 * value);
    if (is_in_bytes(rule)) return say_bytes(60 * value) + " a minute";
    if (rule.quantity.ends_with("_seconds_total"))
      return fmt::format("{:.3g} % of the time", 100 * value);
    return fmt::format("{:.3g} a minute", 60 * value);
  }
  if (!rule.per.empty() || is_ratio) return fmt::format("{:.3g} %", 100 * value);
  return is_in_bytes(rule) ? say_bytes(value) : fmt::format("{:.6g}", value);
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

bool is_negative(std::string_view glob) { return glob.starts_with('!'); }

bool pattern_matches(std::string_view glob, std::string_view text) {
  return is_negative(glob) ? !glob_matches(glob.substr(1), text) : glob_matches(glob, text);
}

// As PromQL writes a metric and the labels that have to match.
std::string selector_of(std::string_view metric, const Matchers& match) {
  std::string labels;
  for (const auto& [label, pattern] : match) {
    const std::string_view glob = std::string_view(pattern).substr(is_negative(pattern) ? 1 : 0);
    const bool is_plain = glob.find_first_of("*?") == std::string_view::npos;
    const std::string_view match_operator =
        is_negative(pattern) ? (is_plain ? "!=" : "!~") : (is_plain ? "=" : "=~");
    labels += fmt::format("{}{}{}\"{}\"", labels.empty() ? "" : ",", label, match_operator,
                          is_plain ? std::string(glob) : regex_of(glob));
  }
  return labels.empty() ? std::string(metric) : fmt::format("{}{{{}}}", metric, labels);
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t at = text.find(from); at != std::string::npos;
       at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
}

}  // namespace

std::string rule_query(const AlertRule& rule) {
  std::string query = selector_of(rule.quantity, rule.match);
  if (rule.is_age) query = "time() - " + query;
  if (rule.rate_seconds > 0) query = fmt::format("rate({}[{:.0f}s])", query, rule.rate_seconds);
  if (!rule.per.empty()) query += " / " + rule.per;
  query += fmt::format(" {} {}", comparison_text(rule.comparison), rule.value);
  if (rule.while_rising) {
    query += fmt::format(" and deriv({}[{:.0f}s]) > 0",
                         selector_of(rule.while_rising->metric, rule.while_rising->match),
                         rule.while_rising->seconds);
  }
  return query;
}

// One value of one subject.
struct RuleEvaluator::Reading {
  double value = 0;
  std::string_view name;  // comm, group, cgroup: how people call the subject
  std::string_view group;
  std::string_view label_name;  // the metric's own label
  std::string_view label_value;
  bool is_counter = false;
  std::string_view detail = {};
};

// An alert of the rule that the book holds.
struct RuleEvaluator::Active {
  const Alert* alert = nullptr;
  bool is_visited = false;  // it had its reading
  bool is_present = false;  // its subject is there, with or without the reading
};

// A runtime and the records of the batch that tell of it: of a JVM itself and its pools.
struct RuleEvaluator::Runtime {
  RuleScope scope = RuleScope::jvm;
  ProcessId id;
  std::string_view comm, group;
  std::string collector;
  std::vector<std::size_t> entities;
};

// Where the batch tells of what is not a process: found once a tick, whatever the rules ask.
struct RuleEvaluator::Records {
  std::vector<std::size_t> hosts, cgroups;
  std::vector<Runtime> runtimes;
};

RuleEvaluator::Records RuleEvaluator::records_of(const Tick& tick) {
  Records records;
  std::map<std::pair<ProcessId, RuleScope>, Runtime> known;
  for (std::size_t index = 0; index < tick.batch.entities(); ++index) {
    const Entity entity = tick.batch.entity(index);
    if (entity.kind == EntityKind::host) records.hosts.push_back(index);
    if (entity.kind == EntityKind::cgroup) records.cgroups.push_back(index);
    const bool is_go = entity.kind == EntityKind::go;
    if (!is_go && entity.kind != EntityKind::jvm && entity.kind != EntityKind::jvm_pool) continue;
    Runtime& runtime = known[{entity.process, is_go ? RuleScope::go : RuleScope::jvm}];
    if (entity.kind == EntityKind::jvm) runtime.collector = entity.name;
    runtime.entities.push_back(index);
  }
  for (auto& [key, runtime] : known) {
    const ProcessEntry* const process = find_process(tick.groups, key.first);
    if (process == nullptr) continue;
    runtime.id = key.first;
    runtime.scope = key.second;
    runtime.comm = tick.batch.entity(process->batch_entities[0]).name;
    runtime.group = tick.groups.groups()[process->group].name;
    records.runtimes.push_back(std::move(runtime));
  }
  return records;
}

// Reads what one rule is about.
class RuleEvaluator::Visitor {
 public:
  Visitor(const AlertRule& rule, State& state, std::vector<Active> active, const Tick& tick,
          const Records& records, std::vector<AlertCondition>& conditions)
      : rule_(rule),
        state_(state),
        active_(std::move(active)),
        tick_(tick),
        records_(records),
        conditions_(conditions) {
    state_.refused = 0;
  }

  void visit() {
    if (!tick_.is_listed && rule_.scope != RuleScope::host) {
      for (const Active& one : active_) conditions_.push_back(one.alert->condition);
      return;
    }
    if (!rule_.per.empty()) host_divisor_ = host_value(rule_.per);
    if (rule_.is_signal) {
      visit_watches();
    } else if (const OwnMetric* const own = own_metric(rule_.scope, rule_.quantity)) {
      visit_own(*own);
    } else if (rule_.scope == RuleScope::process) {
      visit_processes();
    } else if (rule_.scope == RuleScope::group) {
      visit_groups();
    } else if (is_runtime(rule_.scope)) {
      for (const Runtime& runtime : records_.runtimes)
        if (runtime.scope == rule_.scope) visit_runtime(runtime);
    } else {
      visit_entities();
    }
    forget_windows(state_.rates, rule_.rate_seconds);
    if (rule_.while_rising) forget_windows(state_.rises, rule_.while_rising->seconds);
    if (rule_.scope != RuleScope::host) end_unvisited();
  }

 private:
  void visit_watches() {
    tick_.watches.for_each([this](const Watch& watch) {
      if (watch.ended_seconds || signal_name(watch.key.signal) != rule_.quantity) return;
      if (watch.scope() != rule_scope_name(rule_.scope)) return;
      take(
          {watch.last_value, watch.name, watch.group, {}, {}}, [&] { return watch.subject(); },
          host_divisor_);
    });
  }

  void visit_own(const OwnMetric& metric) {
    for (const OwnReading& own : tick_.own) {
      if (own.scope != metric.scope) continue;
      const auto subject = [&own] { return own.subject; };
      note_present(subject);
      if (own.metric != metric.name) continue;
      take({own.value, own.name, own.group, {}, {}, metric.is_counter, own.detail}, subject,
           host_divisor_);
    }
  }

  // The sum of a metric's samples in one record.
  [[nodiscard]] std::optional<double> sum_of(std::size_t entity, std::string_view metric) const {
    std::optional<double> sum;
    for (const SampleBatch::Sample& sample : tick_.batch.samples(entity)) {
      if (sample.desc->name == metric) sum = sum.value_or(0) + sample.value;
    }
    return sum;
  }

  [[nodiscard]] std::optional<double> host_value(std::string_view metric) const {
    for (const std::size_t index : records_.hosts) {
      if (const std::optional<double> value = sum_of(index, metric)) return value;
    }
    return std::nullopt;
  }

  // What the rule divides by, where one of the records of a subject has it.
  [[nodiscard]] std::optional<double> divisor_of(std::span<const std::size_t> entities) const {
    if (rule_.per.empty()) return std::nullopt;
    for (const std::size_t entity : entities) {
      if (const std::optional<double> value = sum_of(entity, rule_.per)) return value;
    }
    return host_divisor_;
  }

  void visit_samples(std::size_t entity, Reading reading, const auto& subject,
                     std::optional<double> divisor) {
    for (const SampleBatch::Sample& sample : tick_.batch.samples(entity)) {
      if (sample.desc->name != rule_.quantity) continue;
      reading.value = sample.value;
      reading.label_name = sample.desc->label_name;
      reading.label_value = sample.desc->label_value;
      reading.is_counter = sample.desc->type == MetricType::counter;
      take(reading, subject, divisor);
    }
  }

  void visit_processes() {
    std::vector<std::size_t> records;
    for (const ProcessEntry& process : tick_.groups.processes()) {
      const Reading reading{0,
                            tick_.batch.entity(process.batch_entities[0]).name,
                            tick_.groups.groups()[process.group].name,
                            {},
                            {}};
      const auto subject = [&process] {
        return fmt::format("process:{}:{}", process.id.pid, process.id.start_ticks);
      };
      note_present(subject);
      records.assign(process.batch_entities.begin(),
                     process.batch_entities.begin() + process.batch_entity_count);
      const std::optional<double> divisor = divisor_of(records);
      for (const std::size_t record : records) visit_samples(record, reading, subject, divisor);
    }
  }

  // The sum of a group's values of a metric.
  [[nodiscard]] std::optional<double> group_value(const ProcessGroup& group,
                                                  std::string_view metric) const {
    if (metric == kGroupProcesses) return static_cast<double>(group.processes);
    std::optional<double> sum;
    for (std::size_t position = 0; position < group.values.size(); ++position) {
      if (tick_.groups.metric(position).group_name != metric || !group.values[position]) continue;
      sum = sum.value_or(0) + *group.values[position];
    }
    return sum;
  }

  void visit_groups() {
    for (const ProcessGroup& group : tick_.groups.groups()) {
      if (group.name.empty() && group.processes == 0) continue;  // a free slot
      const auto subject = [&group] { return "group:" + group.name; };
      if (group.processes > 0) note_present(subject);
      std::optional<double> divisor = host_divisor_;
      if (!rule_.per.empty()) {
        if (const std::optional<double> own = group_value(group, rule_.per)) divisor = own;
      }
      Reading reading{0, group.name, group.name, {}, {}};
      if (rule_.quantity == kGroupProcesses) {
        reading.value = static_cast<double>(group.processes);
        take(reading, subject, divisor);
        continue;
      }
      for (std::size_t position = 0; position < group.values.size(); ++position) {
        const MetricDesc& desc = tick_.groups.metric(position);
        if (desc.group_name != rule_.quantity || !group.values[position]) continue;
        reading.value = *group.values[position];
        reading.label_name = desc.label_name;
        reading.label_value = desc.label_value;
        reading.is_counter = desc.type == MetricType::counter;
        take(reading, subject, divisor);
      }
    }
  }

  void visit_entities() {
    const bool is_host = rule_.scope == RuleScope::host;
    for (const std::size_t index : is_host ? records_.hosts : records_.cgroups) {
      const Entity entity = tick_.batch.entity(index);
      const std::string_view name = is_host ? std::string_view("the host") : entity.name;
      const auto subject = [&entity, is_host] {
        return is_host ? std::string(kHostSubject) : fmt::format("cgroup:{}", entity.name);
      };
      note_present(subject);
      visit_samples(index, {0, name, {}, {}, {}}, subject, divisor_of(std::span(&index, 1)));
    }
  }

  // The sum of the samples of a runtime that match; nothing where none does.
  [[nodiscard]] std::optional<Reading> sum_of(const Runtime& runtime, std::string_view metric,
                                              const Matchers& match) const {
    std::optional<Reading> sum;
    for (const std::size_t entity : runtime.entities) {
      const Entity record = tick_.batch.entity(entity);
      const std::string_view pool =
          record.kind == EntityKind::jvm_pool ? record.name : std::string_view();
      for (const SampleBatch::Sample& sample : tick_.batch.samples(entity)) {
        if (sample.desc->name != metric) continue;
        const bool is_meant = std::ranges::all_of(match, [&](const auto& matcher) {
          const auto& [label, glob] = matcher;
          if (label == "pool") return pattern_matches(glob, pool);
          if (label == "collector") return pattern_matches(glob, runtime.collector);
          return label != sample.desc->label_name ||
                 pattern_matches(glob, sample.desc->label_value);
        });
        if (!is_meant) continue;
        if (!sum) sum = Reading{0, runtime.comm, runtime.group, {}, {}};
        sum->value += sample.value;
        sum->is_counter = sample.desc->type == MetricType::counter;
      }
    }
    return sum;
  }

  void visit_runtime(const Runtime& runtime) {
    const auto subject = [&runtime] {
      return fmt::format("{}:{}:{}", rule_scope_name(runtime.scope), runtime.id.pid,
                         runtime.id.start_ticks);
    };
    note_present(subject);
    bool is_rising = true;
    if (rule_.while_rising) {
      const RisingMetric& rising = *rule_.while_rising;
      const std::optional<Reading> beside = sum_of(runtime, rising.metric, rising.match);
      if (!beside) return;
      const std::optional<double> growth =
          growth_of(state_.rises, subject(), beside->value, rising.seconds, beside->is_counter);
      is_rising = growth && *growth > 0;
    }
    const std::optional<Reading> reading = sum_of(runtime, rule_.quantity, rule_.match);
    if (reading) take(*reading, subject, divisor_of(runtime.entities), is_rising);
  }

  // Nothing where there are too many to remember.
  std::optional<double> growth_of(Windows& windows, const std::string& key, double value,
                                  double seconds, bool is_counter) {
    if (windows.size() >= kMostWindows && !windows.contains(key)) {
      ++state_.refused;
      return std::nullopt;
    }
    return windows[key].observe(tick_.time_seconds, value, seconds, is_counter);
  }

  void forget_windows(Windows& windows, double seconds) const {
    std::erase_if(windows, [&](const auto& entry) {
      return entry.second.last_seconds() < tick_.time_seconds - seconds;
    });
  }

  // What is compared: the reading, its growth a second, its share of the divisor.
  std::optional<double> compared(const Reading& reading, const std::string& subject,
                                 std::optional<double> divisor) {
    double value = rule_.is_age ? tick_.unix_seconds - reading.value : reading.value;
    if (rule_.rate_seconds > 0) {
      const std::optional<double> growth = growth_of(state_.rates, subject + signal_of(reading),
                                                     value, rule_.rate_seconds, reading.is_counter);
      if (!growth) return std::nullopt;
      value = *growth;
    }
    if (rule_.per.empty()) return value;
    if (!divisor || *divisor == 0) return std::nullopt;
    return value / *divisor;
  }

  // Takes over one reading. The subject's name is only made when it is needed: most readings are
  // on the right side of the threshold.
  void take(Reading reading, const auto& subject_of, std::optional<double> divisor,
            bool may_breach = true) {
    const bool has_memory = rule_.rate_seconds > 0;
    std::string subject = has_memory ? subject_of() : std::string();
    if (has_memory && !is_matched(reading, subject)) return;
    const std::optional<double> value = compared(reading, subject, divisor);
    if (!value) return;
    reading.value = *value;
    const bool is_breaching = may_breach && compare(reading.value, rule_.comparison, rule_.value);
    if (!is_breaching && active_.empty()) return;
    if (!has_memory) subject = subject_of();
    const std::string signal = signal_of(reading);
    const Alert* const alert = find_active(subject, signal);
    const bool is_held = alert != nullptr && alert->phase == AlertPhase::firing && rule_.clear &&
                         compare(reading.value, rule_.comparison, *rule_.clear);
    if ((!is_breaching && !is_held) || !is_matched(reading, subject)) return;
    if (++taken_ > kMostAlerts) {
      ++state_.refused;
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

  // The labels of a runtime's parts have been looked at when they were summed.
  [[nodiscard]] bool is_matched(const Reading& reading, std::string_view subject) const {
    return std::ranges::all_of(rule_.match, [&](const auto& matcher) {
      const auto& [label, glob] = matcher;
      if (label == "group") return pattern_matches(glob, reading.group);
      if (label == "comm" || label == "cgroup") return pattern_matches(glob, reading.name);
      if (label == "subject") return pattern_matches(glob, subject);
      if (is_runtime(rule_.scope)) return true;
      return label == reading.label_name && pattern_matches(glob, reading.label_value);
    });
  }

  [[nodiscard]] std::string describe(const Reading& reading, const std::string& signal) const {
    if (rule_.description.empty()) {
      return fmt::format("{} of {} is {}, {} the threshold of {}.", signal, reading.name,
                         say_value(rule_, reading.value), say_side(rule_.comparison),
                         say_value(rule_, rule_.value));
    }
    std::string text = rule_.description;
    replace_all(text, "{value}", say_value(rule_, reading.value));
    replace_all(text, "{group}", reading.group);
    replace_all(text, "{detail}", reading.detail);
    replace_all(text, "{name}", reading.name);  // last: it may hold anything
    return text;
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
    condition.description = describe(reading, signal);
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
  State& state_;
  std::vector<Active> active_;  // sorted, as the book is
  const Tick& tick_;
  const Records& records_;
  std::vector<AlertCondition>& conditions_;
  std::optional<double> host_divisor_;
  std::size_t taken_ = 0;
};

// What the rules remember is kept for those that stay as they are.
void RuleEvaluator::set_rules(std::vector<AlertRule> rules) {
  std::vector<State> states(rules.size());
  for (std::size_t index = 0; index < rules.size(); ++index) {
    const auto before = std::ranges::find(rules_, rules[index]);
    if (before != rules_.end())
      states[index] = std::move(states_[static_cast<std::size_t>(before - rules_.begin())]);
  }
  rules_ = std::move(rules);
  states_ = std::move(states);
}

std::vector<AlertCondition> RuleEvaluator::evaluate(const Tick& tick, const AlertBook& book) {
  std::vector<AlertCondition> conditions;
  const std::vector<Alert> alerts = book.alerts();
  using Key = std::pair<std::string_view, std::string_view>;  // name and scope of a rule
  std::map<Key, std::vector<Active>> active;
  for (const AlertRule& rule : rules_) active[{rule.name, rule_scope_name(rule.scope)}];
  for (const Alert& alert : alerts) {
    const AlertCondition& condition = alert.condition;
    if (const auto found = active.find({condition.name, condition.scope}); found != active.end()) {
      found->second.push_back({&alert, false});
    } else if (std::ranges::find(kLeakAlertNames, condition.name) == kLeakAlertNames.end()) {
      conditions.push_back(condition);  // its rule was taken out of the configuration
      conditions.back().ended = true;
    }
  }
  const Records records = records_of(tick);
  for (std::size_t index = 0; index < rules_.size(); ++index) {
    const AlertRule& rule = rules_[index];
    Visitor(rule, states_[index], std::move(active[{rule.name, rule_scope_name(rule.scope)}]), tick,
            records, conditions)
        .visit();
  }
  return conditions;
}

}  // namespace heapfloor
