// App: the running agent. The only file that knows every part: pipeline, pages, web server, signals
// of life.
//
// Thread rule: run() collects on the calling thread until it is told to stop; reload() may be
// called by any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>

#include "agent/alerts/alert_sender.h"
#include "agent/alerts/log_sink.h"
#include "agent/build_reader.h"
#include "agent/clock.h"
#include "agent/config.h"
#include "agent/endpoint_follower.h"
#include "agent/endpoints/go_endpoints.h"
#include "agent/evidence/evidence_store.h"
#include "agent/evidence_recorder.h"
#include "agent/exposition/metric_families.h"
#include "agent/exposition/page_cache.h"
#include "agent/exposition/page_filter.h"
#include "agent/exposition/self_metrics.h"
#include "agent/external/external_source.h"
#include "agent/history/history_writer.h"
#include "agent/http/http_server.h"
#include "agent/pipeline.h"
#include "agent/profile/profile_service.h"
#include "collectors/host_root.h"

namespace heapfloor {

class App {
 public:
  using ConfigLoader = std::function<Result<Config>()>;

  // `load` is asked again at every reload. `clock` outlives the app.
  App(const Config& config, ConfigLoader load, const Clock& clock);
  App(const App&) = delete;
  App& operator=(const App&) = delete;
  ~App();

  // Takes up the history, collects once, so that the first request finds a page; then starts to
  // serve. Throws std::runtime_error when the address cannot be served on, or when the configured
  // directory of the history is another agent's or somebody else's.
  void start();

  // Collects at every multiple of the interval until `stop` is requested. A tick that took too long
  // makes the next ones late, never doubled. `after_tick` is called behind each.
  void run(
      const std::stop_token& stop, const std::function<void()>& after_tick = [] {});

  // Reads the configuration again; a bad one leaves the old in force and is told in the error.
  Result<void> reload();

  // Collects once and gives the part of the metrics page (text 0.0.4) that `filter` shows.
  std::string collect_once(const PageFilter& filter = {});

  // Only after start().
  [[nodiscard]] std::uint16_t listening_port() const;
  [[nodiscard]] const HttpServer& server() const;

 private:
  void tick();
  [[nodiscard]] GoEndpointView endpoint_view() const;
  void open_history();
  [[nodiscard]] Result<Profile> captured_profile(std::string_view id) const;
  [[nodiscard]] std::optional<std::string> captured_profile_of(const ProcessId& process) const;
  void warn_of_small_storage() const;

  const Clock& clock_;
  const double interval_seconds_;
  ConfigLoader load_;
  std::mutex reload_mutex_;  // config_
  Config config_;
  LogSink sink_;
  AlertSender sender_;
  ExternalSource external_;  // before the pipeline, which takes what it gives
  JoinedFeed external_feed_;
  MetricFamilies families_;
  SelfMetrics self_metrics_;
  PageCache pages_;
  std::unique_ptr<HistoryWriter> history_;  // before the pipeline, which writes to it
  DirectoryHostRoot root_;
  BuildReader build_reader_;
  Pipeline pipeline_;
  GoEndpoints go_endpoints_;  // behind the board that it looks at
  ProfileService profiles_;
  EvidenceStore evidence_;
  EvidenceRecorder recorder_;  // behind what it reads
  std::unique_ptr<RequestObserver> requests_;
  std::unique_ptr<HttpServer> server_;  // last: its threads use all of the above
};

}  // namespace heapfloor
