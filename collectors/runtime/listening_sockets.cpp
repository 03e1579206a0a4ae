#include "collectors/runtime/listening_sockets.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <set>
#include <utility>

#include "collectors/parse/text.h"
#include "collectors/process_identity.h"

namespace heapfloor {
namespace {

constexpr std::size_t kBufferBytes = std::size_t{64} << 10;

Result<std::vector<TcpListener>> listeners_of(const ProcessDir& process) {
  std::vector<TcpListener> found;
  std::vector<char> buffer(kBufferBytes);
  Error refused;
  bool is_read = false;
  for (const char* const table : {"net/tcp", "net/tcp6"}) {
    std::size_t lines = 0;
    const auto read = process.read_lines(table, buffer, [&](std::string_view line) {
      const auto parsed = parse_tcp_line(line, found);
      return parsed && ++lines < kMostTcpLines;
    });
    // A machine without IPv6 has no tcp6.
    if (!read) refused = read.error();
    is_read = is_read || read.has_value();
  }
  if (!is_read) return Failure(std::move(refused));
  return found;
}

std::vector<OwnListener> reachable_of(const std::vector<HeldSocket>& sockets,
                                      const std::vector<TcpListener>& listeners) {
  std::map<std::uint16_t, OwnListener> own;
  std::set<std::uint16_t> foreign;  // ports on which somebody else listens, too
  for (const TcpListener& listener : listeners) {
    const auto socket = std::ranges::find(sockets, listener.inode, &HeldSocket::inode);
    if (socket == sockets.end()) {
      foreign.insert(listener.port);
    } else if (listener.place != ListenPlace::elsewhere) {
      own.emplace(listener.port, OwnListener{*socket, listener.port, listener.place});
    }
  }
  std::vector<OwnListener> reachable;
  for (const auto& [port, listener] : own) {
    if (!foreign.contains(port)) reachable.push_back(listener);
  }
  return reachable;
}

std::optional<double> parse_bytes(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, int>, 5> kUnits = {
      {{"TiB", 40}, {"GiB", 30}, {"MiB", 20}, {"KiB", 10}, {"B", 0}}};
  int shift = 0;
  for (const auto& [unit, bits] : kUnits) {
    if (!text.ends_with(unit)) continue;
    text.remove_suffix(unit.size());
    shift = bits;
    break;
  }
  const auto number = parse_unsigned(text);
  if (!number) return std::nullopt;
  return static_cast<double>(*number) * static_cast<double>(std::uint64_t{1} << shift);
}

}  // namespace

Result<std::string> network_of(const ProcessDir& process) {
  std::array<char, 64> buffer = {};
  const auto link = process.read_link("ns/net", buffer);
  if (!link) return Failure(link.error());
  return std::string(*link);
}

Result<std::vector<OwnListener>> listening_sockets(const HostRoot& root, const ProcessId& id,
                                                   std::string_view network) {
  const auto process = root.open_process(id.pid);
  if (!process) return Failure(process.error());
  const auto own_network = network_of(*process);
  if (!own_network) return Failure(own_network.error());
  if (*own_network != network)
    return failure(ErrorKind::unavailable, std::to_string(id.pid), "lives in another network");
  const auto sockets = process->list_sockets();
  if (!sockets) return Failure(sockets.error());
  const auto listeners = listeners_of(*process);
  if (!listeners) return Failure(listeners.error());
  std::vector<char> buffer(kBufferBytes);
  if (const auto same = confirm_process(*process, id, buffer); !same) return Failure(same.error());
  return reachable_of(*sockets, *listeners);
}

GoEnvironment parse_go_environment(std::string_view text) {
  constexpr std::string_view kPercent = "GOGC=";
  constexpr std::string_view kLimit = "GOMEMLIMIT=";
  GoEnvironment found;
  while (!text.empty()) {
    const std::string_view entry = text.substr(0, text.find('\0'));
    text.remove_prefix(std::min(text.size(), entry.size() + 1));
    if (entry.starts_with(kPercent)) {
      const std::string_view value = entry.substr(kPercent.size());
      if (value == "off") {
        found.gogc_percent = -1;
      } else if (const auto number = parse_unsigned(value)) {
        found.gogc_percent = static_cast<double>(*number);
      }
    } else if (entry.starts_with(kLimit)) {
      found.limit_bytes = parse_bytes(entry.substr(kLimit.size()));
    }
  }
  return found;
}

GoEnvironment go_environment_of(const ProcessDir& process) {
  std::vector<char> buffer(kBufferBytes);
  const auto text = process.read_start("environ", buffer);
  return text ? parse_go_environment(*text) : GoEnvironment();
}

}  // namespace heapfloor
