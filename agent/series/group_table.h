// GroupTable: the processes of the last tick and the groups they make.
//
// Which group a process is in is decided by the rules of its Grouping when it is met, and again
// when its name or an attribute changed, when a rule's age or size is reached, and when the rules
// change; a process that no rule names is in the group of its parent where a rule names that (and
// stays in it when the parent ends), else in the default group. Gauges are the sum (or the largest)
// over living processes; counters are accumulated from the differences of each process, so that
// what a process did before it ended is never lost and a group's counter never falls. Above
// `group_limit` groups, processes of new names are put into the group "other", so that the groups
// still add up to the host. Not thread-safe: the collection thread's own.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "agent/series/default_group.h"
#include "agent/series/group_rules.h"
#include "agent/series/sample_batch.h"
#include "collectors/sample.h"

namespace heapfloor {

// By what processes are put into groups.
struct Grouping {
  std::shared_ptr<const GroupRules> rules;  // null: none
  DefaultGrouping by_default = DefaultGrouping::unit;
  bool children_inherit = true;
  double ticks_per_second = 100;  // of start times
  // The name of a user; empty where it has none. The view lives until the next call.
  std::function<std::string_view(std::string_view user_id)> user_name;
  // Units and containers that the agent itself runs in say nothing of their processes.
  std::optional<ProcessId> agent;
};

// One living process, as of the last ingest().
struct ProcessEntry {
  ProcessId id;
  std::uint32_t group = 0;  // into GroupTable::groups()
  // Into the batch last ingested: the record of the collector that listed the process first, then
  // those of the collectors that said more of it.
  std::array<std::uint32_t, 4> batch_entities = {};
  std::uint8_t batch_entity_count = 0;
  std::optional<double> anon_bytes, file_bytes, shmem_bytes, swap_bytes, threads;
  std::optional<double> descriptors, descriptor_limit, cpu_seconds;
  std::optional<double> thread_stack_bytes;  // of one thread; of suspects alone
  std::optional<double> address_space_limit_bytes, data_limit_bytes;  // RLIMIT_AS, RLIMIT_DATA
  bool is_sampled = false;     // its smaps_rollup has been read
  bool is_unreadable = false;  // it has memory that could not be read; without it, it has none
  std::string_view cgroup;     // path below the mount point, empty where it is not known
  std::optional<double> limit_bytes;  // configured for the processes of its group
  bool is_exposed = false;            // configured to have series of its own

  [[nodiscard]] double resident_bytes() const {
    return anon_bytes.value_or(0) + file_bytes.value_or(0) + shmem_bytes.value_or(0);
  }
  // What is resident or swapped out, as far as it is known.
  [[nodiscard]] double size_bytes() const { return resident_bytes() + swap_bytes.value_or(0); }
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
  std::vector<std::uint64_t> unreadable_by_source;  // by position: GroupTable::unreadable_sources()
  std::uint64_t with_memory = 0;                    // processes that have memory, readable or not
  double resident_bytes = 0;                        // of all that can be read
  std::optional<std::uint64_t>
      unsampled;                        // with memory and without a smaps sample, where asked for
  double met_seconds = 0;               // when the group was made
  std::uint64_t first_start_ticks = 0;  // of the oldest process that ever was in it
  std::uint64_t oldest_start_ticks = 0;
  std::uint64_t youngest_start_ticks = 0;
  double empty_since_seconds = 0;
};

class GroupTable {
 public:
  // `tables` are the metrics of the collectors that write processes, and outlive the table.
  GroupTable(std::vector<std::span<const MetricDesc>> tables, std::size_t group_limit);

  // From the next tick on; every process is looked at again.
  void set_grouping(Grouping grouping);

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
  // Sources other than "status" that heapfloor_process_unreadable tells of.
  [[nodiscard]] std::span<const std::string_view> unreadable_sources() const {
    return unreadable_sources_;
  }
  // How often the rules were asked of a process since the start.
  [[nodiscard]] std::uint64_t evaluations() const { return evaluations_; }
  void set_group_limit(std::size_t limit) { group_limit_ = limit; }

  static constexpr double kGroupRetentionSeconds = 3600;
  static constexpr std::string_view kOtherGroup = "other";

 private:
  // What must survive from one tick to the next.
  struct Remembered {
    std::string comm, executable, command_line, user_id, cgroup, unit, container_id;
    std::int32_t parent_pid = 0;
    std::optional<std::size_t> own_rule;  // that names the process itself
    std::string own_name;                 // by that rule, or by default
    std::optional<std::size_t> rule;      // that names it or the ancestor whose group it is in
    std::string group_name;
    std::optional<double> recheck_age_seconds, recheck_size_bytes;
    std::uint64_t grouping = 0;    // the generation that own_rule is of
    std::vector<double> counters;  // last reading of each counter, by counter position
  };
  struct Known {
    ProcessId id;
    std::uint32_t group = 0;
    std::unique_ptr<Remembered> remembered;
  };
  // The records of one process in the batch.
  struct Records {
    std::size_t first = 0;  // into order_
    std::size_t count = 0;
    bool is_new = false;
    bool has_changed = false;  // its name or an attribute
  };
  struct NameHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>()(text);
    }
  };

  std::uint32_t group_of(std::string_view name, double time_seconds);
  void begin_tick();
  void make_room(std::span<const std::size_t> ordered, const auto& id_of);
  // First what each process is, then which group it is in, then what the group sums up to.
  void take_process(const SampleBatch& batch, const Records& records, Known* before);
  [[nodiscard]] static bool take_attributes(const SampleBatch& batch, std::size_t record,
                                            Remembered& process);
  void take_entry_value(ProcessEntry& entry, const SampleBatch::Sample& sample) const;
  [[nodiscard]] bool is_due(const Remembered& process, const ProcessFacts& facts) const;
  [[nodiscard]] ProcessFacts facts_of(const Known& known, const ProcessEntry& entry,
                                      double time_seconds) const;
  void evaluate(Remembered& process, ProcessFacts facts);
  void resolve_inheritance();
  void choose_groups(double time_seconds);
  [[nodiscard]] const Known* parent_of(const Known& child) const;
  [[nodiscard]] const Remembered* namesake_of(const Known& known) const;
  void sum_up(const SampleBatch& batch, double time_seconds);
  void take_sample(ProcessGroup& group, const ProcessEntry& entry, Remembered& process,
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
  const MetricDesc* cpu_seconds_ = nullptr;
  const MetricDesc* thread_stack_ = nullptr;
  const MetricDesc* address_space_limit_ = nullptr;
  const MetricDesc* data_limit_ = nullptr;
  const MetricDesc* unreadable_ = nullptr;
  std::vector<const MetricDesc*> other_unreadable_;  // by position: unreadable_sources_
  std::vector<std::string_view> unreadable_sources_;
  Grouping grouping_;
  std::uint64_t generation_ = 1;
  std::uint64_t evaluations_ = 0;
  bool is_resolving_ = false;  // in this tick an evaluation gave something new
  std::string agent_unit_, agent_container_id_;
  std::vector<std::size_t> order_;       // records of processes, by id
  std::vector<Records> records_;         // parallel to processes_
  const MetricDesc* sampled_ = nullptr;  // written for each process with a smaps sample
  std::vector<ProcessEntry> processes_;
  std::vector<Known> known_, next_known_;
  std::vector<ProcessGroup> groups_;
  std::vector<std::uint32_t> free_groups_;
  std::unordered_map<std::string, std::uint32_t, NameHash, std::equal_to<>> group_index_;
  bool first_tick_ = true;
};

}  // namespace heapfloor
