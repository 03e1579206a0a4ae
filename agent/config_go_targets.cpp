#include "agent/config_go_targets.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/config_fields.h"
#include "agent/config_targets.h"
#include "agent/endpoints/go_asker.h"
#include "collectors/parse/text.h"

namespace heapfloor {
namespace {

using Problem = std::optional<ConfigProblem>;

constexpr std::size_t kMostPathBytes = 256;
constexpr unsigned kMostPercent = 100000;
constexpr std::array<std::string_view, 9> kKeys = {"name",         "url",       "group",
                                                   "metrics_path", "vars_path", "pprof_path",
                                                   "interval",     "timeout",   "gogc"};

constexpr std::string_view kExample = R"yaml(targets:
  go:
    - name: checkout
      url: http://127.0.0.1:6060     # of this host: it is told of the Go process that listens there
      metrics_path: /metrics         # client_golang's page; asked first, each interval
      vars_path: /debug/vars         # expvar: the program stands still for a moment
      pprof_path: /debug/pprof       # the same, and profiles for the evidence; "" asks for none
    - name: ledger
      url: https://ledger.example:8443   # elsewhere: a subject external:ledger of its own
      group: billing                 # default: the name
      interval: 1m                   # default: collection.interval
      timeout: 5s
      gogc: 200                      # or off; default: what its page or environment says, else 100
      bearer_token_file: /etc/heapfloor/ledger.token   # or username with password_file; ca_file …)yaml";

void read_url(ConfigFields& fields, GoTargetSettings& target) {
  target.url = fields.required("url");
  const Result<UrlParts> url = parse_url(target.url);
  if (!url) return fields.fail("url", fmt::format("\"url\" {}", url.error().reason));
  if (target.url.find('?') != std::string::npos)
    fields.fail("url", "the address of a program has no query");
  while (target.url.ends_with('/')) target.url.pop_back();
  read_http_client(fields, target.http, url->scheme == "https");
}

void read_path(ConfigFields& fields, std::string_view key, std::string& path) {
  path = fields.text(key, kMostPathBytes).value_or(path);
  const auto is_fine = [](char c) { return c > ' ' && c <= '~' && c != '?' && c != '#'; };
  if (path.empty()) return;
  if (!path.starts_with('/') || path.ends_with('/') || !std::ranges::all_of(path, is_fine))
    fields.fail(key, fmt::format("\"{}\" expects a path that begins with /, or nothing", key));
}

void read_percent(ConfigFields& fields, GoTargetSettings& target) {
  const auto text = fields.text("gogc");
  if (!text) return;
  const auto percent = parse_unsigned(*text);
  if (*text == "off") {
    target.gogc_percent = -1;
  } else if (percent && *percent > 0 && *percent <= kMostPercent) {
    target.gogc_percent = static_cast<double>(*percent);
  } else {
    fields.fail("gogc", "\"gogc\" expects a percentage above 0, or off");
  }
}

GoTargetSettings read_target(ConfigFields& fields) {
  GoTargetSettings target;
  target.name = fields.required("name");
  if (!is_target_name(target.name))
    fields.fail("name", "\"name\" expects up to 64 of a-z, A-Z, 0-9, _, - and .");
  read_url(fields, target);
  target.group = fields.text_or("group", "");
  read_path(fields, "metrics_path", target.metrics_path);
  read_path(fields, "vars_path", target.vars_path);
  read_path(fields, "pprof_path", target.pprof_path);
  target.interval_seconds = fields.duration("interval", 1, 3600);
  target.http.deadline_seconds =
      fields.duration("timeout", 0.1, 60).value_or(GoAsker::kDeadlineSeconds);
  read_percent(fields, target);
  return target;
}

Problem set_targets(Config& config, std::span<const ConfigItem> items) {
  std::vector<std::string_view> keys(kKeys.begin(), kKeys.end());
  keys.insert(keys.end(), kHttpClientKeys.begin(), kHttpClientKeys.end());
  std::vector<GoTargetSettings> targets;
  for (const ConfigItem& item : items) {
    ConfigFields fields(item, keys);
    if (fields.problem()) return fields.problem();
    GoTargetSettings target = read_target(fields);
    const auto is_named = [&target](const auto& other) { return other.name == target.name; };
    if (std::ranges::any_of(targets, is_named) ||
        std::ranges::any_of(config.targets.prometheus, is_named))
      fields.fail("name", fmt::format("there are two targets \"{}\"", target.name));
    if (targets.size() == kMostGoTargets)
      fields.fail(item.line, fmt::format("more than {} targets", kMostGoTargets));
    if (fields.problem()) return fields.problem();
    targets.push_back(std::move(target));
  }
  config.targets.go = std::move(targets);
  return std::nullopt;
}

}  // namespace

ConfigList go_targets_list() {
  return {"targets.go", "Go programs that are asked over HTTP; none by default",
          std::string(kExample), set_targets,
          [](const Config& config) { return config.targets.go.size(); }};
}

GoEndpointSettings go_endpoint_settings(const Config& config) {
  return {config.targets.go, config.targets.go_discovery, config.collection.interval_seconds,
          config.targets.go_slow_interval_seconds};
}

}  // namespace heapfloor
