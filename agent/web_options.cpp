#include "agent/web_options.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/config_web.h"

namespace heapfloor {
namespace {

constexpr double kMillisecondsPerSecond = 1000;

std::vector<std::string> split_names(std::string_view names) {
  std::vector<std::string> found;
  while (!names.empty()) {
    const std::size_t comma = std::min(names.find(','), names.size());
    std::string_view name = names.substr(0, comma);
    while (name.starts_with(' ')) name.remove_prefix(1);
    while (name.ends_with(' ')) name.remove_suffix(1);
    if (!name.empty()) found.emplace_back(name);
    names.remove_prefix(std::min(comma + 1, names.size()));
  }
  return found;
}

}  // namespace

HttpOptions web_options(const Config& config) {
  HttpOptions options;
  options.listen_address = config.web.listen_address;
  options.worker_threads = static_cast<std::uint32_t>(config.web.threads);
  options.max_requests = static_cast<std::uint32_t>(config.web.max_requests);
  options.max_connections = static_cast<std::uint32_t>(config.web.max_connections);
  options.max_connections_per_address =
      static_cast<std::uint32_t>(config.web.max_connections_per_address);
  options.idle_timeout_ms = static_cast<std::uint32_t>(
      std::lround(config.web.idle_timeout_seconds * kMillisecondsPerSecond));
  options.allowed_hosts = split_names(config.web.allowed_hosts);
  options.web_config_file = config.web.config_file;
  options.web_config_parser = parse_web_config;
  options.allow_insecure = config.web.allow_insecure;
  return options;
}

}  // namespace heapfloor
