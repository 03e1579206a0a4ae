// GoEndpoints: the HTTP endpoints of Go programs, those of the configuration and, where that is
// allowed, those that are found by the sockets on which programs listen.
//
// A program is looked for only while its memory is not read (GoBoard), and is asked only on this
// host's loopback address, in this host's network, and as long as it holds the very socket that was
// found; a configured endpoint on a loopback address is tied to the Go program that holds its
// socket in the same way. kMostAtOnce threads ask, so that a program that answers slowly delays
// neither the collection nor many others; one that fails is asked less and less often. They run
// only while there is something to ask or to look for. Thread rule: any thread may call any member.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "agent/clock.h"
#include "agent/endpoints/go_asker.h"
#include "agent/endpoints/go_endpoint.h"
#include "collectors/go_board.h"
#include "collectors/host_root.h"
#include "collectors/runtime/listening_sockets.h"

namespace heapfloor {

class GoEndpoints {
 public:
  static constexpr std::size_t kMostAtOnce = 4;
  static constexpr std::size_t kMostFound = 256;
  static constexpr std::size_t kMostPorts = 4;     // of a program, that are asked
  static constexpr std::size_t kMostLooks = 32;    // at programs' sockets, in one round
  static constexpr double kFirstRestSeconds = 10;  // between two looks, doubled each time
  static constexpr double kMostRestSeconds = 600;  // the same, and between two failures
  static constexpr unsigned kRoundsUntied = 3;     // see GoEndpointStatus::stands_alone

  // All outlive it.
  GoEndpoints(const HostRoot& root, const GoBoard& board, const Clock& clock,
              double ticks_per_second)
      : root_(root), board_(board), clock_(clock), ticks_per_second_(ticks_per_second) {}
  GoEndpoints(const GoEndpoints&) = delete;
  GoEndpoints& operator=(const GoEndpoints&) = delete;
  ~GoEndpoints() { stop(); }

  // Targets that did not change go on. Starts nothing.
  void configure(const GoEndpointSettings& settings);
  // Starts the threads where there is something to do; ends them where there is not.
  void start();
  void stop();

  // One round of looking for programs' sockets; what start() does each interval.
  void look();
  // Asks the endpoint that has been due for the longest time; false where none is. What the
  // threads do.
  bool ask_next(const std::stop_token& stop = {});

  // The configured ones in their order, then those that were found and have answered.
  [[nodiscard]] std::vector<GoEndpointStatus> status() const;
  [[nodiscard]] GoEndpointCounts counts() const;

  // Whether the process has an endpoint that has answered.
  [[nodiscard]] bool knows(const ProcessId& id) const;
  // A profile of net/http/pprof of that process. Blocks; see GoAsker::profile().
  [[nodiscard]] Result<std::string> profile(const ProcessId& id, std::string_view name,
                                            const std::stop_token& stop = {});

 private:
  struct Endpoint {
    GoTargetSettings target;
    double interval_seconds = 0;
    bool is_found = false;
    std::optional<std::uint16_t> local_port;  // of a configured one on a loopback address
    std::optional<ProcessId> process;
    OwnListener listener;            // where `process` is known
    std::vector<OwnListener> ports;  // of one that was found: those that are tried in turn
    std::size_t next_port = 0;
    GoEnvironment environment;
    std::optional<GoPage> page;
    unsigned failures = 0;  // in a row
    unsigned rounds_untied = 0;
    bool was_tied = false;
    bool is_busy = false;
    double due_seconds = 0;
    GoEndpointStatus status;
  };
  // What is known of a program's sockets.
  struct Program {
    std::vector<OwnListener> listeners;
    GoSearch search = GoSearch::no_listener;
    double next_look_seconds = 0;
    double rest_seconds = kFirstRestSeconds;
  };
  [[nodiscard]] bool has_work() const;
  void end_threads();
  void look_at_programs(const std::vector<GoBoard::Entry>& entries);
  [[nodiscard]] Program look_at(const ProcessId& id, const std::string& network) const;
  void tie_targets();
  void add_found(const std::vector<GoBoard::Entry>& entries);
  void find_endpoint(const ProcessId& id, const Program& program);
  [[nodiscard]] std::shared_ptr<Endpoint> take_due();
  void point_at(Endpoint& endpoint, std::size_t port);
  void finish(Endpoint& endpoint, Result<GoAsker::Answer> answer, double began_seconds);
  void note_failure(Endpoint& endpoint, Error error);
  void note_reading(Endpoint& endpoint, GoAsker::Answer answer);
  [[nodiscard]] Result<void> check_owner(const ProcessId& id, const HeldSocket& socket) const;
  [[nodiscard]] bool is_of_process(const GoFigures& figures, const ProcessId& id) const;
  [[nodiscard]] std::shared_ptr<Endpoint> endpoint_of(const ProcessId& id) const;

  const HostRoot& root_;
  const GoBoard& board_;
  const Clock& clock_;
  const double ticks_per_second_;

  std::mutex threads_mutex_;  // threads_
  std::vector<std::jthread> threads_;
  mutable std::mutex mutex_;  // everything below, the endpoints' members included
  GoEndpointSettings settings_;
  std::vector<std::shared_ptr<Endpoint>> configured_;
  std::map<ProcessId, std::shared_ptr<Endpoint>> found_;
  std::map<ProcessId, Program> programs_;
  GoEndpointCounts counts_;
};

}  // namespace heapfloor
