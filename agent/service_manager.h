// ServiceManager: tells who started the agent as a service (systemd) that it serves, reloads, ends
// and lives.
//
// Source: sd_notify(3), the part that is promised to stay: datagrams of NAME=value lines to the
// socket that NOTIFY_SOCKET names. libsystemd would do the same, and brings four libraries for
// compression into the process.
//
// Thread rule: every member may be called by any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace heapfloor {

class ServiceManager {
 public:
  struct Options {
    std::string socket;  // a path, or @NAME for an abstract one; empty: nobody is told
    std::optional<double> watchdog_seconds;  // within which it wants to hear of life
  };

  // Of this process: NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID.
  static Options from_environment();

  // Never fails: an agent that nobody hears is an agent all the same. A name that is too long for
  // a socket is told in the log.
  explicit ServiceManager(Options options);
  ServiceManager(const ServiceManager&) = delete;
  ServiceManager& operator=(const ServiceManager&) = delete;
  ~ServiceManager();

  // A watchdog that is more impatient than four of the agent's intervals is asked for that much.
  void ready(std::string_view status, double interval_seconds) const;
  void reloading() const;
  // The end of reloading().
  void reloaded() const;
  void alive() const;
  void stopping() const;

 private:
  // Does not block: what does not fit into the socket is dropped.
  void tell(std::string_view lines) const;

  Options options_;
  int descriptor_ = -1;
};

}  // namespace heapfloor
