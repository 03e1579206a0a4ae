#include "agent/series/group_table.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace heapfloor {
namespace {

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

double resident_of(const ProcessEntry& entry) {
  return entry.anon_bytes.value_or(0) + entry.file_bytes.value_or(0) +
         entry.shmem_bytes.value_or(0);
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
      unreadable_(metric_named(metrics_, "heapfloor_process_unreadable", "status")),
      sampled_(metric_named(metrics_, "heapfloor_process_proportional_sample_timestamp_seconds")) {
  for (const MetricDesc* const desc : metrics_) {
    counter_position_.push_back(
        desc->type == MetricType::counter ? static_cast<std::uint32_t>(counters_++) : kNotACounter);
  }
}

std::uint32_t GroupTable::group_of(std::string_view name) {
  if (const auto found = group_index_.find(name); found != group_index_.end()) return found->second;
  // One place is kept for "other", which must always find room.
  if (group_index_.size() + 1 >= group_limit_ && name != kOtherGroup) return group_of(kOtherGroup);
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
  group.values.resize(metrics_.size());
  group.covered.resize(metrics_.size());
  group_index_.emplace(group.name, index);
  return index;
}

void GroupTable::begin_tick() {
  for (ProcessGroup& group : groups_) {
    group.processes = 0;
    group.unreadable = 0;
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

void GroupTable::take_sample(ProcessGroup& group, ProcessEntry& entry, Known& known,
                             const SampleBatch::Sample& sample) {
  const auto position = position_of(sample.desc);
  if (!position) return;
  if (sample.desc == anon_) entry.anon_bytes = sample.value;
  if (sample.desc == file_) entry.file_bytes = sample.value;
  if (sample.desc == shmem_) entry.shmem_bytes = sample.value;
  if (sample.desc == swap_) entry.swap_bytes = sample.value;
  if (sample.desc == threads_) entry.threads = sample.value;
  if (sample.desc == descriptors_) entry.descriptors = sample.value;
  if (sample.desc == descriptor_limit_) entry.descriptor_limit = sample.value;
  if (sample.desc == unreadable_) {
    ++group.unreadable;
    entry.is_unreadable = true;
  }
  std::optional<double>& total = group.values[*position];
  const GroupRule rule = sample.desc->group_rule;
  if (const std::uint32_t counter = counter_position_[*position]; counter != kNotACounter) {
    const double gained = std::max(0.0, sample.value - known.counters[counter]);
    known.counters[counter] = sample.value;
    total = total.value_or(0) + gained;
  } else if (rule == GroupRule::maximum) {
    total = std::max(total.value_or(sample.value), sample.value);
  } else if (rule == GroupRule::minimum) {
    total = std::min(total.value_or(sample.value), sample.value);
  } else if (rule != GroupRule::none) {
    total = total.value_or(0) + sample.value;
    group.covered[*position] += rule == GroupRule::resident_scaled_sum ? resident_of(entry) : 1;
  }
  if (sample.desc == sampled_) entry.is_sampled = true;
}

void GroupTable::take_process(const SampleBatch& batch, std::span<const std::size_t> records,
                              Known* before) {
  const Entity entity = batch.entity(records.front());
  Known known;
  if (before != nullptr) {
    known = std::move(*before);
  } else {
    known.id = entity.process;
    known.counters.resize(counters_);
  }
  const std::uint32_t group_number = group_of(entity.name);
  ProcessGroup& group = groups_[group_number];
  if (before == nullptr && !first_tick_) ++group.starts;
  known.group = group_number;
  ++group.processes;
  const std::uint64_t start = entity.process.start_ticks;
  group.oldest_start_ticks =
      group.processes == 1 ? start : std::min(group.oldest_start_ticks, start);
  group.youngest_start_ticks = std::max(group.youngest_start_ticks, start);
  ProcessEntry& entry = processes_.emplace_back();
  entry.id = entity.process;
  entry.group = group_number;
  for (const std::size_t record : records) {
    if (entry.batch_entity_count == entry.batch_entities.size()) break;
    entry.batch_entities.at(entry.batch_entity_count++) = static_cast<std::uint32_t>(record);
    for (const SampleBatch::Sample& sample : batch.samples(record))
      take_sample(group, entry, known, sample);
  }
  const double resident = resident_of(entry);
  group.resident_bytes += resident;
  const bool has_memory = resident > 0 || entry.is_unreadable;
  if (has_memory) ++group.with_memory;
  if (sampled_ != nullptr)
    group.unsampled = group.unsampled.value_or(0) + (has_memory && !entry.is_sampled ? 1U : 0U);
  next_known_.push_back(std::move(known));
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

void GroupTable::ingest(const SampleBatch& batch, double time_seconds) {
  begin_tick();
  std::vector<std::size_t> order;
  for (std::size_t index = 0; index < batch.entities(); ++index) {
    if (batch.entity(index).kind == EntityKind::process) order.push_back(index);
  }
  const auto id_of = [&batch](std::size_t index) { return batch.entity(index).process; };
  if (!std::ranges::is_sorted(order, {}, id_of)) std::ranges::stable_sort(order, {}, id_of);
  const auto count_exit = [this](const Known& ended) { ++groups_[ended.group].exits; };
  auto before = known_.begin();
  for (std::size_t first = 0; first < order.size();) {
    const ProcessId id = id_of(order[first]);
    std::size_t end = first + 1;
    while (end < order.size() && id_of(order[end]) == id) ++end;
    for (; before != known_.end() && before->id < id; ++before) count_exit(*before);
    const bool is_known = before != known_.end() && before->id == id;
    take_process(batch, std::span(order).subspan(first, end - first),
                 is_known ? &*before : nullptr);
    if (is_known) ++before;
    first = end;
  }
  for (; before != known_.end(); ++before) count_exit(*before);
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
