// GateSession: one connection of the gate, from its first byte to its last. For gate.cpp.
//
// Thread rule: everything runs on the gate's thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>

#include "agent/http/gate.h"
#include "agent/http/passwords.h"
#include "agent/http/request_head.h"

namespace heapfloor {

class GateSession;

// A gate's security with its TLS context in the form that connections need.
struct GateSecurity {
  std::shared_ptr<const Security> rules;               // may be null
  std::unique_ptr<boost::asio::ssl::context> context;  // null: plain HTTP
};

enum class PasswordVerdict : std::uint8_t { right, wrong, too_many, overloaded };

// What a session needs of its gate.
class GateHost {
 public:
  GateHost() = default;
  GateHost(const GateHost&) = delete;
  GateHost& operator=(const GateHost&) = delete;
  virtual ~GateHost() = default;

  [[nodiscard]] virtual const GateOptions& options() const = 0;
  [[nodiscard]] virtual boost::asio::io_context& io() = 0;
  [[nodiscard]] virtual std::shared_ptr<const GateSecurity> security() const = 0;
  [[nodiscard]] virtual bool is_stopping() const = 0;
  // A session that waits for its client may be closed to make room for another.
  virtual std::list<GateSession*>::iterator enter_waiting(GateSession* session) = 0;
  virtual void leave_waiting(std::list<GateSession*>::iterator place) = 0;
  virtual void session_closed(const GateSession& session) = 0;
  virtual bool take_request_token() = 0;
  virtual bool take_upstream_place() = 0;
  virtual void leave_upstream_place() = 0;
  // `then` is called on the gate's thread, at once or later.
  virtual void check_password(const std::string& address, Credentials credentials,
                              std::function<void(PasswordVerdict)> then) = 0;
  virtual void count_refusal(std::string_view reason) = 0;
};

class GateSession : public std::enable_shared_from_this<GateSession> {
 public:
  using Tcp = boost::asio::ip::tcp;

  GateSession(GateHost& host, Tcp::socket socket, std::string remote, std::string address_key,
              bool is_loopback_listener);
  GateSession(const GateSession&) = delete;
  GateSession& operator=(const GateSession&) = delete;
  ~GateSession();

  void start();
  // Ends it at once, whatever it does.
  void close();

  [[nodiscard]] const std::string& address_key() const { return address_key_; }
  [[nodiscard]] bool was_answered() const { return was_answered_; }

 private:
  using ErrorCode = boost::system::error_code;
  using Wait = std::chrono::milliseconds;

  template <class Handler>
  void read_client(char* into, std::size_t size, Handler handler);
  // Sends output_, then body_.
  template <class Handler>
  void write_client(Handler handler);

  void arm(Wait wait, std::string_view reason);
  void wait_for_client(Wait wait);
  void stop_waiting();
  void begin_tls();
  void read_head();
  void on_head_bytes(ErrorCode error, std::size_t size);
  void on_head(std::size_t size);
  void authenticate();
  void on_password(PasswordVerdict verdict);
  void connect_upstream();
  void send_upstream();
  void read_answer_head();
  void on_answer_head(std::size_t size);
  void finish_answer();
  void release_upstream();
  void answer(const Response& response);
  void refuse(int status, std::string_view error_type, std::string_view message);
  void linger();
  void drain();

  GateHost& host_;
  std::shared_ptr<const GateSecurity> security_;  // of the handshake
  Tcp::socket socket_;
  std::unique_ptr<boost::asio::ssl::stream<Tcp::socket&>> tls_;
  boost::asio::steady_timer deadline_;
  std::string_view deadline_reason_;
  std::string remote_;
  std::string address_key_;
  bool is_loopback_listener_;
  std::optional<std::list<GateSession*>::iterator> waiting_;
  bool is_open_ = true;
  bool was_answered_ = false;
  bool is_verified_ = false;       // by the client's certificate
  bool is_authenticated_ = false;  // by whatever is configured
  bool may_keep_alive_ = false;
  std::string input_;  // what the client sent and was not used yet
  RequestHead head_;
  std::optional<Tcp::socket> upstream_;
  std::uint16_t upstream_port_ = 0;
  bool has_upstream_place_ = false;
  std::string output_;
  std::shared_ptr<const std::string> body_;  // may be null
  std::size_t drained_ = 0;
};

}  // namespace heapfloor
