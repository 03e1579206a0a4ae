#include "agent/endpoints/go_endpoints.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <exception>
#include <set>
#include <utility>

#include "agent/log.h"
#include "collectors/parse/pid_stat.h"
#include "collectors/parse/text.h"
#include "collectors/process_identity.h"

namespace heapfloor {
namespace {

constexpr double kGogcPercent = 100;         // where nothing is set
constexpr double kValidIntervals = 3;        // of a reading
constexpr double kSameStartSeconds = 60;     // of two accounts of when a process began
constexpr unsigned kFailuresForgetPage = 3;  // in a row: it may have another one now
constexpr std::size_t kBufferBytes = 4096;

// Pages for which the program does not stand still may be asked for at every collection.
bool is_slow(GoPage page) { return page != GoPage::metrics; }

bool is_loopback(std::string_view host) {
  return host == "localhost" || host == "[::1]" || host.starts_with("127.");
}

std::optional<std::uint16_t> local_port_of(const std::string& url) {
  const auto parts = parse_url(url);
  if (!parts || !is_loopback(parts->host)) return std::nullopt;
  const auto port = parse_unsigned(parts->port);
  return port ? std::optional(static_cast<std::uint16_t>(*port)) : std::nullopt;
}

std::string_view host_of(ListenPlace place) {
  return place == ListenPlace::loopback6 ? "[::1]" : "127.0.0.1";
}

// This process, as the watched /proc numbers it.
Result<std::string> own_network(const HostRoot& root) {
  std::array<char, kBufferBytes> buffer = {};
  const auto stat = root.read(HostRoot::Tree::proc, "self/stat", buffer);
  if (!stat) return Failure(stat.error());
  const auto pid = parse_unsigned(stat->substr(0, stat->find(' ')));
  if (!pid) return failure(ErrorKind::malformed, "self/stat", "does not begin with a pid");
  const auto process = root.open_process(static_cast<std::int32_t>(*pid));
  if (!process) return Failure(process.error());
  return network_of(*process);
}

GoSearch search_of(const Error& error) {
  if (error.kind == ErrorKind::denied) return GoSearch::denied;
  return error.kind == ErrorKind::unavailable ? GoSearch::other_network : GoSearch::no_listener;
}

}  // namespace

void GoEndpoints::configure(const GoEndpointSettings& settings) {
  const std::scoped_lock lock(mutex_);
  const auto old = std::exchange(configured_, {});
  for (const GoTargetSettings& target : settings.targets) {
    const double interval = target.interval_seconds.value_or(settings.interval_seconds);
    const auto same = std::ranges::find_if(old, [&](const auto& endpoint) {
      return endpoint->target == target && endpoint->interval_seconds == interval;
    });
    if (same != old.end()) {
      configured_.push_back(*same);
      continue;
    }
    auto endpoint = std::make_shared<Endpoint>();
    endpoint->target = target;
    endpoint->interval_seconds = interval;
    endpoint->local_port = local_port_of(target.url);
    endpoint->status.name = target.name;
    endpoint->status.url = target.url;
    endpoint->status.group = target.group.empty() ? target.name : target.group;
    endpoint->status.stands_alone = !endpoint->local_port;
    configured_.push_back(std::move(endpoint));
  }
  settings_ = settings;
  counts_.is_searching = settings.discovery == GoDiscovery::listening;
  if (!counts_.is_searching) found_.clear();
}

bool GoEndpoints::has_work() const {
  const std::scoped_lock lock(mutex_);
  return !configured_.empty() || counts_.is_searching;
}

void GoEndpoints::start() {
  const std::scoped_lock lock(threads_mutex_);
  const bool wants = has_work();
  if (wants != threads_.empty()) return;
  if (!wants) return end_threads();
  const auto run = [](const std::stop_token& stop, auto step) {
    try {
      step(stop);
    } catch (const std::exception& error) {
      // Out of memory, or a libcurl that lacks what is needed. The collection goes on.
      log_line(LogLevel::error, "endpoints of Go programs are given up", {{"error", error.what()}});
    }
  };
  threads_.emplace_back([this, run](const std::stop_token& stop) {
    run(stop, [this](const std::stop_token& token) {
      double interval = 0;
      do {
        look();
        const std::scoped_lock settings_lock(mutex_);
        interval = settings_.interval_seconds;
      } while (clock_.wait_until(clock_.steady_seconds() + interval, token));
    });
  });
  for (std::size_t i = 0; i < kMostAtOnce; ++i) {
    threads_.emplace_back([this, run](const std::stop_token& stop) {
      run(stop, [this](const std::stop_token& token) {
        constexpr double kPollSeconds = 0.25;
        while (!token.stop_requested()) {
          if (!ask_next(token) && !clock_.wait_until(clock_.steady_seconds() + kPollSeconds, token))
            return;
        }
      });
    });
  }
}

void GoEndpoints::stop() {
  const std::scoped_lock lock(threads_mutex_);
  end_threads();
}

// All at once: one that waits for an answer does not make the others wait.
void GoEndpoints::end_threads() {
  for (std::jthread& thread : threads_) thread.request_stop();
  threads_.clear();
}

void GoEndpoints::look() {
  const std::vector<GoBoard::Entry> entries = board_.entries();
  look_at_programs(entries);
  const std::scoped_lock lock(mutex_);
  tie_targets();
  if (counts_.is_searching) add_found(entries);
}

// Those that are due. Without the lock, since it reads the host.
void GoEndpoints::look_at_programs(const std::vector<GoBoard::Entry>& entries) {
  std::vector<ProcessId> due;
  {
    const std::scoped_lock lock(mutex_);
    const double now_seconds = clock_.steady_seconds();
    const bool wants_all = std::ranges::any_of(
        configured_, [](const auto& endpoint) { return endpoint->local_port.has_value(); });
    std::map<ProcessId, Program> kept;
    for (const GoBoard::Entry& entry : entries) {
      if (!wants_all && !(counts_.is_searching && entry.refusal)) continue;
      Program& program = kept[entry.id];
      if (const auto known = programs_.find(entry.id); known != programs_.end())
        program = std::move(known->second);
      if (program.next_look_seconds <= now_seconds && due.size() < kMostLooks)
        due.push_back(entry.id);
    }
    programs_ = std::move(kept);
  }
  if (due.empty()) return;
  const auto network = own_network(root_);
  for (const ProcessId& id : due) {
    Program seen = look_at(id, network ? *network : std::string());
    const std::scoped_lock lock(mutex_);
    Program& program = programs_[id];
    // What has changed may change again soon.
    const bool is_same = seen.search == program.search &&
                         std::ranges::equal(seen.listeners, program.listeners, {},
                                            &OwnListener::socket, &OwnListener::socket);
    seen.rest_seconds =
        is_same ? std::min(2 * program.rest_seconds, kMostRestSeconds) : kFirstRestSeconds;
    seen.next_look_seconds = clock_.steady_seconds() + seen.rest_seconds;
    program = std::move(seen);
  }
}

GoEndpoints::Program GoEndpoints::look_at(const ProcessId& id, const std::string& network) const {
  Program program;
  auto listeners = listening_sockets(root_, id, network);
  if (!listeners) {
    program.search = search_of(listeners.error());
  } else if (!listeners->empty()) {
    program.search = GoSearch::no_answer;
    program.listeners = std::move(*listeners);
  }
  return program;
}

// A target on a loopback address is the program that holds its socket.
void GoEndpoints::tie_targets() {
  for (const auto& endpoint : configured_) {
    if (!endpoint->local_port) continue;
    const auto before = std::exchange(endpoint->process, std::nullopt);
    for (const auto& [id, program] : programs_) {
      const auto listener =
          std::ranges::find(program.listeners, *endpoint->local_port, &OwnListener::port);
      if (listener == program.listeners.end()) continue;
      endpoint->process = id;
      endpoint->listener = *listener;
      break;
    }
    if (endpoint->process != before) {
      endpoint->status.reading.reset();  // of somebody else
      endpoint->environment = {};
      const auto process = endpoint->process ? root_.open_process(endpoint->process->pid)
                                             : failure(ErrorKind::gone, {}, {});
      if (process) endpoint->environment = go_environment_of(*process);
    }
    endpoint->was_tied = endpoint->was_tied || endpoint->process;
    const bool is_up = endpoint->status.is_up.value_or(false);
    endpoint->rounds_untied = !is_up || endpoint->was_tied ? 0 : endpoint->rounds_untied + 1;
    endpoint->status.process = endpoint->process;
    endpoint->status.stands_alone = endpoint->rounds_untied >= kRoundsUntied ||
                                    (endpoint->status.stands_alone && !endpoint->was_tied);
  }
}

void GoEndpoints::add_found(const std::vector<GoBoard::Entry>& entries) {
  std::set<ProcessId> refused;
  for (const GoBoard::Entry& entry : entries) {
    if (entry.refusal) refused.insert(entry.id);
  }
  for (const auto& endpoint : configured_) {
    if (endpoint->process) refused.erase(*endpoint->process);
  }
  std::erase_if(found_, [&](const auto& found) { return !refused.contains(found.first); });
  for (const ProcessId& id : refused) {
    const auto program = programs_.find(id);
    if (program != programs_.end()) find_endpoint(id, program->second);
  }
  counts_.programs = {};
  for (const ProcessId& id : refused) {
    const auto program = programs_.find(id);
    if (program == programs_.end()) continue;
    const auto found = found_.find(id);
    const bool is_up = found != found_.end() && found->second->status.is_up.value_or(false);
    ++counts_.programs.at(
        static_cast<std::size_t>(is_up ? GoSearch::found : program->second.search));
  }
}

void GoEndpoints::find_endpoint(const ProcessId& id, const Program& program) {
  const auto known = found_.find(id);
  if (known != found_.end()) {
    const bool is_same = std::ranges::equal(
        known->second->ports,
        std::span(program.listeners).first(std::min(program.listeners.size(), kMostPorts)), {},
        &OwnListener::socket, &OwnListener::socket);
    if (is_same) return;
    found_.erase(known);
  }
  if (program.listeners.empty() || found_.size() >= kMostFound) return;
  auto endpoint = std::make_shared<Endpoint>();
  endpoint->is_found = true;
  endpoint->interval_seconds = settings_.interval_seconds;
  endpoint->process = endpoint->status.process = id;
  endpoint->ports = program.listeners;
  endpoint->ports.resize(std::min(endpoint->ports.size(), kMostPorts));
  if (const auto process = root_.open_process(id.pid))
    endpoint->environment = go_environment_of(*process);
  point_at(*endpoint, 0);
  found_.emplace(id, std::move(endpoint));
}

void GoEndpoints::point_at(Endpoint& endpoint, std::size_t port) {
  endpoint.next_port = port;
  endpoint.listener = endpoint.ports[port];
  endpoint.page.reset();
  endpoint.target.url = endpoint.status.url =
      fmt::format("http://{}:{}", host_of(endpoint.listener.place), endpoint.listener.port);
  endpoint.target.http.deadline_seconds = GoAsker::kDeadlineSeconds;
}

std::shared_ptr<GoEndpoints::Endpoint> GoEndpoints::take_due() {
  std::shared_ptr<Endpoint> due;
  const auto consider = [&](const std::shared_ptr<Endpoint>& endpoint) {
    if (endpoint->is_busy || endpoint->due_seconds > clock_.steady_seconds()) return;
    if (!due || endpoint->due_seconds < due->due_seconds) due = endpoint;
  };
  for (const auto& endpoint : configured_) consider(endpoint);
  for (const auto& [id, endpoint] : found_) consider(endpoint);
  if (due) due->is_busy = true;
  return due;
}

bool GoEndpoints::ask_next(const std::stop_token& stop) {
  std::shared_ptr<Endpoint> endpoint;
  GoTargetSettings target;
  std::optional<GoPage> page;
  std::optional<ProcessId> process;
  HeldSocket socket;
  {
    const std::scoped_lock lock(mutex_);
    endpoint = take_due();
    if (!endpoint) return false;
    target = endpoint->target;
    page = endpoint->page;
    process = endpoint->process;
    socket = endpoint->listener.socket;
  }
  const double began_seconds = clock_.steady_seconds();
  GoAsker asker(target);
  Result<GoAsker::Answer> answer = [&]() -> Result<GoAsker::Answer> {
    if (process) {
      if (auto held = check_owner(*process, socket); !held) return Failure(held.error());
    }
    return asker.figures(page, stop);
  }();
  const std::scoped_lock lock(mutex_);
  counts_.requests += asker.requests();
  endpoint->is_busy = false;
  // Another process by now: what was read is not its own.
  if (endpoint->process != process) return true;
  if (!stop.stop_requested()) finish(*endpoint, std::move(answer), began_seconds);
  return true;
}

void GoEndpoints::finish(Endpoint& endpoint, Result<GoAsker::Answer> answer, double began_seconds) {
  const double now_seconds = clock_.steady_seconds();
  endpoint.status.duration_seconds = now_seconds - began_seconds;
  if (answer && endpoint.process && !is_of_process(answer->figures, *endpoint.process))
    answer = failure(ErrorKind::malformed, endpoint.target.url,
                     "the page is of a process that began at another time");
  if (!answer) return note_failure(endpoint, std::move(answer.error()));
  note_reading(endpoint, std::move(*answer));
}

void GoEndpoints::note_failure(Endpoint& endpoint, Error error) {
  GoEndpointStatus& status = endpoint.status;
  const double now_seconds = clock_.steady_seconds();
  ++status.errors.at(static_cast<std::size_t>(error.kind));
  ++counts_.errors.at(static_cast<std::size_t>(error.kind));
  const bool was_up = status.is_up.value_or(!endpoint.is_found);
  status.is_up = false;
  status.last_error = fmt::format("{}: {}", error.path, error.reason);
  if (was_up)
    log_line(
        LogLevel::warning, "an endpoint of a Go program does not answer as it should",
        {{"endpoint", endpoint.is_found ? status.url : status.name}, {"error", status.last_error}});
  ++endpoint.failures;
  if (endpoint.failures >= kFailuresForgetPage) endpoint.page.reset();
  constexpr unsigned kMostDoublings = 10;
  const double rest =
      endpoint.interval_seconds * std::exp2(std::min(endpoint.failures, kMostDoublings));
  endpoint.due_seconds = now_seconds + std::min(rest, kMostRestSeconds);
  if (error.kind == ErrorKind::gone && endpoint.process) {
    // It gave the socket up: its sockets are looked for again.
    if (const auto program = programs_.find(*endpoint.process); program != programs_.end())
      program->second.next_look_seconds = 0;
  }
  if (!endpoint.is_found || endpoint.page || status.last_success_seconds) return;
  const std::size_t next = (endpoint.next_port + 1) % endpoint.ports.size();
  point_at(endpoint, next);
  if (next != 0) endpoint.due_seconds = now_seconds;
}

void GoEndpoints::note_reading(Endpoint& endpoint, GoAsker::Answer answer) {
  GoEndpointStatus& status = endpoint.status;
  if (!status.is_up.value_or(false))
    log_line(LogLevel::info, "an endpoint of a Go program answers",
             {{"endpoint", endpoint.is_found ? status.url : status.name},
              {"page", go_page_name(answer.page)}});
  endpoint.failures = 0;
  endpoint.page = answer.page;
  status.is_up = true;
  status.last_error.clear();
  GoReadingOfPage reading;
  reading.page = answer.page;
  reading.figures = std::move(answer.figures);
  if (!reading.figures.limit) reading.figures.limit = endpoint.environment.limit_bytes;
  const double percent = endpoint.target.gogc_percent.value_or(
      endpoint.environment.gogc_percent.value_or(kGogcPercent));
  reading.live = live_after_collection(reading.figures, percent);
  reading.time_seconds = clock_.steady_seconds();
  reading.wall_seconds = clock_.wall_seconds();
  const double interval = is_slow(answer.page)
                              ? std::max(endpoint.interval_seconds, settings_.slow_interval_seconds)
                              : endpoint.interval_seconds;
  reading.valid_until_seconds = reading.time_seconds + kValidIntervals * interval;
  endpoint.due_seconds = reading.time_seconds + interval;
  status.last_success_seconds = reading.time_seconds;
  status.reading = std::move(reading);
}

// Whoever holds the socket answers: it has to be the process that the figures are put down to.
Result<void> GoEndpoints::check_owner(const ProcessId& id, const HeldSocket& socket) const {
  const auto process = root_.open_process(id.pid);
  if (!process) return Failure(process.error());
  std::array<char, kBufferBytes> buffer = {};
  if (!process->holds(socket))
    return failure(ErrorKind::gone, std::to_string(id.pid), "does not hold its socket any more");
  return confirm_process(*process, id, buffer);
}

bool GoEndpoints::is_of_process(const GoFigures& figures, const ProcessId& id) const {
  if (!figures.start_seconds) return true;
  const double start_seconds = clock_.wall_seconds() - clock_.steady_seconds() +
                               static_cast<double>(id.start_ticks) / ticks_per_second_;
  return std::abs(*figures.start_seconds - start_seconds) <= kSameStartSeconds;
}

std::vector<GoEndpointStatus> GoEndpoints::status() const {
  const std::scoped_lock lock(mutex_);
  std::vector<GoEndpointStatus> all;
  for (const auto& endpoint : configured_) all.push_back(endpoint->status);
  for (const auto& [id, endpoint] : found_) {
    if (endpoint->status.last_success_seconds) all.push_back(endpoint->status);
  }
  return all;
}

GoEndpointCounts GoEndpoints::counts() const {
  const std::scoped_lock lock(mutex_);
  return counts_;
}

std::shared_ptr<GoEndpoints::Endpoint> GoEndpoints::endpoint_of(const ProcessId& id) const {
  const auto fits = [&id](const std::shared_ptr<Endpoint>& endpoint) {
    return endpoint->process == id && endpoint->status.last_success_seconds;
  };
  const auto configured = std::ranges::find_if(configured_, fits);
  if (configured != configured_.end()) return *configured;
  const auto found = found_.find(id);
  return found != found_.end() && fits(found->second) ? found->second : nullptr;
}

bool GoEndpoints::knows(const ProcessId& id) const {
  const std::scoped_lock lock(mutex_);
  return endpoint_of(id) != nullptr;
}

Result<std::string> GoEndpoints::profile(const ProcessId& id, std::string_view name,
                                         const std::stop_token& stop) {
  GoTargetSettings target;
  HeldSocket socket;
  {
    const std::scoped_lock lock(mutex_);
    const auto endpoint = endpoint_of(id);
    if (!endpoint)
      return failure(ErrorKind::unavailable, std::to_string(id.pid), "has no endpoint");
    target = endpoint->target;
    socket = endpoint->listener.socket;
  }
  if (const auto held = check_owner(id, socket); !held) return Failure(held.error());
  GoAsker asker(target);
  auto profile = asker.profile(name, stop);
  const std::scoped_lock lock(mutex_);
  counts_.requests += asker.requests();
  if (!profile) ++counts_.errors.at(static_cast<std::size_t>(profile.error().kind));
  return profile;
}

}  // namespace heapfloor
