// The one table of every family that the agent emits: name, type, labels, help, source.
//
// Families of the collectors come from their MetricDescs; the rest is constant data here. The HELP
// lines, the documentation page and the golden tests are made from this table, and the page writes
// nothing that is not in it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/collector.h"

namespace heapfloor {

// Collectors' families whose samples carry the labels of their entity.
inline constexpr std::string_view kProcessPrefix = "heapfloor_process_";        // group, pid
inline constexpr std::string_view kAllocatorPrefix = "heapfloor_allocator_";    // group, allocator
inline constexpr std::string_view kCgroupPrefix = "heapfloor_cgroup_";          // cgroup
inline constexpr std::string_view kArenaPrefix = "heapfloor_allocator_arena_";  // group, arena
inline constexpr std::string_view kStructurePrefix = "heapfloor_structure_";    // group, structure
inline constexpr std::string_view kJvmPrefix = "heapfloor_jvm_";                // group, collector
inline constexpr std::string_view kJvmPoolPrefix = "heapfloor_jvm_memory_";     // group, pool
inline constexpr std::string_view kGoPrefix = "heapfloor_go_";                  // group
inline constexpr std::string_view kSitePrefix = "heapfloor_site_";              // group, pid, site

enum class FamilyType : std::uint8_t { gauge, counter, info, histogram };

// One family, named as its samples are: a counter with _total, an info with _info.
struct MetricFamily {
  std::string name;
  FamilyType type = FamilyType::gauge;
  std::vector<std::string> labels;
  std::string help;
  std::string source;  // "collector process", "group", "trend", "alerts", "agent"
};

// How the source of a collector's families begins, and that of what is known of groups beside it.
inline constexpr std::string_view kCollectorSource = "collector ";
inline constexpr std::string_view kGroupSource = "group";

// The families that do not come from a collector's MetricDesc, in the order of their table.
enum class OwnFamily : std::uint8_t {
  group_processes,
  group_process_starts,
  group_process_exits,
  group_oldest_start,
  group_youngest_start,
  group_unreadable_processes,
  group_memory_limit,
  process_memory_limit,
  cgroup_info,
  allocator_info,
  jvm_info,
  go_info,
  structure_info,
  workload_oom_kills,
  workload_last_oom,
  leak_state,
  trend_build_info,
  leak_suspects,
  leaks_detected,
  trend_floor,
  trend_floor_elements,
  trend_growth,
  trend_growth_elements,
  trend_growth_low,
  trend_growth_high,
  trend_confidence,
  trend_rising_floors,
  trend_compactions,
  trend_predicted_exhaustion,
  leak_cause,
  leak_site_share,
  leak_structure_share,
  leak_site_growth,
  leak_site_info,
  live_heap_concentration,
  trend_subjects,
  trend_subjects_evicted,
  trend_evaluations,
  trend_evaluation_duration,
  alert_active,
  alert_active_since,
  alert_transitions,
  alert_notifications,
  alert_notifications_failed,
  alert_notifications_dropped,
  alert_notification_duration,
  alert_queue_length,
  alert_queue_capacity,
  alertmanager_up,
  collector_success,
  collector_duration,
  collector_last_success,
  collector_errors,
  collector_skipped,
  source_accessible,
  series,
  series_limit,
  series_dropped,
  config_last_reload_successful,
  config_last_reload_success_timestamp,
  config_reloads,
  config_reloads_failed,
  agent_memory_budget,
  external_target_up,
  external_target_duration,
  external_target_last_success,
  external_target_series,
  external_target_errors,
  external_target_dropped,
  external_target_refused,
  go_up,
  go_endpoint_programs,
  go_endpoint_errors,
  go_endpoint_requests,
  evidence_captures,
  evidence_kept,
  evidence_size,
  evidence_errors,
  evidence_damaged,
  history_size,
  history_rows_written,
  history_rows_rejected,
  history_errors,
  history_batches_dropped,
  history_last_write,
  log_messages,
  build_info,
  http_requests,
  http_requests_in_flight,
  http_connections,
  http_connections_refused,
  http_insecure,
  exposition_size,
  exposition_processes_dropped,
  exposition_samples_limit,
  exposition_samples_dropped,
  exposition_unlisted_samples,
};
// The last enumerator says how many there are.
inline constexpr std::size_t kOwnFamilies =
    static_cast<std::size_t>(OwnFamily::exposition_unlisted_samples) + 1;

// Immutable after construction; any thread may read it.
class MetricFamilies {
 public:
  // Throws std::invalid_argument when two descriptors disagree about one family or when a
  // collector claims the name of an own family: a page with two blocks of one family is invalid.
  explicit MetricFamilies(std::span<const CollectorEntry* const> collectors);

  // Sorted by name.
  [[nodiscard]] std::span<const MetricFamily> all() const& { return families_; }
  void all() const&& = delete;  // the families go with the object
  // Index into all(), or nothing.
  [[nodiscard]] std::optional<std::size_t> find(std::string_view name) const;
  [[nodiscard]] std::size_t index_of(OwnFamily family) const {
    return own_.at(static_cast<std::size_t>(family));
  }

 private:
  void add_collector(const CollectorEntry& entry);
  void add(MetricFamily family);

  std::vector<MetricFamily> families_;
  std::vector<std::size_t> own_;
};

// "gauge", "counter", "info", "histogram".
std::string_view family_type_name(FamilyType type);

// The documentation page: one Markdown table of all families.
std::string metric_families_markdown(const MetricFamilies& families);

}  // namespace heapfloor
