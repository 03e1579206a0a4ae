#include "agent/http/listen_address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <stdexcept>

#include "collectors/parse/ascii.h"

namespace heapfloor {
namespace {

constexpr std::size_t kMostAddresses = 16;

bool is_ipv4(const std::string& text) {
  in_addr parsed{};
  return inet_pton(AF_INET, text.c_str(), &parsed) == 1;
}

// The shortest form (RFC 5952), or nothing.
std::optional<std::string> canonical_ipv6(const std::string& text) {
  in6_addr parsed{};
  if (inet_pton(AF_INET6, text.c_str(), &parsed) != 1) return std::nullopt;
  std::array<char, INET6_ADDRSTRLEN> out{};
  return inet_ntop(AF_INET6, &parsed, out.data(), out.size());
}

[[noreturn]] void refuse(std::string_view text, std::string_view reason) {
  throw std::runtime_error("cannot listen on \"" + std::string(text) +
                           "\": " + std::string(reason));
}

std::string parse_host(std::string_view host, std::string_view text) {
  if (host.starts_with('[')) {
    if (!host.ends_with(']')) refuse(text, "write an IPv6 address as [ADDRESS]:PORT");
    const auto address = canonical_ipv6(std::string(host.substr(1, host.size() - 2)));
    if (!address) refuse(text, "not an IPv6 address between the brackets");
    return *address;
  }
  if (host.find(':') != std::string_view::npos) {
    refuse(text, "write an IPv6 address as [ADDRESS]:PORT");
  }
  if (host == "localhost") return "127.0.0.1";
  if (host.empty() || host == "0.0.0.0") return "";
  if (!is_ipv4(std::string(host))) refuse(text, "neither an IPv4 nor an IPv6 address");
  return std::string(host);
}

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

// The name in front of a port, in lower case, without the brackets of an IPv6 address and without
// the dot that ends a complete name.
std::string host_name(std::string_view host_header) {
  if (host_header.starts_with('[')) {
    const std::size_t end = host_header.find(']');
    if (end == std::string_view::npos) return {};
    return canonical_ipv6(std::string(host_header.substr(1, end - 1))).value_or("");
  }
  std::string_view name = host_header.substr(0, host_header.find(':'));
  if (name.ends_with('.')) name.remove_suffix(1);
  return lower_case(name);
}

}  // namespace

bool ListenAddress::is_loopback() const { return host.starts_with("127.") || host == "::1"; }

std::string ListenAddress::text() const {
  const bool ipv6 = host.find(':') != std::string::npos;
  return (ipv6 ? '[' + host + ']' : host) + ':' + std::to_string(port);
}

std::string ListenAddress::local_text(std::uint16_t real_port) const {
  ListenAddress local = *this;
  if (host.empty() || host == "::") local.host = "127.0.0.1";
  local.port = real_port;
  return local.text();
}

ListenAddress parse_listen_address(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || text.ends_with(']')) {
    refuse(text, "write it as ADDRESS:PORT");
  }
  ListenAddress address;
  address.host = parse_host(text.substr(0, colon), text);
  const std::string_view port = text.substr(colon + 1);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), address.port);
  if (error != std::errc{} || end != port.data() + port.size()) {
    refuse(text, "the port must be a number from 0 to 65535");
  }
  return address;
}

std::vector<ListenAddress> parse_listen_addresses(std::string_view text) {
  std::vector<ListenAddress> addresses;
  std::string_view rest = text;
  for (;;) {
    const std::size_t comma = std::min(rest.find(','), rest.size());
    addresses.push_back(parse_listen_address(trimmed(rest.substr(0, comma))));
    if (addresses.size() > kMostAddresses) refuse(text, "more than 16 addresses");
    if (comma == rest.size()) return addresses;
    rest.remove_prefix(comma + 1);
  }
}

bool is_own_host(std::string_view host_header, std::span<const ListenAddress> addresses,
                 std::span<const std::string> allowed_hosts) {
  const std::string name = host_name(host_header);
  if (name.empty()) return false;
  if (name == "localhost" || name == "::1") return true;
  if (std::ranges::find(addresses, name, &ListenAddress::host) != addresses.end()) return true;
  if (name.starts_with("127.") && is_ipv4(name)) return true;
  return std::ranges::any_of(allowed_hosts,
                             [&name](const auto& allowed) { return lower_case(allowed) == name; });
}

}  // namespace heapfloor
