#include "agent/series/group_table.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <utility>

#include "collectors/parse/cgroup_identity.h"

namespace heapfloor {
namespace {

constexpr std::string_view kUnreadable = "heapfloor_process_unreadable";
constexpr std::int32_t kInit = 1;  // starts everything and adopts orphans: its group says nothing
constexpr int kMostAncestors = 64;
constexpr std::uint32_t kNotACounter = std::numeric_limits<std::uint32_t>::max();

const MetricDesc* metric_named(std::span<const MetricDesc* const> metrics, std::string_view name,
                               std::string_view label = {}) {
  const auto found = std::ranges::find_if(metrics, [&](const MetricDesc* desc) {
    return desc->name == name && desc->label_value == label;
  });
  return found == metrics.end() ? nullptr : *found;
}

std::vector<const MetricDesc*> all_of(std::span<const std::span<const MetricDesc>> tables) {
  std::vector<const MetricDesc*> metrics;
  for (const std::span<const MetricDesc> table : tables) {
    for (const MetricDesc& desc : table) metrics.push_back(&desc);
  }
  return metrics;
}

}  // namespace

GroupTable::GroupTable(std::vector<std::span<const MetricDesc>> tables, std::size_t group_limit)
    : tables_(std::move(tables)),
      metrics_(all_of(tables_)),
      group_limit_(group_limit),
      anon_(metric_named(metrics_, "heapfloor_process_resident_memory_bytes", "anon")),
      file_(metric_named(metrics_, "heapfloor_process_resident_memory_bytes", "file")),
      shmem_(metric_named(metrics_, "heapfloor_process_resident_memory_bytes", "shmem")),
      swap_(metric_named(metrics_, "heapfloor_process_swap_bytes")),
      threads_(metric_named(metrics_, "heapfloor_process_threads")),
      descriptors_(metric_named(metrics_, "heapfloor_process_file_descriptors")),
      descriptor_limit_(metric_named(metrics_, "heapfloor_process_file_descriptors_limit")),
      cpu_seconds_(metric_named(metrics_, "heapfloor_process_cpu_seconds_total")),
      thread_stack_(metric_named(metrics_, "heapfloor_process_thread_stack_bytes")),
      address_space_limit_(metric_named(metrics_, "heapfloor_process_address_space_limit_bytes")),
      data_limit_(metric_named(metrics_, "heapfloor_process_data_limit_bytes")),
      unreadable_(metric_named(metrics_, kUnreadable, "status")),
      sampled_(metric_named(metrics_, "heapfloor_process_proportional_sample_timestamp_seconds")) {
  for (const MetricDesc* const desc : metrics_) {
    const bool is_summed = desc->type == MetricType::counter && desc->group_rule != GroupRule::none;
    counter_position_.push_back(is_summed ? static_cast<std::uint32_t>(counters_++) : kNotACounter);
    if (desc->name == kUnreadable && desc != unreadable_) {
      other_unreadable_.push_back(desc);
      unreadable_sources_.push_back(desc->label_value);
    }
  }
}

std::uint32_t GroupTable::group_of(std::string_view name, double time_seconds) {
  if (const auto found = group_index_.find(name); found != group_index_.end()) return found->second;
  // One place is kept for "other", which must always find room.
  if (group_index_.size() + 1 >= group_limit_ && name != kOtherGroup)
    return group_of(kOtherGroup, time_seconds);
  std::uint32_t index = 0;
  if (free_groups_.empty()) {
    index = static_cast<std::uint32_t>(groups_.size());
    groups_.emplace_back();
  } else {
    index = free_groups_.back();
    free_groups_.pop_back();
  }
  ProcessGroup& group = groups_[index];
  group = {};
  group.name = std::string(name);
  group.met_seconds = time_seconds;
  group.first_start_ticks = std::numeric_limits<std::uint64_t>::max();
  group.values.resize(metrics_.size());
  group.unreadable_by_source.resize(unreadable_sources_.size());
  group.covered.resize(metrics_.size());
  group_index_.emplace(group.name, index);
  return index;
}

void GroupTable::set_grouping(Grouping grouping) {
  grouping_ = std::move(grouping);
  ++generation_;
}

void GroupTable::begin_tick() {
  for (ProcessGroup& group : groups_) {
    group.processes = 0;
    group.unreadable = 0;
    std::ranges::fill(group.unreadable_by_source, 0);
    group.with_memory = 0;
    group.resident_bytes = 0;
    group.unsampled.reset();
    std::ranges::fill(group.covered, 0.0);
    group.oldest_start_ticks = 0;
    group.youngest_start_ticks = 0;
    for (std::size_t position = 0; position < group.values.size(); ++position) {
      if (counter_position_[position] == kNotACounter) group.values[position].reset();
    }
  }
  processes_.clear();
  next_known_.clear();
  records_.clear();
  is_resolving_ = false;
}

std::optional<std::size_t> GroupTable::position_of(const MetricDesc* desc) const {
  const std::less<> before;
  std::size_t first = 0;
  for (const std::span<const MetricDesc> table : tables_) {
    if (!before(desc, table.data()) && before(desc, table.data() + table.size()))
      return first + static_cast<std::size_t>(desc - table.data());
    first += table.size();
  }
  return std::nullopt;
}

void GroupTable::take_entry_value(ProcessEntry& entry, const SampleBatch::Sample& sample) const {
  if (sample.desc == anon_) entry.anon_bytes = sample.value;
  if (sample.desc == file_) entry.file_bytes = sample.value;
  if (sample.desc == shmem_) entry.shmem_bytes = sample.value;
  if (sample.desc == swap_) entry.swap_bytes = sample.value;
  if (sample.desc == threads_) entry.threads = sample.value;
  if (sample.desc == descriptors_) entry.descriptors = sample.value;
  if (sample.desc == descriptor_limit_) entry.descriptor_limit = sample.value;
  if (sample.desc == cpu_seconds_) entry.cpu_seconds = sample.value;
  if (sample.desc == thread_stack_) entry.thread_stack_bytes = sample.value;
  if (sample.desc == address_space_limit_) entry.address_space_limit_bytes = sample.value;
  if (sample.desc == data_limit_) entry.data_limit_bytes = sample.value;
  if (sample.desc == sampled_) entry.is_sampled = true;
  if (sample.desc == unreadable_) entry.is_unreadable = true;
}

// True when anything was said: then all was said.
bool GroupTable::take_attributes(const SampleBatch& batch, std::size_t record,
                                 Remembered& process) {
  const std::vector<SampleBatch::Description> said = batch.descriptions(record);
  if (said.empty()) return false;
  for (std::string* text : {&process.executable, &process.command_line, &process.user_id,
                            &process.cgroup, &process.unit, &process.container_id})
    text->clear();
  process.parent_pid = 0;
  for (const auto& [attribute, text] : said) {
    if (attribute == Attribute::executable) process.executable = text;
    if (attribute == Attribute::command_line) process.command_line = text;
    if (attribute == Attribute::user_id) process.user_id = text;
    if (attribute == Attribute::parent_id)
      std::from_chars(text.data(), text.data() + text.size(), process.parent_pid);
    if (attribute != Attribute::cgroup) continue;
    CgroupIdentity identity = cgroup_identity(text);
    process.cgroup = text;
    process.unit = std::move(identity.unit);
    process.container_id = std::move(identity.container_id);
  }
  return true;
}

ProcessFacts GroupTable::facts_of(const Known& known, const ProcessEntry& entry,
                                  double time_seconds) const {
  const Remembered& process = *known.remembered;
  ProcessFacts facts;
  facts.comm = process.comm;
  facts.executable = process.executable;
  facts.command_line = process.command_line;
  facts.user_id = process.user_id;
  facts.cgroup = process.cgroup;
  facts.unit = process.unit;
  facts.container_id = process.container_id;
  facts.age_seconds =
      time_seconds - static_cast<double>(known.id.start_ticks) / grouping_.ticks_per_second;
  facts.size_bytes = entry.size_bytes();
  return facts;
}

bool GroupTable::is_due(const Remembered& process, const ProcessFacts& facts) const {
  return process.grouping != generation_ ||
         (process.recheck_age_seconds && facts.age_seconds >= *process.recheck_age_seconds) ||
         (process.recheck_size_bytes &&
          facts.size_bytes.value_or(0) >= *process.recheck_size_bytes);
}

void GroupTable::evaluate(Remembered& process, ProcessFacts facts) {
  ++evaluations_;
  // What is left then was inherited; a number of another list of rules means nothing.
  if (process.own_rule || process.grouping != generation_) process.rule.reset();
  process.grouping = generation_;
  process.own_rule.reset();
  process.recheck_age_seconds.reset();
  process.recheck_size_bytes.reset();
  is_resolving_ = true;
  if (grouping_.user_name && !facts.user_id.empty())
    facts.user_name = grouping_.user_name(facts.user_id);
  if (grouping_.rules) {
    GroupRules::Outcome outcome = grouping_.rules->evaluate(facts);
    process.recheck_age_seconds = outcome.recheck_age_seconds;
    process.recheck_size_bytes = outcome.recheck_size_bytes;
    if (outcome.match) {
      process.own_rule = outcome.match->rule;
      process.own_name = std::move(outcome.match->name);
      return;
    }
  }
  if (facts.unit == agent_unit_) facts.unit = {};
  if (facts.container_id == agent_container_id_) facts.container_id = {};
  process.own_name = default_group(facts, grouping_.by_default);
}

void GroupTable::take_process(const SampleBatch& batch, const Records& records, Known* before) {
  const std::size_t first_record = order_[records.first];
  const Entity entity = batch.entity(first_record);
  Known& known = next_known_.emplace_back();
  if (before != nullptr) {
    known = std::move(*before);
  } else {
    known.id = entity.process;
    known.remembered = std::make_unique<Remembered>();
    known.remembered->counters.resize(counters_);
  }
  Remembered& process = *known.remembered;
  ProcessEntry& entry = processes_.emplace_back();
  records_.push_back(records);
  entry.id = entity.process;
  bool has_changed = before == nullptr || process.comm != entity.name;
  if (has_changed) process.comm = entity.name;
  for (std::size_t i = 0; i < records.count; ++i) {
    const std::size_t record = order_[records.first + i];
    if (take_attributes(batch, record, process)) has_changed = true;
    if (entry.batch_entity_count == entry.batch_entities.size()) continue;
    entry.batch_entities.at(entry.batch_entity_count++) = static_cast<std::uint32_t>(record);
    for (const SampleBatch::Sample& sample : batch.samples(record)) take_entry_value(entry, sample);
  }
  records_.back().has_changed = has_changed;
  entry.cgroup = process.cgroup;
  if (grouping_.agent != known.id) return;
  agent_unit_ = process.unit;
  agent_container_id_ = process.container_id;
}

void GroupTable::choose_groups(double time_seconds) {
  for (std::size_t i = 0; i < processes_.size(); ++i) {
    const ProcessFacts facts = facts_of(next_known_[i], processes_[i], time_seconds);
    Remembered& process = *next_known_[i].remembered;
    if (records_[i].has_changed || is_due(process, facts)) evaluate(process, facts);
  }
  if (is_resolving_) resolve_inheritance();
}

// The living process that started this one. A later owner of the parent's pid is younger.
const GroupTable::Known* GroupTable::parent_of(const Known& child) const {
  const std::int32_t pid = child.remembered->parent_pid;
  if (pid <= kInit) return nullptr;
  const auto found = std::ranges::lower_bound(next_known_, pid, {},
                                              [](const Known& known) { return known.id.pid; });
  if (found == next_known_.end() || found->id.pid != pid) return nullptr;
  return found->id.start_ticks <= child.id.start_ticks ? &*found : nullptr;
}

// The process itself or its nearest ancestor that a rule names, or the one that inherited from an
// ancestor that is no more.
const GroupTable::Remembered* GroupTable::namesake_of(const Known& known) const {
  const Known* at = &known;
  for (int ancestors = 0; ancestors < kMostAncestors; ++ancestors) {
    const Remembered& process = *at->remembered;
    if (process.own_rule) return &process;
    at = grouping_.children_inherit ? parent_of(*at) : nullptr;
    if (at == nullptr) return process.rule ? &process : nullptr;
  }
  return nullptr;
}

// Only in ticks in which a process was looked at, since only then a group can change.
void GroupTable::resolve_inheritance() {
  const bool has_rules = grouping_.rules && !grouping_.rules->empty();
  for (const Known& known : next_known_) {
    Remembered& process = *known.remembered;
    const Remembered* const namesake = has_rules ? namesake_of(known) : nullptr;
    if (namesake == nullptr) {
      process.rule.reset();
      process.group_name = process.own_name;
    } else if (namesake->own_rule) {
      process.rule = namesake->own_rule;
      process.group_name = namesake->own_name;
    } else if (namesake != &process) {
      process.rule = namesake->rule;
      process.group_name = namesake->group_name;
    }
  }
}

void GroupTable::take_sample(ProcessGroup& group, const ProcessEntry& entry, Remembered& process,
                             const SampleBatch::Sample& sample) {
  const auto position = position_of(sample.desc);
  if (!position) return;
  if (sample.desc == unreadable_) ++group.unreadable;
  if (sample.desc->name == kUnreadable) {
    const auto other = std::ranges::find(other_unreadable_, sample.desc);
    if (other != other_unreadable_.end())
      ++group.unreadable_by_source.at(static_cast<std::size_t>(other - other_unreadable_.begin()));
  }
  std::optional<double>& total = group.values[*position];
  const GroupRule rule = sample.desc->group_rule;
  if (const std::uint32_t counter = counter_position_[*position]; counter != kNotACounter) {
    const double gained = std::max(0.0, sample.value - process.counters[counter]);
    process.counters[counter] = sample.value;
    total = total.value_or(0) + gained;
  } else if (rule == GroupRule::maximum) {
    total = std::max(total.value_or(sample.value), sample.value);
  } else if (rule == GroupRule::minimum) {
    total = std::min(total.value_or(sample.value), sample.value);
  } else if (rule != GroupRule::none) {
    total = total.value_or(0) + sample.value;
    group.covered[*position] += rule == GroupRule::resident_scaled_sum ? entry.resident_bytes() : 1;
  }
}

void GroupTable::sum_up(const SampleBatch& batch, double time_seconds) {
  for (std::size_t i = 0; i < processes_.size(); ++i) {
    ProcessEntry& entry = processes_[i];
    Known& known = next_known_[i];
    Remembered& process = *known.remembered;
    known.group = entry.group = group_of(process.group_name, time_seconds);
    ProcessGroup& group = groups_[entry.group];
    if (process.rule) {
      const GroupSpec& spec = grouping_.rules->spec(*process.rule);
      entry.limit_bytes = spec.limit_bytes;
      entry.is_exposed = spec.is_exposed;
    }
    if (records_[i].is_new && !first_tick_) ++group.starts;
    ++group.processes;
    const std::uint64_t start = entry.id.start_ticks;
    group.oldest_start_ticks =
        group.processes == 1 ? start : std::min(group.oldest_start_ticks, start);
    group.first_start_ticks = std::min(group.first_start_ticks, start);
    group.youngest_start_ticks = std::max(group.youngest_start_ticks, start);
    for (std::size_t record = 0; record < entry.batch_entity_count; ++record) {
      for (const SampleBatch::Sample& sample : batch.samples(entry.batch_entities.at(record)))
        take_sample(group, entry, process, sample);
    }
    const double resident = entry.resident_bytes();
    group.resident_bytes += resident;
    const bool has_memory = resident > 0 || entry.is_unreadable;
    if (has_memory) ++group.with_memory;
    if (sampled_ != nullptr)
      group.unsampled = group.unsampled.value_or(0) + (has_memory && !entry.is_sampled ? 1U : 0U);
  }
}

// Applies the rules that need the whole group.
void GroupTable::finish_groups() {
  for (ProcessGroup& group : groups_) {
    for (std::size_t position = 0; position < group.values.size(); ++position) {
      std::optional<double>& value = group.values[position];
      if (!value) continue;
      const double covered = group.covered[position];
      switch (metrics_[position]->group_rule) {
        case GroupRule::complete_sum:
          if (covered < static_cast<double>(group.with_memory)) value.reset();
          break;
        case GroupRule::resident_scaled_sum:
          if (covered > 0) value = *value * std::max(1.0, group.resident_bytes / covered);
          break;
        default:
          break;
      }
    }
  }
}

// Growing by doubling would keep up to twice the room for good, and holes beside it.
void GroupTable::make_room(std::span<const std::size_t> ordered, const auto& id_of) {
  std::size_t processes = ordered.empty() ? 0 : 1;
  for (std::size_t i = 1; i < ordered.size(); ++i)
    if (id_of(ordered[i]) != id_of(ordered[i - 1])) ++processes;
  const std::size_t room = processes + processes / 16;
  if (processes_.capacity() < processes) processes_.reserve(room);
  if (next_known_.capacity() < processes) next_known_.reserve(room);
  if (records_.capacity() < processes) records_.reserve(room);
}

void GroupTable::ingest(const SampleBatch& batch, double time_seconds) {
  begin_tick();
  order_.clear();
  for (std::size_t index = 0; index < batch.entities(); ++index) {
    if (batch.entity(index).kind == EntityKind::process) order_.push_back(index);
  }
  const auto id_of = [&batch](std::size_t index) { return batch.entity(index).process; };
  if (!std::ranges::is_sorted(order_, {}, id_of)) std::ranges::stable_sort(order_, {}, id_of);
  make_room(order_, id_of);
  const auto count_exit = [this](const Known& ended) { ++groups_[ended.group].exits; };
  auto before = known_.begin();
  for (std::size_t first = 0; first < order_.size();) {
    const ProcessId id = id_of(order_[first]);
    std::size_t end = first + 1;
    while (end < order_.size() && id_of(order_[end]) == id) ++end;
    for (; before != known_.end() && before->id < id; ++before) count_exit(*before);
    const bool is_known = before != known_.end() && before->id == id;
    take_process(batch, {first, end - first, !is_known, false}, is_known ? &*before : nullptr);
    if (is_known) ++before;
    first = end;
  }
  for (; before != known_.end(); ++before) count_exit(*before);
  choose_groups(time_seconds);
  sum_up(batch, time_seconds);
  finish_groups();
  std::swap(known_, next_known_);
  next_known_.clear();
  forget_empty_groups(time_seconds);
  first_tick_ = false;
}

void GroupTable::forget_empty_groups(double time_seconds) {
  for (std::uint32_t index = 0; index < groups_.size(); ++index) {
    ProcessGroup& group = groups_[index];
    if (group.name.empty() && group.values.empty()) continue;
    if (group.processes > 0) {
      group.empty_since_seconds = time_seconds;
    } else if (time_seconds - group.empty_since_seconds > kGroupRetentionSeconds) {
      group_index_.erase(group.name);
      group = {};
      free_groups_.push_back(index);
    }
  }
}

}  // namespace heapfloor
