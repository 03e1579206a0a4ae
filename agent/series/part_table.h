// PartTable: what processes consist of (allocators, structures), by group and name.
//
// Gauges are the sum (or the largest, or the least) over the processes of the group that live;
// counters are accumulated from the differences of each, so that a total never falls when a process
// ends. Above `most_rows` rows new names go into the row "other" of their group. Not thread-safe:
// the collection thread's own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/series/group_table.h"
#include "agent/series/sample_batch.h"
#include "collectors/sample.h"

namespace heapfloor {

struct PartRow {
  std::string group, name;                    // raw
  std::vector<std::optional<double>> values;  // by position in the table's metrics
  // What it is, as the last process that said so said it; raw.
  std::vector<std::pair<Attribute, std::string>> words;
  double met_seconds = 0;  // since when its counters count
  double empty_since_seconds = 0;
  bool is_alive = false;  // of some process in this tick
};

class PartTable {
 public:
  // Entities of `kind`; `metrics` are those of their collector and outlive the table.
  PartTable(EntityKind kind, std::span<const MetricDesc> metrics, std::size_t most_rows)
      : kind_(kind), metrics_(metrics), most_rows_(most_rows) {}

  // Takes over one tick; the groups are those of the same tick. What belongs to `left_out` is said
  // elsewhere. Rows that have been empty for GroupTable::kGroupRetentionSeconds are forgotten.
  void ingest(const SampleBatch& batch, const GroupTable& groups,
              const std::optional<ProcessId>& left_out, double time_seconds);

  // By group, then name.
  [[nodiscard]] const std::map<std::pair<std::string, std::string>, PartRow>& rows() const {
    return rows_;
  }
  [[nodiscard]] const MetricDesc& metric(std::size_t position) const { return metrics_[position]; }

  static constexpr std::string_view kOtherName = "other";

 private:
  struct Member {
    std::vector<double> counters;  // by position in metrics_
    std::uint64_t tick = 0;        // in which it was seen last
  };

  PartRow& row_of(const std::string& group, std::string_view name, double time_seconds);
  void take(const SampleBatch& batch, std::size_t index, const std::string& group,
            double time_seconds);
  void add(PartRow& row, Member& member, const SampleBatch::Sample& sample) const;

  EntityKind kind_;
  std::span<const MetricDesc> metrics_;
  std::size_t most_rows_;
  std::map<std::pair<std::string, std::string>, PartRow> rows_;
  std::map<std::pair<ProcessId, std::string>, Member> members_;
  std::uint64_t tick_ = 0;
};

// The process with this id; null where it is not of the last tick.
[[nodiscard]] const ProcessEntry* find_process(const GroupTable& groups, const ProcessId& id);

}  // namespace heapfloor
