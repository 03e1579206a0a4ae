// A client that sends exactly the bytes it is given, for requests that no library would send.
#pragma once

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>

namespace heapfloor {

class RawConnection {
 public:
  // A small receive buffer (0: the system's) makes the server wait for a client that does not read.
  explicit RawConnection(std::uint16_t port, int receive_buffer_bytes = 0, int family = AF_INET)
      : socket_(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    if (receive_buffer_bytes > 0) {
      ::setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes,
                   sizeof receive_buffer_bytes);
    }
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    v6.sin6_addr = in6addr_loopback;
    // NOLINTBEGIN(cppcoreguidelines-pro-type-reinterpret-cast): the sockets API
    const int failed = family == AF_INET
                           ? ::connect(socket_, reinterpret_cast<const sockaddr*>(&v4), sizeof v4)
                           : ::connect(socket_, reinterpret_cast<const sockaddr*>(&v6), sizeof v6);
    // NOLINTEND(cppcoreguidelines-pro-type-reinterpret-cast)
    if (failed != 0) {
      ::close(socket_);
      throw std::runtime_error("cannot connect");
    }
  }
  RawConnection(const RawConnection&) = delete;
  RawConnection& operator=(const RawConnection&) = delete;
  ~RawConnection() { ::close(socket_); }

  void send(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;  // refused before all was sent: the answer says why
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  }

  [[nodiscard]] int descriptor() const { return socket_; }

  // What comes until the text was received, or until the server closes.
  [[nodiscard]] std::string receive_until(std::string_view text) const {
    std::string all;
    char byte = 0;
    while (!all.ends_with(text) && ::recv(socket_, &byte, 1, 0) == 1) all += byte;
    return all;
  }

  // Everything until the server closes, with a pause behind each part.
  [[nodiscard]] std::string receive(std::chrono::milliseconds pause = {}) const {
    std::string all;
    std::array<char, 16384> part{};
    for (;;) {
      const ssize_t got = ::recv(socket_, part.data(), part.size(), 0);
      if (got <= 0) return all;
      all.append(part.data(), static_cast<std::size_t>(got));
      if (pause.count() > 0) std::this_thread::sleep_for(pause);
    }
  }

 private:
  int socket_;
};

struct RawResponse {
  int status = 0;
  std::string head;
  std::string body;

  [[nodiscard]] std::string header(std::string_view name) const {
    const std::string line = "\r\n" + std::string(name) + ": ";
    const std::size_t at = head.find(line);
    if (at == std::string::npos) return {};
    const std::size_t begin = at + line.size();
    return head.substr(begin, head.find("\r\n", begin) - begin);
  }
};

inline RawResponse parse_raw_response(const std::string& bytes) {
  RawResponse response;
  const std::size_t end = bytes.find("\r\n\r\n");
  response.head = bytes.substr(0, end == std::string::npos ? end : end + 2);
  if (end != std::string::npos) response.body = bytes.substr(end + 4);
  if (bytes.size() > 12 && bytes.starts_with("HTTP/1.1 ")) {
    response.status = std::stoi(bytes.substr(9, 3));
  }
  return response;
}

inline RawResponse send_raw(std::uint16_t port, std::string_view request) {
  const RawConnection connection(port);
  connection.send(request);
  return parse_raw_response(connection.receive());
}

inline RawResponse get(std::uint16_t port, std::string_view target, std::string_view headers = "",
                       std::string_view method = "GET") {
  std::string request(method);
  request += ' ';
  request += target;
  request += " HTTP/1.1\r\nHost: 127.0.0.1\r\n";
  request += headers;
  request += "\r\n";
  return send_raw(port, request);
}

}  // namespace heapfloor
