// A web server on the loopback address that answers by a script, however badly the script wants it.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace heapfloor {

class ScriptedServer {
 public:
  struct Seen {
    std::string head;  // request line and header fields
    std::string body;
  };
  // The bytes to answer with; empty: the connection stays open and silent until the server ends.
  using Script = std::function<std::string(const Seen&)>;

  explicit ScriptedServer(Script script);
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;
  ~ScriptedServer();

  [[nodiscard]] std::string url() const;  // http://127.0.0.1:PORT
  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] std::vector<Seen> seen() const;
  // Whether the predicate became true within half a minute.
  [[nodiscard]] bool wait_for(const std::function<bool(const std::vector<Seen>&)>& condition) const;

  static std::string answer(int status, const std::string& body = {},
                            const std::string& more_headers = {});

 private:
  void serve();
  bool serve_one(int connection);

  Script script_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  mutable std::mutex mutex_;
  std::vector<Seen> seen_;
  std::vector<int> silent_;  // the thread's own
  std::jthread thread_;
};

}  // namespace heapfloor
