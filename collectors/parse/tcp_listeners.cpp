#include "collectors/parse/tcp_listeners.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include "collectors/parse/text.h"

namespace heapfloor {
namespace {

constexpr std::string_view kListening = "0A";  // TCP_LISTEN of include/net/tcp_states.h
// Behind the state: queues, timers, retransmits, user and timeout.
constexpr std::size_t kBetweenStateAndInode = 5;

// As the kernel writes them on a little-endian machine: four bytes, last first.
constexpr std::array<std::pair<std::string_view, ListenPlace>, 5> kPlaces = {{
    {"00000000", ListenPlace::any},
    {"00000000000000000000000000000000", ListenPlace::any},
    {"0100007F", ListenPlace::loopback4},
    {"0000000000000000FFFF00000100007F", ListenPlace::loopback4},
    {"00000000000000000000000001000000", ListenPlace::loopback6},
}};

ListenPlace place_of(std::string_view address) {
  const auto found =
      std::ranges::find(kPlaces, address, &std::pair<std::string_view, ListenPlace>::first);
  return found == kPlaces.end() ? ListenPlace::elsewhere : found->second;
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  constexpr int kHexadecimal = 16;
  std::uint16_t port = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), port, kHexadecimal);
  const bool is_whole = error == std::errc() && end == text.data() + text.size();
  return is_whole ? std::optional(port) : std::nullopt;
}

}  // namespace

Result<bool> parse_tcp_line(std::string_view line, std::vector<TcpListener>& found) {
  std::string_view rest = line;
  const std::string_view number = next_token(rest);
  if (number == "sl") return false;  // the heading
  const std::string_view local = next_token(rest);
  const std::string_view remote = next_token(rest);
  const std::string_view state = next_token(rest);
  const std::size_t colon = local.find(':');
  if (!number.ends_with(':') || colon == std::string_view::npos || remote.empty() || state.empty())
    return malformed("not a socket", line);
  if (state != kListening) return false;
  for (std::size_t i = 0; i < kBetweenStateAndInode; ++i) next_token(rest);
  const auto port = parse_port(local.substr(colon + 1));
  const auto inode = parse_unsigned(next_token(rest));
  if (!port || !inode) return malformed("not a socket that listens", line);
  found.push_back({*inode, *port, place_of(local.substr(0, colon))});
  return true;
}

}  // namespace heapfloor
