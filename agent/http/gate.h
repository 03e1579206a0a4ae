// Gate: what clients connect to. It takes connections under limits, asks for TLS and a complete,
// unambiguous request within a deadline, checks who is asking, and only then hands the request to
// the server behind it, on a loopback port, with a secret of this start. The server answers with a
// head and leaves the body in the UpstreamBook, from where it is sent without a copy. Clients that
// are silent, that write or read slowly, and hostile ones cost a descriptor here and never a thread
// there.
//
// When all places are taken, the oldest connection that has not sent a complete request gives way,
// so that those who wait in silence cannot lock out those who ask.
//
// Thread rule: one thread of its own does all of it; hashing passwords and reading changed files
// happen on a second one. Public members are called by the owner alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/http/http_server.h"
#include "agent/http/listen_address.h"
#include "agent/http/security.h"

namespace heapfloor {

// The gate's own connections to the server behind it, so that others on its port are noticed, and
// the bodies of the answers that are on their way over them. Thread-safe.
class UpstreamBook {
 public:
  // Before the gate connects from that local port.
  void connecting(std::uint16_t port) {
    const std::lock_guard lock(mutex_);
    ports_.insert(port);
    ++made_;
  }
  void failed() {
    const std::lock_guard lock(mutex_);
    --made_;
  }
  void closed(std::uint16_t port) {
    const std::lock_guard lock(mutex_);
    ports_.erase(port);
    bodies_.erase(port);
  }
  // What the answer on that connection holds, before its head is sent. Not kept when the connection
  // is gone.
  void leave_body(std::uint16_t port, std::shared_ptr<const std::string> body) {
    const std::lock_guard lock(mutex_);
    if (ports_.contains(port)) bodies_[port] = std::move(body);
  }
  // Null for an answer without a body.
  std::shared_ptr<const std::string> take_body(std::uint16_t port) {
    const std::lock_guard lock(mutex_);
    const auto node = bodies_.extract(port);
    return node.empty() ? nullptr : node.mapped();
  }
  // When the server took a connection: whether it has taken more than the gate made.
  bool accepted() {
    const std::lock_guard lock(mutex_);
    if (++accepted_ <= made_) return false;
    made_ = accepted_;
    return true;
  }
  [[nodiscard]] bool is_own(std::uint16_t port) const {
    const std::lock_guard lock(mutex_);
    return ports_.contains(port);
  }

 private:
  mutable std::mutex mutex_;
  std::set<std::uint16_t> ports_;
  std::map<std::uint16_t, std::shared_ptr<const std::string>> bodies_;
  std::uint64_t made_ = 0;
  std::uint64_t accepted_ = 0;
};

struct GateOptions {
  std::vector<ListenAddress> addresses;
  std::string access_control_list;
  std::uint16_t upstream_port = 0;
  std::string secret;
  std::size_t max_connections = 512;
  std::size_t max_connections_per_address = 256;
  std::uint32_t request_timeout_ms = 3000;
  std::uint32_t send_timeout_ms = 5000;
  std::uint32_t idle_timeout_ms = 0;
  std::shared_ptr<const Security> security;  // may be null: plain HTTP for everybody
  // Reads the files of `security` anew once one of them changed; nothing: never.
  std::function<Result<std::shared_ptr<const Security>>()> reload;
  UpstreamBook* upstream_book = nullptr;  // outlives the gate
  RequestObserver* observer = nullptr;    // outlives the gate; may be null
};

class Gate {
 public:
  // Starts to listen. Throws std::runtime_error with one sentence when an address cannot be had.
  explicit Gate(GateOptions options);
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;
  // Gives answers that are under way a second to reach their clients.
  ~Gate();

  // Stops listening and closes every connection without a complete request. Requests that were
  // handed on go on.
  void stop_accepting();

  // The ports really listened on, in the order of the addresses.
  [[nodiscard]] const std::vector<std::uint16_t>& ports() const;

 private:
  class Core;
  std::unique_ptr<Core> core_;
};

}  // namespace heapfloor
