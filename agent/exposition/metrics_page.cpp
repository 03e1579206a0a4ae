#include "agent/exposition/metrics_page.h"

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <deque>
#include <map>
#include <optional>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "agent/exposition/known_sites.h"
#include "agent/exposition/label_cache.h"
#include "agent/exposition/signals.h"
#include "collectors/probe_metrics.h"

namespace heapfloor {
namespace {

constexpr std::array<LeakState, 3> kSuspectStates = {LeakState::suspected, LeakState::leaking,
                                                     LeakState::recovering};
// The bounds of DurationHistogram as OpenMetrics writes them: a whole number keeps its fraction.
constexpr std::array<std::string_view, DurationHistogram::kBounds.size() + 1> kBucketTexts = {
    "0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1.0", "2.5", "5.0", "10.0", "+Inf"};
constexpr std::array<std::string_view, 4> kLogLevels = {"debug", "info", "warning", "error"};

// The series of the detector are counted together, those of the agent's own heap included; they
// stand under the collector that feeds nearly all of them.
constexpr std::string_view kSeriesCollector = "process";
// The scope whose counts are there before it has a subject.
constexpr std::string_view kFirstScope = "process";

// By what cgroups and groups are sorted where a page has no room for all.
constexpr std::string_view kCgroupSize = "heapfloor_cgroup_memory_current_bytes";
constexpr std::string_view kStructureSize = "heapfloor_structure_memory_bytes";
constexpr std::string_view kGroupSize = "heapfloor_group_resident_memory_bytes";

double number(std::uint64_t value) { return static_cast<double>(value); }

class PidText {
 public:
  explicit PidText(std::int32_t pid)
      : end_(std::to_chars(text_.data(), text_.data() + text_.size(), pid).ptr) {}
  [[nodiscard]] std::string_view view() const {
    return {text_.data(), static_cast<std::size_t>(end_ - text_.data())};
  }

 private:
  std::array<char, 16> text_{};
  const char* end_;
};

}  // namespace

class MetricsPage::Renderer {
 public:
  Renderer(const MetricFamilies& families, std::vector<const prometheus::Collectable*> extra)
      : families_(families), extra_(std::move(extra)), writer_(families) {}

  std::string render(const Snapshot& snapshot, ExpositionFormat format, const PageFilter& filter,
                     std::string room) {
    writer_.clear();
    wall_offset_seconds_ = snapshot.wall_offset_seconds;
    says_created_ = snapshot.has_created_lines && format == ExpositionFormat::openmetrics;
    started_ = created_at(snapshot.started_seconds);
    extra_bodies_.clear();
    add_values(snapshot.host, {}, &DescColumns::plain, created_at(0));  // the boot
    add_agent_values(snapshot.agent);
    add_allocators(snapshot);
    add_arenas(snapshot);
    add_structures(snapshot);
    add_jvms(snapshot);
    add_go_programs(snapshot);
    add_groups(snapshot);
    add_processes(snapshot);
    add_cgroups(snapshot);
    add_workloads(snapshot);
    add_watches(snapshot);
    add_suspects(snapshot);
    add_trend_totals(snapshot);
    add_alerts(snapshot);
    add_receivers(snapshot);
    add_collectors(snapshot);
    add_agent(snapshot);
    add_external_targets(snapshot);
    add_go_endpoints(snapshot);
    add_evidence(snapshot);
    add_history(snapshot);
    for (const prometheus::Collectable* const collectable : extra_) add_extra(*collectable);
    add_own(OwnFamily::exposition_unlisted_samples, number(unlisted_samples_));
    limit_samples(snapshot, format, filter);
    std::string page = writer_.write(format, filter, std::move(room));
    labels_.end_page();
    return page;
  }

  [[nodiscard]] std::uint64_t unlisted_samples() const { return unlisted_samples_; }
  [[nodiscard]] std::size_t cached_entities() const { return labels_.size(); }

 private:
  using Column = PageWriter::Column;

  struct OwnColumn {
    std::string label_value;
    Column column = 0;
  };
  // Where the values of one descriptor go; nothing where there is no such family in the table.
  struct DescColumns {
    std::optional<Column> plain, process, group, allocator, cgroup, structure, site, arena, jvm,
        jvm_pool, go;
  };

  std::optional<Column> desc_column(std::string_view name, const MetricDesc& desc, bool has_body) {
    const std::optional<std::size_t> family = families_.find(name);
    if (!family) return std::nullopt;
    return writer_.column(*family, desc.label_name, desc.label_value, has_body);
  }

  // Rows carry their values in the collector's order, so the answer for the last row's value at the
  // same position is nearly always the answer for this one.
  const DescColumns& columns_of(const MetricDesc* desc, std::size_t position) {
    if (position < recent_.size() && recent_[position].first == desc) {
      return *recent_[position].second;
    }
    const auto [found, added] = desc_columns_.try_emplace(desc);
    if (added) {
      if (desc->name.starts_with(kProcessPrefix)) {
        found->second.process = desc_column(desc->name, *desc, true);
      } else if (desc->name.starts_with(kArenaPrefix)) {
        found->second.arena = desc_column(desc->name, *desc, true);
      } else if (desc->name.starts_with(kAllocatorPrefix)) {
        found->second.allocator = desc_column(desc->name, *desc, true);
      } else if (desc->name.starts_with(kCgroupPrefix)) {
        found->second.cgroup = desc_column(desc->name, *desc, true);
      } else if (desc->name.starts_with(kStructurePrefix)) {
        found->second.structure = desc_column(desc->name, *desc, true);
      } else if (desc->name.starts_with(kJvmPoolPrefix)) {
        found->second.jvm_pool = desc_column(desc->name, *desc, true);
      } else if (desc->name.starts_with(kJvmPrefix)) {
        found->second.jvm = desc_column(desc->name, *desc, true);
      } else if (desc->name.starts_with(kGoPrefix)) {
        found->second.go = desc_column(desc->name, *desc, true);
      } else if (desc->name.starts_with(kSitePrefix)) {
        found->second.site = desc_column(desc->name, *desc, true);
      } else {
        found->second.plain = desc_column(desc->name, *desc, false);
      }
      if (desc->group_name != desc->name)
        found->second.group = desc_column(desc->group_name, *desc, true);
    }
    if (position >= recent_.size()) recent_.resize(position + 1);
    recent_[position] = {desc, &found->second};
    return found->second;
  }

  // Since when a counter counts, where the page is to say it.
  [[nodiscard]] std::optional<double> created_at(double steady_seconds) const {
    return says_created_ ? std::optional(wall_offset_seconds_ + steady_seconds) : std::nullopt;
  }

  void add_values(const std::vector<MetricValue>& values, std::string_view body,
                  std::optional<Column> DescColumns::*kind, std::optional<double> created) {
    for (std::size_t i = 0; i < values.size(); ++i) add_value(values[i], i, body, kind, created);
  }

  void add_value(const MetricValue& value, std::size_t position, std::string_view body,
                 std::optional<Column> DescColumns::*kind, std::optional<double> created) {
    const std::optional<Column> column = columns_of(value.desc, position).*kind;
    if (!column) {
      ++unlisted_samples_;
    } else if (std::isfinite(value.value)) {
      const double axis = value.desc->is_since_boot ? wall_offset_seconds_ : 0;
      const bool is_counter = value.desc->type == MetricType::counter;
      writer_.add(*column, body, axis + value.value, is_counter ? created : std::nullopt);
    }
  }

  std::string_view agent_heap_body() {
    return labels_.body({{"group", "heapfloor"}, {"allocator", "glibc"}});
  }

  void add_allocators(const Snapshot& snapshot) {
    for (const AllocatorRow& row : snapshot.allocators) {
      const std::string_view body = labels_.body({{"group", row.group}, {"allocator", row.name}});
      if (!snapshot.agent.empty() && body == agent_heap_body()) continue;  // those are the agent's
      add_values(row.values, body, &DescColumns::allocator, created_at(row.met_seconds));
      if (!row.is_alive) continue;
      add_own(
          OwnFamily::allocator_info,
          labels_.body({{"group", row.group}, {"allocator", row.name}, {"version", row.version}}),
          1);
    }
  }

  void add_arenas(const Snapshot& snapshot) {
    for (const ArenaRow& row : snapshot.arenas)
      add_values(row.values, arena_body(row), &DescColumns::arena, std::nullopt);
  }
  std::string_view arena_body(const ArenaRow& row) {
    return labels_.body({{"group", row.group}, {"arena", row.number}});
  }

  void add_jvms(const Snapshot& snapshot) {
    for (const JvmRow& row : snapshot.jvms) {
      add_values(row.values, jvm_body(row), &DescColumns::jvm, created_at(row.met_seconds));
      if (row.is_alive) add_own(OwnFamily::jvm_info, jvm_info_body(row), 1);
    }
    for (const JvmPoolRow& row : snapshot.jvm_pools)
      add_values(row.values, jvm_pool_body(row), &DescColumns::jvm_pool, std::nullopt);
  }
  std::string_view jvm_body(const JvmRow& row) {
    return labels_.body({{"group", row.group}, {"collector", row.collector}});
  }
  std::string_view jvm_info_body(const JvmRow& row) {
    return labels_.body({{"group", row.group},
                         {"collector", row.collector},
                         {"version", row.version},
                         {"vendor", row.vendor}});
  }
  std::string_view jvm_pool_body(const JvmPoolRow& row) {
    return labels_.body({{"group", row.group}, {"pool", row.pool}});
  }

  void add_go_programs(const Snapshot& snapshot) {
    for (const GoRow& row : snapshot.go_programs) {
      add_values(row.values, go_body(row), &DescColumns::go, created_at(row.met_seconds));
      if (row.is_alive) add_own(OwnFamily::go_info, go_info_body(row), 1);
    }
  }
  std::string_view go_body(const GoRow& row) { return labels_.body({{"group", row.group}}); }
  std::string_view go_info_body(const GoRow& row) {
    return labels_.body({{"group", row.group}, {"version", row.version}});
  }

  void add_structures(const Snapshot& snapshot) {
    for (const StructureRow& row : snapshot.structures) {
      add_values(row.values, structure_body(row), &DescColumns::structure,
                 created_at(row.met_seconds));
      if (row.is_alive) add_own(OwnFamily::structure_info, structure_info_body(row), 1);
    }
  }
  std::string_view structure_body(const StructureRow& row) {
    return labels_.body({{"group", row.group}, {"structure", row.name}});
  }
  std::string_view structure_info_body(const StructureRow& row) {
    return labels_.body({{"group", row.group},
                         {"structure", row.name},
                         {"kind", row.kind},
                         {"element", row.element},
                         {"file", row.file}});
  }

  // The agent's heap is a subject of the allocator families like any other group's.
  void add_agent_values(const std::vector<MetricValue>& values) {
    const std::string_view body = agent_heap_body();
    for (std::size_t i = 0; i < values.size(); ++i) {
      const bool is_heap = columns_of(values[i].desc, i).allocator.has_value();
      add_value(values[i], i, is_heap ? body : std::string_view(),
                is_heap ? &DescColumns::allocator : &DescColumns::plain, started_);
    }
  }

  // The column of an own family with that fixed label; the values of a label are few and constant.
  Column own_column(OwnFamily family, LabelPair fixed, bool has_body) {
    std::vector<OwnColumn>& known = own_columns_.at(static_cast<std::size_t>(family));
    const auto found = std::ranges::find(known, fixed.raw_value, &OwnColumn::label_value);
    if (found != known.end()) return found->column;
    const Column made =
        writer_.column(families_.index_of(family), fixed.name, fixed.raw_value, has_body);
    known.push_back({std::string(fixed.raw_value), made});
    return made;
  }

  // Counters that begin at 0 with the agent, whatever its history holds.
  [[nodiscard]] std::optional<double> created_of(OwnFamily family) const {
    constexpr std::array kBegun = {OwnFamily::trend_evaluations,
                                   OwnFamily::trend_subjects_evicted,
                                   OwnFamily::collector_errors,
                                   OwnFamily::collector_skipped,
                                   OwnFamily::series_dropped,
                                   OwnFamily::config_reloads,
                                   OwnFamily::config_reloads_failed,
                                   OwnFamily::evidence_captures,
                                   OwnFamily::evidence_errors,
                                   OwnFamily::history_rows_written,
                                   OwnFamily::history_rows_rejected,
                                   OwnFamily::history_errors,
                                   OwnFamily::history_batches_dropped,
                                   OwnFamily::log_messages,
                                   OwnFamily::exposition_samples_dropped,
                                   OwnFamily::exposition_processes_dropped,
                                   OwnFamily::exposition_unlisted_samples};
    return started_ && std::ranges::find(kBegun, family) != kBegun.end() ? started_ : std::nullopt;
  }

  void add_own(OwnFamily family, double value) {
    writer_.add(own_column(family, {}, false), {}, value, created_of(family));
  }
  void add_own(OwnFamily family, std::string_view body, double value) {
    writer_.add(own_column(family, {}, true), body, value, created_of(family));
  }
  void add_own(OwnFamily family, std::string_view body, LabelPair fixed, double value) {
    writer_.add(own_column(family, fixed, true), body, value, created_of(family));
  }
  void add_counter(OwnFamily family, std::string_view body, std::uint64_t value,
                   std::optional<double> created) {
    writer_.add(own_column(family, {}, true), body, number(value), created);
  }

  void add_groups(const Snapshot& snapshot) {
    const GroupRow* before = nullptr;
    for (const GroupRow& group : snapshot.groups) {
      if (before != nullptr && before->name == group.name) continue;
      before = &group;
      const std::string_view body = labels_.body({{"group", group.name}});
      add_own(OwnFamily::group_processes, body, number(group.processes));
      const std::optional<double> met = created_at(group.met_seconds);
      add_counter(OwnFamily::group_process_starts, body, group.starts, met);
      add_counter(OwnFamily::group_process_exits, body, group.exits, met);
      add_own(OwnFamily::group_unreadable_processes, body, {"source", "status"},
              number(group.unreadable_status));
      for (const GroupRow::Unreadable& unreadable : group.unreadable)
        add_own(OwnFamily::group_unreadable_processes, body, {"source", unreadable.source},
                number(unreadable.processes));
      if (group.unread_smaps) {
        add_own(OwnFamily::group_unreadable_processes, body, {"source", "smaps_rollup"},
                number(*group.unread_smaps));
      }
      if (group.processes > 0) {
        add_own(OwnFamily::group_oldest_start, body,
                snapshot.wall_offset_seconds + group.oldest_start_seconds);
        add_own(OwnFamily::group_youngest_start, body,
                snapshot.wall_offset_seconds + group.youngest_start_seconds);
      }
      if (group.memory_limit_bytes)
        add_own(OwnFamily::group_memory_limit, body, *group.memory_limit_bytes);
      add_values(group.values, body, &DescColumns::group, created_at(group.first_start_seconds));
    }
  }

  void add_processes(const Snapshot& snapshot) {
    for (std::size_t i = 0; i < snapshot.processes.size(); ++i) {
      const ProcessRow& process = snapshot.processes[i];
      if (process.values.empty() || process.group >= snapshot.groups.size()) continue;
      // A pid that was reused within the tick: the later row is the process that lives.
      const bool reused =
          i + 1 < snapshot.processes.size() && snapshot.processes[i + 1].id.pid == process.id.pid;
      if (reused) continue;
      const PidText pid(process.id.pid);
      const std::string_view body =
          labels_.body({{"group", snapshot.groups[process.group].name}, {"pid", pid.view()}});
      add_values(process.values, body, &DescColumns::process, created_at(process.start_seconds));
      if (process.memory_limit_bytes)
        add_own(OwnFamily::process_memory_limit, body, *process.memory_limit_bytes);
      add_sites(process, snapshot.groups[process.group].name, pid.view());
    }
  }

  void add_sites(const ProcessRow& process, std::string_view group, std::string_view pid) {
    for (const SiteRow& site : process.sites) {
      add_value({&kSiteLive, site.live_bytes}, 0, site_body(site, group, pid), &DescColumns::site,
                std::nullopt);
    }
  }
  std::string_view site_body(const SiteRow& site, std::string_view group, std::string_view pid) {
    return labels_.body({{"group", group}, {"pid", pid}, {"site", site.site}});
  }

  void add_cgroups(const Snapshot& snapshot) {
    for (const CgroupRow& cgroup : snapshot.cgroups) {
      // When a cgroup was made is not known.
      add_values(cgroup.values, labels_.body({{"cgroup", cgroup.path}}), &DescColumns::cgroup, {});
      // A cgroup of which only the path is known has nothing to be joined with.
      if (!cgroup.words.empty()) add_own(OwnFamily::cgroup_info, info_body(cgroup), 1);
    }
  }

  std::string_view info_body(const CgroupRow& cgroup) {
    const auto pair = [&cgroup](std::string_view label) -> LabelPair {
      const auto found = std::ranges::find_if(
          cgroup.words, [label](const auto& word) { return word.first == label; });
      return {label, found == cgroup.words.end() ? std::string_view() : found->second};
    };
    return labels_.body({{"cgroup", cgroup.path},
                         pair("runtime"),
                         pair("container_id"),
                         pair("container"),
                         pair("image"),
                         pair("pod"),
                         pair("pod_uid"),
                         pair("namespace"),
                         pair("qos"),
                         pair("unit"),
                         pair("slice")});
  }

  void add_workloads(const Snapshot& snapshot) {
    for (const WorkloadRow& workload : snapshot.workloads) {
      const std::string_view body = labels_.body({{"workload", workload.name}});
      add_own(OwnFamily::workload_oom_kills, body, number(workload.oom_kills));
      if (workload.last_oom_seconds) {
        add_own(OwnFamily::workload_last_oom, body,
                snapshot.wall_offset_seconds + *workload.last_oom_seconds);
      }
    }
  }

  void add_watches(const Snapshot& snapshot) {
    const WatchRow* before = nullptr;
    for (const WatchRow& watch : snapshot.watches) {
      const bool repeated =
          before != nullptr && before->subject == watch.subject && before->signal == watch.signal;
      if (repeated) continue;
      before = &watch;
      const std::string_view body = labels_.body({{"scope", watch.scope},
                                                  {"subject", watch.subject},
                                                  {"group", watch.group},
                                                  {"signal", watch.signal}});
      for (std::size_t i = 0; i < kLeakStates; ++i) {
        const auto state = static_cast<LeakState>(i);
        add_own(OwnFamily::leak_state, body, {"state", leak_state_name(state)},
                watch.state == state ? 1 : 0);
      }
      add_own(OwnFamily::trend_compactions, body, {"cause", watch.compaction_cause},
              number(watch.compactions));
      add_verdict(watch, body, snapshot.wall_offset_seconds);
    }
    add_builds(snapshot);
    add_causes(snapshot);
  }

  // Once for each subject that is a whole process.
  void add_builds(const Snapshot& snapshot) {
    std::string_view said;
    for (const WatchRow& watch : snapshot.watches) {
      if (!has_build(watch) || said == watch.subject) continue;
      said = watch.subject;
      add_own(OwnFamily::trend_build_info, build_info_body(watch), 1);
    }
  }
  static bool has_build(const WatchRow& watch) {
    return watch.build && watch.scope != "structure" && watch.scope != "site";
  }
  std::string_view build_info_body(const WatchRow& watch) {
    return labels_.body({{"scope", watch.scope},
                         {"subject", watch.subject},
                         {"group", watch.group},
                         {"program", watch.build->program},
                         {"build", watch.build->id},
                         {"version", watch.build->version},
                         {"image", watch.build->image.name}});
  }

  // These families have no label `signal`: of the watches of one subject the first that knows says
  // it.
  void add_causes(const Snapshot& snapshot) {
    std::string_view said, parts_said;  // subjects
    for (const WatchRow& watch : snapshot.watches) {
      const std::string_view body = subject_body(watch);
      if (watch.concentration)
        add_own(OwnFamily::live_heap_concentration, body, *watch.concentration);
      if (watch.causes && said != watch.subject) {
        said = watch.subject;
        for (const auto& [cause, share] : cause_shares(*watch.causes)) {
          if (share) add_own(OwnFamily::leak_cause, body, {"cause", cause}, *share);
        }
      }
      if ((watch.structures.empty() && watch.sites.empty()) || parts_said == watch.subject)
        continue;
      parts_said = watch.subject;
      add_parts(watch);
      add_site_names(watch, known_sites_of(snapshot, watch));
    }
  }
  std::string_view subject_body(const WatchRow& watch) {
    return labels_.body(
        {{"scope", watch.scope}, {"subject", watch.subject}, {"group", watch.group}});
  }
  std::string_view part_body(const WatchRow& watch, std::string_view label, const LeakPart& part) {
    return labels_.body({{"scope", watch.scope},
                         {"subject", watch.subject},
                         {"group", watch.group},
                         {label, part.name}});
  }
  std::string_view site_growth_body(const WatchRow& watch, const LeakPart& part) {
    return labels_.body({{"subject", watch.subject},
                         {"group", watch.group},
                         {"site", part.name},
                         {"structure", part.structure}});
  }

  void add_parts(const WatchRow& watch) {
    for (const LeakPart& part : watch.structures) {
      if (part.share)
        add_own(OwnFamily::leak_structure_share, part_body(watch, "structure", part), *part.share);
    }
    for (const LeakPart& part : watch.sites) {
      if (part.share)
        add_own(OwnFamily::leak_site_share, part_body(watch, "site", part), *part.share);
      add_own(OwnFamily::leak_site_growth, site_growth_body(watch, part),
              part.growth_bytes_per_second);
    }
  }

  void add_site_names(const WatchRow& watch, const std::vector<KnownSite>& known) {
    for (const LeakPart& part : watch.sites) {
      const auto site = std::ranges::find(known, part.name, site_name);
      if (site == known.end() || site->function.empty()) continue;
      const std::string location = site_location(*site);
      const std::string_view body = labels_.body({{"scope", watch.scope},
                                                  {"subject", watch.subject},
                                                  {"group", watch.group},
                                                  {"site", part.name},
                                                  {"function", site->function},
                                                  {"location", location},
                                                  {"container", site->container}});
      add_own(OwnFamily::leak_site_info, body, 1);
    }
  }

  void add_verdict(const WatchRow& watch, std::string_view body, double wall_offset_seconds) {
    const Verdict& verdict = watch.verdict;
    const bool in_bytes = counted_by(watch.signal).empty();
    if (const auto floor = known_floor(verdict)) {
      add_own(in_bytes ? OwnFamily::trend_floor : OwnFamily::trend_floor_elements, body, *floor);
      add_own(OwnFamily::trend_rising_floors, body, number(verdict.rising_floors));
    }
    if (const auto confidence = known_confidence(verdict)) {
      add_own(OwnFamily::trend_confidence, body, *confidence);
    }
    const std::optional<Growth> growth = known_growth(verdict);
    if (growth && !in_bytes) add_own(OwnFamily::trend_growth_elements, body, growth->estimate);
    if (growth && in_bytes) {
      add_own(OwnFamily::trend_growth, body, growth->estimate);
      add_own(OwnFamily::trend_growth_low, body, growth->low);
      add_own(OwnFamily::trend_growth_high, body, growth->high);
    }
    if (const auto exhaustion = shown_exhaustion(watch);
        exhaustion && std::isfinite(exhaustion->at_seconds)) {
      add_own(OwnFamily::trend_predicted_exhaustion, body,
              wall_offset_seconds + exhaustion->at_seconds);
    }
  }

  void add_suspects(const Snapshot& snapshot) {
    struct Count {
      std::string_view last_subject;  // watches of one subject stand together
      std::uint64_t subjects = 0;
      std::array<std::uint64_t, kLeakStates> by_state = {};
      DetectedLeaks leaks;
    };
    std::map<std::string_view, Count> scopes;
    scopes[kFirstScope];
    for (const auto& [scope, detected] : snapshot.leaks_detected_by_scope) {
      scopes[scope].leaks = detected;
    }
    for (const WatchRow& watch : snapshot.watches) {
      Count& count = scopes[watch.scope];
      if (count.subjects == 0 || count.last_subject != watch.subject) ++count.subjects;
      count.last_subject = watch.subject;
      ++count.by_state.at(static_cast<std::size_t>(watch.state));
    }
    for (const auto& [scope, count] : scopes) {
      const std::string_view body = labels_.body({{"scope", scope}});
      add_own(OwnFamily::trend_subjects, body, number(count.subjects));
      add_own(OwnFamily::leaks_detected, body, number(count.leaks.count));
      if (count.leaks.last)
        add_leak_exemplar(body, *count.leaks.last, snapshot.wall_offset_seconds);
      for (const LeakState state : kSuspectStates) {
        add_own(OwnFamily::leak_suspects, body, {"state", leak_state_name(state)},
                number(count.by_state.at(static_cast<std::size_t>(state))));
      }
    }
  }

  // The last leak of a scope as the exemplar of their count. What does not fit is left out: a cut
  // subject would be another one.
  void add_leak_exemplar(std::string_view body, const DetectedLeaks::Leak& leak,
                         double wall_offset_seconds) {
    const double at = wall_offset_seconds + leak.time_seconds;
    const LabelPair subject = {"subject", leak.subject};
    const PidText pid(leak.pid);
    auto text = leak.pid == 0 ? exemplar_text({subject}, 1, at)
                              : exemplar_text({subject, {"pid", pid.view()}}, 1, at);
    if (!text) return;
    writer_.add_exemplar(own_column(OwnFamily::leaks_detected, {}, true), body, *std::move(text));
  }

  void add_trend_totals(const Snapshot& snapshot) {
    add_own(OwnFamily::trend_evaluations, number(snapshot.evaluations));
    add_own(OwnFamily::trend_evaluation_duration, snapshot.evaluation_seconds);
    add_own(OwnFamily::trend_subjects_evicted, number(snapshot.series.evicted));
  }

  // The alert families have no label `signal`: two alerts of one subject that differ only in it are
  // one series, active since the earlier of the two.
  void add_alerts(const Snapshot& snapshot) {
    std::map<std::string_view, double> since;
    for (const AlertRow& alert : snapshot.alerts) {
      const std::string_view phase = alert.phase == AlertPhase::firing ? "firing" : "pending";
      add_own(OwnFamily::alert_active,
              labels_.body({{"alertname", alert.name},
                            {"alertstate", phase},
                            {"severity", alert.severity},
                            {"scope", alert.scope},
                            {"subject", alert.subject},
                            {"group", alert.group}}),
              1);
      const std::string_view body = labels_.body({{"alertname", alert.name},
                                                  {"scope", alert.scope},
                                                  {"subject", alert.subject},
                                                  {"group", alert.group}});
      const double at = snapshot.wall_offset_seconds + alert.active_since_seconds;
      const auto [found, added] = since.try_emplace(body, at);
      if (!added) found->second = std::min(found->second, at);
    }
    writer_.sort_by_labels(families_.index_of(OwnFamily::alert_active));
    for (const auto& [body, at] : since) add_own(OwnFamily::alert_active_since, body, at);
    for (const Snapshot::AlertTransitions& row : snapshot.alert_transitions) {
      const std::string_view body = labels_.body({{"alertname", row.name}});
      add_own(OwnFamily::alert_transitions, body, {"to", "pending"}, number(row.pending));
      add_own(OwnFamily::alert_transitions, body, {"to", "firing"}, number(row.firing));
      add_own(OwnFamily::alert_transitions, body, {"to", "resolved"}, number(row.resolved));
    }
    writer_.sort_by_labels(families_.index_of(OwnFamily::alert_transitions));
  }

  void add_receivers(const Snapshot& snapshot) {
    for (const ReceiverStatus& receiver : snapshot.receivers) {
      const std::string_view body = labels_.body({{"receiver", receiver.name}});
      const std::optional<double> since = created_at(receiver.since_seconds);
      add_counter(OwnFamily::alert_notifications, body, receiver.counts.sent, since);
      add_counter(OwnFamily::alert_notifications_failed, body, receiver.counts.failed, since);
      add_counter(OwnFamily::alert_notifications_dropped, body, receiver.counts.dropped, since);
      add_own(OwnFamily::alert_queue_length, body, number(receiver.queue_length));
      add_own(OwnFamily::alert_queue_capacity, body, number(receiver.queue_capacity));
      add_histogram(OwnFamily::alert_notification_duration, body, receiver.durations, since);
      if (receiver.kind != ReceiverKind::alertmanager || !receiver.is_up) continue;
      add_own(OwnFamily::alertmanager_up, labels_.body({{"alertmanager", receiver.name}}),
              *receiver.is_up ? 1 : 0);
    }
  }

  void add_histogram(OwnFamily family, std::string_view body, const DurationHistogram& histogram,
                     std::optional<double> created) {
    const std::size_t index = families_.index_of(family);
    std::uint64_t count = 0;  // of a bucket and all before it
    for (std::size_t i = 0; i < histogram.counts.size(); ++i) {
      count += histogram.counts.at(i);
      writer_.add(writer_.column(index, "le", kBucketTexts.at(i), true, "_bucket"), body,
                  number(count));
    }
    writer_.add(writer_.column(index, {}, {}, true, "_count"), body, number(count));
    writer_.add(writer_.column(index, {}, {}, true, "_sum"), body, histogram.sum_seconds);
    if (created) writer_.add(writer_.column(index, {}, {}, true, "_created"), body, *created);
  }

  void add_external_targets(const Snapshot& snapshot) {
    for (const ExternalTargetStatus& target : snapshot.external_targets) {
      const std::string_view body = labels_.body({{"target", target.name}});
      if (target.is_up) {
        add_own(OwnFamily::external_target_up, body, *target.is_up ? 1 : 0);
        add_own(OwnFamily::external_target_duration, body, target.duration_seconds);
      }
      if (target.last_success_seconds) {
        add_own(OwnFamily::external_target_last_success, body,
                snapshot.wall_offset_seconds + *target.last_success_seconds);
        add_own(OwnFamily::external_target_series, body, number(target.series));
      }
      add_own(OwnFamily::external_target_refused, body, number(target.refused_readings));
      for (std::size_t i = 0; i < kErrorKinds; ++i) {
        add_own(OwnFamily::external_target_errors, body,
                {"reason", reason_label(static_cast<ErrorKind>(i))}, number(target.errors.at(i)));
      }
      for (std::size_t i = 0; i < kExternalDrops; ++i) {
        add_own(OwnFamily::external_target_dropped, body,
                {"reason", external_drop_name(static_cast<ExternalDrop>(i))},
                number(target.dropped.at(i)));
      }
    }
  }

  void add_go_endpoints(const Snapshot& snapshot) {
    const GoEndpointView& view = snapshot.go_endpoints;
    for (const GoEndpointStatus& endpoint : view.endpoints) {
      if (endpoint.name.empty() || !endpoint.is_up) continue;
      const std::string_view body = labels_.body(
          {{"group", group_of_endpoint(snapshot, endpoint)}, {"target", endpoint.name}});
      add_own(OwnFamily::go_up, body, *endpoint.is_up ? 1 : 0);
    }
    if (!view.counts.is_searching && view.endpoints.empty()) return;
    for (std::size_t i = 0; i < kErrorKinds; ++i) {
      add_own(OwnFamily::go_endpoint_errors,
              labels_.body({{"reason", reason_label(static_cast<ErrorKind>(i))}}),
              number(view.counts.errors.at(i)));
    }
    add_own(OwnFamily::go_endpoint_requests, number(view.counts.requests));
    if (!view.counts.is_searching) return;
    for (std::size_t i = 0; i < kGoSearches; ++i) {
      add_own(OwnFamily::go_endpoint_programs,
              labels_.body({{"state", go_search_name(static_cast<GoSearch>(i))}}),
              number(view.counts.programs.at(i)));
    }
  }

  void add_collectors(const Snapshot& snapshot) {
    for (const CollectorHealth& health : snapshot.collectors) {
      const std::string_view body = labels_.body({{"collector", health.name}});
      add_own(OwnFamily::collector_success, body, health.success ? 1 : 0);
      add_own(OwnFamily::collector_duration, body, health.duration_seconds);
      if (health.last_success_seconds) {
        add_own(OwnFamily::collector_last_success, body,
                snapshot.wall_offset_seconds + *health.last_success_seconds);
      }
      for (std::size_t i = 0; i < kErrorKinds; ++i) {
        add_own(OwnFamily::collector_errors, body,
                {"reason", reason_label(static_cast<ErrorKind>(i))}, number(health.errors.at(i)));
      }
    }
    for (const CollectorHealth& health : snapshot.collectors) add_rationing(health);
    for (const OwnFamily family :
         {OwnFamily::collector_skipped, OwnFamily::source_accessible, OwnFamily::collector_success,
          OwnFamily::collector_duration, OwnFamily::collector_last_success,
          OwnFamily::collector_errors}) {
      writer_.sort_by_labels(families_.index_of(family));
    }
    add_sources(snapshot);
    const std::string_view body = labels_.body({{"collector", kSeriesCollector}});
    add_own(OwnFamily::series, body, number(snapshot.series.series));
    add_own(OwnFamily::series_limit, body, number(snapshot.series.limit));
    add_own(OwnFamily::series_dropped, body, number(snapshot.series.dropped));
  }

  void add_rationing(const CollectorHealth& health) {
    if (health.skipped) {
      const std::string_view body = labels_.body({{"collector", health.name}});
      const SkippedReads& skipped = *health.skipped;
      add_own(OwnFamily::collector_skipped, body, {"reason", "budget"}, number(skipped.budget));
      add_own(OwnFamily::collector_skipped, body, {"reason", "disabled"}, number(skipped.disabled));
      add_own(OwnFamily::collector_skipped, body, {"reason", "too_large"},
              number(skipped.too_large));
    }
  }

  // A source that several collectors read is open when it is so to all of them.
  void add_sources(const Snapshot& snapshot) {
    std::map<std::string_view, bool> sources;
    for (const CollectorHealth& health : snapshot.collectors) {
      for (const SourceAccess& access : health.sources) {
        const auto [found, added] = sources.try_emplace(access.source, access.is_accessible);
        if (!added) found->second = found->second && access.is_accessible;
      }
    }
    for (const auto& [source, is_accessible] : sources) {
      add_own(OwnFamily::source_accessible, labels_.body({{"source", source}}),
              is_accessible ? 1 : 0);
    }
  }

  // The smallest first, suspects last.
  void give_up_processes(const Snapshot& snapshot, std::vector<std::string_view>& bodies) {
    struct Candidate {
      LeakState state;
      std::uint64_t bytes;
      std::string_view body;
      const ProcessRow* process;
    };
    std::vector<Candidate> candidates;
    for (const ProcessRow& process : snapshot.processes) {
      if (process.values.empty() || process.group >= snapshot.groups.size()) continue;
      const bool is_watched = process.watch && *process.watch < snapshot.watches.size();
      const PidText pid(process.id.pid);
      candidates.push_back(
          {is_watched ? snapshot.watches[*process.watch].state : LeakState::learning,
           process.anon_bytes.value_or(0) + process.file_bytes.value_or(0) +
               process.shmem_bytes.value_or(0) + process.swap_bytes.value_or(0),
           labels_.body({{"group", snapshot.groups[process.group].name}, {"pid", pid.view()}}),
           &process});
    }
    std::ranges::sort(candidates, {}, [](const Candidate& candidate) {
      const bool is_suspect = candidate.state > LeakState::stable;
      return std::tuple(is_suspect, candidate.bytes, candidate.body);
    });
    for (const Candidate& candidate : candidates) {
      const PidText pid(candidate.process->id.pid);
      for (const SiteRow& site : candidate.process->sites)
        bodies.push_back(
            site_body(site, snapshot.groups[candidate.process->group].name, pid.view()));
      bodies.push_back(candidate.body);
    }
  }

  // Those that are the least worth following first.
  void give_up_watches(const Snapshot& snapshot, std::vector<std::string_view>& bodies) {
    std::vector<const WatchRow*> watches;
    for (const WatchRow& watch : snapshot.watches) watches.push_back(&watch);
    std::ranges::stable_sort(watches, {}, [](const WatchRow* watch) {
      return std::pair(watch->state > LeakState::stable, watch->last_value);
    });
    for (const WatchRow* const watch : watches) {
      for (const LeakPart& part : watch->structures)
        bodies.push_back(part_body(*watch, "structure", part));
      for (const LeakPart& part : watch->sites) {
        bodies.push_back(part_body(*watch, "site", part));
        bodies.push_back(site_growth_body(*watch, part));
      }
      if (watch->causes || watch->concentration) bodies.push_back(subject_body(*watch));
      if (has_build(*watch)) bodies.push_back(build_info_body(*watch));
      bodies.push_back(labels_.body({{"scope", watch->scope},
                                     {"subject", watch->subject},
                                     {"group", watch->group},
                                     {"signal", watch->signal}}));
    }
  }

  void give_up_cgroups(const Snapshot& snapshot, std::vector<std::string_view>& bodies) {
    std::vector<std::pair<double, const CgroupRow*>> cgroups;
    for (const CgroupRow& cgroup : snapshot.cgroups)
      cgroups.emplace_back(sum_of(cgroup.values, kCgroupSize, &MetricDesc::name), &cgroup);
    std::ranges::stable_sort(cgroups, {}, &std::pair<double, const CgroupRow*>::first);
    for (const auto& [bytes, cgroup] : cgroups) {
      bodies.push_back(labels_.body({{"cgroup", cgroup->path}}));
      if (!cgroup->words.empty()) bodies.push_back(info_body(*cgroup));
    }
  }

  // Those of the fewest bytes first.
  void give_up_structures(const Snapshot& snapshot, std::vector<std::string_view>& bodies) {
    std::vector<std::pair<double, const StructureRow*>> rows;
    for (const StructureRow& row : snapshot.structures)
      rows.emplace_back(sum_of(row.values, kStructureSize, &MetricDesc::name), &row);
    std::ranges::stable_sort(rows, {}, &std::pair<double, const StructureRow*>::first);
    for (const auto& [bytes, row] : rows) {
      bodies.push_back(structure_body(*row));
      if (row->is_alive) bodies.push_back(structure_info_body(*row));
    }
  }

  void give_up_groups(const Snapshot& snapshot, std::vector<std::string_view>& bodies) {
    std::vector<std::pair<double, std::string_view>> groups;
    for (const GroupRow& group : snapshot.groups)
      groups.emplace_back(sum_of(group.values, kGroupSize, &MetricDesc::group_name), group.name);
    std::ranges::stable_sort(groups);
    for (const auto& [bytes, name] : groups) bodies.push_back(labels_.body({{"group", name}}));
  }

  static double sum_of(const std::vector<MetricValue>& values, std::string_view name,
                       std::string_view MetricDesc::*name_of) {
    double sum = 0;
    for (const MetricValue& value : values) {
      if (value.desc->*name_of == name) sum += value.value;
    }
    return sum;
  }

  // What is said of the host, the agent, its alerts and the workloads always stays.
  void limit_samples(const Snapshot& snapshot, ExpositionFormat format, const PageFilter& filter) {
    const std::size_t limit = snapshot.page_sample_limit;
    if (limit > 0) add_own(OwnFamily::exposition_samples_limit, number(limit));
    const std::size_t counter = families_.index_of(OwnFamily::exposition_samples_dropped);
    // The counter itself is still to come.
    const std::size_t to_come = filter.shows(families_.all()[counter]) ? (started_ ? 2 : 1) : 0;
    if (limit > 0 && writer_.lines(format, filter) + to_come > limit) {
      std::vector<std::string_view> bodies;
      give_up_processes(snapshot, bodies);
      for (const ArenaRow& row : snapshot.arenas) bodies.push_back(arena_body(row));
      give_up_structures(snapshot, bodies);
      for (const JvmPoolRow& row : snapshot.jvm_pools) bodies.push_back(jvm_pool_body(row));
      for (const JvmRow& row : snapshot.jvms) {
        bodies.push_back(jvm_body(row));
        if (row.is_alive) bodies.push_back(jvm_info_body(row));
      }
      for (const GoRow& row : snapshot.go_programs) {
        if (row.is_alive) bodies.push_back(go_info_body(row));
      }
      give_up_cgroups(snapshot, bodies);
      give_up_watches(snapshot, bodies);
      give_up_groups(snapshot, bodies);
      samples_dropped_ +=
          writer_.leave_out(bodies, limit - std::min(limit, to_come), format, filter);
    }
    add_own(OwnFamily::exposition_samples_dropped, number(samples_dropped_));
  }

  void add_agent(const Snapshot& snapshot) {
    add_own(OwnFamily::exposition_processes_dropped, number(snapshot.exposed_processes_dropped));
    add_own(OwnFamily::config_last_reload_successful, snapshot.last_reload_successful ? 1 : 0);
    add_own(OwnFamily::config_last_reload_success_timestamp,
            snapshot.wall_offset_seconds + snapshot.last_reload_seconds);
    add_own(OwnFamily::config_reloads, number(snapshot.reloads));
    add_own(OwnFamily::config_reloads_failed, number(snapshot.reloads_failed));
    if (snapshot.memory_budget_bytes > 0) {
      add_own(OwnFamily::agent_memory_budget, number(snapshot.memory_budget_bytes));
    }
    for (std::size_t i = 0; i < kLogLevels.size(); ++i) {
      add_own(OwnFamily::log_messages, labels_.body({{"level", kLogLevels.at(i)}}),
              number(snapshot.log_messages.at(i)));
    }
  }

  void add_evidence(const Snapshot& snapshot) {
    if (!snapshot.evidence) return;
    const EvidenceStats& stats = snapshot.evidence->stats;
    for (std::size_t i = 0; i < kEvidenceOccasions; ++i) {
      const std::string_view occasion = occasion_name(static_cast<EvidenceOccasion>(i));
      add_own(OwnFamily::evidence_captures, labels_.body({{"occasion", occasion}}),
              number(stats.taken.at(i)));
    }
    add_own(OwnFamily::evidence_kept, number(stats.captures));
    add_own(OwnFamily::evidence_size, number(stats.bytes));
    add_own(OwnFamily::evidence_errors, number(stats.failures));
    add_own(OwnFamily::evidence_damaged, number(stats.damaged));
  }

  void add_history(const Snapshot& snapshot) {
    if (!snapshot.history) return;
    const HistoryStats& history = *snapshot.history;
    add_own(OwnFamily::history_size, number(history.size_bytes));
    add_own(OwnFamily::history_rows_written, number(history.rows_written));
    add_own(OwnFamily::history_rows_rejected, number(history.rows_rejected));
    add_own(OwnFamily::history_errors, number(history.errors));
    add_own(OwnFamily::history_batches_dropped, number(history.batches_dropped));
    if (history.last_write_seconds > 0) {
      add_own(OwnFamily::history_last_write,
              snapshot.wall_offset_seconds + history.last_write_seconds);
    }
  }

  void add_extra(const prometheus::Collectable& collectable) {
    for (const prometheus::MetricFamily& family : collectable.Collect()) {
      const std::optional<std::size_t> index = families_.find(family.name);
      const bool counter = family.type == prometheus::MetricType::Counter;
      if (!index || (!counter && family.type != prometheus::MetricType::Gauge)) {
        unlisted_samples_ += family.metric.size();
        continue;
      }
      for (const prometheus::ClientMetric& metric : family.metric) {
        const double value = counter ? metric.counter.value : metric.gauge.value;
        const std::string_view body = extra_body(metric);
        writer_.add(writer_.column(*index, {}, {}, !body.empty()), body, value,
                    counter ? started_ : std::nullopt);
      }
      writer_.sort_by_labels(*index);
    }
  }

  std::string_view extra_body(const prometheus::ClientMetric& metric) {
    if (metric.label.empty()) return {};
    LabelBody body;
    for (const prometheus::ClientMetric::Label& label : metric.label) {
      body.add(label.name, label.value);
    }
    return extra_bodies_.emplace_back(std::move(body).finish());
  }

  const MetricFamilies& families_;
  std::vector<const prometheus::Collectable*> extra_;
  PageWriter writer_;
  LabelCache labels_;
  std::deque<std::string> extra_bodies_;
  std::unordered_map<const MetricDesc*, DescColumns> desc_columns_;
  std::vector<std::pair<const MetricDesc*, const DescColumns*>> recent_;
  std::array<std::vector<OwnColumn>, kOwnFamilies> own_columns_;
  std::uint64_t unlisted_samples_ = 0;
  std::uint64_t samples_dropped_ = 0;
  bool says_created_ = false;
  std::optional<double> started_;   // of the agent, where the page says it
  double wall_offset_seconds_ = 0;  // of the snapshot being rendered
};

MetricsPage::MetricsPage(const MetricFamilies& families,
                         std::vector<const prometheus::Collectable*> extra)
    : renderer_(std::make_unique<Renderer>(families, std::move(extra))) {}

MetricsPage::~MetricsPage() = default;

std::string MetricsPage::render(const Snapshot& snapshot, ExpositionFormat format,
                                const PageFilter& filter, std::string room) {
  return renderer_->render(snapshot, format, filter, std::move(room));
}

std::uint64_t MetricsPage::unlisted_samples() const { return renderer_->unlisted_samples(); }

std::size_t MetricsPage::cached_entities() const { return renderer_->cached_entities(); }

}  // namespace heapfloor
