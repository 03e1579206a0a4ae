#include "agent/snapshot_builder.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>
#include <numeric>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "agent/alerts/leak_alerts.h"

namespace heapfloor {
namespace {

template <class Integer>
std::optional<Integer> whole(const std::optional<double>& value) {
  return value ? std::optional(static_cast<Integer>(*value)) : std::nullopt;
}

// Marks the `most` largest of the candidates, which are indices into `processes`. Returns how many
// found no place.
std::size_t expose_largest(std::span<const ProcessEntry> processes,
                           std::vector<std::size_t>& candidates, std::size_t most,
                           std::vector<bool>& is_exposed) {
  const std::size_t taken = std::min(most, candidates.size());
  const auto end = candidates.begin() + static_cast<std::ptrdiff_t>(taken);
  std::ranges::nth_element(candidates, end, std::greater<>(), [&processes](std::size_t index) {
    return processes[index].size_bytes();
  });
  std::for_each(candidates.begin(), end,
                [&is_exposed](std::size_t index) { is_exposed[index] = true; });
  return candidates.size() - taken;
}

constexpr double kMostHeld = 0.5;      // confidence in what is not confirmed
constexpr std::size_t kMostSites = 5;  // shown of an exposed process

// The hash of a stack as its subject has it.
std::string site_name(std::uint64_t hash) { return fmt::format("{:016x}", hash); }

std::string_view compaction_cause_of(const SeriesKey& key) {
  if (key.signal == Signal::gc_live || key.kind == EntityKind::external) return "gc";
  return key.kind == EntityKind::structure ? "clear" : "trim";
}

WatchRow row_of(const Watch& watch) {
  WatchRow row;
  row.subject = watch.subject();
  row.scope = std::string(watch.scope());
  row.signal = std::string(signal_name(watch.key.signal));
  row.basis = std::string(watch.basis());
  row.name = watch.name;
  row.part = watch.part;
  row.group = watch.group;
  row.cgroup = watch.cgroup;
  row.process = watch.key.process;
  row.start_seconds = watch.start_seconds;
  row.build = watch.build;
  row.state = watch.judge.state();
  row.state_since_seconds = watch.state_since_seconds();
  if (watch.judge.revocation()) row.revocation = revocation_name(*watch.judge.revocation());
  row.ended_seconds = watch.ended_seconds;
  row.last_value = watch.last_value;
  row.limit_source =
      watch.detector.verdict().limit ? std::string(watch.limit_source) : std::string();
  row.verdict = watch.detector.verdict();
  row.changes = watch.changes;
  row.compactions = watch.detector.compactions();
  if (watch.last_reading.epoch) row.compaction_cause = compaction_cause_of(watch.key);
  row.is_retention = watch.is_retention && row.verdict.evidence == Evidence::confirmed;
  if (row.is_retention) row.verdict.confidence = std::min(row.verdict.confidence, kMostHeld);
  return row;
}

// From the median of the first quarter of the points since then to that of the last, over the time
// between their middles. Nothing of fewer than kLeastPoints.
std::optional<double> growth_since(const std::vector<Point>& points, double start_seconds) {
  constexpr std::size_t kLeastPoints = 4;
  const auto first = std::ranges::lower_bound(points, start_seconds, {}, &Point::time_seconds);
  const std::span<const Point> since(first, points.end());
  if (since.size() < kLeastPoints) return std::nullopt;
  const std::size_t quarter = std::max<std::size_t>(1, since.size() / 4);
  const auto median = [](std::span<const Point> part) {
    std::vector<double> values;
    for (const Point& point : part) values.push_back(point.minimum);
    std::ranges::nth_element(values,
                             values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2));
    return values[values.size() / 2];
  };
  const auto middle = [](std::span<const Point> part) {
    return part[part.size() / 2].time_seconds;
  };
  const std::span<const Point> begin = since.first(quarter);
  const std::span<const Point> end = since.last(quarter);
  const double seconds = middle(end) - middle(begin);
  if (seconds <= 0) return std::nullopt;
  return (median(end) - median(begin)) / seconds;
}

bool is_of_memory(const Watch& watch) {
  const Signal signal = watch.key.signal;
  if (watch.key.kind == EntityKind::go) return signal == Signal::gc_live;
  return watch.key.kind == EntityKind::process &&
         (signal == Signal::rss_anon || signal == Signal::allocator_live ||
          signal == Signal::sampled_live);
}

// What grows with a suspect of a process that carries a probe or runs Go.
class PartFinder {
 public:
  PartFinder(const WatchList& watches, const ProbeFollower& probes)
      : watches_(watches), probes_(probes) {}

  void explain(const Watch& watch, WatchRow& row) const {
    const double start = watch.detector.verdict().window_start_seconds;
    const std::optional<double> whole = live_growth(watch.key.process, start);
    watches_.for_each([&](const Watch& part) {
      if (part.key.process != watch.key.process || part.ended_seconds) return;
      if (part.key.signal == Signal::structure_bytes)
        add(row.structures, part_of(part, start, whole));
      if (part.key.signal == Signal::site_bytes) add(row.sites, part_of(part, start, whole));
    });
    for (std::vector<LeakPart>* const parts : {&row.structures, &row.sites}) {
      std::ranges::sort(*parts, std::greater<>(), &LeakPart::growth_bytes_per_second);
      if (parts->size() > kMostParts) parts->resize(kMostParts);
    }
  }

 private:
  static constexpr std::size_t kMostParts = 5;

  static void add(std::vector<LeakPart>& parts, LeakPart part) {
    if (part.growth_bytes_per_second > 0) parts.push_back(std::move(part));
  }

  [[nodiscard]] std::optional<double> live_growth(const ProcessId& id, double start) const {
    for (const SeriesKey& key : {SeriesKey{EntityKind::process, Signal::allocator_live, id},
                                 SeriesKey{EntityKind::process, Signal::sampled_live, id},
                                 SeriesKey{EntityKind::go, Signal::gc_live, id}}) {
      const Watch* const live = watches_.find(key);
      if (live == nullptr) continue;
      const std::optional<double> growth = growth_since(watches_.points(*live), start);
      if (growth && *growth > 0) return growth;
    }
    return std::nullopt;
  }

  [[nodiscard]] LeakPart part_of(const Watch& watch, double start,
                                 const std::optional<double>& whole) const {
    LeakPart part;
    part.name = watch.part;
    part.growth_bytes_per_second = growth_since(watches_.points(watch), start).value_or(0);
    if (whole) part.share = std::clamp(part.growth_bytes_per_second / *whole, 0.0, 1.0);
    const auto& sites = probes_.sites(watch.key.process);
    if (watch.key.signal != Signal::site_bytes) {
      // What its largest site does.
      const auto largest = std::ranges::find_if(
          sites, [&part](const auto& site) { return site.second.structure == part.name; });
      if (largest != sites.end()) part.phase = largest->second.phase;
      return part;
    }
    for (const auto& [hash, facts] : sites) {
      if (hash != watch.key.part) continue;
      part.location = facts.location;
      part.structure = facts.structure;
      part.phase = facts.phase;
    }
    return part;
  }

  const WatchList& watches_;
  const ProbeFollower& probes_;
};

std::string word_of(const PartRow& row, Attribute attribute) {
  const auto found =
      std::ranges::find(row.words, attribute, &std::pair<Attribute, std::string>::first);
  return found == row.words.end() ? std::string() : found->second;
}

std::vector<MetricValue> values_of(const PartTable& table, const PartRow& row) {
  std::vector<MetricValue> values;
  for (std::size_t position = 0; position < row.values.size(); ++position) {
    if (row.values[position]) values.push_back({&table.metric(position), *row.values[position]});
  }
  return values;
}

}  // namespace

void SnapshotBuilder::add_scalars(const SampleBatch& batch) {
  for (std::size_t index = 0; index < batch.entities(); ++index) {
    const EntityKind kind = batch.entity(index).kind;
    if (kind != EntityKind::host && kind != EntityKind::agent) continue;
    std::vector<MetricValue>& values = kind == EntityKind::host ? snapshot_.host : snapshot_.agent;
    for (const SampleBatch::Sample& sample : batch.samples(index))
      values.push_back({sample.desc, sample.value});
  }
}

void SnapshotBuilder::add_watches(const WatchList& watches, const ProbeFollower& probes,
                                  const CauseBook& causes, const BuildFollower& builds) {
  const PartFinder parts(watches, probes);
  watches.for_each([&](const Watch& watch) {
    WatchRow& row = snapshot_.watches.emplace_back(row_of(watch));
    row.builds = builds.comparison_of(watch);
    row.concentration = probes.concentration(watch);
    const bool is_suspect = row.state == LeakState::suspected || row.state == LeakState::leaking;
    if (is_suspect) row.causes = causes.causes(watch);
    if (is_suspect && is_of_memory(watch) && probes.knows_parts(watch.key.process))
      parts.explain(watch, row);
  });
  std::ranges::sort(snapshot_.watches, {},
                    [](const WatchRow& row) { return std::tie(row.subject, row.signal); });
}

void SnapshotBuilder::add_probes(const ProbeFollower& probes) {
  for (const auto& [key, row] : probes.allocators().rows()) {
    snapshot_.allocators.push_back({row.group, row.name, word_of(row, Attribute::version),
                                    row.met_seconds, row.is_alive,
                                    values_of(probes.allocators(), row)});
  }
  for (const auto& [key, row] : probes.arenas().rows())
    snapshot_.arenas.push_back({row.group, row.name, values_of(probes.arenas(), row)});
  for (const auto& [key, row] : probes.structures().rows()) {
    snapshot_.structures.push_back({row.group, row.name, word_of(row, Attribute::kind),
                                    word_of(row, Attribute::element), word_of(row, Attribute::file),
                                    row.met_seconds, row.is_alive,
                                    values_of(probes.structures(), row)});
  }
}

void SnapshotBuilder::add_jvms(const JvmFollower& jvms) {
  for (WatchRow& row : snapshot_.watches) {
    row.collector = jvms.collector(row.process);
    if (!row.collector.empty()) row.runtime = "JVM";
  }
  for (const auto& [key, row] : jvms.jvms().rows()) {
    snapshot_.jvms.push_back({row.group, row.name, word_of(row, Attribute::version),
                              word_of(row, Attribute::vendor), row.met_seconds, row.is_alive,
                              values_of(jvms.jvms(), row)});
  }
  for (const auto& [key, row] : jvms.pools().rows())
    snapshot_.jvm_pools.push_back({row.group, row.name, values_of(jvms.pools(), row)});
}

// `waits` may be null.
void SnapshotBuilder::add_go_programs(const GoFollower& go,
                                      const std::shared_ptr<const KnownWaits>& waits) {
  for (WatchRow& row : snapshot_.watches) {
    if (!go.knows(row.process)) continue;
    row.runtime = "Go runtime";
    if (row.state < LeakState::suspected) continue;
    row.goroutines = go.goroutine_growth(row.process, row.verdict.window_start_seconds);
    row.idle_bytes = go.idle_bytes(row.process);
    if (!row.goroutines || waits == nullptr) continue;
    const auto known = waits->find(row.process);
    if (known != waits->end()) row.goroutines->waits = known->second;
  }
  for (const auto& [key, row] : go.programs().rows()) {
    snapshot_.go_programs.push_back({row.group, word_of(row, Attribute::version), row.met_seconds,
                                     row.is_alive, values_of(go.programs(), row)});
  }
}

void SnapshotBuilder::add_cgroups(const CgroupTable& table, const SampleBatch& batch) {
  for (const CgroupEntry& cgroup : table.cgroups()) {
    CgroupRow& row = snapshot_.cgroups.emplace_back();
    row.path = std::string(cgroup.path);
    row.name = std::string(cgroup.name);
    for (const CgroupWord& word : cgroup.words)
      row.words.emplace_back(cgroup_label(word.attribute), word.text);
    for (const SampleBatch::Sample& sample : batch.samples(cgroup.batch_entity))
      row.values.push_back({sample.desc, sample.value});
  }
  std::ranges::sort(snapshot_.cgroups, {}, &CgroupRow::path);
}

void SnapshotBuilder::add_ooms(const OomBook& book) {
  for (const auto& [name, oom] : book.workloads())
    snapshot_.workloads.push_back({name, oom.kills(), oom.last_seconds});
  for (const OomVictimEntry& entry : book.victims()) {
    snapshot_.oom_victims.push_back({entry.victim.pid, entry.victim.comm, entry.victim.cgroup,
                                     entry.workload, entry.victim.anon_bytes, entry.time_seconds});
  }
}

void SnapshotBuilder::add_groups(const GroupTable& table) {
  const auto groups = table.groups();
  std::vector<std::uint32_t> order;
  for (std::uint32_t index = 0; index < groups.size(); ++index) {
    if (!groups[index].values.empty()) order.push_back(index);
  }
  std::ranges::sort(order, {}, [&groups](std::uint32_t index) -> const std::string& {
    return groups[index].name;
  });
  row_of_group_.assign(groups.size(), 0);
  for (const std::uint32_t index : order) {
    const ProcessGroup& group = groups[index];
    row_of_group_[index] = static_cast<std::uint32_t>(snapshot_.groups.size());
    GroupRow& row = snapshot_.groups.emplace_back();
    row.name = group.name;
    row.processes = group.processes;
    row.starts = group.starts;
    row.exits = group.exits;
    row.unreadable_status = group.unreadable;
    const auto sources = table.unreadable_sources();
    for (std::size_t source = 0; source < sources.size(); ++source)
      row.unreadable.push_back({sources[source], group.unreadable_by_source.at(source)});
    row.unread_smaps = group.unsampled;
    row.met_seconds = group.met_seconds;
    row.first_start_seconds = seconds_of(group.first_start_ticks);
    row.oldest_start_seconds = seconds_of(group.oldest_start_ticks);
    row.youngest_start_seconds = seconds_of(group.youngest_start_ticks);
    for (std::size_t position = 0; position < group.values.size(); ++position) {
      if (group.values[position])
        row.values.push_back({&table.metric(position), *group.values[position]});
    }
  }
}

std::size_t SnapshotBuilder::add_processes(const GroupTable& table, const SampleBatch& batch,
                                           const ProbeFollower& probes, const Exposed& exposed,
                                           const LimitSource& limit_of) {
  std::map<ProcessId, std::uint32_t> watched;  // the memory of each
  std::set<ProcessId> suspects;                // by any of their signals
  for (std::uint32_t index = 0; index < snapshot_.watches.size(); ++index) {
    const WatchRow& watch = snapshot_.watches[index];
    if (watch.process.pid == 0) continue;
    if (watch.signal == signal_name(Signal::rss_anon)) watched.emplace(watch.process, index);
    if (watch.state > LeakState::stable) suspects.insert(watch.process);
  }
  const auto processes = table.processes();
  std::vector<bool> is_exposed(processes.size());
  std::vector<std::size_t> candidates(processes.size());
  std::iota(candidates.begin(), candidates.end(), std::size_t{0});
  expose_largest(processes, candidates, exposed.largest, is_exposed);
  candidates.clear();
  for (std::size_t index = 0; index < processes.size(); ++index) {
    if (suspects.contains(processes[index].id)) is_exposed[index] = true;
    if (processes[index].is_exposed && !is_exposed[index]) candidates.push_back(index);
  }
  const std::size_t left_out = expose_largest(processes, candidates, exposed.of_groups, is_exposed);
  snapshot_.processes.reserve(processes.size());
  for (std::size_t index = 0; index < processes.size(); ++index) {
    const ProcessEntry& process = processes[index];
    ProcessRow& row = add_process(process, batch);
    if (process.anon_bytes) row.memory_limit_bytes = limit_of(process);
    std::optional<double>& least = snapshot_.groups[row.group].memory_limit_bytes;
    if (row.memory_limit_bytes)
      least = std::min(least.value_or(*row.memory_limit_bytes), *row.memory_limit_bytes);
    if (const auto found = watched.find(process.id); found != watched.end())
      row.watch = found->second;
    if (!is_exposed[index]) continue;
    for (std::size_t record = 0; record < process.batch_entity_count; ++record) {
      for (const SampleBatch::Sample& sample : batch.samples(process.batch_entities.at(record)))
        row.values.push_back({sample.desc, sample.value});
    }
    for (const auto& [hash, facts] : probes.sites(process.id)) {
      if (row.sites.size() == kMostSites) break;
      row.sites.push_back({site_name(hash), facts.live_bytes});
    }
  }
  return left_out;
}

ProcessRow& SnapshotBuilder::add_process(const ProcessEntry& process, const SampleBatch& batch) {
  ProcessRow& row = snapshot_.processes.emplace_back();
  row.id = process.id;
  row.comm = std::string(batch.entity(process.batch_entities[0]).name);
  row.group = row_of_group_[process.group];
  row.start_seconds = seconds_of(process.id.start_ticks);
  row.anon_bytes = whole<std::uint64_t>(process.anon_bytes);
  row.file_bytes = whole<std::uint64_t>(process.file_bytes);
  row.shmem_bytes = whole<std::uint64_t>(process.shmem_bytes);
  row.swap_bytes = whole<std::uint64_t>(process.swap_bytes);
  row.threads = whole<std::uint32_t>(process.threads);
  return row;
}

void SnapshotBuilder::add_alerts(const AlertBook& alerts, const SilenceBook& silences,
                                 const LinkSource& links_of, double now_unix_seconds) {
  for (const Alert& alert : alerts.alerts()) {
    AlertRow& row = add_alert(alert);
    row.silenced_by = silences.silencing(alert.condition, now_unix_seconds);
    row.links = links_of(alert.condition);
  }
  for (const auto& [name, counts] : alerts.counts()) {
    snapshot_.alert_transitions.push_back({name, counts.pending, counts.firing, counts.resolved});
  }
}

void SnapshotBuilder::add_rules(const RuleEvaluator& rules, double hold_seconds) {
  for (const LeakRule& rule : kLeakRules) {
    snapshot_.rules.push_back({std::string(rule.name), std::string(rule.query),
                               std::string(rule.severity), std::string(rule.summary), hold_seconds,
                               false, 0});
  }
  for (std::size_t index = 0; index < rules.rules().size(); ++index) {
    const AlertRule& rule = rules.rules()[index];
    snapshot_.rules.push_back({rule.name, rule_query(rule), rule.severity, rule.summary,
                               rule.hold_seconds.value_or(hold_seconds), !rule.is_builtin,
                               rules.refused(index), rule_scope_name(rule.scope)});
  }
}

AlertRow& SnapshotBuilder::add_alert(const Alert& alert) {
  const AlertCondition& condition = alert.condition;
  AlertRow& row = snapshot_.alerts.emplace_back();
  row.name = condition.name;
  row.severity = condition.severity;
  row.phase = alert.phase;
  row.subject = condition.subject;
  row.scope = condition.scope;
  row.group = condition.group;
  row.signal = condition.signal;
  row.active_since_seconds = alert.active_since_seconds;
  row.value = condition.value;
  row.summary = condition.summary;
  row.description = condition.description;
  return row;
}

}  // namespace heapfloor
