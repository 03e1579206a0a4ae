// Pipeline: one tick from the collectors to a snapshot (collect, group, watch, judge, alert),
// without any output.
//
// Thread rule: tick() is the collection thread's own; read() and reload() may be called by any
// thread at any time and wait for at most the part of a tick that follows the reading of the host.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/alerts/alert_book.h"
#include "agent/alerts/watch_list.h"
#include "agent/clock.h"
#include "agent/config.h"
#include "agent/exposition/snapshot.h"
#include "agent/scheduler.h"
#include "agent/series/group_table.h"
#include "agent/series/sample_batch.h"
#include "collectors/host_root.h"

namespace heapfloor {

// How the last reload of the configuration went.
struct ReloadStatus {
  bool last_successful = true;
  double last_success_seconds = 0;
  std::uint64_t reloads = 0;
  std::uint64_t failures = 0;
};

class Pipeline final : public SeriesReader {
 public:
  // `clock` and `sink` outlive the pipeline.
  Pipeline(const Config& config, const Clock& clock, AlertSink& sink);

  // Collects once and judges. Never throws for what the host says.
  [[nodiscard]] std::shared_ptr<const Snapshot> tick();

  // Takes over what can change while the agent runs: thresholds, sizes, limits, hold times.
  void reconfigure(const Config& config);
  void note_reload(bool successful);

  [[nodiscard]] std::optional<SeriesDetail> read(std::string_view id) const override;

 private:
  struct HostMemory {
    std::optional<double> available_bytes;
  };

  void watch_processes(double now_seconds);
  void watch_agent(double now_seconds);
  [[nodiscard]] Observation process_reading(const ProcessEntry& process, bool is_agent,
                                            double now_seconds) const;
  void deliver_alerts(double now_seconds);
  [[nodiscard]] std::shared_ptr<const Snapshot> make_snapshot(double now_seconds);
  void find_agent();
  [[nodiscard]] std::optional<double> sample_of(EntityKind kind, std::string_view name) const;

  const Clock& clock_;
  AlertSink& sink_;
  double started_seconds_;
  DirectoryHostRoot root_;
  Scheduler scheduler_;
  SampleBatch batch_;
  double ticks_per_second_;
  std::uint64_t tick_ = 0;
  double evaluation_seconds_ = 0;

  mutable std::mutex mutex_;  // everything below
  Config config_;
  GroupTable groups_;
  WatchList watches_;
  AlertBook alerts_;
  ReloadStatus reload_;
  std::uint64_t leaks_detected_ = 0;
  std::optional<ProcessId> agent_;  // this process, as the watched /proc numbers it
  std::optional<double> host_available_bytes_;
};

}  // namespace heapfloor
