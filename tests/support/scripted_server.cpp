#include "tests/support/scripted_server.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <chrono>
#include <stdexcept>
#include <utility>

namespace heapfloor {
namespace {

// The bytes of a request on a connection; nothing complete: an empty head.
ScriptedServer::Seen read_request(int connection) {
  std::string bytes;
  std::array<char, 16384> part{};
  std::size_t wanted = 0;
  std::size_t head_end = std::string::npos;
  while (head_end == std::string::npos || bytes.size() < wanted) {
    const ssize_t got = ::recv(connection, part.data(), part.size(), 0);
    constexpr char kTlsHandshake = 0x16;
    if (got <= 0 || part.front() == kTlsHandshake) return {};
    bytes.append(part.data(), static_cast<std::size_t>(got));
    if (head_end != std::string::npos) continue;
    head_end = bytes.find("\r\n\r\n");
    if (head_end == std::string::npos) continue;
    std::size_t length = 0;
    const std::string field = "\r\nContent-Length: ";
    if (const std::size_t at = bytes.find(field); at < head_end) {
      const char* const digits = bytes.data() + at + field.size();
      std::from_chars(digits, bytes.data() + head_end, length);
    }
    wanted = head_end + 4 + length;
  }
  return {bytes.substr(0, head_end + 2), bytes.substr(head_end + 4)};
}

void send_all(int connection, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(connection, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

}  // namespace

ScriptedServer::ScriptedServer(Script script)
    : script_(std::move(script)), listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): the sockets API
  auto* const raw = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener_, raw, size) != 0 || ::listen(listener_, 64) != 0 ||
      ::getsockname(listener_, raw, &size) != 0) {
    throw std::runtime_error("cannot listen");
  }
  port_ = ntohs(address.sin_port);
  thread_ = std::jthread([this] { serve(); });
}

ScriptedServer::~ScriptedServer() {
  ::shutdown(listener_, SHUT_RDWR);
  thread_.join();
  for (const int connection : silent_) ::close(connection);
  ::close(listener_);
}

std::string ScriptedServer::url() const { return "http://127.0.0.1:" + std::to_string(port_); }

std::vector<ScriptedServer::Seen> ScriptedServer::seen() const {
  const std::scoped_lock lock(mutex_);
  return seen_;
}

bool ScriptedServer::wait_for(
    const std::function<bool(const std::vector<Seen>&)>& condition) const {
  for (int tries = 0; tries < 3000; ++tries) {
    if (condition(seen())) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

std::string ScriptedServer::answer(int status, const std::string& body,
                                   const std::string& more_headers) {
  return "HTTP/1.1 " + std::to_string(status) +
         " Status\r\nContent-Length: " + std::to_string(body.size()) + "\r\nConnection: close\r\n" +
         more_headers + "\r\n" + body;
}

void ScriptedServer::serve() {
  for (;;) {
    const int connection = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (connection < 0) return;
    if (serve_one(connection)) {
      ::close(connection);
    } else {
      silent_.push_back(connection);
    }
  }
}

bool ScriptedServer::serve_one(int connection) {
  const Seen request = read_request(connection);
  if (request.head.empty()) return true;
  const std::string bytes = script_(request);
  {
    const std::scoped_lock lock(mutex_);
    seen_.push_back(request);
  }
  send_all(connection, bytes);
  return !bytes.empty();
}

}  // namespace heapfloor
