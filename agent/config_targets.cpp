#include "agent/config_targets.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "agent/config_fields.h"

namespace heapfloor {
namespace {

using Problem = std::optional<ConfigProblem>;

constexpr std::size_t kLongestQueryBytes = 4096;
constexpr std::size_t kMostHeaders = 16;
constexpr std::size_t kMostSubjectLabels = 16;
constexpr double kMostHistorySeconds = 30 * 86400.0;
constexpr std::string_view kTenantHeader = "X-Scope-OrgID";

constexpr std::array<std::string_view, 16> kKeys = {
    "name", "url",      "query",   "epoch", "limit",   "load",    "start",  "labels",
    "unit", "interval", "history", "stale", "minimum", "timeout", "tenant", "headers"};

constexpr std::string_view kExample = R"yaml(targets:
  prometheus:
    - name: shop                     # subjects are external:shop{pod="…"}
      url: http://prometheus:9090    # Prometheus, VictoriaMetrics, Thanos, Mimir; with its path prefix
      query: container_memory_rss{namespace="shop",container!=""}
      labels: {subject: [pod], group: container}   # default: all labels; the target's name
      limit: max by (pod) (kube_pod_container_resource_limits{resource="memory"})
      start: max by (pod) (kube_pod_start_time)    # Unix time: another one is another life
    - name: old_generation
      url: https://mimir.example/prometheus
      query: jvm_memory_pool_collection_used_bytes{pool="G1 Old Gen"}
      epoch: sum by (instance) (jvm_gc_collection_seconds_count)   # then only values behind a GC are floors
      load: sum by (instance) (rate(http_requests_total[5m]))
      unit: bytes                    # or count
      interval: 1m                   # default: collection.interval
      history: 6h                    # most that is asked of the past, at the start and behind an outage
      stale: 5m                      # absent for so long, a series has ended
      minimum: 32MiB                 # default: trend.minimum_size; of counts 64
      timeout: 10s
      tenant: team-a                 # X-Scope-OrgID; further ones: headers: {NAME: VALUE}
      bearer_token_file: /etc/heapfloor/mimir.token   # or username with password_file
      ca_file: /etc/ssl/own.pem      # cert_file, key_file, server_name, insecure_skip_verify)yaml";

void read_url(ConfigFields& fields, PrometheusTarget& target) {
  target.url = fields.required("url");
  const Result<UrlParts> url = parse_url(target.url);
  if (!url) return fields.fail("url", fmt::format("\"url\" {}", url.error().reason));
  if (target.url.find('?') != std::string::npos)
    fields.fail("url", "the address of a server has no query: use headers");
  read_http_client(fields, target.http, url->scheme == "https");
}

void read_subject_labels(ConfigFields& fields, const ConfigField& field, PrometheusTarget& target) {
  for (const ConfigItem& item : field.items) {
    if (item.is_map || !is_word(item.text))
      return fields.fail(item.line, "\"subject\" expects names of labels");
    target.subject_labels.push_back(item.text);
  }
  if (field.items.empty() || field.items.size() > kMostSubjectLabels)
    fields.fail(field.line,
                fmt::format("\"subject\" expects 1 to {} names of labels", kMostSubjectLabels));
}

void read_labels(ConfigFields& fields, PrometheusTarget& target) {
  const ConfigField* const labels = fields.item().field("labels");
  if (labels == nullptr) return;
  if (labels->is_list || !labels->items.front().is_map)
    return fields.fail("labels", "\"labels\" expects subject: [LABEL, ...] and group: LABEL");
  for (const ConfigField& field : labels->items.front().fields) {
    if (field.key == "subject") {
      read_subject_labels(fields, field, target);
    } else if (field.key != "group") {
      fields.fail(field.line, fmt::format("unknown key \"{}\"", field.key));
    } else if (field.is_list || !is_word(field.items.front().text)) {
      fields.fail(field.line, "\"group\" expects the name of a label");
    } else {
      target.group_label = field.items.front().text;
    }
  }
}

void add_header(ConfigFields& fields, int line, PrometheusTarget& target, const std::string& name,
                const std::string& value) {
  auto& headers = target.http.headers;
  if (const auto problem = header_problem(name, value))
    return fields.fail(line, fmt::format("header \"{}\" {}", name, *problem));
  if (headers.size() == kMostHeaders)
    return fields.fail(line, fmt::format("more than {} headers", kMostHeaders));
  headers.emplace_back(name, value);
}

void read_headers(ConfigFields& fields, PrometheusTarget& target) {
  if (const ConfigField* const tenant = fields.item().field("tenant"))
    add_header(fields, tenant->line, target, std::string(kTenantHeader), fields.required("tenant"));
  const ConfigField* const headers = fields.item().field("headers");
  if (headers == nullptr) return;
  if (headers->is_list || !headers->items.front().is_map)
    return fields.fail("headers", "\"headers\" expects names and values");
  for (const ConfigField& field : headers->items.front().fields) {
    if (field.is_list || field.items.front().is_map)
      return fields.fail(field.line, fmt::format("header \"{}\" expects one value", field.key));
    add_header(fields, field.line, target, field.key, field.items.front().text);
  }
}

void read_times(ConfigFields& fields, PrometheusTarget& target) {
  target.interval_seconds = fields.duration("interval", 1, 3600);
  target.history_seconds =
      fields.duration("history", 0, kMostHistorySeconds).value_or(target.history_seconds);
  target.stale_seconds = fields.duration("stale", 1, 86400).value_or(target.stale_seconds);
  target.http.deadline_seconds = fields.duration("timeout", 0.1, 300).value_or(10);
}

PrometheusTarget read_target(ConfigFields& fields) {
  PrometheusTarget target;
  target.name = fields.required("name");
  if (!is_target_name(target.name))
    fields.fail("name", "\"name\" expects up to 64 of a-z, A-Z, 0-9, _, - and .");
  read_url(fields, target);
  target.query = fields.required("query", kLongestQueryBytes);
  constexpr std::array<std::pair<std::string_view, std::string PrometheusTarget::*>, 4> kQueries = {
      {{"epoch", &PrometheusTarget::epoch_query},
       {"limit", &PrometheusTarget::limit_query},
       {"load", &PrometheusTarget::load_query},
       {"start", &PrometheusTarget::start_query}}};
  for (const auto& [key, member] : kQueries)
    target.*member = fields.text(key, kLongestQueryBytes).value_or("");
  read_labels(fields, target);
  read_headers(fields, target);
  read_times(fields, target);
  const std::string unit = fields.text_or("unit", "bytes");
  if (unit != "bytes" && unit != "count")
    fields.fail("unit", fmt::format("\"{}\" is neither bytes nor count", unit));
  target.unit = unit == "count" ? ExternalUnit::count : ExternalUnit::bytes;
  target.minimum = fields.quantity("minimum");
  if (target.minimum && *target.minimum < 0) fields.fail("minimum", "\"minimum\" is below 0");
  return target;
}

Problem set_targets(Config& config, std::span<const ConfigItem> items) {
  std::vector<std::string_view> keys(kKeys.begin(), kKeys.end());
  keys.insert(keys.end(), kHttpClientKeys.begin(), kHttpClientKeys.end());
  std::vector<PrometheusTarget> targets;
  for (const ConfigItem& item : items) {
    ConfigFields fields(item, keys);
    if (fields.problem()) return fields.problem();
    PrometheusTarget target = read_target(fields);
    if (std::ranges::find(targets, target.name, &PrometheusTarget::name) != targets.end())
      fields.fail("name", fmt::format("there are two targets \"{}\"", target.name));
    if (std::ranges::find(config.targets.go, target.name, &GoTargetSettings::name) !=
        config.targets.go.end())
      fields.fail("name", fmt::format("targets.go has a target \"{}\" already", target.name));
    if (targets.size() == kMostPrometheusTargets)
      fields.fail(item.line, fmt::format("more than {} targets", kMostPrometheusTargets));
    if (fields.problem()) return fields.problem();
    targets.push_back(std::move(target));
  }
  config.targets.prometheus = std::move(targets);
  return std::nullopt;
}

}  // namespace

bool is_target_name(std::string_view text) {
  constexpr std::size_t kMost = 64;
  const auto is_part = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.';
  };
  return !text.empty() && text.size() <= kMost && std::ranges::all_of(text, is_part);
}

ConfigList prometheus_targets_list() {
  return {"targets.prometheus",
          "series of Prometheus-compatible servers that are followed; none by default",
          std::string(kExample), set_targets,
          [](const Config& config) { return config.targets.prometheus.size(); }};
}

std::vector<PrometheusTarget> prometheus_targets(const Config& config) {
  std::vector<PrometheusTarget> targets = config.targets.prometheus;
  for (PrometheusTarget& target : targets) {
    target.most_series = config.limits.external_series;
    target.http.largest_body_bytes = static_cast<std::size_t>(config.limits.external_answer_bytes);
  }
  return targets;
}

}  // namespace heapfloor
