#include "agent/http/gate_session.h"

#include <array>
#include <span>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

#include "agent/http/gate_pass.h"
#include "agent/http/response_head.h"

namespace heapfloor {
namespace {

namespace asio = boost::asio;

constexpr std::chrono::milliseconds kLingerTime(1000);
constexpr std::size_t kMostDrainedBytes = std::size_t{4} * 1024 * 1024;
constexpr std::size_t kReadBytes = 2048;
constexpr std::size_t kMostAnswerHeadBytes = std::size_t{64} * 1024;
constexpr std::string_view kHeadEnd = "\r\n\r\n";

// The header fields that the operator asks for.
std::span<const std::pair<std::string, std::string>> operator_fields(const GateSecurity& security) {
  if (!security.rules) return {};
  return security.rules->headers;
}

}  // namespace

GateSession::GateSession(GateHost& host, Tcp::socket socket, std::string remote,
                         std::string address_key, bool is_loopback_listener)
    : host_(host),
      security_(host.security()),
      socket_(std::move(socket)),
      deadline_(host.io()),
      remote_(std::move(remote)),
      address_key_(std::move(address_key)),
      is_loopback_listener_(is_loopback_listener) {}

GateSession::~GateSession() { close(); }

void GateSession::close() {
  if (!is_open_) return;
  is_open_ = false;
  stop_waiting();
  release_upstream();
  ErrorCode ignored;
  deadline_.cancel(ignored);
  socket_.close(ignored);
  host_.session_closed(*this);
}

template <class Handler>
void GateSession::read_client(char* into, std::size_t size, Handler handler) {
  const auto buffer = asio::buffer(into, size);
  if (tls_) {
    tls_->async_read_some(buffer, std::move(handler));
  } else {
    socket_.async_read_some(buffer, std::move(handler));
  }
}

template <class Handler>
void GateSession::write_client(Handler handler) {
  const std::string_view body = body_ ? std::string_view(*body_) : std::string_view();
  const std::array<asio::const_buffer, 2> buffers = {
      asio::const_buffer(output_.data(), output_.size()),
      asio::const_buffer(body.data(), body.size())};
  if (tls_) {
    asio::async_write(*tls_, buffers, std::move(handler));
  } else {
    asio::async_write(socket_, buffers, std::move(handler));
  }
}

// --- the client's part

// Whoever armed it last decides; a wait that already ended is told by the expiry.
void GateSession::arm(Wait wait, std::string_view reason) {
  deadline_reason_ = reason;
  deadline_.expires_after(wait);
  deadline_.async_wait([self = weak_from_this()](ErrorCode error) {
    const auto session = self.lock();
    if (error || !session || session->deadline_.expiry() > std::chrono::steady_clock::now()) return;
    if (!session->is_open_) return;
    if (!session->deadline_reason_.empty()) session->host_.count_refusal(session->deadline_reason_);
    session->close();
  });
}

void GateSession::wait_for_client(Wait wait) {
  if (!waiting_) waiting_ = host_.enter_waiting(this);
  arm(wait, was_answered_ ? "" : "timeout");
}

void GateSession::stop_waiting() {
  if (!waiting_) return;
  host_.leave_waiting(*waiting_);
  waiting_.reset();
}

// A connection that stays silent costs no TLS state.
void GateSession::start() {
  ErrorCode ignored;
  socket_.set_option(Tcp::no_delay(true), ignored);
  wait_for_client(Wait(host_.options().request_timeout_ms));
  socket_.async_wait(Tcp::socket::wait_read, [self = shared_from_this()](ErrorCode error) {
    if (error || !self->is_open_) return self->close();
    if (self->security_->context) return self->begin_tls();
    self->read_head();
  });
}

void GateSession::begin_tls() {
  tls_ = std::make_unique<asio::ssl::stream<Tcp::socket&>>(socket_, *security_->context);
  tls_->async_handshake(
      asio::ssl::stream_base::server, [self = shared_from_this()](ErrorCode error) {
        if (!self->is_open_) return;
        if (error) {
          self->host_.count_refusal("handshake");
          return self->close();
        }
        self->is_verified_ = self->security_->rules->is_verified(self->tls_->native_handle());
        self->read_head();
      });
}

void GateSession::read_head() {
  const std::size_t have = input_.size();
  input_.resize(have + kReadBytes);
  read_client(input_.data() + have, kReadBytes,
              [self = shared_from_this(), have](ErrorCode error, std::size_t size) {
                self->input_.resize(have + size);
                self->on_head_bytes(error, size);
              });
}

void GateSession::on_head_bytes(ErrorCode error, std::size_t size) {
  if (!is_open_) return;
  if (error) return close();
  // Behind an answer the next request has its own time from its first byte on.
  if (was_answered_ && input_.size() == size) arm(Wait(host_.options().request_timeout_ms), "");
  const HeadProgress progress = head_progress(input_);
  if (progress.refusal) {
    head_ = {};
    return refuse(progress.refusal->status, "bad_data", progress.refusal->message);
  }
  if (progress.size == 0) return read_head();
  on_head(progress.size);
}

void GateSession::on_head(std::size_t size) {
  stop_waiting();
  deadline_.cancel();
  auto parsed = parse_request_head(std::string_view(input_).substr(0, size));
  // Bytes behind the head are a body that nobody announced, or the next request before its turn.
  const bool is_alone = input_.size() == size;
  input_.clear();
  if (!parsed) {
    head_ = {};
    return refuse(parsed.error().status, "bad_data", parsed.error().message);
  }
  head_ = *std::move(parsed);
  may_keep_alive_ = head_.keep_alive && is_alone && host_.options().idle_timeout_ms > 0;
  if (!host_.take_request_token()) {
    Response response = refusal(path_of(head_.target), 429, "unavailable", "too many requests");
    response.headers.emplace_back("Retry-After", "1");
    return answer(response);
  }
  authenticate();
}

void GateSession::authenticate() {
  const std::shared_ptr<const GateSecurity> now = host_.security();
  is_authenticated_ = is_verified_;
  if (!now->rules || now->rules->users.is_empty()) return connect_upstream();
  auto credentials = parse_basic_authorization(head_.authorization.value_or(""));
  head_.authorization.reset();
  if (!credentials) return on_password(PasswordVerdict::wrong);
  host_.check_password(address_key_, *std::move(credentials),
                       [self = shared_from_this()](PasswordVerdict verdict) {
                         if (self->is_open_) self->on_password(verdict);
                       });
}

void GateSession::on_password(PasswordVerdict verdict) {
  const std::string_view path = path_of(head_.target);
  switch (verdict) {
    case PasswordVerdict::right:
      is_authenticated_ = true;
      return connect_upstream();
    case PasswordVerdict::wrong: {
      Response response = refusal(path, 401, "unauthorized", "unauthorized");
      response.headers.emplace_back("WWW-Authenticate", "Basic realm=\"heapfloor\"");
      return answer(response);
    }
    case PasswordVerdict::too_many:
    case PasswordVerdict::overloaded: {
      const int status = verdict == PasswordVerdict::too_many ? 429 : 503;
      Response response = refusal(path, status, "unavailable", "too many logins at once");
      response.headers.emplace_back("Retry-After", "1");
      return answer(response);
    }
  }
}

// --- the server behind it

// The port is made known before the connection is, so that the server can tell it from others.
void GateSession::connect_upstream() {
  if (!host_.take_upstream_place()) {
    Response response =
        refusal(path_of(head_.target), 503, "unavailable", "too many requests at once");
    response.headers.emplace_back("Retry-After", "1");
    return answer(response);
  }
  has_upstream_place_ = true;
  upstream_.emplace(host_.io());
  const auto loopback = asio::ip::address_v4::loopback();
  ErrorCode error;
  upstream_->open(Tcp::v4(), error);
  if (!error) upstream_->bind(Tcp::endpoint(loopback, 0), error);
  if (!error) upstream_port_ = upstream_->local_endpoint(error).port();
  if (error) return refuse(503, "unavailable", "no connection to the web server");
  host_.options().upstream_book->connecting(upstream_port_);
  upstream_->async_connect(Tcp::endpoint(loopback, host_.options().upstream_port),
                           [self = shared_from_this()](ErrorCode failed) {
                             if (failed) self->host_.options().upstream_book->failed();
                             if (!self->is_open_) return;
                             if (failed)
                               return self->refuse(503, "unavailable",
                                                   "no connection to the web server");
                             self->send_upstream();
                           });
}

void GateSession::send_upstream() {
  const auto now = host_.security();
  GatePass pass;
  pass.remote_address = remote_;
  pass.is_loopback_listener = is_loopback_listener_;
  pass.offers_authentication = now->rules && now->rules->offers_authentication();
  pass.is_authenticated = is_authenticated_;
  output_ = render_request_head(head_, render_gate_pass(host_.options().secret, pass));
  asio::async_write(*upstream_, asio::buffer(output_),
                    [self = shared_from_this()](ErrorCode error, std::size_t) {
                      if (!self->is_open_) return;
                      self->output_.clear();
                      if (error) return self->refuse(502, "internal", "no answer");
                      self->read_answer_head();
                    });
}

void GateSession::read_answer_head() {
  asio::async_read_until(*upstream_, asio::dynamic_buffer(output_, kMostAnswerHeadBytes), kHeadEnd,
                         [self = shared_from_this()](ErrorCode error, std::size_t size) {
                           if (!self->is_open_) return;
                           // The server behind the gate closes without a word what it cannot read.
                           if (error) return self->refuse(502, "internal", "no answer");
                           self->on_answer_head(size);
                         });
}

// The server is done with it: a client that reads slowly holds its page, and nothing of the server.
void GateSession::on_answer_head(std::size_t size) {
  body_ = host_.options().upstream_book->take_body(upstream_port_);
  release_upstream();
  const auto now = host_.security();
  // Whoever came in under rules that are no longer in force comes in again.
  may_keep_alive_ = may_keep_alive_ && !host_.is_stopping() && now == security_;
  output_ = finish_response_head(std::string_view(output_).substr(0, size), operator_fields(*now),
                                 may_keep_alive_);
  arm(Wait(host_.options().send_timeout_ms), "");
  write_client([self = shared_from_this()](ErrorCode error, std::size_t) {
    if (!self->is_open_) return;
    if (error) return self->close();
    self->finish_answer();
  });
}

void GateSession::finish_answer() {
  output_ = {};
  body_.reset();
  was_answered_ = true;
  if (!may_keep_alive_ || host_.is_stopping()) return linger();
  wait_for_client(Wait(host_.options().idle_timeout_ms));
  read_head();
}

void GateSession::release_upstream() {
  if (upstream_) {
    ErrorCode ignored;
    upstream_->close(ignored);
    upstream_.reset();
  }
  if (upstream_port_ != 0) host_.options().upstream_book->closed(std::exchange(upstream_port_, 0));
  if (has_upstream_place_) host_.leave_upstream_place();
  has_upstream_place_ = false;
}

// --- answers of the gate itself, and the end

void GateSession::refuse(int status, std::string_view error_type, std::string_view message) {
  answer(refusal(path_of(head_.target), status, error_type, message));
}

void GateSession::answer(const Response& response) {
  stop_waiting();
  release_upstream();
  may_keep_alive_ = false;
  RequestObserver* const observer = host_.options().observer;
  if (observer != nullptr) {
    observer->request_started();
    observer->request_finished("other", response.status);
  }
  const auto now = host_.security();
  output_ = finish_response_head(render_response_head(response), operator_fields(*now), false);
  body_ = head_.method == "HEAD" ? nullptr : response.body;
  arm(Wait(host_.options().send_timeout_ms), "");
  write_client([self = shared_from_this()](ErrorCode error, std::size_t) {
    if (!self->is_open_) return;
    if (error) return self->close();
    self->was_answered_ = true;
    self->linger();
  });
}

// What the client still sends is read for a while: closing on unread bytes would reset the
// connection and could take the answer with it (RFC 9112, section 9.6).
void GateSession::linger() {
  wait_for_client(kLingerTime);
  const auto half_close = [self = shared_from_this()] {
    if (!self->is_open_) return;
    ErrorCode ignored;
    self->socket_.shutdown(Tcp::socket::shutdown_send, ignored);
    self->input_.resize(kReadBytes);
    self->drain();
  };
  if (!tls_) return half_close();
  tls_->async_shutdown([half_close](ErrorCode) { half_close(); });
}

void GateSession::drain() {
  socket_.async_read_some(asio::buffer(input_),
                          [self = shared_from_this()](ErrorCode error, std::size_t size) {
                            self->drained_ += size;
                            if (error || !self->is_open_ || self->drained_ > kMostDrainedBytes)
                              return self->close();
                            self->drain();
                          });
}

}  // namespace heapfloor
