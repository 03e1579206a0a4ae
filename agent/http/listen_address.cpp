#include "agent/http/listen_address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <stdexcept>

#include "collectors/parse/ascii.h"

namespace heapfloor {
namespace {

bool is_ipv4(const std::string& text) {
  in_addr parsed{};
  return inet_pton(AF_INET, text.c_str(), &parsed) == 1;
}

[[noreturn]] void refuse(std::string_view text, std::string_view reason) {
  throw std::runtime_error("cannot listen on \"" + std::string(text) +
                           "\": " + std::string(reason));
}

// The name in front of a port, in lower case, without the dot that ends a complete name.
std::string host_name(std::string_view host_header) {
  if (host_header.starts_with('[')) {
    return lower_case(host_header.substr(0, host_header.find(']') + 1));
  }
  std::string_view name = host_header.substr(0, host_header.find(':'));
  if (name.ends_with('.')) name.remove_suffix(1);
  return lower_case(name);
}

}  // namespace

std::string ListenAddress::civetweb_port() const {
  return (host.empty() ? "" : host + ':') + std::to_string(port);
}

ListenAddress parse_listen_address(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) refuse(text, "write it as ADDRESS:PORT");
  ListenAddress address;
  address.host = text.substr(0, colon);
  if (address.host.find_first_of("[:") != std::string::npos) {
    refuse(text, "IPv6 addresses are not supported; use an IPv4 address or a proxy in front");
  }
  if (address.host == "localhost") address.host = "127.0.0.1";
  if (!address.host.empty() && !is_ipv4(address.host)) refuse(text, "not an IPv4 address");
  if (address.host == "0.0.0.0") address.host.clear();
  const std::string_view port = text.substr(colon + 1);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), address.port);
  if (error != std::errc{} || end != port.data() + port.size()) {
    refuse(text, "the port must be a number from 0 to 65535");
  }
  return address;
}

bool is_own_host(std::string_view host_header, const ListenAddress& address,
                 std::span<const std::string> allowed_hosts) {
  const std::string name = host_name(host_header);
  if (name == "localhost" || name == "[::1]" || (!name.empty() && name == address.host))
    return true;
  if (name.starts_with("127.") && is_ipv4(name)) return true;
  return std::ranges::any_of(allowed_hosts,
                             [&name](const auto& allowed) { return lower_case(allowed) == name; });
}

}  // namespace heapfloor
