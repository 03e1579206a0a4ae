// Pipeline: one tick from the collectors to a snapshot (collect, group, watch, judge, alert),
// without any output.
//
// Thread rule: tick() is the collection thread's own; read() and reconfigure() may be called by any
// thread at any time and wait for at most the part of a tick that follows the reading of the host.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/alerts/alert_book.h"
#include "agent/alerts/alert_sender.h"
#include "agent/alerts/rule_evaluator.h"
#include "agent/alerts/silence_book.h"
#include "agent/alerts/watch_list.h"
#include "agent/build_follower.h"
#include "agent/cause_book.h"
#include "agent/clock.h"
#include "agent/config.h"
#include "agent/endpoint_follower.h"
#include "agent/exposition/snapshot.h"
#include "agent/external/external_source.h"
#include "agent/external_follower.h"
#include "agent/go_follower.h"
#include "agent/history/history_writer.h"
#include "agent/history/recorder.h"
#include "agent/jvm_follower.h"
#include "agent/probe_follower.h"
#include "agent/scheduler.h"
#include "agent/series/cgroup_table.h"
#include "agent/series/group_table.h"
#include "agent/series/memory_limit.h"
#include "agent/series/oom_book.h"
#include "agent/series/sample_batch.h"
#include "agent/snapshot_builder.h"
#include "agent/snapshot_maker.h"
#include "collectors/go_board.h"
#include "collectors/host_root.h"
#include "collectors/oom_board.h"
#include "collectors/probe_board.h"
#include "collectors/process_board.h"
#include "collectors/stack_board.h"
#include "collectors/stopwatch.h"
#include "collectors/task_source.h"
#include "collectors/user_names.h"

namespace heapfloor {

// How the last reload of the configuration went.
struct ReloadStatus {
  bool last_successful = true;
  double last_success_seconds = 0;
  std::uint64_t reloads = 0;
  std::uint64_t failures = 0;
};

// The agent's clock for collectors that ration their reads.
class ClockStopwatch final : public Stopwatch {
 public:
  explicit ClockStopwatch(const Clock& clock) : clock_(clock) {}
  [[nodiscard]] double seconds() const override { return clock_.steady_seconds(); }

 private:
  const Clock& clock_;
};

class Pipeline final : public SeriesReader {
 public:
  // `clock`, `sink` and `sender` outlive the pipeline; without a sender nobody outside is told.
  Pipeline(const Config& config, const Clock& clock, AlertSink& sink,
           AlertSender* sender = nullptr);

  // Goes on where the history ends, and writes it from then on. Before the first tick; `history` is
  // opened, not yet started, and outlives the pipeline.
  void attach(HistoryWriter& history);

  // Collects once and judges. Never throws for what the host says.
  [[nodiscard]] std::shared_ptr<const Snapshot> tick();

  // Takes over what can change while the agent runs: thresholds, sizes, limits, hold times.
  void reconfigure(const Config& config);
  void note_reload(bool successful);

  // Which builds the watched processes run: for suspects, and for silences that end at the next
  // one. Before the first tick; outlives the pipeline.
  void set_build_reader(BuildReader& reader);
  // The programs that carry a probe, and their segments.
  [[nodiscard]] const ProbeBoard& probes() const { return probe_board_; }
  [[nodiscard]] const GoBoard& go_programs() const { return go_board_; }
  // Where the names of sites come from. Before the first tick; called in each.
  using SiteSource = std::function<std::shared_ptr<const KnownSites>()>;
  void set_site_source(SiteSource source) { site_source_ = std::move(source); }
  // Where the goroutines of suspects are. Before the first tick; called in each.
  using WaitSource = std::function<std::shared_ptr<const KnownWaits>()>;
  void set_wait_source(WaitSource source) { wait_source_ = std::move(source); }
  // What was seen of the sites of a process, to be kept over a restart, and who is told of it then.
  // Before attach(); called in each tick, and by attach().
  using SavedSites = std::map<ProcessId, std::string>;
  using SavedSitesSource = std::function<std::shared_ptr<const SavedSites>()>;
  using SavedSitesSink = std::function<void(const ProcessId&, std::string)>;
  void set_saved_sites(SavedSitesSource source, SavedSitesSink sink) {
    saved_sites_ = std::move(source);
    restore_sites_ = std::move(sink);
  }
  // What was captured of whom. Before the first tick; called in each.
  using EvidenceSource = std::function<std::shared_ptr<const EvidenceList>()>;
  void set_evidence_source(EvidenceSource source) { evidence_source_ = std::move(source); }
  // The address, on the agent's page, of what is written about alerts of a name; empty: nothing is.
  // Before the first tick.
  using RunbookSource = std::function<std::string(std::string_view alert_name)>;
  void set_runbook_source(RunbookSource source) { runbook_source_ = std::move(source); }
  // Where the answers of other servers come from; outlives the pipeline. Before the first tick.
  void set_external_feed(ExternalFeed& feed) { external_feed_ = &feed; }
  // What Go programs say over HTTP. Before the first tick; called in each.
  using EndpointSource = std::function<GoEndpointView()>;
  void set_endpoint_source(EndpointSource source) { endpoint_source_ = std::move(source); }
  // Silences; see SilenceBook.
  [[nodiscard]] Result<std::string> add_silence(const Silence& silence);
  [[nodiscard]] bool remove_silence(std::string_view id);
  [[nodiscard]] std::vector<Silence> silences() const;

  [[nodiscard]] std::optional<SeriesDetail> read(std::string_view id) const override;

 private:
  void watch_probes(double now_seconds);
  void watch_processes(double now_seconds);
  void watch_memory(const ProcessEntry& process, double now_seconds);
  // What a program holds in its heap, as a probe or its runtime tells.
  [[nodiscard]] std::optional<LiveHeap> heap_of(const ProcessId& id) const;
  // Whether the growth of a watched process is what its allocator or its runtime keeps; nothing
  // where that is not known.
  [[nodiscard]] std::optional<bool> is_retained(const Watch& watch) const;
  // The counts of a process: threads, file descriptors.
  void watch_counts(const ProcessEntry& process, double now_seconds);
  [[nodiscard]] WatchLabels labels_of(const ProcessEntry& process) const;
  void watch_agent(double now_seconds);
  void watch_external(double now_seconds);
  [[nodiscard]] Grouping grouping_of(const Config& config);
  void watch_cgroups(double now_seconds);
  void watch_cgroup(const CgroupEntry& cgroup, Signal signal, double value, double now_seconds);
  // What a process may have, whatever the host has left.
  [[nodiscard]] MemoryLimit limit_of(const ProcessEntry& process, double others_bytes = 0) const;
  // What others hold of the limit of the series' cgroup, at their latest peak.
  [[nodiscard]] std::optional<double> others_of(const SeriesKey& key, const CgroupEntry* cgroup,
                                                double value, double now_seconds) const;
  // The same or what the host has left beside `value`, whichever is less.
  [[nodiscard]] MemoryLimit with_host(MemoryLimit limit, double value) const;
  void follow_ooms(double now_seconds);
  [[nodiscard]] std::vector<RuleEvaluator::OwnReading> own_readings() const;
  [[nodiscard]] std::string say_last_kill(const std::string& workload, double kills) const;
  void deliver_alerts(double now_seconds, bool is_listed);
  void learn_builds(double now_unix_seconds);
  [[nodiscard]] SnapshotBuilder::LinkSource link_source(
      std::shared_ptr<const EvidenceList> evidence) const;
  void send_alerts(double now_seconds);
  void follow_configuration();
  void follow_wall_clock();
  [[nodiscard]] std::shared_ptr<const Snapshot> make_snapshot(double now_seconds, bool is_listed);
  void note_leak_details(const Snapshot& snapshot);
  void describe_agent(Snapshot& snapshot) const;
  void note_leak(const Watch& watch);
  void find_agent();
  void record_history(double now_seconds);
  // What goes on over a restart beside a watch: what its memory was made of, and its sites.
  [[nodiscard]] std::string beside(const Watch& watch, const SavedSites& sites) const;
  void restore_beside(const Watch& watch, std::string_view bytes);
  // Brings documents_ up to date: what did not change is not written down again.
  void save_documents();
  void restore_documents(const std::map<std::string, std::string>& documents);
  [[nodiscard]] HistoryTime history_time(double now_seconds) const;
  [[nodiscard]] std::map<std::string, std::uint64_t> leak_counts() const;
  [[nodiscard]] std::optional<double> sample_of(EntityKind kind, std::string_view name) const;

  const Clock& clock_;
  AlertSink& sink_;
  AlertSender* sender_;
  double started_seconds_;
  DirectoryHostRoot root_;
  UserNames users_;
  ProcessBoard board_;
  OomBoard oom_board_;
  StackBoard stack_board_;
  ProbeBoard probe_board_;  // locks for itself
  GoBoard go_board_;        // the same
  ClockStopwatch stopwatch_;
  std::unique_ptr<TaskSource> tasks_;
  Scheduler scheduler_;
  SampleBatch batch_;
  double ticks_per_second_;
  std::uint64_t tick_ = 0;
  SnapshotMaker snapshots_;
  double evaluation_seconds_ = 0;

  mutable std::mutex mutex_;  // everything below
  Config config_;
  GroupTable groups_;
  CgroupTable cgroups_;
  OomBook ooms_;
  WatchList watches_;
  ProbeFollower probes_;
  JvmFollower jvms_;
  GoFollower go_;
  std::map<ProcessId, std::string> leak_details_;  // of the last tick: say_go_growth()
  CauseBook causes_;
  SavedSitesSource saved_sites_ = [] { return std::make_shared<const SavedSites>(); };
  SavedSitesSink restore_sites_ = [](const ProcessId&, const std::string&) {};
  BuildFollower builds_;
  ExternalFeed* external_feed_ = nullptr;
  ExternalFollower externals_;
  EndpointFollower endpoints_;
  GoEndpointView endpoint_view_;  // of this tick
  AlertBook alerts_;
  RuleEvaluator rules_;
  SilenceBook silences_;
  SiteSource site_source_;
  WaitSource wait_source_;
  EndpointSource endpoint_source_;
  EvidenceSource evidence_source_;
  RunbookSource runbook_source_;
  std::string host_name_;
  ReloadStatus reload_;
  std::map<std::string, DetectedLeaks> leaks_detected_;  // by scope
  std::uint64_t exposed_dropped_ = 0;
  double wall_offset_seconds_ = 0;
  HistoryWriter* history_ = nullptr;
  HistoryRecorder recorder_;
  // What goes on over a restart beside the watches and the alerts: documents of AgentTotals.
  std::map<std::string, std::string> documents_;
  std::optional<std::uint64_t> silences_saved_;  // the version that is in documents_
  std::optional<std::uint64_t> ooms_saved_;
  AlertSender::QueueMarks queues_saved_;
  std::string boot_id_;
  std::optional<ProcessId> agent_;  // this process, as the watched /proc numbers it
  std::optional<double> host_available_bytes_;
};

}  // namespace heapfloor
