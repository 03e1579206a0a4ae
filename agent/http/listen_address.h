// The addresses to listen on, and which Host headers mean them.
//
// Thread rule: plain values and pure functions.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace heapfloor {

struct ListenAddress {
  std::string host;  // IPv4 or IPv6 in its shortest form, without brackets; empty is every address
  std::uint16_t port = 0;

  [[nodiscard]] bool is_loopback() const;
  // As it is written: "127.0.0.1:4327", "[::1]:4327", ":4327".
  [[nodiscard]] std::string text() const;
  // Where a client on this machine reaches it: every address becomes 127.0.0.1.
  [[nodiscard]] std::string local_text(std::uint16_t real_port) const;

  friend bool operator==(const ListenAddress&, const ListenAddress&) = default;
};

// Parses "127.0.0.1:4327", "localhost:4327", "[::1]:4327", "[::]:4327" (both families) or ":4327"
// (every IPv4 address). Throws std::runtime_error with one sentence for anything else.
ListenAddress parse_listen_address(std::string_view text);

// The same for several, separated by commas; at least one, at most 16.
std::vector<ListenAddress> parse_listen_addresses(std::string_view text);

// Whether a Host header (name or address, with or without port) means this machine: localhost, a
// loopback address, one of the addresses listened on or of `allowed_hosts`.
bool is_own_host(std::string_view host_header, std::span<const ListenAddress> addresses,
                 std::span<const std::string> allowed_hosts);

}  // namespace heapfloor
