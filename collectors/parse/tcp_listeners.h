// /proc/PID/net/tcp and tcp6: the TCP sockets of a network namespace that listen.
//
// Source: Documentation/networking/proc_net_tcp.rst. See text.h for what all parsers share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "collectors/result.h"

namespace heapfloor {

// Where a socket listens, as far as this host can reach it by its loopback address.
enum class ListenPlace : std::uint8_t {
  any,        // 0.0.0.0, ::
  loopback4,  // 127.0.0.1
  loopback6,  // ::1
  elsewhere,
};

struct TcpListener {
  std::uint64_t inode = 0;
  std::uint16_t port = 0;
  ListenPlace place = ListenPlace::elsewhere;
  friend bool operator==(const TcpListener&, const TcpListener&) = default;
};

// Whether the line is that of a listening socket; then it is added. Malformed where it is no line
// of these files.
[[nodiscard]] Result<bool> parse_tcp_line(std::string_view line, std::vector<TcpListener>& found);

}  // namespace heapfloor
