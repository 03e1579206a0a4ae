// The address to listen on, and which Host headers mean it.
//
// Thread rule: plain values and pure functions.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace heapfloor {

struct ListenAddress {
  std::string host;  // dotted IPv4; empty is every address
  std::uint16_t port = 0;

  [[nodiscard]] bool is_loopback() const { return host.starts_with("127."); }
  // As CivetWeb's option listening_ports reads it.
  [[nodiscard]] std::string civetweb_port() const;
};

// Parses "127.0.0.1:4327", "localhost:4327" or ":4327". Throws std::runtime_error with one sentence
// for anything else; IPv6 is refused by name, since the library is built without it.
ListenAddress parse_listen_address(std::string_view text);

// Whether a Host header (name or address, with or without port) means this machine: localhost, a
// loopback address, the listening address or one of `allowed_hosts`.
bool is_own_host(std::string_view host_header, const ListenAddress& address,
                 std::span<const std::string> allowed_hosts);

}  // namespace heapfloor
