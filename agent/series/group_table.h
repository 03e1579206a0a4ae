// GroupTable: the processes of the last tick and the groups they make.
//
// A group is all processes of one comm. Gauges are the sum (or the largest) over living processes;
// counters are accumulated from the differences of each process, so that what a process did before
// it ended is never lost and a group's counter never falls. Above `group_limit` groups, processes
// of new names are put into the group "other", so that the groups still add up to the host. Not
// thread-safe: the collection thread's own.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "agent/series/sample_batch.h"
#include "collectors/sample.h"

namespace heapfloor {

// One living process, as of the last ingest().
struct ProcessEntry {
  ProcessId id;
  std::uint32_t group = 0;  // into GroupTable::groups()
  // Into the batch last ingested: the record of the collector that listed the process first, then
  // those of the collectors that said more of it.
  std::array<std::uint32_t, 4> batch_entities = {};
  std::uint8_t batch_entity_count = 0;
  std::optional<double> anon_bytes, file_bytes, shmem_bytes, swap_bytes, threads;
  std::optional<double> descriptors, descriptor_limit;
  bool is_sampled = false;     // its smaps_rollup has been read
  bool is_unreadable = false;  // it has memory that could not be read; without it, it has none
};

struct ProcessGroup {
  std::string name;
  std::vector<std::optional<double>> values;  // by position: GroupTable::metric()
  // By position, for the rules that ask who is in a value: processes (complete_sum), resident
  // bytes (resident_scaled_sum).
  std::vector<double> covered;
  std::uint64_t processes = 0;
  std::uint64_t starts = 0;
  std::uint64_t exits = 0;
  std::uint64_t unreadable = 0;
  std::uint64_t with_memory = 0;  // processes that have memory, readable or not
  double resident_bytes = 0;      // of all that can be read
  std::optional<std::uint64_t>
      unsampled;  // with memory and without a smaps sample, where asked for
  std::uint64_t oldest_start_ticks = 0;
  std::uint64_t youngest_start_ticks = 0;
  double empty_since_seconds = 0;
};

class GroupTable {
 public:
  // `tables` are the metrics of the collectors that write processes, and outlive the table.
  GroupTable(std::vector<std::span<const MetricDesc>> tables, std::size_t group_limit);

  // Takes over one tick. Groups that have been empty for kGroupRetentionSeconds are forgotten.
  void ingest(const SampleBatch& batch, double time_seconds);

  [[nodiscard]] std::span<const ProcessEntry> processes() const { return processes_; }  // by pid
  // Slots may be unused (processes == 0 and an empty name); indices are stable while the group
  // lives.
  [[nodiscard]] std::span<const ProcessGroup> groups() const { return groups_; }
  // The metric of a position in ProcessGroup::values.
  [[nodiscard]] const MetricDesc& metric(std::size_t position) const {
    return *metrics_.at(position);
  }
  void set_group_limit(std::size_t limit) { group_limit_ = limit; }

  static constexpr double kGroupRetentionSeconds = 3600;
  static constexpr std::string_view kOtherGroup = "other";

 private:
  struct Known {  // what must survive from one tick to the next
    ProcessId id;
    std::uint32_t group = 0;
    std::vector<double> counters;  // last reading of each counter, by counter position
  };
  struct NameHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>()(text);
    }
  };

  std::uint32_t group_of(std::string_view name);
  void begin_tick();
  // `records` are all those of one process in the batch.
  void take_process(const SampleBatch& batch, std::span<const std::size_t> records, Known* before);
  void take_sample(ProcessGroup& group, ProcessEntry& entry, Known& known,
                   const SampleBatch::Sample& sample);
  [[nodiscard]] std::optional<std::size_t> position_of(const MetricDesc* desc) const;
  void finish_groups();
  void forget_empty_groups(double time_seconds);

  std::vector<std::span<const MetricDesc>> tables_;
  std::vector<const MetricDesc*> metrics_;       // of all tables, in their order
  std::vector<std::uint32_t> counter_position_;  // of each metric; kNotACounter elsewhere
  std::size_t counters_ = 0;
  std::size_t group_limit_;
  const MetricDesc* anon_ = nullptr;
  const MetricDesc* file_ = nullptr;
  const MetricDesc* shmem_ = nullptr;
  const MetricDesc* swap_ = nullptr;
  const MetricDesc* threads_ = nullptr;
  const MetricDesc* descriptors_ = nullptr;
  const MetricDesc* descriptor_limit_ = nullptr;
  const MetricDesc* unreadable_ = nullptr;
  const MetricDesc* sampled_ = nullptr;  // written for each process with a smaps sample
  std::vector<ProcessEntry> processes_;
  std::vector<Known> known_, next_known_;
  std::vector<ProcessGroup> groups_;
  std::vector<std::uint32_t> free_groups_;
  std::unordered_map<std::string, std::uint32_t, NameHash, std::equal_to<>> group_index_;
  bool first_tick_ = true;
};

}  // namespace heapfloor
