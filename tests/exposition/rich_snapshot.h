// A snapshot with everything in it that a page can show, hostile names included.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "agent/exposition/metric_families.h"
#include "agent/exposition/self_metrics.h"
#include "agent/exposition/snapshot.h"

namespace heapfloor::rich {

inline constexpr std::array<MetricDesc, 4> kHostMetrics = {{
    {.name = "heapfloor_host_memory_capacity_bytes", .help = "MemTotal of /proc/meminfo."},
    {.name = "heapfloor_host_memory_component_bytes",
     .help = "Disjoint parts of the memory of /proc/meminfo.",
     .label_name = "component",
     .label_value = "file_cache"},
    {.name = "heapfloor_host_memory_component_bytes",
     .help = "Disjoint parts of the memory of /proc/meminfo.",
     .label_name = "component",
     .label_value = "anon"},
    {.name = "heapfloor_host_oom_kills_total",
     .help = "oom_kill of /proc/vmstat.",
     .type = MetricType::counter},
}};

inline constexpr std::array<MetricDesc, 4> kProcessMetrics = {{
    {.name = "heapfloor_process_resident_memory_bytes",
     .help = "RssFile and RssAnon of /proc/PID/status.",
     .label_name = "kind",
     .label_value = "file",
     .group_rule = GroupRule::sum,
     .group_name = "heapfloor_group_resident_memory_bytes"},
    {.name = "heapfloor_process_resident_memory_bytes",
     .help = "RssFile and RssAnon of /proc/PID/status.",
     .label_name = "kind",
     .label_value = "anon",
     .group_rule = GroupRule::sum,
     .group_name = "heapfloor_group_resident_memory_bytes"},
    {.name = "heapfloor_process_resident_memory_peak_bytes",
     .help = "VmHWM of /proc/PID/status.",
     .group_rule = GroupRule::maximum,
     .group_name = "heapfloor_group_resident_memory_peak_bytes"},
    {.name = "heapfloor_process_major_page_faults_total",
     .help = "majflt of /proc/PID/stat.",
     .type = MetricType::counter,
     .group_rule = GroupRule::sum,
     .group_name = "heapfloor_group_major_page_faults_total"},
}};

inline constexpr std::array<MetricDesc, 3> kSmapsMetrics = {{
    {.name = "heapfloor_process_proportional_memory_estimated_bytes",
     .help = "RSS times PSS/RSS.",
     .group_rule = GroupRule::resident_scaled_sum,
     .group_name = "heapfloor_group_proportional_memory_estimated_bytes"},
    {.name = "heapfloor_process_proportional_memory_bytes",
     .help = "Pss_Anon of /proc/PID/smaps_rollup.",
     .label_name = "kind",
     .label_value = "anon",
     .group_rule = GroupRule::complete_sum,
     .group_name = "heapfloor_group_proportional_memory_bytes"},
    {.name = "heapfloor_process_proportional_sample_timestamp_seconds",
     .help = "When smaps_rollup was last read.",
     .group_rule = GroupRule::minimum,
     .group_name = "heapfloor_group_proportional_sample_timestamp_seconds",
     .is_since_boot = true},
}};

inline constexpr std::array<MetricDesc, 5> kSelfMetrics = {{
    {.name = "process_resident_memory_bytes", .help = "Resident memory of the agent."},
    {.name = "process_cpu_seconds_total",
     .help = "CPU time of the agent.",
     .type = MetricType::counter},
    {.name = "heapfloor_allocator_in_use_bytes", .help = "Heap in use by the program."},
    {.name = "heapfloor_allocator_free_bytes",
     .help = "Heap that is free for the program.",
     .label_name = "state",
     .label_value = "heap"},
    {.name = "heapfloor_allocator_free_bytes",
     .help = "Heap that is free for the program.",
     .label_name = "state",
     .label_value = "fastbin"},
}};

inline constexpr std::array<MetricDesc, 3> kCgroupMetrics = {{
    {.name = "heapfloor_cgroup_memory_current_bytes", .help = "memory.current."},
    {.name = "heapfloor_cgroup_memory_component_bytes",
     .help = "Disjoint parts of memory.stat.",
     .label_name = "component",
     .label_value = "shmem"},
    {.name = "heapfloor_cgroup_memory_events_local_total",
     .help = "memory.events.local.",
     .type = MetricType::counter,
     .label_name = "event",
     .label_value = "oom_kill"},
}};

inline constexpr std::array<MetricDesc, 7> kProbeMetrics = {{
    {.name = "heapfloor_allocator_trims_total",
     .help = "Trims.",
     .type = MetricType::counter,
     .group_rule = GroupRule::sum,
     .group_name = "heapfloor_allocator_trims_total"},
    {.name = "heapfloor_structure_elements",
     .help = "Elements.",
     .group_rule = GroupRule::sum,
     .group_name = "heapfloor_structure_elements"},
    {.name = "heapfloor_structure_clears_total",
     .help = "Clears.",
     .type = MetricType::counter,
     .group_rule = GroupRule::sum,
     .group_name = "heapfloor_structure_clears_total"},
    {.name = "heapfloor_site_live_bytes", .help = "Live bytes of a site."},
    {.name = "heapfloor_probe_targets", .help = "Programs whose probe is read."},
    {.name = "heapfloor_allocator_arena_memory_bytes",
     .help = "Arenas.",
     .label_name = "state",
     .label_value = "used",
     .group_rule = GroupRule::sum,
     .group_name = "heapfloor_allocator_arena_memory_bytes"},
    {.name = "heapfloor_allocator_arena_memory_bytes",
     .help = "Arenas.",
     .label_name = "state",
     .label_value = "free",
     .group_rule = GroupRule::sum,
     .group_name = "heapfloor_allocator_arena_memory_bytes"},
}};

inline const CollectorEntry kHost = {.name = "host", .summary = "", .metrics = kHostMetrics};
inline const CollectorEntry kProcess = {
    .name = "process", .summary = "", .metrics = kProcessMetrics};
inline const CollectorEntry kSmaps = {.name = "smaps", .summary = "", .metrics = kSmapsMetrics};
inline const CollectorEntry kSelf = {.name = "self", .summary = "", .metrics = kSelfMetrics};
inline const CollectorEntry kCgroup = {.name = "cgroup", .summary = "", .metrics = kCgroupMetrics};
inline const CollectorEntry kProbe = {.name = "probe", .summary = "", .metrics = kProbeMetrics};
inline constexpr std::array<const CollectorEntry*, 6> kCollectors = {&kHost,   &kProcess, &kSmaps,
                                                                     &kCgroup, &kSelf,    &kProbe};

inline const BuildInfo kBuild = {"0.1.0", "abc123", "main", "gcc 12.2.0", "C++20"};

inline std::vector<MetricValue> process_values(double scale) {
  return {{&kProcessMetrics[0], 1000 * scale},
          {&kProcessMetrics[1], 2000 * scale},
          {&kProcessMetrics[2], 4096 * scale},
          {&kProcessMetrics[3], 7}};
}

inline GroupRow group(std::string name, std::uint64_t processes, double scale) {
  GroupRow row;
  row.name = std::move(name);
  row.values = process_values(scale);
  row.processes = processes;
  row.starts = processes + 3;
  row.exits = 3;
  row.met_seconds = 405;
  row.first_start_seconds = 90;
  row.oldest_start_seconds = 100;
  row.youngest_start_seconds = 350.25;
  return row;
}

inline ProcessRow process(std::int32_t pid, std::uint64_t start_ticks, std::string comm,
                          std::uint32_t group_index) {
  ProcessRow row;
  row.id = {pid, start_ticks};
  row.comm = std::move(comm);
  row.group = group_index;
  row.start_seconds = static_cast<double>(start_ticks) / 100;
  row.anon_bytes = 1'000'000U * static_cast<std::uint64_t>(pid);
  row.file_bytes = 50'000;
  row.shmem_bytes = 0;
  row.swap_bytes = 4096;
  row.threads = 3;
  return row;
}

inline WatchRow watch(const ProcessRow& of, std::string group_name, LeakState state) {
  WatchRow row;
  row.subject = "process:" + std::to_string(of.id.pid) + ":" + std::to_string(of.id.start_ticks);
  row.scope = "process";
  row.signal = "rss_anon";
  row.basis = "rss_floor";
  row.name = of.comm;
  row.group = std::move(group_name);
  row.process = of.id;
  row.start_seconds = of.start_seconds;
  row.state = state;
  row.state_since_seconds = 9000;
  row.last_value = static_cast<double>(*of.anon_bytes + *of.swap_bytes);
  row.compactions = 12;
  return row;
}

inline Verdict rising(Evidence evidence, double exhaustion_seconds) {
  Verdict verdict;
  verdict.evidence = evidence;
  verdict.floors = 16;
  verdict.rising_floors = 9;
  verdict.confidence = evidence == Evidence::confirmed ? 0.98 : 0.5;
  verdict.growth = {2912.75, 2650.5, 3170.25};
  verdict.floor = 312'000'000;
  verdict.line_time_seconds = 8000;
  verdict.line_value = 300'000'000;
  verdict.window_start_seconds = 8000;
  verdict.window_end_seconds = 9000;
  verdict.limit = 1'073'741'824.0;
  verdict.exhaustion = Exhaustion{exhaustion_seconds, exhaustion_seconds - 1000, std::nullopt};
  verdict.gates[0] = {GateOutcome::passed, 7.2F, 3};
  verdict.gates[1] = {GateOutcome::failed, 1, 2};
  return verdict;
}

// Groups: 0 a backslash and quotes, 1 an invalid byte, 2 the text that the invalid byte is shown
// as, 3 a plain one, 4 one whose processes are gone.
inline void add_groups(Snapshot& snapshot) {
  snapshot.groups = {group("a\\b \"c\"\nd", 1, 0.5), group("bad\\xFF", 1, 2),
                     group("bad\xFF", 1, 3), group("caf\xC3\xA9", 3, 1234567890123.0),
                     group("gone", 0, 0)};
  snapshot.groups[3].unreadable_status = 1;
  snapshot.groups[1].unread_smaps = 0;
  snapshot.groups[1].values.push_back({&kSmapsMetrics[0], 3000});
  snapshot.groups[1].values.push_back({&kSmapsMetrics[1], 2800});
  snapshot.groups[1].values.push_back({&kSmapsMetrics[2], 9985.5});
  snapshot.groups[3].unread_smaps = 2;
  snapshot.groups[3].values.push_back({&kSmapsMetrics[0], 4000});
  snapshot.groups[4].values.clear();
  snapshot.groups[2].memory_limit_bytes = 536'870'912.0;
}

inline void add_watches(Snapshot& snapshot) {
  snapshot.watches = {watch(snapshot.processes[0], snapshot.groups[0].name, LeakState::learning),
                      watch(snapshot.processes[1], snapshot.groups[1].name, LeakState::suspected),
                      watch(snapshot.processes[2], snapshot.groups[2].name, LeakState::leaking),
                      watch(snapshot.processes[3], snapshot.groups[3].name, LeakState::recovering)};
  snapshot.watches[1].verdict = rising(Evidence::held, 900'000);
  snapshot.watches[1].verdict.gates[1].outcome = GateOutcome::not_reached;
  snapshot.watches[2].verdict = rising(Evidence::confirmed, 60'000.5);
  snapshot.watches[2].limit_source = "host";
  snapshot.watches[2].changes = {{7000, LeakState::suspected}, {9000, LeakState::leaking}};
  snapshot.watches[3].verdict = rising(Evidence::none, 70'000);
  const auto build = [](BuildKind kind, const char* program, const char* id, const char* version) {
    return std::make_shared<const BuildIdentity>(BuildIdentity{kind, program, id, version});
  };
  const auto in_image = [](const SharedBuild& plain) {
    return with_image(plain, {"registry.example/shop/app:2.4.1", "sha256:0123456789abcdef"});
  };
  const SharedBuild now = build(BuildKind::gnu, "app", "0123456789abcdef0123", "");
  const SharedBuild before =
      in_image(build(BuildKind::go, "app", "a/b/fedcba9876543210", "v1.4.2"));
  const FloorCourse rise = {FloorMove::rising, 3600, {58'888.5, 50'000, 60'000}};
  const FloorCourse level = {FloorMove::level, 172'800, {0, -1, 1}};
  snapshot.watches[1].build = now;
  snapshot.watches[1].builds = std::make_shared<const BuildComparison>(BuildComparison{
      {now, 1.7e9, 3600, 2, rise}, BuildCourse{before, 1.69e9, 172'800, 1, level}, true});
  snapshot.watches[2].build = before;
  for (std::uint32_t i = 0; i < 4; ++i) snapshot.processes[i].watch = i;
}

inline void add_cgroups(Snapshot& snapshot) {
  const std::vector<MetricValue> values = {
      {&kCgroupMetrics[0], 5e8}, {&kCgroupMetrics[1], 4096}, {&kCgroupMetrics[2], 1}};
  snapshot.cgroups = {{"/a\"b\n\xFF", "a\"b\n\xFF", {}, values},
                      {"/kubepods/podx",
                       "0123456789ab",
                       {{"runtime", "containerd"},
                        {"container_id", "0123456789ab"},
                        {"container", "app"},
                        {"image", "registry.example/shop/app:2.4.1"},
                        {"image_id", "sha256:0123456789abcdef"},
                        {"pod", "shop-6c9f"},
                        {"namespace", "prod"},
                        {"pod_uid", "12-34"}},
                       values},
                      {"/system.slice/dev-x2d\\x2d.service",
                       "dev-x2d\\x2d.service",
                       {{"unit", "dev-x2d\\x2d.service"}},
                       values}};
  snapshot.workloads = {{"nginx.service", 0, std::nullopt}, {"pod/12-34", 3, 9000.5}};
  snapshot.oom_victims = {{42, "leaky", "/kubepods/podx", "pod/12-34", 65536, 9000.5}};
}

// What probes tell, with a structure whose name is as hostile as its group's.
inline void add_probes(Snapshot& snapshot) {
  snapshot.agent.push_back({&kProbeMetrics[4], 2});
  snapshot.arenas = {{"bad\xFF", "0", {{&kProbeMetrics[5], 60}, {&kProbeMetrics[6], 4}}},
                     {"gone", "other", {{&kProbeMetrics[5], 7}}}};
  snapshot.allocators = {{"bad\xFF", "jemalloc", "5.3.0", 405, true, {{&kProbeMetrics[0], 12}}},
                         {"gone", "glibc", "", 405, false, {{&kProbeMetrics[0], 3}}}};
  snapshot.structures = {{"bad\xFF",
                          "user\"cache\n\xFF",
                          "unordered_map",
                          "std::pair<int const, long>",
                          "cache.cpp:88",
                          405,
                          true,
                          {{&kProbeMetrics[1], 70'000}, {&kProbeMetrics[2], 4}}},
                         {"gone", "jobs", "", "", "", 405, false, {{&kProbeMetrics[2], 9}}}};
  snapshot.processes[2].sites = {{"0000000000000abc", 2.5e8}, {"00000000000000ff", 1e6}};
  WatchRow& leaking = snapshot.watches[2];
  leaking.causes = GrowthCauses{.live_growth = 0.5,
                                .allocator_retention = 0.125,
                                .file_cache = 0.125,
                                .shared_memory = 0,
                                .thread_stacks = 0.25,
                                .unattributed = 0,
                                .is_live_known = true,
                                .growth_bytes = 7.2e6,
                                .seconds = 3600,
                                .threads = 40,
                                .threads_gained = 10,
                                .stack_bytes = 180'000};
  leaking.structures = {{"user\"cache\n\xFF", "", "", "", 2000.5, 0.5}};
  leaking.sites = {
      {"0000000000000abc", "grow", "user\"cache\n\xFF", "/usr/bin/app+0x1f", 1500, 0.375},
      {"00000000000000ff", "", "", "", 20, std::nullopt}};
  leaking.concentration = 0.875;
}

inline WatchRow cgroup_watch() {
  WatchRow row;
  row.cgroup = "/system.slice/nginx.service";
  row.subject = "cgroup:" + row.cgroup;
  row.scope = "cgroup";
  row.signal = "cgroup_shmem";
  row.basis = "rss_floor";
  row.name = row.group = "nginx.service";
  row.state = LeakState::leaking;
  row.state_since_seconds = 9000;
  row.last_value = 312e6;
  row.verdict = rising(Evidence::confirmed, 60'000);
  row.limit_source = "cgroup";
  row.changes = {{9000, LeakState::leaking}};
  return row;
}

inline AlertRow alert(const WatchRow& of, std::string name, AlertPhase phase) {
  AlertRow row;
  row.name = std::move(name);
  row.severity = "warning";
  row.phase = phase;
  row.subject = of.subject;
  row.scope = of.scope;
  row.group = of.group;
  row.signal = of.signal;
  row.active_since_seconds = 9000.125;
  row.value = 12000;
  row.summary = "The heap floor rises.";
  row.description = "The floor of " + of.name + " rises.";
  return row;
}

inline void add_health(Snapshot& snapshot) {
  CollectorHealth host;
  host.name = "host";
  host.success = true;
  host.duration_seconds = 0.0005;
  host.last_success_seconds = 10'000;
  CollectorHealth process_health = host;
  process_health.name = "process";
  process_health.errors = {0, 2, 1, 0, 0, 0};
  CollectorHealth self;
  self.name = "self";
  CollectorHealth smaps = host;
  smaps.name = "smaps";
  smaps.skipped = SkippedReads{.budget = 7, .disabled = 2, .too_large = 1};
  smaps.sources = {{"smaps_rollup", false, "CAP_SYS_PTRACE"}};
  snapshot.collectors = {host, process_health, self, smaps};
  snapshot.series = {4, 4000, 1, 2};
  snapshot.evaluation_seconds = 0.00125;
  snapshot.evaluations = 4321;
  snapshot.leaks_detected_by_scope["allocator"].count = 2;
  snapshot.leaks_detected_by_scope["process"] = {
      1, DetectedLeaks::Leak{"process:103:30000", 103, 9000.125}};
  snapshot.alert_transitions = {{"HeapfloorLeak", 2, 1, 0}};
  ReceiverStatus first;
  first.name = "first";
  first.counts = {12, 3, 1};
  first.queue_length = 2;
  first.queue_capacity = 10'000;
  first.is_up = true;
  first.since_seconds = 400;
  for (const double seconds : {0.003, 0.02, 0.7, 12.5}) first.durations.add(seconds);
  ReceiverStatus chat;
  chat.kind = ReceiverKind::webhook;
  chat.name = "chat\"s";
  chat.queue_capacity = 10'000;
  snapshot.receivers = {first, chat};
  ExternalTargetStatus shop;
  shop.name = "shop";
  shop.url = "http://prometheus:9090";
  shop.is_up = false;
  shop.duration_seconds = 0.25;
  shop.last_success_seconds = 9'900;
  shop.series = 12;
  shop.errors.at(static_cast<std::size_t>(ErrorKind::timeout)) = 3;
  shop.dropped.at(static_cast<std::size_t>(ExternalDrop::limit)) = 7;
  shop.refused_readings = 2;
  shop.last_error = "http://prometheus:9090: timed out";
  ExternalTargetStatus unasked;
  unasked.name = "unasked";
  unasked.url = "http://other:9090";
  snapshot.external_targets = {shop, unasked};
  GoEndpointStatus checkout;
  checkout.name = "checkout";
  checkout.url = "http://127.0.0.1:6060";
  checkout.group = "checkout";
  checkout.process = ProcessId{103, 30000};
  checkout.is_up = true;
  checkout.duration_seconds = 0.004;
  checkout.last_success_seconds = 9'950;
  checkout.reading = GoReadingOfPage{};
  checkout.reading->page = GoPage::vars;
  checkout.reading->live = 96e6;
  GoEndpointStatus ledger;
  ledger.url = "http://127.0.0.1:8080";
  ledger.is_up = false;
  ledger.errors.at(static_cast<std::size_t>(ErrorKind::malformed)) = 4;
  ledger.last_error = "http://127.0.0.1:8080/metrics: no figures of a Go runtime";
  snapshot.go_endpoints.endpoints = {checkout, ledger};
  snapshot.go_endpoints.counts = {true, {1, 2, 0, 0, 3}, ledger.errors, 17};
  snapshot.rules = {{"HeapfloorLeak", "heapfloor_leak_state{state=\"leaking\"} == 1", "warning",
                     "It leaks.", 60, false, 0},
                    {"TooBig", "rss_anon > 5", "critical", "Too big.", 300, true, 7}};
  snapshot.log_messages = {0, 12, 1, 0};
  snapshot.reloads = 2;
  snapshot.reloads_failed = 1;
  snapshot.last_reload_successful = false;
  snapshot.last_reload_seconds = 500;
  snapshot.memory_budget_bytes = 67'108'864;
  snapshot.exposed_processes_dropped = 3;
  snapshot.page_sample_limit = 200'000;
  snapshot.history = HistoryStats{1'048'576, 4000, 2, 1, 3, 990};
}

// Of both that are followed; the symbols of one are known.
inline std::shared_ptr<const KnownSites> known_sites(const ProcessId& process) {
  KnownSite named;
  named.stack_hash = 0xff;
  named.function = "add(\"\xFF\nUser\")";
  named.file = "/src/shop/users.cpp";
  named.line = 88;
  named.container = "map";
  KnownSite unnamed;
  unnamed.stack_hash = 0xabc;
  return std::make_shared<const KnownSites>(KnownSites{{process, {named, unnamed}}});
}

inline Snapshot snapshot() {
  Snapshot made;
  made.tick = 42;
  made.time_seconds = 10'000;
  made.wall_offset_seconds = 1'700'000'000;
  made.started_seconds = 400;
  made.interval_seconds = 15;
  made.minimum_size_bytes = 16'777'216;
  made.first_verdict_seconds = 540;
  made.host = {{&kHostMetrics[0], 8'000'000'000.0},
               {&kHostMetrics[1], 1e9},
               {&kHostMetrics[2], 2e9},
               {&kHostMetrics[3], 0}};
  made.agent = {{&kSelfMetrics[0], 12'345'678},
                {&kSelfMetrics[1], 0.1 + 0.2},
                {&kSelfMetrics[2], 3e6},
                {&kSelfMetrics[3], 4096},
                {&kSelfMetrics[4], 64}};
  add_groups(made);
  made.processes = {process(101, 10'000, "quote\"s", 0), process(102, 20'000, "bad\\xFF", 1),
                    process(103, 30'000, "bad\xFF", 2), process(104, 35'025, "caf\xC3\xA9", 3),
                    process(4711, 35'000, "small", 3)};
  for (std::size_t i = 0; i < 3; ++i) made.processes[i].values = process_values(1);
  made.processes[1].values.push_back({&kSmapsMetrics[2], 9985.5});
  made.processes[4].swap_bytes.reset();
  made.processes[2].memory_limit_bytes = 536'870'912.0;
  made.processes[4].memory_limit_bytes = 536'870'912.0;  // of one without series of its own
  add_cgroups(made);
  add_watches(made);
  made.known_sites = known_sites(made.watches[2].process);
  made.alerts = {alert(made.watches[2], "HeapfloorLeak", AlertPhase::firing),
                 alert(made.watches[1], "HeapfloorLeakSuspected", AlertPhase::pending)};
  add_probes(made);
  add_health(made);
  return made;
}

}  // namespace heapfloor::rich
