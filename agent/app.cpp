#include "agent/app.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/alert_settings.h"
#include "agent/build_info.h"
#include "agent/config_go_targets.h"
#include "agent/config_targets.h"
#include "agent/config_view.h"
#include "agent/log.h"
#include "agent/routes.h"
#include "agent/storage_path.h"
#include "agent/units.h"
#include "agent/web/runbooks.h"
#include "agent/web_options.h"
#include "collectors/probe/include/heapfloor/segment.h"

namespace heapfloor {
namespace {

// Counts requests on behalf of the web server, which knows nothing of metrics.
class RequestCounter final : public RequestObserver {
 public:
  explicit RequestCounter(SelfMetrics& metrics) : metrics_(metrics) {}
  void request_started() override { metrics_.request_started(); }
  void request_finished(std::string_view handler, int status) override {
    metrics_.request_finished(handler, status);
  }
  void connections_changed(std::size_t open) override { metrics_.connections_changed(open); }
  void connection_refused(std::string_view reason) override { metrics_.connection_refused(reason); }

 private:
  SelfMetrics& metrics_;
};

// Keys that decide what is built at start, or the shape of a detector's memory.
constexpr std::array<std::string_view, 9> kFixedKeys = {
    "collection.",  "collector.",         "path.",         "web.",          "storage.",
    "trend.bucket", "trend.history_days", "trend.trough_", "limits.cgroups"};

// Takes back what only the next start can change, and tells it.
void keep_fixed_keys(const Config& running, Config& loaded) {
  for (const ConfigKey& key : config_keys()) {
    const bool is_fixed = std::ranges::any_of(
        kFixedKeys, [&key](std::string_view prefix) { return key.path.starts_with(prefix); });
    const std::string now = key.get(running);
    const std::string then = key.get(loaded);
    if (!is_fixed || now == then) continue;
    log_line(LogLevel::warning, "a changed setting takes effect at the next start",
             {{"key", key.path}, {"now", now}, {"then", then}});
    static_cast<void>(key.set(loaded, now));  // its own text: it was accepted before
  }
}

std::vector<ProcessId> suspects_of(const std::shared_ptr<const Snapshot>& snapshot) {
  std::vector<ProcessId> suspects;
  if (!snapshot) return suspects;
  for (const WatchRow& watch : snapshot->watches) {
    if (watch.state >= LeakState::suspected && watch.process.pid != 0)
      suspects.push_back(watch.process);
  }
  return suspects;
}

}  // namespace

App::App(const Config& config, ConfigLoader load, const Clock& clock)
    : clock_(clock),
      interval_seconds_(config.collection.interval_seconds),
      load_(std::move(load)),
      config_(config),
      sender_(clock),
      external_(clock),
      external_feed_(external_, [this] { return endpoint_view(); }),
      families_(builtin_collectors()),
      self_metrics_(build_info()),
      pages_(families_, self_metrics_),
      root_(HostPaths{config.path.procfs, config.path.sysfs, config.path.rootfs}),
      build_reader_(root_),
      pipeline_(config, clock, sink_, &sender_),
      go_endpoints_(root_, pipeline_.go_programs(), clock,
                    static_cast<double>(sysconf(_SC_CLK_TCK))),
      profiles_(root_, pipeline_.probes(), clock),
      evidence_(
          {.bytes = config.storage.evidence_bytes, .seconds = config.storage.evidence_seconds}),
      recorder_(evidence_, profiles_, pipeline_.probes(), pipeline_, clock,
                config.collects("smaps", true) ? &root_ : nullptr),
      requests_(std::make_unique<RequestCounter>(self_metrics_)) {
  pipeline_.set_build_reader(build_reader_);
  pipeline_.set_evidence_source([this] { return evidence_.list(); });
  pipeline_.set_runbook_source(
      [](std::string_view alert_name) { return std::string(runbook_path(alert_name)); });
  pipeline_.set_external_feed(external_feed_);
  pipeline_.set_endpoint_source([this] { return endpoint_view(); });
  pipeline_.set_site_source([this] { return profiles_.sites(); });
  pipeline_.set_wait_source([this] { return profiles_.waits(); });
  pipeline_.set_saved_sites(
      [this] { return profiles_.saved(); },
      [this](const ProcessId& id, std::string bytes) { profiles_.restore(id, std::move(bytes)); });
  profiles_.set_go_programs(pipeline_.go_programs());
  profiles_.set_endpoint_profiles(
      {[this](const ProcessId& id) { return go_endpoints_.knows(id); },
       [this](const ProcessId& id, std::string_view name, const std::stop_token& stop) {
         return go_endpoints_.profile(id, name, stop);
       }});
  profiles_.set_suspect_source([this] { return suspects_of(pages_.snapshot()); });
}

// The server waits for its handlers, which may wait for the seconds of a difference.
App::~App() {
  profiles_.stop();  // before the recorder, which may wait for a profile
  recorder_.stop();
  go_endpoints_.stop();
  build_reader_.stop();
}

void App::tick() {
  const std::shared_ptr<const Snapshot> snapshot = pipeline_.tick();
  pages_.publish(snapshot);
  recorder_.note(snapshot);
}

GoEndpointView App::endpoint_view() const {
  return {go_endpoints_.status(), go_endpoints_.counts()};
}

std::string App::collect_once(const PageFilter& filter) {
  tick();
  return *pages_.filtered_page(ExpositionFormat::text, ContentEncoding::identity, filter);
}

void App::open_history() {
  const bool is_automatic = config_.storage.path == Config::Storage::kAutomatic;
  HistoryOptions options;
  options.path = storage_path(config_);
  options.limits = {config_.storage.retention_seconds, config_.storage.size_bytes};
  options.sync_seconds = config_.storage.sync_seconds;
  if (options.path.empty()) {
    log_line(LogLevel::info, "no history is kept; storage.path would give it a directory");
    return;
  }
  auto history = std::make_unique<HistoryWriter>(options);
  const Result<void> opened = history->open();
  if (!opened && opened.error().kind == ErrorKind::denied) {
    const std::string problem = opened.error().path + ": " + opened.error().reason;
    if (!is_automatic) throw std::runtime_error("storage.path: " + problem);
    log_line(LogLevel::warning, "no history is kept", {{"error", problem}});
    return;
  }
  warn_of_small_storage();
  history_ = std::move(history);
  pipeline_.attach(*history_);
  if (const auto taken = evidence_.open(options.path + "/evidence", clock_.wall_seconds()); !taken)
    log_line(LogLevel::warning, "evidence is kept in memory only",
             {{"path", taken.error().path}, {"error", taken.error().reason}});
}

void App::warn_of_small_storage() const {
  // A series takes up to 16 KiB, and in the tick that rewrites all of them half as much again.
  constexpr double kBytesOfSeries = 24.0 * 1024;
  constexpr double kBytesBeside = 4.0 * 1024 * 1024;
  const double needed = kBytesOfSeries * static_cast<double>(config_.limits.series) + kBytesBeside;
  if (config_.storage.size_bytes >= needed) return;
  log_line(LogLevel::warning,
           "storage.size cannot hold as many series as limits.series allows; where so many are "
           "watched no history is kept",
           {{"storage.size", format_size(config_.storage.size_bytes)},
            {"needed", format_size(std::ceil(needed / 1048576) * 1048576)}});
}

void App::start() {
  sender_.configure(receiver_settings(config_));  // not before: collect_once() tells nobody
  open_history();
  build_reader_.start();
  external_.configure(prometheus_targets(config_), config_.collection.interval_seconds);
  go_endpoints_.configure(go_endpoint_settings(config_));
  tick();
  go_endpoints_.start();  // behind the first tick, which finds the programs
  HttpOptions options = web_options(config_);
  options.observer = requests_.get();
  options.on_log = [](std::string_view message) {
    log_line(LogLevel::debug, "web server", {{"error", message}});
  };
  SilenceActions silences;
  silences.add = [this](const Silence& silence) { return pipeline_.add_silence(silence); };
  silences.remove = [this](std::string_view id) { return pipeline_.remove_silence(id); };
  silences.list = [this] { return pipeline_.silences(); };
  silences.now_unix_seconds = [this] { return clock_.wall_seconds(); };
  const RouteSources sources{
      pages_,
      pipeline_,
      [this]() -> std::optional<std::string> {
        const Result<void> done = reload();
        if (done) return std::nullopt;
        return done.error().path + ": " + done.error().reason;
      },
      [this] {
        const std::scoped_lock lock(reload_mutex_);
        return config_view(config_);
      },
      silences,
      {profiles_, [this](std::string_view id) { return captured_profile(id); },
       [this](const ProcessId& process) { return captured_profile_of(process); }},
      evidence_,
      [this](const ProcessId& id) { return pipeline_.probes().ask(id, HEAPFLOOR_REQUEST_TRIM); }};
  server_ = std::make_unique<HttpServer>(options, make_routes(sources));
  self_metrics_.insecure_known(server_->is_insecure());
  profiles_.start();
  recorder_.start();
}

Result<Profile> App::captured_profile(std::string_view id) const {
  const Result<std::string> bytes = evidence_.read(id, EvidenceRecorder::kHeapFile);
  if (!bytes) return Failure(bytes.error());
  return decode_profile(*bytes);
}

std::optional<std::string> App::captured_profile_of(const ProcessId& process) const {
  const auto record = evidence_.find_last(process, EvidenceRecorder::kHeapFile);
  if (!record) return std::nullopt;
  Result<std::string> bytes = evidence_.read(record->id, EvidenceRecorder::kHeapFile);
  return bytes ? std::optional(std::move(*bytes)) : std::nullopt;
}

std::uint16_t App::listening_port() const { return server_->listening_port(); }

const HttpServer& App::server() const { return *server_; }

void App::run(const std::stop_token& stop, const std::function<void()>& after_tick) {
  const double interval = interval_seconds_;
  // Aligned to the interval, so that two agents, or one before and after a restart, see the same
  // moments.
  double next_seconds = (std::floor(clock_.steady_seconds() / interval) + 1) * interval;
  while (clock_.wait_until(next_seconds, stop)) {
    tick();
    after_tick();
    next_seconds = std::max(next_seconds + interval,
                            (std::floor(clock_.steady_seconds() / interval) + 1) * interval);
  }
}

Result<void> App::reload() {
  const std::scoped_lock lock(reload_mutex_);
  Result<Config> loaded = load_();
  pipeline_.note_reload(loaded.has_value());
  if (!loaded) {
    log_line(LogLevel::error, "the configuration is bad; the old one stays in force",
             {{"path", loaded.error().path}, {"error", loaded.error().reason}});
    return Failure(loaded.error());
  }
  keep_fixed_keys(config_, *loaded);
  configure_log(loaded->log.level, loaded->log.format);
  pipeline_.reconfigure(*loaded);
  sender_.configure(receiver_settings(*loaded));
  external_.configure(prometheus_targets(*loaded), loaded->collection.interval_seconds);
  go_endpoints_.configure(go_endpoint_settings(*loaded));
  go_endpoints_.start();
  config_ = *loaded;
  log_line(LogLevel::info, "configuration reloaded");
  return {};
}

}  // namespace heapfloor
