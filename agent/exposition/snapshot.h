// Snapshot: everything one tick has to say, immutable. Pages are made from it and from nothing
// else.
//
// Thread rule: made by the collection thread, then shared as shared_ptr<const Snapshot>; never
// changed. Times named *_seconds are on the steady axis (seconds since boot); wall_offset_seconds +
// them is Unix time.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/alerts/alert_book.h"
#include "agent/alerts/alert_links.h"
#include "agent/alerts/alert_sender.h"
#include "agent/alerts/build_comparison.h"
#include "agent/alerts/leak_state.h"
#include "agent/alerts/state_change.h"
#include "agent/endpoints/go_endpoint.h"
#include "agent/evidence/evidence_store.h"
#include "agent/external/prometheus_target.h"
#include "agent/history/history_row.h"
#include "agent/history/recorder.h"
#include "agent/profile/goroutine_waits.h"
#include "agent/profile/known_site.h"
#include "agent/series/build_identity.h"
#include "agent/series/growth_causes.h"
#include "agent/series/point.h"
#include "agent/trend/verdict.h"
#include "collectors/collector.h"
#include "collectors/result.h"
#include "collectors/sample.h"

namespace heapfloor {

// One value of one metric; the entity is the row that holds it.
struct MetricValue {
  const MetricDesc* desc = nullptr;
  double value = 0;
};

struct GroupRow {
  std::string name;                 // raw bytes; escaped where it is written
  std::vector<MetricValue> values;  // process metrics with a group_rule, in the collector's order
  std::uint64_t processes = 0;
  std::uint64_t starts = 0;  // since the agent started
  std::uint64_t exits = 0;
  double met_seconds = 0;           // since when starts and exits are counted
  double first_start_seconds = 0;   // since boot; of the oldest process that ever was in the group
  double oldest_start_seconds = 0;  // since boot
  double youngest_start_seconds = 0;
  std::uint64_t unreadable_status = 0;  // processes whose status could not be read
  struct Unreadable {
    std::string_view source;  // static text: "exe", "cmdline"
    std::uint64_t processes = 0;
  };
  std::vector<Unreadable> unreadable;  // the other sources, those of which none is closed as well
  std::optional<double> memory_limit_bytes;  // the least of its processes', where one is known
  // Processes with memory whose smaps_rollup has not been read; nothing where nobody reads it.
  std::optional<std::uint64_t> unread_smaps;
};

// One of the largest sites of a process that has series of its own.
struct SiteRow {
  std::string site;  // hash of its stack, 16 digits
  double live_bytes = 0;
};

struct ProcessRow {
  ProcessId id;
  std::string comm;
  std::uint32_t group = 0;  // index into Snapshot::groups
  double start_seconds = 0;
  std::optional<std::uint64_t> anon_bytes, file_bytes, shmem_bytes, swap_bytes;
  std::optional<std::uint32_t> threads;
  // The smallest of its cgroup's, RLIMIT_AS, RLIMIT_DATA and what is configured.
  std::optional<double> memory_limit_bytes;
  std::optional<std::uint32_t> watch;  // index into Snapshot::watches of its rss_anon
  std::vector<MetricValue> values;  // filled for exposed processes only (the largest, and suspects)
  std::vector<SiteRow> sites;       // the same; the largest first
};

struct CgroupRow {
  std::string path;  // raw
  std::string name;  // unit, first digits of a container's id, or last part of the path; raw
  // Label and raw text of what is known: {"unit", "nginx.service"}.
  std::vector<std::pair<std::string_view, std::string>> words;
  std::vector<MetricValue> values;
};

// The allocators of one name of a group's processes that carry a probe.
struct AllocatorRow {
  std::string group;       // raw
  std::string name;        // "jemalloc"
  std::string version;     // raw; empty where it is not known
  double met_seconds = 0;  // since when its counters count
  bool is_alive = false;   // else only its counters are left
  std::vector<MetricValue> values;
};

// The arenas of one number of a group's processes.
struct ArenaRow {
  std::string group;   // raw
  std::string number;  // "0" is the main one; "other" above the bound
  std::vector<MetricValue> values;
};

// The JVMs with one collector of a group.
struct JvmRow {
  std::string group;            // raw
  std::string collector;        // "g1"
  std::string version, vendor;  // raw; empty where it is not known
  double met_seconds = 0;       // since when its counters count
  bool is_alive = false;        // else only its counters are left
  std::vector<MetricValue> values;
};

// The pools of one name of a group's JVMs.
struct JvmPoolRow {
  std::string group;  // raw
  std::string pool;   // "old"; "other" above the bound
  std::vector<MetricValue> values;
};

// Goroutines that a Go program gained while its memory grew.
struct GoroutineGrowth {
  double before = 0, now = 0;  // medians
  double stack_bytes = 0;      // of growth
  // Of the growth of what lives; nothing where stacks or heap shrank.
  std::optional<double> stack_share;
  std::optional<GoroutineWaits> waits;  // where they are, by the last look that told
};

// The Go programs of a group.
struct GoRow {
  std::string group;       // raw
  std::string version;     // of one of them; raw
  double met_seconds = 0;  // since when its counters count
  bool is_alive = false;   // else only its counters are left
  std::vector<MetricValue> values;
};

// The structures of one name of a group's processes.
struct StructureRow {
  std::string group, name;          // raw
  std::string kind, element, file;  // raw; empty where not known
  double met_seconds = 0;
  bool is_alive = false;
  std::vector<MetricValue> values;
};

// What the OOM killer took of one workload since the history began, else since the agent started.
struct WorkloadRow {
  std::string name;  // raw
  std::uint64_t oom_kills = 0;
  std::optional<double> last_oom_seconds;
};

struct OomVictimRow {
  std::int32_t pid = 0;
  std::string comm;      // raw
  std::string cgroup;    // raw; empty where the kernel did not name it
  std::string workload;  // the same
  std::optional<std::uint64_t> anon_bytes;
  double time_seconds = 0;
};

// A structure or a site that grows with a suspect.
struct LeakPart {
  std::string name;       // of the structure, raw; of a site the hash of its stack
  std::string phase;      // raw; empty where none is set
  std::string structure;  // of a site: what it allocates for, raw; empty where none is set
  std::string location;   // of a site: MODULE+0xOFFSET of what called the allocator, raw
  double growth_bytes_per_second = 0;
  std::optional<double> share;  // of the growth of the live heap
};

// One series under the detector.
struct WatchRow {
  std::string subject;       // process:4711:123456
  std::string scope;         // process, allocator, host …
  std::string signal;        // rss_anon
  std::string basis;         // rss_floor
  std::string name;          // comm, or what the cgroup is called; raw
  std::string part;          // scopes structure and site: its name, the hash of its stack; raw
  std::string cgroup;        // its path: the subject, or that of the process; raw
  std::string group;         // raw
  ProcessId process;         // scope process
  double start_seconds = 0;  // of the process, since boot
  SharedBuild build;         // that the process runs; null: not known
  // Of suspects: how its program went since this build runs, and before; null: not known.
  std::shared_ptr<const BuildComparison> builds;
  LeakState state = LeakState::learning;
  double state_since_seconds = 0;
  std::optional<double> ended_seconds;  // its subject was found gone; shown for a while
  std::string_view
      revocation;  // "plateau", "drop", "restart": why its last leak was revoked; static text
  double last_value = 0;
  std::string limit_source;  // "cgroup", "configured", "host"; empty when no limit is known
  Verdict verdict;
  std::vector<StateChange> changes;  // the newest 16 transitions, oldest first
  std::uint64_t compactions = 0;
  std::string_view compaction_cause =
      "inferred";              // inferred (troughs), trim, clear, gc; static text
  std::string_view collector;  // of a JVM: "g1"; static text, empty where it is none
  std::string_view runtime;    // of the process: "JVM", "Go runtime"; static text, else empty
  std::optional<GoroutineGrowth> goroutines;  // of a Go program that is suspected
  std::optional<double> idle_bytes;           // of the same: what its heap keeps free
  std::optional<GrowthCauses> causes;         // of suspects whose growth was followed
  // Of suspects whose process carries a probe or runs Go.
  bool is_retention = false;                // its live heap is level: it is suspected at most
  std::vector<LeakPart> structures, sites;  // that grow most, at most five of each
  // Of the watch of its sampled heap, or of a Go program's: share of the live heap that its five
  // largest sites hold.
  std::optional<double> concentration;
};

struct AlertRow {
  std::string name;      // HeapfloorLeak
  std::string severity;  // critical, warning, info
  AlertPhase phase = AlertPhase::pending;
  std::string subject;
  std::string scope;
  std::string group;
  std::string signal;
  double active_since_seconds = 0;
  double value = 0;  // bytes per second
  std::string summary;
  std::string description;
  std::optional<std::string> silenced_by;  // the id of a silence: it is not sent
  AlertLinks links;
};

// One alerting rule, of the trend or of the configuration.
struct RuleRow {
  std::string name;
  std::string query;  // the condition, as PromQL would write it
  std::string severity;
  std::string summary;
  double hold_seconds = 0;
  bool is_configured = false;
  std::uint64_t refused = 0;    // subjects beyond the most alerts of one rule
  std::string_view scope = {};  // static text; empty: its alerts are of any
};

struct CollectorHealth {
  std::string name;
  bool success = false;
  double duration_seconds = 0;
  std::optional<double> last_success_seconds;
  std::array<std::uint64_t, kErrorKinds> errors = {};  // since the agent started
  std::optional<SkippedReads> skipped;                 // since the agent started
  std::vector<SourceAccess> sources;                   // as of the last success
};

struct SeriesUsage {
  std::uint64_t series = 0;
  std::uint64_t limit = 0;
  std::uint64_t dropped = 0;  // since the agent started
  std::uint64_t evicted = 0;
};

// Transitions into leaking in one scope since the agent started, and the last of them.
struct DetectedLeaks {
  struct Leak {
    std::string subject;   // process:4711:123456; raw
    std::int32_t pid = 0;  // 0 where the subject is not one process
    double time_seconds = 0;
  };
  std::uint64_t count = 0;
  std::optional<Leak> last;
};

struct Snapshot {
  std::uint64_t tick = 0;
  double time_seconds = 0;         // of the collection, steady axis
  double wall_offset_seconds = 0;  // Unix time minus steady time
  double started_seconds = 0;      // of the agent
  double interval_seconds = 0;
  std::uint64_t minimum_size_bytes = 0;  // from which a process is watched
  double first_verdict_seconds = 0;      // how long a new process is learned at least
  std::vector<MetricValue> host;
  std::vector<MetricValue> agent;         // what the self collector measured
  std::vector<GroupRow> groups;           // sorted by name
  std::vector<ProcessRow> processes;      // sorted by pid, a pid once
  std::vector<CgroupRow> cgroups;         // sorted by path
  std::vector<AllocatorRow> allocators;   // sorted by group, then name
  std::vector<ArenaRow> arenas;           // the same
  std::vector<StructureRow> structures;   // the same
  std::vector<JvmRow> jvms;               // the same
  std::vector<JvmPoolRow> jvm_pools;      // the same
  std::vector<GoRow> go_programs;         // sorted by group
  std::vector<WorkloadRow> workloads;     // sorted by name
  std::vector<OomVictimRow> oom_victims;  // the newest 64, oldest first
  std::vector<WatchRow> watches;          // sorted by subject, then signal
  // Sites of probed programs by name, as of the last look; null where nobody looks.
  std::shared_ptr<const KnownSites> known_sites;
  // What was captured; null where nothing is.
  std::shared_ptr<const EvidenceList> evidence;
  std::vector<AlertRow> alerts;  // sorted by name, then subject
  std::vector<CollectorHealth> collectors;
  SeriesUsage series;
  double evaluation_seconds = 0;
  std::uint64_t evaluations = 0;
  std::map<std::string, DetectedLeaks> leaks_detected_by_scope;
  // alertname → transitions to pending, firing, resolved
  struct AlertTransitions {
    std::string name;
    std::uint64_t pending = 0, firing = 0, resolved = 0;
  };
  std::vector<AlertTransitions> alert_transitions;
  std::vector<RuleRow> rules;
  std::vector<ReceiverStatus> receivers;           // in the configuration's order
  std::array<std::uint64_t, 4> log_messages = {};  // debug, info, warning, error
  bool last_reload_successful = true;
  double last_reload_seconds = 0;
  std::uint64_t reloads = 0;
  std::uint64_t reloads_failed = 0;
  std::uint64_t memory_budget_bytes = 0;
  std::uint64_t exposed_processes_dropped = 0;  // of exposed groups, since the agent started
  std::uint64_t page_sample_limit = 0;          // 0: none
  bool has_created_lines = false;               // OpenMetrics pages say since when counters count
  std::optional<HistoryStats> history;          // nothing where none is kept
  std::vector<ExternalTargetStatus> external_targets;  // in the configuration's order
  GoEndpointView go_endpoints;
};

// The group of an endpoint: of its process where that is known, else what is configured; raw.
inline std::string_view group_of_endpoint(const Snapshot& snapshot,
                                          const GoEndpointStatus& endpoint) {
  if (!endpoint.process) return endpoint.group;
  const auto process =
      std::ranges::lower_bound(snapshot.processes, *endpoint.process, {}, &ProcessRow::id);
  const bool is_known = process != snapshot.processes.end() && process->id == *endpoint.process;
  return is_known ? std::string_view(snapshot.groups[process->group].name) : endpoint.group;
}

// The stored points and floors of one watched series, copied for one request.
struct SeriesDetail {
  std::vector<Point> points;              // oldest first
  std::vector<Floor> floors;              // oldest first, of the finest level that covers each time
  std::vector<Incarnation> former_lives;  // of the program, oldest first
};

// Where the series endpoint reads from. Thread-safe; the copy is taken under the store's lock.
class SeriesReader {
 public:
  SeriesReader() = default;
  SeriesReader(const SeriesReader&) = delete;
  SeriesReader& operator=(const SeriesReader&) = delete;
  virtual ~SeriesReader() = default;
  // `id` is "subject/signal"; nothing when it is not watched (any more).
  [[nodiscard]] virtual std::optional<SeriesDetail> read(std::string_view id) const = 0;
};

}  // namespace heapfloor
