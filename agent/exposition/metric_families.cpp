#include "agent/exposition/metric_families.h"

#include <algorithm>
#include <array>
#include <stdexcept>

namespace heapfloor {
namespace {

struct OwnDesc {
  OwnFamily id;
  std::string_view name;
  FamilyType type;
  std::string_view labels;  // separated by commas
  std::string_view help;
  std::string_view source;
};

constexpr FamilyType kGauge = FamilyType::gauge;
constexpr FamilyType kCounter = FamilyType::counter;

constexpr std::array<OwnDesc, kOwnFamilies> kOwn = {{
    {OwnFamily::group_processes, "heapfloor_group_processes", kGauge, "group",
     "Processes that are in the group now.", kGroupSource},
    {OwnFamily::group_process_starts, "heapfloor_group_process_starts_total", kCounter, "group",
     "Processes seen to join the group since the agent started.", kGroupSource},
    {OwnFamily::group_process_exits, "heapfloor_group_process_exits_total", kCounter, "group",
     "Processes seen to leave the group since the agent started.", kGroupSource},
    {OwnFamily::group_oldest_start, "heapfloor_group_oldest_start_timestamp_seconds", kGauge,
     "group", "Start of the oldest process of the group (starttime of /proc/PID/stat).",
     kGroupSource},
    {OwnFamily::group_youngest_start, "heapfloor_group_youngest_start_timestamp_seconds", kGauge,
     "group", "Start of the youngest process of the group (starttime of /proc/PID/stat).",
     kGroupSource},
    {OwnFamily::group_unreadable_processes, "heapfloor_group_unreadable_processes", kGauge,
     "group,source",
     "Processes of the group whose source could not be read. The group's figures that only status "
     "gives (file and shared memory, peak, swap, data, page tables, locked, hugetlb) lack those of "
     "status; those of smaps_rollup, refused, too large or not yet read, leave the group without "
     "proportional and unique memory, and its estimate takes them as like the others.",
     kGroupSource},
    {OwnFamily::group_memory_limit, "heapfloor_group_memory_limit_bytes", kGauge, "group",
     "Least in the group: what a process may have; see heapfloor_process_memory_limit_bytes.",
     kGroupSource},
    {OwnFamily::process_memory_limit, "heapfloor_process_memory_limit_bytes", kGauge, "group,pid",
     "What the process may have: the smallest of its cgroup's limit and those above it, RLIMIT_AS, "
     "RLIMIT_DATA and what is configured; absent where only the host's memory limits it.",
     kGroupSource},
    {OwnFamily::cgroup_info, "heapfloor_cgroup_info", FamilyType::info,
     "cgroup,runtime,container_id,container,image,pod,pod_uid,namespace,qos,unit,slice",
     "What the cgroup is, as far as its path and the files of its container's runtime tell; always "
     "1. Labels that are not known are empty.",
     "collector cgroup"},
    {OwnFamily::allocator_info, "heapfloor_allocator_info", FamilyType::info,
     "group,allocator,version",
     "Which allocator serves the programs of the group that carry a probe; always 1. The version "
     "is empty where its library does not say it.",
     "collector probe"},
    {OwnFamily::jvm_info, "heapfloor_jvm_info", FamilyType::info, "group,collector,version,vendor",
     "Which JVMs the group runs, and how they collect; always 1. Labels that are not known are "
     "empty.",
     "collector jvm"},
    {OwnFamily::go_info, "heapfloor_go_info", FamilyType::info, "group,version",
     "With which Go the programs of the group are made; of several versions one; always 1.",
     "collector go"},
    {OwnFamily::structure_info, "heapfloor_structure_info", FamilyType::info,
     "group,structure,kind,element,file",
     "What an instrumented structure is, of what it holds elements, and where it is declared; "
     "always 1. Labels that are not known are empty.",
     "collector probe"},
    {OwnFamily::workload_oom_kills, "heapfloor_workload_oom_kills_total", kCounter, "workload",
     "Processes of the workload (pod, container, unit, else path of the cgroup) killed for want of "
     "memory; stays when the cgroup is gone and, where a history is kept, over restarts of the "
     "agent. The larger of what cgroups count (oom_kill) and what the kernel's log says.",
     "collector cgroup"},
    {OwnFamily::workload_last_oom, "heapfloor_workload_last_oom_timestamp_seconds", kGauge,
     "workload", "When the agent last saw a process of the workload killed for want of memory.",
     "collector cgroup"},
    {OwnFamily::leak_state, "heapfloor_leak_state", kGauge, "scope,subject,group,signal,state",
     "Leak state of one signal of one subject: 1 for the state it is in, 0 for the others.",
     "alerts"},
    {OwnFamily::trend_build_info, "heapfloor_trend_build_info", FamilyType::info,
     "scope,subject,group,program,build,version,image",
     "Which build of which program a followed process runs, alike on every host: the linker's "
     "build id, else Go's, else the name, time of change and size of its file, of a script or a "
     "jar, else the digest or name of its container's image; always 1. Absent where it is not "
     "known. The version is empty where the program does not name it (Go programs do), the image "
     "outside of containers.",
     "trend"},
    {OwnFamily::leak_suspects, "heapfloor_leak_suspects", kGauge, "scope,state",
     "Signals that are suspected, leaking or recovering.", "alerts"},
    {OwnFamily::leaks_detected, "heapfloor_leaks_detected_total", kCounter, "scope",
     "Transitions into the state leaking.", "alerts"},
    {OwnFamily::trend_floor, "heapfloor_trend_floor_bytes", kGauge, "scope,subject,group,signal",
     "Latest floor: the live size after a compaction, or the last low-water mark.", "trend"},
    {OwnFamily::trend_floor_elements, "heapfloor_trend_floor_elements", kGauge,
     "scope,subject,group,signal",
     "Latest floor of a signal that counts things: threads, file descriptors, elements.", "trend"},
    {OwnFamily::trend_growth, "heapfloor_trend_growth_bytes_per_second", kGauge,
     "scope,subject,group,signal",
     "Robust slope of the floors (Theil-Sen), once they rise significantly.", "trend"},
    {OwnFamily::trend_growth_elements, "heapfloor_trend_growth_elements_per_second", kGauge,
     "scope,subject,group,signal",
     "Robust slope of the floors of a signal that counts things, once they rise significantly.",
     "trend"},
    {OwnFamily::trend_growth_low, "heapfloor_trend_growth_low_bytes_per_second", kGauge,
     "scope,subject,group,signal", "Lower bound of the slope's confidence interval.", "trend"},
    {OwnFamily::trend_growth_high, "heapfloor_trend_growth_high_bytes_per_second", kGauge,
     "scope,subject,group,signal", "Upper bound of the slope's confidence interval.", "trend"},
    {OwnFamily::trend_confidence, "heapfloor_trend_confidence_ratio", kGauge,
     "scope,subject,group,signal",
     "1 minus the one-sided p of the trend test; at most 0.5 while not confirmed.", "trend"},
    {OwnFamily::trend_rising_floors, "heapfloor_trend_rising_floors", kGauge,
     "scope,subject,group,signal", "Consecutive rising floors at the end of the window.", "trend"},
    {OwnFamily::trend_compactions, "heapfloor_trend_compactions_total", kCounter,
     "scope,subject,group,signal,cause", "Compactions seen, by what caused them.", "trend"},
    {OwnFamily::trend_predicted_exhaustion,
     "heapfloor_trend_predicted_exhaustion_timestamp_seconds", kGauge, "scope,subject,group,signal",
     "When a suspected or leaking signal meets its limit, where a limit is known.", "trend"},
    {OwnFamily::leak_cause, "heapfloor_leak_cause_ratio", kGauge, "scope,subject,group,cause",
     "Share of the growth of a suspect's memory (process: resident and swapped; cgroup: anon, "
     "shmem and file) by cause: live_growth, the program holds more, and allocator_retention, its "
     "allocator keeps more, where a probe or a runtime tells them; thread_stacks, there are more "
     "threads (absent where there are and their stacks could not be read); shared_memory; "
     "file_cache, which reclaim takes; unattributed, anonymous memory that is none of these or of "
     "which nothing tells. Disjoint, and together 1.",
     "trend"},
    {OwnFamily::leak_site_share, "heapfloor_leak_site_share_ratio", kGauge,
     "scope,subject,group,site",
     "Share of the growth of the live heap of a suspect that one site explains; its five largest.",
     "trend"},
    {OwnFamily::leak_structure_share, "heapfloor_leak_structure_share_ratio", kGauge,
     "scope,subject,group,structure",
     "Share of the growth of the live heap of a suspect that one structure explains; its five "
     "largest.",
     "trend"},
    {OwnFamily::leak_site_growth, "heapfloor_leak_site_growth_bytes_per_second", kGauge,
     "subject,group,site,structure",
     "Growth of the live bytes of one site of a suspect, and the structure that it allocates for; "
     "the five that grow most.",
     "trend"},
    {OwnFamily::leak_site_info, "heapfloor_leak_site_info", FamilyType::info,
     "scope,subject,group,site,function,location,container",
     "Names of the sites of a suspect, the five that grow most: the program's innermost function, "
     "its file and line, and what is allocated. Always 1; absent until their symbols are known.",
     "trend"},
    {OwnFamily::live_heap_concentration, "heapfloor_live_heap_concentration_ratio", kGauge,
     "scope,subject,group",
     "Share of the live heap that its five largest sites hold, as of the last reading of sites.",
     "trend"},
    {OwnFamily::trend_subjects, "heapfloor_trend_subjects", kGauge, "scope",
     "Subjects that the detector follows.", "trend"},
    {OwnFamily::trend_subjects_evicted, "heapfloor_trend_subjects_evicted_total", kCounter, "",
     "Series given up by the detector because their subject ended.", "trend"},
    {OwnFamily::trend_evaluations, "heapfloor_trend_evaluations_total", kCounter, "",
     "Verdicts made since the agent started.", "trend"},
    {OwnFamily::trend_evaluation_duration, "heapfloor_trend_evaluation_duration_seconds", kGauge,
     "", "Time that the detector took in the last tick.", "trend"},
    {OwnFamily::alert_active, "heapfloor_alert_active", kGauge,
     "alertname,alertstate,severity,scope,subject,group",
     "1 for every alert that is pending or firing.", "alerts"},
    {OwnFamily::alert_active_since, "heapfloor_alert_active_since_timestamp_seconds", kGauge,
     "alertname,scope,subject,group", "Since when the alert is active.", "alerts"},
    {OwnFamily::alert_transitions, "heapfloor_alert_transitions_total", kCounter, "alertname,to",
     "Transitions of alerts since the agent started.", "alerts"},
    {OwnFamily::alert_notifications, "heapfloor_alert_notifications_total", kCounter, "receiver",
     "Alerts sent to the receiver, each as often as it was sent.", "alerts"},
    {OwnFamily::alert_notifications_failed, "heapfloor_alert_notifications_failed_total", kCounter,
     "receiver", "Those of them that stood in a request that the receiver did not accept.",
     "alerts"},
    {OwnFamily::alert_notifications_dropped, "heapfloor_alert_notifications_dropped_total",
     kCounter, "receiver", "Alerts given up before the receiver had taken them.", "alerts"},
    {OwnFamily::alert_notification_duration, "heapfloor_alert_notification_duration_seconds",
     FamilyType::histogram, "receiver", "Time that a request to the receiver took.", "alerts"},
    {OwnFamily::alert_queue_length, "heapfloor_alert_queue_length", kGauge, "receiver",
     "Alerts that the receiver is told of, or still has to be.", "alerts"},
    {OwnFamily::alert_queue_capacity, "heapfloor_alert_queue_capacity", kGauge, "receiver",
     "Most alerts that are kept for the receiver.", "alerts"},
    {OwnFamily::alertmanager_up, "heapfloor_alertmanager_up", kGauge, "alertmanager",
     "1 when the Alertmanager answered the last request as it should.", "alerts"},
    {OwnFamily::collector_success, "heapfloor_collector_success", kGauge, "collector",
     "1 when the last collection of the collector read anything.", "agent"},
    {OwnFamily::collector_duration, "heapfloor_collector_duration_seconds", kGauge, "collector",
     "Time that the last collection took.", "agent"},
    {OwnFamily::collector_last_success, "heapfloor_collector_last_success_timestamp_seconds",
     kGauge, "collector", "When the collector last read anything.", "agent"},
    {OwnFamily::collector_errors, "heapfloor_collector_errors_total", kCounter, "collector,reason",
     "Entities or values left out because they could not be read.", "agent"},
    {OwnFamily::collector_skipped, "heapfloor_collector_skipped_total", kCounter,
     "collector,reason",
     "Reads left out on purpose, once in each tick: put off for want of budget, disabled by the "
     "configuration, or too large to be made at all.",
     "agent"},
    {OwnFamily::source_accessible, "heapfloor_source_accessible", kGauge, "source",
     "1 while the source can be read; 0 when the kernel lacks it or refuses any process for want "
     "of a capability.",
     "agent"},
    {OwnFamily::series, "heapfloor_series", kGauge, "collector",
     "Series that the agent keeps in memory for the detector.", "agent"},
    {OwnFamily::series_limit, "heapfloor_series_limit", kGauge, "collector",
     "Most series that the agent keeps in memory.", "agent"},
    {OwnFamily::series_dropped, "heapfloor_series_dropped_total", kCounter, "collector",
     "Series refused because the limit was reached.", "agent"},
    {OwnFamily::config_last_reload_successful, "heapfloor_config_last_reload_successful", kGauge,
     "", "1 when the last reload of the configuration was accepted.", "agent"},
    {OwnFamily::config_last_reload_success_timestamp,
     "heapfloor_config_last_reload_success_timestamp_seconds", kGauge, "",
     "When the configuration in force was loaded.", "agent"},
    {OwnFamily::config_reloads, "heapfloor_config_reloads_total", kCounter, "",
     "Reloads of the configuration that were asked for.", "agent"},
    {OwnFamily::config_reloads_failed, "heapfloor_config_reloads_failed_total", kCounter, "",
     "Reloads that were refused; the old configuration stayed in force.", "agent"},
    {OwnFamily::agent_memory_budget, "heapfloor_agent_memory_budget_bytes", kGauge, "",
     "Memory that the agent is allowed to use by its configuration.", "agent"},
    {OwnFamily::external_target_up, "heapfloor_external_target_up", kGauge, "target",
     "1 when the server of the target answered all of its last queries as it should.", "external"},
    {OwnFamily::external_target_duration, "heapfloor_external_target_duration_seconds", kGauge,
     "target", "Time that the last round of queries to the target took.", "external"},
    {OwnFamily::external_target_last_success,
     "heapfloor_external_target_last_success_timestamp_seconds", kGauge, "target",
     "When the target last answered as it should.", "external"},
    {OwnFamily::external_target_series, "heapfloor_external_target_series", kGauge, "target",
     "Series that the last answer of the target gave; those below its minimum are not watched.",
     "external"},
    {OwnFamily::external_target_errors, "heapfloor_external_target_errors_total", kCounter,
     "target,reason", "Rounds of queries to the target that failed.", "external"},
    {OwnFamily::external_target_dropped, "heapfloor_external_target_series_dropped_total", kCounter,
     "target,reason",
     "Series left out of an answer, once in each: more than limits.external_series (limit), named "
     "by its labels as another one (duplicate), or with too long a name (name).",
     "external"},
    {OwnFamily::external_target_refused, "heapfloor_external_target_readings_refused_total",
     kCounter, "target", "Readings whose time is more than a minute ahead of this host's clock.",
     "external"},
    {OwnFamily::go_up, "heapfloor_go_up", kGauge, "group,target",
     "1 when the Go program of the target (targets.go) answered the last question as it should.",
     "endpoints"},
    {OwnFamily::go_endpoint_programs, "heapfloor_go_endpoint_programs", kGauge, "state",
     "Go programs whose memory is not read and that are looked for by their sockets "
     "(targets.go_discovery): found, an endpoint answers; no_listener, none listens on the "
     "loopback address; other_network; denied (CAP_SYS_PTRACE); no_answer, none of the pages is "
     "there.",
     "endpoints"},
    {OwnFamily::go_endpoint_errors, "heapfloor_go_endpoint_errors_total", kCounter, "reason",
     "Questions to endpoints of Go programs that were not answered as they should.", "endpoints"},
    {OwnFamily::go_endpoint_requests, "heapfloor_go_endpoint_requests_total", kCounter, "",
     "Requests sent to endpoints of Go programs, and to sockets that might be one.", "endpoints"},
    {OwnFamily::evidence_captures, "heapfloor_evidence_captures_total", kCounter, "occasion",
     "Captures of evidence: suspected and leaking, when a subject became that; ended, when a "
     "watched "
     "program with a probe was gone.",
     "agent"},
    {OwnFamily::evidence_kept, "heapfloor_evidence_kept_captures", kGauge, "",
     "Captures that are kept, of earlier runs of the agent too.", "agent"},
    {OwnFamily::evidence_size, "heapfloor_evidence_size_bytes", kGauge, "",
     "Size of all captures that are kept.", "agent"},
    {OwnFamily::evidence_errors, "heapfloor_evidence_errors_total", kCounter, "",
     "Captures that the disk refused to write (they are kept in memory) or to read.", "agent"},
    {OwnFamily::evidence_damaged, "heapfloor_evidence_damaged_captures", kGauge, "",
     "Captures on the disk that are not whole, and are left out.", "agent"},
    {OwnFamily::history_size, "heapfloor_history_size_bytes", kGauge, "",
     "Size of the history's files.", "history"},
    {OwnFamily::history_rows_written, "heapfloor_history_rows_written_total", kCounter, "",
     "Rows written to the history.", "history"},
    {OwnFamily::history_rows_rejected, "heapfloor_history_rows_rejected_total", kCounter, "",
     "Rows of the history that did not fit their checksum and were left out.", "history"},
    {OwnFamily::history_errors, "heapfloor_history_errors_total", kCounter, "",
     "Times that the history could not be opened, read or written.", "history"},
    {OwnFamily::history_batches_dropped, "heapfloor_history_batches_dropped_total", kCounter, "",
     "Intervals that were not written because of an error or a slow disk.", "history"},
    {OwnFamily::history_last_write, "heapfloor_history_last_write_timestamp_seconds", kGauge, "",
     "When the history was last written.", "history"},
    {OwnFamily::log_messages, "heapfloor_log_messages_total", kCounter, "level",
     "Log messages written, by level.", "agent"},
    {OwnFamily::build_info, "heapfloor_build_info", FamilyType::info,
     "version,revision,branch,compiler,standard", "What this program was built from; always 1.",
     "agent"},
    {OwnFamily::http_requests, "heapfloor_http_requests_total", kCounter, "handler,code",
     "Answered HTTP requests.", "agent"},
    {OwnFamily::http_requests_in_flight, "heapfloor_http_requests_in_flight", kGauge, "",
     "HTTP requests being answered, this one included.", "agent"},
    {OwnFamily::http_connections, "heapfloor_http_connections", kGauge, "",
     "Clients connected to the web server.", "agent"},
    {OwnFamily::http_connections_refused, "heapfloor_http_connections_refused_total", kCounter,
     "reason",
     "Connections ended before a request of theirs was answered: total_limit, address_limit, "
     "access_list, replaced (the oldest silent one, to make room), timeout, handshake.",
     "agent"},
    {OwnFamily::http_insecure, "heapfloor_http_insecure", kGauge, "",
     "1 when web.allow-insecure lets others reach the web server without TLS and authentication.",
     "agent"},
    {OwnFamily::exposition_size, "heapfloor_exposition_size_bytes", kGauge, "format",
     "Size of the page as it was last rendered in the format, before compression.", "agent"},
    {OwnFamily::exposition_processes_dropped, "heapfloor_exposition_processes_dropped_total",
     kCounter, "",
     "Processes of groups with expose: true that were left without series of their own, once in "
     "each interval, because of limits.exposed_group_processes.",
     "agent"},
    {OwnFamily::exposition_samples_limit, "heapfloor_exposition_samples_limit", kGauge, "",
     "Most sample lines of a page (limits.page_samples).", "agent"},
    {OwnFamily::exposition_samples_dropped, "heapfloor_exposition_samples_dropped_total", kCounter,
     "",
     "Sample lines left out of a page because of limits.page_samples, once for each page that was "
     "rendered.",
     "agent"},
    {OwnFamily::exposition_unlisted_samples, "heapfloor_exposition_unlisted_samples_total",
     kCounter, "",
     "Samples left out of a page because no family of the table is theirs; 0 unless the program "
     "is wrong.",
     "agent"},
}};

constexpr bool own_table_is_in_order() {
  for (std::size_t i = 0; i < kOwn.size(); ++i) {
    if (kOwn.at(i).id != static_cast<OwnFamily>(i)) return false;
  }
  return true;
}
static_assert(own_table_is_in_order(), "kOwn must follow the order of OwnFamily");

std::vector<std::string> split_labels(std::string_view labels) {
  std::vector<std::string> names;
  while (!labels.empty()) {
    const std::size_t comma = labels.find(',');
    names.emplace_back(labels.substr(0, comma));
    labels.remove_prefix(comma == std::string_view::npos ? labels.size() : comma + 1);
  }
  return names;
}

FamilyType type_of(MetricType type) {
  return type == MetricType::counter ? FamilyType::counter : FamilyType::gauge;
}

std::string group_help(const MetricDesc& desc) {
  const auto of_rule = [](GroupRule rule) -> std::string_view {
    switch (rule) {
      case GroupRule::maximum:
        return "Largest in the group: ";
      case GroupRule::minimum:
        return "Least in the group: ";
      case GroupRule::complete_sum:
        return "Sum over the group, absent until all its processes have been read: ";
      case GroupRule::resident_scaled_sum:
        return "Sum over the group, processes not yet read taken as like the others: ";
      case GroupRule::sum:
      case GroupRule::none:
        break;
    }
    return "Sum over the group: ";
  };
  return std::string(of_rule(desc.group_rule)) + std::string(desc.help);
}

std::string join(std::span<const std::string> words, std::string_view separator) {
  std::string out;
  for (const std::string& word : words) {
    if (!out.empty()) out += separator;
    out += word;
  }
  return out;
}

}  // namespace

MetricFamilies::MetricFamilies(std::span<const CollectorEntry* const> collectors) {
  for (const OwnDesc& own : kOwn) {
    families_.push_back({std::string(own.name), own.type, split_labels(own.labels),
                         std::string(own.help), std::string(own.source)});
  }
  for (const CollectorEntry* const entry : collectors) add_collector(*entry);
  std::ranges::sort(families_, {}, &MetricFamily::name);
  for (const OwnDesc& own : kOwn) own_.push_back(find(own.name).value());
}

std::optional<std::size_t> MetricFamilies::find(std::string_view name) const {
  const auto found = std::ranges::lower_bound(families_, name, {}, [](const MetricFamily& family) {
    return std::string_view(family.name);
  });
  if (found == families_.end() || found->name != name) return std::nullopt;
  return static_cast<std::size_t>(found - families_.begin());
}

void MetricFamilies::add_collector(const CollectorEntry& entry) {
  const std::string source = std::string(kCollectorSource) + std::string(entry.name);
  for (const MetricDesc& desc : entry.metrics) {
    std::vector<std::string> labels;
    if (desc.name.starts_with(kProcessPrefix)) labels = {"group", "pid"};
    if (desc.name.starts_with(kAllocatorPrefix)) labels = {"group", "allocator"};
    if (desc.name.starts_with(kArenaPrefix)) labels = {"group", "arena"};
    if (desc.name.starts_with(kCgroupPrefix)) labels = {"cgroup"};
    if (desc.name.starts_with(kStructurePrefix)) labels = {"group", "structure"};
    if (desc.name.starts_with(kJvmPrefix)) labels = {"group", "collector"};
    if (desc.name.starts_with(kJvmPoolPrefix)) labels = {"group", "pool"};
    if (desc.name.starts_with(kGoPrefix)) labels = {"group"};
    if (desc.name.starts_with(kSitePrefix)) labels = {"group", "pid", "site"};
    if (!desc.label_name.empty()) labels.emplace_back(desc.label_name);
    add({std::string(desc.name), type_of(desc.type), labels, std::string(desc.help), source});
    // Where the two names are one, the values are of groups from the start.
    if (desc.group_rule == GroupRule::none || desc.group_name == desc.name) continue;
    labels = {"group"};
    if (!desc.label_name.empty()) labels.emplace_back(desc.label_name);
    add({std::string(desc.group_name), type_of(desc.type), labels, group_help(desc), source});
  }
}

void MetricFamilies::add(MetricFamily family) {
  const auto same = std::ranges::find(families_, family.name, &MetricFamily::name);
  if (same == families_.end()) {
    families_.push_back(std::move(family));
    return;
  }
  // The samples of one family (kind="anon", kind="file") share everything but the label's value.
  // Two collectors may write one family, of different groups: it stands under the first.
  const bool is_shared =
      same->source != family.source &&
      (family.name.starts_with(kAllocatorPrefix) || family.name.starts_with(kSitePrefix));
  if (same->type != family.type || same->labels != family.labels || same->help != family.help ||
      (same->source != family.source && !is_shared)) {
    throw std::invalid_argument("metric family " + family.name + " is declared twice, by " +
                                same->source + " and by " + family.source);
  }
}

std::string_view family_type_name(FamilyType type) {
  constexpr std::array<std::string_view, 4> kNames = {"gauge", "counter", "info", "histogram"};
  return kNames.at(static_cast<std::size_t>(type));
}

std::string metric_families_markdown(const MetricFamilies& families) {
  std::string out =
      "# Metrics\n\nEvery family that heapfloor emits.\n\n"
      "| Name | Type | Labels | Help | Source |\n|---|---|---|---|---|\n";
  for (const MetricFamily& family : families.all()) {
    out += "| `" + family.name + "` | ";
    out += family_type_name(family.type);
    out += " | " + join(family.labels, ", ") + " | " + family.help + " | " + family.source + " |\n";
  }
  return out;
}

}  // namespace heapfloor
