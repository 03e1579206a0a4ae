#include "agent/pipeline.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <iterator>
#include <string>
#include <utility>

#include "agent/alerts/leak_alerts.h"
#include "agent/exposition/api_json.h"
#include "agent/exposition/text_format.h"
#include "agent/link_maker.h"
#include "agent/log.h"
#include "agent/trend/signal_list.h"
#include "agent/trend/time_constants.h"
#include "collectors/bpf/task_iterator.h"
#include "collectors/parse/pid_stat.h"
#include "collectors/probe_metrics.h"
#include "collectors/process_metrics.h"
#include "collectors/smaps_metrics.h"

namespace heapfloor {
namespace {

constexpr std::string_view kProcessCollector = "process";
constexpr std::string_view kHost = "host";
// How long what others held of a limit at a peak is believed to come back: longer than most of them
// take from one peak to the next, and short beside the days that a forecast looks ahead.
constexpr double kOthersForgottenHours = 1;
// Below it the iterator saves less than a few milliseconds an interval.
constexpr std::size_t kProcessesWorthBpf = 1000;
constexpr std::string_view kSilencesDocument = "silences";
constexpr std::string_view kOomsDocument = "ooms";
constexpr std::string_view kQueueDocument = "queue:";
constexpr std::array<std::string_view, 6> kScopes = {"allocator", "cgroup", "external",
                                                     "process",   "site",   "structure"};
// Of a tick, for what others recorded: the past of a thousand series takes longer, and can wait.
constexpr double kMostExternalSeconds = 0.5;

// What of a cgroup is watched, each alone: anonymous memory, files in shared memory (tmpfs), and
// what the kernel keeps for it and cannot give back.
struct CgroupSignal {
  Signal signal;
  std::optional<double> CgroupEntry::*value;
};
constexpr std::array kCgroupSignals = {
    CgroupSignal{Signal::cgroup_anon, &CgroupEntry::own_anon_bytes},
    CgroupSignal{Signal::cgroup_shmem, &CgroupEntry::own_shmem_bytes},
    CgroupSignal{Signal::cgroup_slab, &CgroupEntry::own_slab_bytes},
};

std::unique_ptr<TaskSource> tasks_of(const Config& config, const HostRoot& root) {
  return config.collection.bpf == BpfUse::off ? nullptr : make_bpf_task_iterator(root);
}

struct Boards {
  ProcessBoard& processes;
  OomBoard& ooms;
  ProbeBoard& probes;
  GoBoard& go_programs;
  StackBoard& stacks;
};

CollectorOptions options_of(const Config& config, const Boards& boards, const Stopwatch& stopwatch,
                            TaskSource* tasks) {
  CollectorOptions options;
  options.board = &boards.processes;
  options.oom_board = &boards.ooms;
  options.probe_board = &boards.probes;
  options.go_board = &boards.go_programs;
  options.stack_board = &boards.stacks;
  options.cgroup_limit = config.limits.cgroups;
  options.stopwatch = &stopwatch;
  options.smaps_duty = config.collection.smaps_duty;
  options.smaps_max_read_seconds = config.collection.smaps_max_read_seconds;
  options.descriptor_budget = config.collection.descriptor_budget;
  options.refresh_ticks = static_cast<std::uint32_t>(config.collection.refresh_ticks);
  options.tasks = tasks;
  if (config.collection.bpf == BpfUse::automatic) options.tasks_from = kProcessesWorthBpf;
  return options;
}

std::function<bool(const CollectorEntry&)> enabled_by(const Config& config) {
  return [&config](const CollectorEntry& entry) {
    return config.collects(entry.name, entry.enabled_by_default);
  };
}

// The metrics of the collectors that write processes. Those of one that is switched off are left
// out, so that what it does not read is not counted as missing.
std::vector<std::span<const MetricDesc>> process_tables(const Config& config) {
  std::vector<std::span<const MetricDesc>> tables = {kProcessMetrics};
  if (config.collects("smaps", true)) tables.emplace_back(kSmapsMetrics);
  tables.emplace_back(kProbeProcessMetrics);
  return tables;
}

WatchList::PolicySource policies_of(const Config& config) {
  return [&config](Signal signal) { return config.policy_for(signal_name(signal)); };
}

// What people call this machine; "localhost" where it has no name.
std::string host_name() {
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) != 0 || name.front() == '\0') return "localhost";
  return name.data();
}

void log_transition(const Watch& watch, LeakState before) {
  const LeakState after = watch.judge.state();
  const bool is_loud = after == LeakState::leaking || after == LeakState::suspected;
  if (after == LeakState::stable && before == LeakState::learning) return;
  log_line(is_loud ? LogLevel::warning : LogLevel::info, "leak state",
           {{"subject", watch.subject()},
            {"signal", signal_name(watch.key.signal)},
            {"name", watch.name},
            {"from", leak_state_name(before)},
            {"to", leak_state_name(after)}});
}

}  // namespace

Pipeline::Pipeline(const Config& config, const Clock& clock, AlertSink& sink, AlertSender* sender)
    : clock_(clock),
      sink_(sink),
      sender_(sender),
      started_seconds_(clock.steady_seconds()),
      root_(HostPaths{config.path.procfs, config.path.sysfs, config.path.rootfs}),
      users_(root_),
      stopwatch_(clock),
      tasks_(tasks_of(config, root_)),
      scheduler_(builtin_collectors(), enabled_by(config), root_,
                 options_of(config, {board_, oom_board_, probe_board_, go_board_, stack_board_},
                            stopwatch_, tasks_.get()),
                 clock),
      ticks_per_second_(static_cast<double>(sysconf(_SC_CLK_TCK))),
      config_(config),
      groups_(process_tables(config), config.limits.groups),
      watches_(policies_of(config), config.limits.series),
      alerts_(config.alerts.hold_seconds, config.alerts.resolve_hold_seconds),
      host_name_(host_name()) {
  reload_.last_success_seconds = started_seconds_;
  for (const std::string_view name : kLeakAlertNames) alerts_.declare(std::string(name));
  watches_.on_transition([this](const Watch& watch, LeakState before) {
    if (watch.judge.state() == LeakState::leaking) note_leak(watch);
    log_transition(watch, before);
    if (history_ != nullptr)
      recorder_.note_transition(watch, before, history_time(watch.state_since_seconds()));
  });
  watches_.on_end([this](const Watch& watch) {
    recorder_.note_end(watch, history_time(*watch.ended_seconds));
  });
  watches_.on_exec([this](const Watch& watch) {
    recorder_.note_exec(watch, history_time(watch.last_seen_seconds));
  });
  watches_.set_lives_source([this](const Watch& watch) {
    return recorder_.earlier_lives(watch.life_name(), watch.group, signal_name(watch.key.signal),
                                   watch.run_start_seconds() + wall_offset_seconds_);
  });
  for (const std::string_view scope : kScopes) leaks_detected_.try_emplace(std::string(scope));
  follow_configuration();
  find_agent();
  probes_.set_agent(agent_);
  groups_.set_grouping(grouping_of(config));
}

Grouping Pipeline::grouping_of(const Config& config) {
  Grouping grouping;
  grouping.rules = std::make_shared<const GroupRules>(config.groups);
  grouping.by_default = config.grouping.by_default;
  grouping.children_inherit = config.grouping.children_inherit;
  grouping.ticks_per_second = ticks_per_second_;
  grouping.user_name = [this](std::string_view user_id) { return users_.name_of(user_id); };
  grouping.agent = agent_;
  return grouping;
}

void Pipeline::note_leak(const Watch& watch) {
  DetectedLeaks& leaks = leaks_detected_[std::string(watch.scope())];
  ++leaks.count;
  leaks.last = {watch.subject(), watch.key.process.pid, watch.state_since_seconds()};
}

void Pipeline::find_agent() {
  std::array<char, 1024> buffer{};
  const Result<std::string_view> text = root_.read(HostRoot::Tree::proc, "self/stat", buffer);
  if (!text) return;
  const Result<PidStat> stat = parse_pid_stat(*text);
  std::int32_t pid = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), pid);
  if (stat && error == std::errc()) agent_ = ProcessId{pid, stat->start_ticks};
}

void Pipeline::attach(HistoryWriter& history) {
  const std::scoped_lock lock(mutex_);
  history_ = &history;
  std::array<char, 64> buffer{};
  const Result<std::string_view> boot_id =
      root_.read(HostRoot::Tree::proc, "sys/kernel/random/boot_id", buffer);
  if (boot_id) boot_id_ = std::string(*boot_id);
  follow_wall_clock();
  const auto source = [&history](RowKind kind, const HistoryStore::Visitor& visitor) {
    history.visit(kind, visitor);
  };
  recorder_.restore_beside_with(
      [this](const Watch& watch, std::string_view bytes) { restore_beside(watch, bytes); });
  std::map<std::string, std::uint64_t> leaks = leak_counts();
  std::map<std::string, std::string> documents;
  const RestoreReport report = recorder_.restore(source, history_time(clock_.steady_seconds()),
                                                 watches_, {&alerts_, &leaks, &documents});
  restore_documents(documents);
  externals_.set_targets(followed_targets(config_), watches_);
  for (const auto& [scope, count] : leaks) leaks_detected_[scope].count = count;
  log_line(report.discarded > 0 ? LogLevel::warning : LogLevel::info, "history read",
           {{"series", std::uint64_t{report.watches}},
            {"discarded", std::uint64_t{report.discarded}},
            {"ended_by_reboot", std::uint64_t{report.ended_by_reboot}},
            {"alerts", report.alerts ? "kept" : "none"}});
  history.start();
}

HistoryTime Pipeline::history_time(double now_seconds) const {
  return {boot_id_, now_seconds, wall_offset_seconds_};
}

std::string Pipeline::beside(const Watch& watch, const SavedSites& sites) const {
  const std::string causes = causes_.saved(watch, watches_);
  const bool is_process =
      watch.key.kind == EntityKind::process && watch.key.signal == Signal::rss_anon;
  auto found = is_process ? sites.find(watch.key.process) : sites.end();
  constexpr std::size_t kMostSitesBytes = HistoryRecorder::kMostBesideBytes - 8192;
  if (found != sites.end() && found->second.size() > kMostSitesBytes) found = sites.end();
  std::string bytes;
  if (causes.empty() && found == sites.end()) return bytes;
  ByteWriter out(bytes);
  out.put_bytes(causes);
  out.put_bytes(found == sites.end() ? std::string_view() : found->second);
  return bytes;
}

void Pipeline::restore_beside(const Watch& watch, std::string_view bytes) {
  ByteReader in(bytes);
  const std::string causes = in.take_bytes(HistoryRecorder::kMostBesideBytes);
  std::string sites = in.take_bytes(HistoryRecorder::kMostBesideBytes);
  if (!in.finished()) return;
  causes_.restore(watch, causes);
  if (!sites.empty()) restore_sites_(watch.key.process, std::move(sites));
}

void Pipeline::record_history(double now_seconds) {
  if (history_ == nullptr) return recorder_.drop_batch();
  const auto sites = saved_sites_();
  std::map<std::string, std::uint64_t> leaks = leak_counts();
  save_documents();
  history_->submit(recorder_.record(watches_, {&alerts_, &leaks, &documents_},
                                    history_time(now_seconds), history_->losses(),
                                    [&](const Watch& watch) { return beside(watch, *sites); }));
}

void Pipeline::save_documents() {
  if (silences_saved_ != silences_.version()) {
    documents_[std::string(kSilencesDocument)] = silences_.save();
    silences_saved_ = silences_.version();
  }
  if (ooms_saved_ != ooms_.version()) {
    documents_[std::string(kOomsDocument)] = ooms_.save({boot_id_, wall_offset_seconds_});
    ooms_saved_ = ooms_.version();
  }
  if (sender_ == nullptr) return;
  for (auto& [receiver, queue] : sender_->save(queues_saved_))
    documents_[std::string(kQueueDocument) + receiver] = std::move(queue);
  std::erase_if(documents_, [this](const auto& document) {
    return document.first.starts_with(kQueueDocument) &&
           !queues_saved_.contains(document.first.substr(kQueueDocument.size()));
  });
}

void Pipeline::restore_documents(const std::map<std::string, std::string>& documents) {
  AlertSender::SavedQueues queues;
  for (const auto& [name, bytes] : documents) {
    if (name.starts_with(kQueueDocument))
      queues.emplace_back(name.substr(kQueueDocument.size()), bytes);
    if (name == kOomsDocument && !ooms_.restore(bytes, {boot_id_, wall_offset_seconds_}))
      log_line(LogLevel::warning, "counts of OOM kills were lost");
    if (name != kSilencesDocument) continue;
    if (const Result<void> loaded = silences_.load(bytes); !loaded)
      log_line(LogLevel::warning, "silences were lost", {{"error", loaded.error().reason}});
  }
  if (sender_ != nullptr) sender_->restore(queues);
}

std::map<std::string, std::uint64_t> Pipeline::leak_counts() const {
  std::map<std::string, std::uint64_t> counts;
  for (const auto& [scope, leaks] : leaks_detected_) counts.emplace(scope, leaks.count);
  return counts;
}

std::optional<double> Pipeline::sample_of(EntityKind kind, std::string_view name) const {
  for (std::size_t index = 0; index < batch_.entities(); ++index) {
    if (batch_.entity(index).kind != kind) continue;
    for (const SampleBatch::Sample& sample : batch_.samples(index)) {
      if (sample.desc->name == name) return sample.value;
    }
  }
  return std::nullopt;
}

std::shared_ptr<const Snapshot> Pipeline::tick() {
  batch_.clear();
  scheduler_.collect(batch_);
  // Where the processes could not be listed, nothing is known of them: none has ended, none is new.
  const bool is_listed = scheduler_.succeeded(kProcessCollector);
  const std::scoped_lock lock(mutex_);
  const double now_seconds = clock_.steady_seconds();
  if (endpoint_source_) endpoint_view_ = endpoint_source_();
  if (is_listed) endpoints_.follow(endpoint_view_, board_, now_seconds, batch_);
  ++tick_;
  follow_wall_clock();
  host_available_bytes_ = sample_of(EntityKind::host, "heapfloor_host_memory_available_bytes");
  if (is_listed) groups_.ingest(batch_, now_seconds);
  cgroups_.ingest(batch_);
  follow_ooms(now_seconds);
  const double began_seconds = clock_.steady_seconds();
  builds_.begin_tick();
  watch_agent(now_seconds);
  watch_cgroups(now_seconds);
  if (is_listed) watch_probes(now_seconds);
  if (is_listed) watch_processes(now_seconds);
  watch_external(now_seconds);
  watches_.finish_tick(now_seconds,
                       is_listed ? WatchList::Known::all : WatchList::Known::external_alone);
  causes_.finish_tick(watches_);
  stack_board_.wanted = causes_.wanted_stacks(watches_);
  builds_.finish_tick(watches_, cgroups_, recorder_, now_seconds, wall_offset_seconds_);
  deliver_alerts(now_seconds, is_listed);
  record_history(now_seconds);
  evaluation_seconds_ = clock_.steady_seconds() - began_seconds;
  return make_snapshot(now_seconds, is_listed);
}

void Pipeline::follow_wall_clock() {
  // Two clocks are never read in the same instant: an offset that trembled would move every
  // constant timestamp at every tick. Steps and slow drift are followed.
  constexpr double kWorthFollowingSeconds = 0.05;
  const double offset = clock_.wall_seconds() - clock_.steady_seconds();
  if (std::abs(offset - wall_offset_seconds_) > kWorthFollowingSeconds)
    wall_offset_seconds_ = offset;
}

MemoryLimit Pipeline::limit_of(const ProcessEntry& process, double others_bytes) const {
  if (agent_ && process.id == *agent_) return {config_.limits.memory_bytes, kConfiguredLimit};
  return memory_limit_of(process, cgroups_, config_.trend.limit_bytes, others_bytes);
}

std::optional<double> Pipeline::others_of(const SeriesKey& key, const CgroupEntry* cgroup,
                                          double value, double now_seconds) const {
  const std::optional<double> now_bytes = others_bytes(cgroup, value);
  const Watch* const watch = watches_.find(key);
  if (watch == nullptr) return now_bytes;
  return held_others(watch->others_bytes, now_bytes, now_seconds - watch->last_reading.time_seconds,
                     scaled_hours(config_.trend.policy, kOthersForgottenHours));
}

MemoryLimit Pipeline::with_host(MemoryLimit limit, double value) const {
  // What is swapped out is part of the value, so it is part of what the limit is counted from.
  if (host_available_bytes_) limit.consider(value + *host_available_bytes_, kHost);
  return limit;
}

void Pipeline::watch_cgroups(double now_seconds) {
  for (const CgroupEntry& cgroup : cgroups_.cgroups()) {
    for (const CgroupSignal& watched : kCgroupSignals) {
      // What is there has not ended, though it could not be read.
      if (const std::optional<double>& value = cgroup.*watched.value) {
        watch_cgroup(cgroup, watched.signal, *value, now_seconds);
      } else {
        watches_.touch({EntityKind::cgroup, watched.signal, {}, cgroup.id}, now_seconds);
      }
    }
    causes_.add(cgroup, watches_, now_seconds);
  }
}

void Pipeline::watch_cgroup(const CgroupEntry& cgroup, Signal signal, double value,
                            double now_seconds) {
  const SeriesKey key{EntityKind::cgroup, signal, {}, cgroup.id};
  if (value < config_.trend.minimum_size_bytes && !watches_.is_watched(key)) return;
  const std::optional<double> others = others_of(key, &cgroup, value, now_seconds);
  MemoryLimit own;
  if (cgroup.limit_bytes) own.consider(*cgroup.limit_bytes - others.value_or(0), kCgroupLimit);
  const MemoryLimit limit = with_host(own, value);
  Observation reading;
  reading.time_seconds = now_seconds;
  reading.value = value;
  reading.limit = limit.bytes;
  WatchLabels labels;
  labels.name = cgroup.name;
  labels.group = cgroup.name;
  labels.limit_source = limit.source;
  labels.others_bytes = others;
  labels.cgroup = cgroup.path;
  watches_.observe(key, labels, reading);
}

void Pipeline::follow_ooms(double now_seconds) {
  ooms_.step(cgroups_, oom_board_, now_seconds);
  for (const OomVictim& victim : oom_board_.victims) {
    log_line(LogLevel::warning, "the kernel killed a process for want of memory",
             {{"pid", static_cast<std::uint64_t>(victim.pid)},
              {"comm", victim.comm},
              {"cgroup", victim.cgroup},
              {"workload", workload_of(victim.cgroup)}});
  }
}

// Before the memory of the processes, whose judgement heeds that of their heaps.
void Pipeline::watch_probes(double now_seconds) {
  const auto view_of = [this](const ProcessEntry& process) {
    ProbeFollower::ProcessView view;
    view.labels = labels_of(process);
    const double value = anonymous_bytes(process).value_or(0);
    const Watch* const memory =
        watches_.find(SeriesKey{EntityKind::process, Signal::rss_anon, process.id});
    const double others = memory == nullptr ? 0 : memory->others_bytes.value_or(0);
    view.limit = with_host(limit_of(process, others), value);
    return view;
  };
  probes_.follow(batch_, groups_, view_of, config_.trend.minimum_size_bytes, now_seconds, watches_);
  const GcHeaps::Tick tick{batch_,      groups_, view_of, config_.trend.minimum_size_bytes,
                           now_seconds, watches_};
  jvms_.follow(tick);
  go_.follow(tick);
  endpoints_.touch(endpoint_view_, board_, now_seconds, watches_);
}

void Pipeline::watch_processes(double now_seconds) {
  for (const ProcessEntry& process : groups_.processes()) {
    watch_memory(process, now_seconds);
    watch_counts(process, now_seconds);
  }
}

WatchLabels Pipeline::labels_of(const ProcessEntry& process) const {
  WatchLabels labels;
  labels.name = batch_.entity(process.batch_entities[0]).name;
  labels.group = groups_.groups()[process.group].name;
  labels.cgroup = process.cgroup;
  labels.start_seconds = static_cast<double>(process.id.start_ticks) / ticks_per_second_;
  labels.load_total = process.cpu_seconds;
  labels.build = builds_.build_of(process.id);
  return labels;
}

void Pipeline::watch_memory(const ProcessEntry& process, double now_seconds) {
  const SeriesKey key{EntityKind::process, Signal::rss_anon, process.id};
  if (!process.anon_bytes) {
    // A process without memory of its own is dead, though its parent has not asked for it yet.
    if (process.is_unreadable) watches_.touch(key, now_seconds);
    return;
  }
  const bool is_agent = agent_ && process.id == *agent_;
  const double value = *anonymous_bytes(process);
  if (value < config_.trend.minimum_size_bytes && !is_agent && !watches_.is_watched(key)) return;
  const auto others = others_of(key, cgroups_.find(process.cgroup), value, now_seconds);
  const MemoryLimit known = limit_of(process, others.value_or(0));
  const MemoryLimit limit = is_agent ? known : with_host(known, value);
  WatchLabels labels = labels_of(process);
  labels.limit_source = limit.source;
  labels.others_bytes = others;
  causes_.add(process, heap_of(process.id), now_seconds);
  if (const Watch* const watch = watches_.find(key)) labels.is_retention = is_retained(*watch);
  Observation reading;
  reading.time_seconds = now_seconds;
  reading.value = value;
  reading.limit = limit.bytes;
  watches_.observe(key, labels, reading);
}

// Of a program that has two, a heap of its runtime beside that of its allocator, both.
std::optional<LiveHeap> Pipeline::heap_of(const ProcessId& id) const {
  const auto collected = both_heaps(jvms_.heaps().heap(id), go_.heaps().heap(id));
  return both_heaps(probes_.heap(id), collected);
}

std::optional<bool> Pipeline::is_retained(const Watch& watch) const {
  const ProcessId& id = watch.key.process;
  bool is_known = false, is_level = true;
  for (const std::optional<bool>& one :
       {probes_.is_level(id, watches_), jvms_.heaps().is_level(id, watches_),
        go_.heaps().is_level(id, watches_)}) {
    is_known = is_known || one.has_value();
    is_level = is_level && one.value_or(true);
  }
  if (!is_known) return std::nullopt;
  const std::optional<GrowthCauses> causes = causes_.causes(watch);
  if (!causes) return std::nullopt;
  return is_level ? is_retention(*causes) : false;
}

void Pipeline::watch_counts(const ProcessEntry& process, double now_seconds) {
  const auto watch = [&](Signal signal, const std::optional<double>& count, std::uint64_t least,
                         const std::optional<double>& limit) {
    const SeriesKey key{EntityKind::process, signal, process.id};
    if (!count) {
      // Unreadable in this tick. A zombie still has its threads counted, but no memory: it is dead.
      if (process.is_unreadable || process.anon_bytes) watches_.touch(key, now_seconds);
      return;
    }
    if (!process.anon_bytes && !process.is_unreadable) return;
    if (*count < static_cast<double>(least) && !watches_.is_watched(key)) return;
    WatchLabels labels = labels_of(process);
    labels.limit_source = limit ? kRlimit : std::string_view();
    Observation reading;
    reading.time_seconds = now_seconds;
    reading.value = *count;
    reading.limit = limit;
    watches_.observe(key, labels, reading);
  };
  watch(Signal::threads, process.threads, config_.trend.minimum_threads, std::nullopt);
  watch(Signal::file_descriptors, process.descriptors, config_.trend.minimum_file_descriptors,
        process.descriptor_limit);
}

void Pipeline::watch_agent(double now_seconds) {
  if (!agent_) return;
  const SeriesKey key{EntityKind::agent, Signal::allocator_live, *agent_};
  const std::optional<double> in_use =
      sample_of(EntityKind::agent, "heapfloor_allocator_in_use_bytes");
  if (!in_use) return watches_.touch(key, now_seconds);
  WatchLabels labels;
  labels.name = "heapfloor";
  labels.group = "heapfloor";
  labels.limit_source = kConfiguredLimit;
  labels.build = builds_.build_of(*agent_);
  labels.start_seconds = static_cast<double>(agent_->start_ticks) / ticks_per_second_;
  Observation reading;
  reading.time_seconds = now_seconds;
  reading.value = *in_use;
  reading.limit = config_.limits.memory_bytes;
  watches_.observe(key, labels, reading);
}

// The concentration of live heaps, and what the OOM killer has done to workloads.
std::vector<RuleEvaluator::OwnReading> Pipeline::own_readings() const {
  std::vector<RuleEvaluator::OwnReading> readings;
  watches_.for_each([&](const Watch& watch) {
    if (watch.ended_seconds) return;
    const std::optional<double> share = probes_.concentration(watch);
    if (!share) return;
    const ProcessId& id = watch.key.process;
    readings.push_back({RuleScope::process,
                        "heapfloor_live_heap_concentration_ratio",
                        *share,
                        fmt::format("process:{}:{}", id.pid, id.start_ticks),
                        watch.name,
                        watch.group,
                        {}});
  });
  for (const auto& [name, oom] : ooms_.workloads()) {
    const std::string subject = "workload:" + name;
    const auto kills = static_cast<double>(oom.kills());
    readings.push_back(
        {RuleScope::workload, "heapfloor_workload_oom_kills_total", kills, subject, name, {}, {}});
    if (!oom.last_seconds) continue;
    readings.push_back({RuleScope::workload,
                        "heapfloor_workload_last_oom_timestamp_seconds",
                        wall_offset_seconds_ + *oom.last_seconds,
                        subject,
                        name,
                        {},
                        say_last_kill(name, kills)});
  }
  return readings;
}

// ", 3 in all; the last was java (pid 4711) with 1.9 GiB of anonymous memory".
std::string Pipeline::say_last_kill(const std::string& workload, double kills) const {
  std::string text = fmt::format(", {:.0f} in all", kills);
  const auto& victims = ooms_.victims();
  const auto last = std::find_if(victims.rbegin(), victims.rend(),
                                 [&](const auto& entry) { return entry.workload == workload; });
  if (last == victims.rend()) return text;
  text +=
      fmt::format("; the last was {} (pid {})", visible_name(last->victim.comm), last->victim.pid);
  if (last->victim.anon_bytes) {
    text += fmt::format(" with {:.1f} MiB of anonymous memory",
                        static_cast<double>(*last->victim.anon_bytes) / (1024.0 * 1024.0));
  }
  return text;
}

void Pipeline::watch_external(double now_seconds) {
  if (external_feed_ == nullptr) return;
  const double until_seconds = clock_.steady_seconds() + kMostExternalSeconds;
  externals_.follow(*external_feed_,
                    {now_seconds, wall_offset_seconds_, config_.trend.minimum_size_bytes,
                     [this, until_seconds] { return clock_.steady_seconds() > until_seconds; }},
                    watches_);
}

void Pipeline::deliver_alerts(double now_seconds, bool is_listed) {
  const auto causes = [this](const Watch& watch) { return causes_.causes(watch); };
  const auto builds = [this](const Watch& watch) { return builds_.comparison_of(watch).get(); };
  const auto details = [this](const Watch& watch) {
    const bool is_of_memory = signal_info(watch.key.signal).counted.empty();
    const auto known = leak_details_.find(watch.key.process);
    return is_of_memory && known != leak_details_.end() ? known->second : std::string();
  };
  std::vector<AlertCondition> conditions =
      leak_conditions(watches_, now_seconds, {causes, details, builds}, wall_offset_seconds_);
  const double now_unix_seconds = wall_offset_seconds_ + now_seconds;
  const std::vector<RuleEvaluator::OwnReading> own = own_readings();
  const RuleEvaluator::Tick tick{watches_,    batch_,           groups_, is_listed,
                                 now_seconds, now_unix_seconds, own};
  std::ranges::move(rules_.evaluate(tick, alerts_), std::back_inserter(conditions));
  for (const AlertTransition& transition : alerts_.step(conditions, now_seconds, now_unix_seconds))
    sink_.deliver(transition);
  silences_.forget_ended(now_unix_seconds);
  if (silences_.wants_builds(now_unix_seconds)) learn_builds(now_unix_seconds);
  if (sender_ != nullptr) send_alerts(now_seconds);
}

void Pipeline::learn_builds(double now_unix_seconds) {
  std::map<std::string, AlertCondition> subjects;  // each once, however many signals it has
  std::map<std::string, SharedBuild> builds;       // of those that are known
  watches_.for_each([&subjects, &builds](const Watch& watch) {
    if (watch.ended_seconds) return;
    if (watch.build) builds.emplace(watch.subject(), watch.build);
    AlertCondition subject;
    subject.subject = watch.subject();
    subject.scope = std::string(watch.scope());
    subject.group = watch.group;
    subjects.emplace(subject.subject, subject);
  });
  std::vector<AlertCondition> present;
  present.reserve(subjects.size());
  for (auto& [name, subject] : subjects) present.push_back(std::move(subject));
  const auto build_of = [&builds](const std::string& subject) -> std::optional<ProgramBuild> {
    const auto found = builds.find(subject);
    if (found == builds.end()) return std::nullopt;
    return ProgramBuild{found->second->program, found->second->whole_id()};
  };
  silences_.observe(present, build_of, now_unix_seconds);
}

SnapshotBuilder::LinkSource Pipeline::link_source(
    std::shared_ptr<const EvidenceList> evidence) const {
  return [this, evidence = std::move(evidence)](const AlertCondition& condition) {
    const std::string runbook = runbook_source_ ? runbook_source_(condition.name) : std::string();
    return alert_links(condition, evidence.get(), runbook);
  };
}

void Pipeline::send_alerts(double now_seconds) {
  const double now_unix_seconds = wall_offset_seconds_ + now_seconds;
  OutgoingOrigin origin;
  origin.instance = config_.alerts.instance.empty() ? host_name_ : config_.alerts.instance;
  origin.external_labels = config_.alerts.external_labels;
  origin.external_url = config_.alerts.external_url;
  origin.visible = &visible_name;
  origin.links = link_source(evidence_source_ ? evidence_source_() : nullptr);
  const auto is_silenced = [&](const AlertCondition& condition) {
    return silences_.silencing(condition, now_unix_seconds).has_value();
  };
  sender_->update(outgoing_alerts(alerts_.alerts(), is_silenced, origin), now_seconds,
                  now_unix_seconds);
}

// What is a number of the agent itself.
void Pipeline::describe_agent(Snapshot& snapshot) const {
  snapshot.collectors = scheduler_.health();
  snapshot.series = {watches_.store().size(), watches_.store().limit(), watches_.store().dropped(),
                     watches_.store().evicted()};
  snapshot.evaluation_seconds = evaluation_seconds_;
  snapshot.evaluations = watches_.evaluations();
  snapshot.leaks_detected_by_scope = leaks_detected_;
  snapshot.log_messages = log_counts();
  snapshot.last_reload_successful = reload_.last_successful;
  snapshot.last_reload_seconds = reload_.last_success_seconds;
  snapshot.reloads = reload_.reloads;
  snapshot.reloads_failed = reload_.failures;
  snapshot.page_sample_limit = config_.limits.page_samples;
  snapshot.has_created_lines = config_.web.created_lines;
  snapshot.memory_budget_bytes = static_cast<std::uint64_t>(config_.limits.memory_bytes);
  if (history_ != nullptr) snapshot.history = history_->stats();
  if (external_feed_ != nullptr) snapshot.external_targets = external_feed_->status();
  snapshot.go_endpoints = endpoint_view_;
  for (ExternalTargetStatus& target : snapshot.external_targets)
    target.refused_readings = externals_.refused_readings(target.name);
}

// For the alerts of the next tick.
void Pipeline::note_leak_details(const Snapshot& snapshot) {
  leak_details_.clear();
  for (const WatchRow& row : snapshot.watches) {
    if (row.scope != "go" || row.state < LeakState::suspected) continue;
    if (std::string words = say_go_growth(snapshot, row); !words.empty())
      leak_details_.emplace(row.process, std::move(words));
  }
}

std::shared_ptr<const Snapshot> Pipeline::make_snapshot(double now_seconds, bool is_listed) {
  auto snapshot = snapshots_.make();
  snapshot->tick = tick_;
  snapshot->time_seconds = now_seconds;
  snapshot->wall_offset_seconds = wall_offset_seconds_;
  snapshot->started_seconds = started_seconds_;
  snapshot->interval_seconds = config_.collection.interval_seconds;
  snapshot->minimum_size_bytes = static_cast<std::uint64_t>(config_.trend.minimum_size_bytes);
  const TrendPolicy policy = config_.policy_for(signal_name(Signal::rss_anon));
  // The first bucket is cut by the start, and a bucket closes with the first reading behind it.
  snapshot->first_verdict_seconds = (policy.minimum_floors + 1) * policy.bucket_seconds;
  describe_agent(*snapshot);
  SnapshotBuilder builder(*snapshot, ticks_per_second_);
  builder.add_watches(watches_, probes_, causes_, builds_);
  builder.add_probes(probes_);
  builder.add_jvms(jvms_);
  builder.add_go_programs(go_, wait_source_ ? wait_source_() : nullptr);
  if (site_source_) snapshot->known_sites = site_source_();
  if (evidence_source_) snapshot->evidence = evidence_source_();
  note_leak_details(*snapshot);
  builder.add_scalars(batch_);
  builder.add_cgroups(cgroups_, batch_);
  builder.add_ooms(ooms_);
  if (is_listed) {
    builder.add_groups(groups_);
    exposed_dropped_ += builder.add_processes(
        groups_, batch_, probes_,
        {config_.limits.exposed_processes, config_.limits.exposed_group_processes},
        [this](const ProcessEntry& process) { return limit_of(process).bytes; });
  }
  snapshot->exposed_processes_dropped = exposed_dropped_;
  builder.add_alerts(alerts_, silences_, link_source(snapshot->evidence),
                     wall_offset_seconds_ + now_seconds);
  builder.add_rules(rules_, config_.alerts.hold_seconds);
  if (sender_ != nullptr) snapshot->receivers = sender_->status();
  return snapshot;
}

void Pipeline::reconfigure(const Config& config) {
  const std::scoped_lock lock(mutex_);
  config_ = config;
  groups_.set_group_limit(config.limits.groups);
  groups_.set_grouping(grouping_of(config));
  watches_.set_series_limit(config.limits.series);
  watches_.set_policies(policies_of(config));
  alerts_.set_holds(config.alerts.hold_seconds, config.alerts.resolve_hold_seconds);
  follow_configuration();
}

void Pipeline::follow_configuration() {
  externals_.set_targets(followed_targets(config_), watches_);
  rules_.set_rules(rules_in_force(config_.alerts.rule_changes, config_.alerts.rules));
  for (const AlertRule& rule : rules_.rules()) alerts_.declare(rule.name);
  silences_.set_configured(config_.alerts.silences, clock_.wall_seconds());
}

void Pipeline::set_build_reader(BuildReader& reader) {
  const std::scoped_lock lock(mutex_);
  builds_.set_reader(reader);
}

Result<std::string> Pipeline::add_silence(const Silence& silence) {
  const std::scoped_lock lock(mutex_);
  return silences_.add(silence, clock_.wall_seconds());
}

bool Pipeline::remove_silence(std::string_view id) {
  const std::scoped_lock lock(mutex_);
  return silences_.remove(id);
}

std::vector<Silence> Pipeline::silences() const {
  const std::scoped_lock lock(mutex_);
  return silences_.silences();
}

void Pipeline::note_reload(bool successful) {
  const std::scoped_lock lock(mutex_);
  reload_.last_successful = successful;
  ++reload_.reloads;
  if (successful) {
    reload_.last_success_seconds = clock_.steady_seconds();
  } else {
    ++reload_.failures;
  }
}

std::optional<SeriesDetail> Pipeline::read(std::string_view id) const {
  const std::scoped_lock lock(mutex_);
  const Watch* const watch = watches_.find(id);
  if (watch == nullptr) return std::nullopt;
  return SeriesDetail{
      watches_.points(*watch), watch->detector.floors(),
      recorder_.incarnations(watch->life_name(), watch->group, signal_name(watch->key.signal))};
}

}  // namespace heapfloor
