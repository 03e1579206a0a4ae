#include "agent/series/part_table.h"

#include <algorithm>
#include <functional>

namespace heapfloor {

const ProcessEntry* find_process(const GroupTable& groups, const ProcessId& id) {
  const auto processes = groups.processes();
  const auto found = std::ranges::lower_bound(processes, id, {}, &ProcessEntry::id);
  return found == processes.end() || found->id != id ? nullptr : &*found;
}

void PartTable::ingest(const SampleBatch& batch, const GroupTable& groups,
                       const std::optional<ProcessId>& left_out, double time_seconds) {
  ++tick_;
  for (auto& [key, row] : rows_) {
    row.is_alive = false;
    for (std::size_t position = 0; position < row.values.size(); ++position) {
      if (metrics_[position].type != MetricType::counter) row.values[position].reset();
    }
  }
  for (std::size_t index = 0; index < batch.entities(); ++index) {
    const Entity entity = batch.entity(index);
    if (entity.kind != kind_ || entity.process == left_out) continue;
    const ProcessEntry* const process = find_process(groups, entity.process);
    if (process != nullptr) take(batch, index, groups.groups()[process->group].name, time_seconds);
  }
  std::erase_if(members_, [this](const auto& member) { return member.second.tick != tick_; });
  for (auto& [key, row] : rows_) {
    if (row.is_alive) row.empty_since_seconds = time_seconds;
  }
  std::erase_if(rows_, [time_seconds](const auto& row) {
    return time_seconds - row.second.empty_since_seconds > GroupTable::kGroupRetentionSeconds;
  });
}

PartRow& PartTable::row_of(const std::string& group, std::string_view name, double time_seconds) {
  std::pair key(group, std::string(name));
  auto found = rows_.find(key);
  if (found == rows_.end() && rows_.size() >= most_rows_) {
    key.second = kOtherName;
    found = rows_.find(key);
  }
  if (found != rows_.end()) return found->second;
  PartRow& row = rows_[key];
  row.group = key.first;
  row.name = key.second;
  row.values.resize(metrics_.size());
  row.met_seconds = time_seconds;
  return row;
}

void PartTable::take(const SampleBatch& batch, std::size_t index, const std::string& group,
                     double time_seconds) {
  const Entity entity = batch.entity(index);
  PartRow& row = row_of(group, entity.name, time_seconds);
  row.is_alive = true;
  Member& member = members_[{entity.process, std::string(entity.name)}];
  member.counters.resize(metrics_.size());
  member.tick = tick_;
  for (const SampleBatch::Sample& sample : batch.samples(index)) add(row, member, sample);
  const std::vector<SampleBatch::Description> said = batch.descriptions(index);
  if (!said.empty()) row.words.clear();
  for (const auto& [attribute, text] : said) row.words.emplace_back(attribute, text);
}

void PartTable::add(PartRow& row, Member& member, const SampleBatch::Sample& sample) const {
  const std::less<> before;
  if (before(sample.desc, metrics_.data()) ||
      !before(sample.desc, metrics_.data() + metrics_.size()))
    return;
  const auto position = static_cast<std::size_t>(sample.desc - metrics_.data());
  std::optional<double>& total = row.values[position];
  if (sample.desc->type == MetricType::counter) {
    const double gained = std::max(0.0, sample.value - member.counters[position]);
    member.counters[position] = sample.value;
    total = total.value_or(0) + gained;
  } else if (sample.desc->group_rule == GroupRule::maximum) {
    total = std::max(total.value_or(sample.value), sample.value);
  } else if (sample.desc->group_rule == GroupRule::minimum) {
    total = std::min(total.value_or(sample.value), sample.value);
  } else {
    total = total.value_or(0) + sample.value;
  }
}

}  // namespace heapfloor
