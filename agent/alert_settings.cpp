#include "agent/alert_settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <utility>

#include "agent/config_fields.h"
#include "agent/series/signal.h"
#include "agent/units.h"
#include "collectors/collector.h"

namespace heapfloor {
namespace {

using Fields = ConfigFields;
using Problem = std::optional<ConfigProblem>;

constexpr std::string_view kProductPrefix = "Heapfloor";
constexpr double kDaySeconds = 86400;
constexpr double kYear = 365 * kDaySeconds;
constexpr double kRisingSeconds = 600;

bool is_camel_case(std::string_view text) {
  return is_word(text) && text.front() >= 'A' && text.front() <= 'Z' &&
         text.find('_') == std::string_view::npos && text.size() <= 100;
}

// --- rules

template <class Value, std::size_t kCount>
Value named(Fields& fields, std::string_view key, const std::string& text,
            std::string_view (*name_of)(Value)) {
  std::string all;
  for (std::size_t index = 0; index < kCount; ++index) {
    const auto value = static_cast<Value>(index);
    if (name_of(value) == text) return value;
    all += (all.empty() ? "" : ", ") + std::string(name_of(value));
  }
  fields.fail(key, fmt::format("\"{}\" is none of {}", text, all));
  return {};
}

bool is_signal_of(RuleScope scope, std::string_view name) {
  const std::optional<Signal> signal = find_signal(name);
  if (!signal) return false;
  switch (*signal) {
    case Signal::rss_anon:
    case Signal::threads:
    case Signal::file_descriptors:
      return scope == RuleScope::process;
    case Signal::cgroup_anon:
    case Signal::cgroup_shmem:
    case Signal::cgroup_slab:
      return scope == RuleScope::cgroup;
    default:
      return false;
  }
}

// The labels of its own that a metric of the scope has; nothing when there is no such metric.
std::optional<std::vector<std::string_view>> metric_labels(RuleScope scope, std::string_view name) {
  constexpr std::string_view kGroupProcesses = "heapfloor_group_processes";
  if (scope == RuleScope::group && name == kGroupProcesses) return std::vector<std::string_view>();
  if (own_metric(scope, name) != nullptr) return std::vector<std::string_view>();
  std::optional<std::vector<std::string_view>> labels;
  const std::string prefix = fmt::format("heapfloor_{}_", rule_scope_name(scope));
  for (const CollectorEntry* const entry : builtin_collectors()) {
    for (const MetricDesc& desc : entry->metrics) {
      const std::string_view family = scope == RuleScope::group ? desc.group_name : desc.name;
      if (family != name || !family.starts_with(prefix)) continue;
      if (!labels) labels.emplace();
      if (!desc.label_name.empty()) labels->push_back(desc.label_name);
    }
  }
  return labels;
}

std::vector<std::string_view> scope_labels(RuleScope scope) {
  switch (scope) {
    case RuleScope::process:
      return {"group", "comm", "subject"};
    case RuleScope::group:
      return {"group"};
    case RuleScope::cgroup:
      return {"cgroup"};
    case RuleScope::host:
      return {};
    case RuleScope::jvm:
      return {"group", "comm", "subject", "collector", "pool"};
    case RuleScope::go:
      return {"group", "comm", "subject"};
    case RuleScope::workload:
      return {"subject"};
  }
  return {};
}

bool is_one_map(const ConfigField& field) {
  return !field.is_list && !field.items.empty() && field.items.front().is_map;
}

// The matchers of `match`, a map of labels and patterns, all of which have to be of `labels`; none
// where it is null.
Matchers read_match(Fields& fields, const ConfigField* match,
                    const std::vector<std::string_view>& labels) {
  Matchers matchers;
  if (match == nullptr) return matchers;
  if (!is_one_map(*match)) {
    fields.fail(match->line, "\"match\" expects labels and patterns");
    return matchers;
  }
  for (const ConfigField& field : match->items.front().fields) {
    const bool is_text = !field.is_list && !field.items.empty() && !field.items.front().is_map;
    const std::string text = is_text ? field.items.front().text : std::string();
    if (std::ranges::find(labels, field.key) == labels.end()) {
      fields.fail(field.line, fmt::format("\"{}\" is no label of these readings", field.key));
    } else if (text.empty() || text == "!" || text.size() > kLongestTextBytes) {
      fields.fail(field.line, fmt::format("\"{}\" expects one pattern", field.key));
    }
    matchers.emplace_back(field.key, text);
  }
  return matchers;
}

void read_quantity(Fields& fields, AlertRule& rule, std::vector<std::string_view>& labels) {
  const std::optional<std::string> signal = fields.text("signal");
  const std::optional<std::string> metric = fields.text("metric");
  if (signal.has_value() == metric.has_value())
    return fields.fail(fields.item().line, R"(expects either "signal" or "metric")");
  const std::string_view scope = rule_scope_name(rule.scope);
  rule.is_signal = signal.has_value();
  rule.quantity = signal ? *signal : *metric;
  if (rule.is_signal) {
    if (!is_signal_of(rule.scope, *signal))
      fields.fail("signal", fmt::format("\"{}\" is no signal of scope {}", *signal, scope));
    return;
  }
  const auto own = metric_labels(rule.scope, *metric);
  if (!own)
    return fields.fail("metric", fmt::format("\"{}\" is no metric of scope {}", *metric, scope));
  labels.insert(labels.end(), own->begin(), own->end());
}

// "per", "rate": what the quantity is divided by, and over which time its growth is looked at.
void read_shape(Fields& fields, AlertRule& rule) {
  rule.per = fields.text_or("per", "");
  const bool is_known =
      metric_labels(rule.scope, rule.per) || metric_labels(RuleScope::host, rule.per);
  if (!rule.per.empty() && !is_known) {
    fields.fail("per", fmt::format("\"{}\" is no metric of scope {} or host", rule.per,
                                   rule_scope_name(rule.scope)));
  }
  rule.rate_seconds = fields.duration("rate", 10, kDaySeconds).value_or(0);
}

// "while_rising": a map of "metric", "match" and "over".
void read_rising(Fields& fields, AlertRule& rule) {
  const ConfigField* const field = fields.item().field("while_rising");
  if (field == nullptr) return;
  if (!is_runtime(rule.scope))
    return fields.fail("while_rising", "\"while_rising\" is for the scopes jvm and go");
  if (!is_one_map(*field))
    return fields.fail("while_rising", "\"while_rising\" expects a metric and what it matches");
  constexpr std::array<std::string_view, 3> kKeys = {"metric", "match", "over"};
  Fields inner(field->items.front(), kKeys);
  RisingMetric rising;
  rising.metric = inner.required("metric");
  const auto own = metric_labels(rule.scope, rising.metric);
  if (!own)
    inner.fail("metric", fmt::format("\"{}\" is no metric of scope {}", rising.metric,
                                     rule_scope_name(rule.scope)));
  std::vector<std::string_view> labels = scope_labels(rule.scope);
  if (own) labels.insert(labels.end(), own->begin(), own->end());
  rising.match = read_match(inner, field->items.front().field("match"), labels);
  rising.seconds = inner.duration("over", 10, kDaySeconds).value_or(kRisingSeconds);
  if (const Problem problem = inner.problem()) fields.fail(problem->line, problem->reason);
  rule.while_rising = std::move(rising);
}

void read_threshold(Fields& fields, AlertRule& rule) {
  rule.comparison =
      named<Comparison, kComparisons>(fields, "op", fields.text_or("op", ">"), &comparison_text);
  const std::optional<double> value = fields.quantity("value");
  if (!value) return fields.fail(fields.item().line, "\"value\" is missing");
  rule.value = *value;
  rule.clear = fields.quantity("clear");
  const bool is_upper =
      rule.comparison == Comparison::greater || rule.comparison == Comparison::greater_or_equal;
  if (rule.clear && (is_upper ? *rule.clear > rule.value : *rule.clear < rule.value)) {
    fields.fail("clear",
                fmt::format(R"("clear" must not be {} "value")", is_upper ? "above" : "below"));
  }
}

std::optional<std::string> read_severity(Fields& fields) {
  std::optional<std::string> severity = fields.text("severity");
  constexpr std::array<std::string_view, 3> kSeverities = {"critical", "warning", "info"};
  if (severity && std::ranges::find(kSeverities, *severity) == kSeverities.end())
    fields.fail("severity", fmt::format("\"{}\" is none of critical, warning, info", *severity));
  return severity;
}

AlertRule read_rule(Fields& fields) {
  AlertRule rule;
  rule.name = fields.required("name");
  if (!is_camel_case(rule.name))
    fields.fail("name", fmt::format("\"{}\" is not a name such as PaymentsTooBig", rule.name));
  if (rule.name.starts_with(kProductPrefix))
    fields.fail("name", "names that begin with Heapfloor are the agent's own; it has no such rule");
  rule.scope =
      named<RuleScope, kRuleScopes>(fields, "scope", fields.required("scope"), &rule_scope_name);
  std::vector<std::string_view> labels = scope_labels(rule.scope);
  read_quantity(fields, rule, labels);
  rule.match = read_match(fields, fields.item().field("match"), labels);
  read_shape(fields, rule);
  read_rising(fields, rule);
  read_threshold(fields, rule);
  rule.hold_seconds = fields.duration("hold", 0, kYear);
  rule.severity = read_severity(fields).value_or("warning");
  rule.summary = fields.text_or("summary", "");
  rule.description = fields.text_or("description", "");
  return rule;
}

// Of one of the agent's own rules only what people differ about can be changed.
RuleChange read_change(const ConfigItem& item, Fields& all) {
  constexpr std::array<std::string_view, 5> kKeys = {"name", "value", "hold", "severity",
                                                     "enabled"};
  Fields fields(item, kKeys);
  RuleChange change;
  change.name = fields.required("name");
  change.is_enabled = fields.text_or("enabled", "true") == "true" || fields.flag("enabled");
  if (item.field("value") != nullptr) change.value = fields.quantity("value");
  change.hold_seconds = fields.duration("hold", 0, kYear);
  change.severity = read_severity(fields);
  if (const Problem problem = fields.problem()) all.fail(problem->line, problem->reason);
  return change;
}

bool is_operator_rule(std::string_view name) {
  const std::vector<AlertRule> rules = operator_rules();
  return std::ranges::find(rules, name, &AlertRule::name) != rules.end();
}

Problem set_rules(Config& config, std::span<const ConfigItem> items) {
  constexpr std::array<std::string_view, 16> kKeys = {
      "name", "scope", "signal",   "metric",  "match",       "op",           "value", "clear",
      "hold", "per",   "severity", "summary", "description", "while_rising", "rate",  "enabled"};
  std::vector<AlertRule> rules;
  std::vector<RuleChange> changes;
  for (const ConfigItem& item : items) {
    Fields fields(item, kKeys);
    if (fields.problem()) return fields.problem();
    const std::string name = fields.text_or("name", "");
    const bool is_change = is_operator_rule(name);
    if (std::ranges::find(rules, name, &AlertRule::name) != rules.end() ||
        std::ranges::find(changes, name, &RuleChange::name) != changes.end())
      fields.fail("name", fmt::format("\"{}\" is there twice", name));
    if (rules.size() == kMostRules)
      fields.fail(item.line, fmt::format("more than {} rules", kMostRules));
    if (is_change) {
      changes.push_back(read_change(item, fields));
    } else {
      if (item.field("enabled") != nullptr)
        fields.fail("enabled", "\"enabled\" is for the agent's own rules");
      rules.push_back(read_rule(fields));
    }
    if (fields.problem()) return fields.problem();
  }
  config.alerts.rules = std::move(rules);
  config.alerts.rule_changes = std::move(changes);
  return std::nullopt;
}

// --- silences

void read_silence_end(Fields& fields, Silence& silence) {
  if (const std::optional<std::string> until = fields.text("until")) {
    silence.until_next_build = *until == "next_build";
    if (!silence.until_next_build)
      fields.fail("until", fmt::format("\"{}\" is not next_build", *until));
  }
  if (const std::optional<std::string> ends_at = fields.text("ends_at")) {
    silence.ends_at_seconds = parse_time(*ends_at);
    if (!silence.ends_at_seconds)
      fields.fail("ends_at",
                  fmt::format("\"{}\" is not a time such as 2026-01-31T12:00:00Z", *ends_at));
  }
}

Problem set_silences(Config& config, std::span<const ConfigItem> items) {
  std::vector<std::string_view> keys(kSilenceLabels.begin(), kSilenceLabels.end());
  for (const std::string_view key : {"comment", "created_by", "ends_at", "until"})
    keys.push_back(key);
  std::vector<Silence> silences;
  for (const ConfigItem& item : items) {
    Fields fields(item, keys);
    if (fields.problem()) return fields.problem();
    Silence silence;
    for (const std::string_view label : kSilenceLabels) {
      const std::optional<std::string> glob = fields.text(label);
      if (!glob) continue;
      if (const auto problem = add_silence_matcher(silence, label, *glob))
        fields.fail(label, *problem);
    }
    if (silence.matchers.empty()) fields.fail(item.line, "a silence needs something to match");
    silence.comment = fields.text_or("comment", "");
    silence.created_by = fields.text_or("created_by", "configuration");
    read_silence_end(fields, silence);
    if (silences.size() == kMostRules)
      fields.fail(item.line, fmt::format("more than {} silences", kMostRules));
    if (fields.problem()) return fields.problem();
    silences.push_back(std::move(silence));
  }
  config.alerts.silences = std::move(silences);
  return std::nullopt;
}

// --- receivers

ReceiverSettings read_receiver(Fields& fields, ReceiverKind kind) {
  ReceiverSettings receiver;
  receiver.kind = kind;
  receiver.url = fields.required("url");
  const Result<UrlParts> url = parse_url(receiver.url);
  if (!url) {
    fields.fail("url", fmt::format("\"url\" {}", url.error().reason));
    return receiver;
  }
  const bool has_query = receiver.url.find('?') != std::string::npos;
  if (kind == ReceiverKind::alertmanager && has_query)
    fields.fail("url", "the address of an Alertmanager has no query");
  // Not the path: that of a webhook often is its secret.
  receiver.name = fields.text_or("name", fmt::format("{}:{}", url->host, url->port));
  if (receiver.name.empty()) fields.fail("name", "\"name\" is empty");
  receiver.http.deadline_seconds = fields.duration("timeout", 0.1, 300).value_or(10);
  receiver.resend_seconds = 4 * 3600;
  if (kind == ReceiverKind::webhook)
    receiver.resend_seconds =
        fields.duration("repeat", 60, kYear).value_or(receiver.resend_seconds);
  read_http_client(fields, receiver.http, url->scheme == "https");
  return receiver;
}

// A bare text is short for its `url`.
ConfigItem with_url(const ConfigItem& entry) {
  if (entry.is_map || entry.text.empty()) return entry;
  ConfigItem item;
  item.line = entry.line;
  item.is_map = true;
  item.fields.push_back({"url", entry.line, {entry}, false});
  return item;
}

Problem set_receivers(Config& config, std::span<const ConfigItem> items, ReceiverKind kind) {
  std::vector<std::string_view> keys = {"name", "url", "timeout"};
  keys.insert(keys.end(), kHttpClientKeys.begin(), kHttpClientKeys.end());
  if (kind == ReceiverKind::webhook) keys.emplace_back("repeat");
  std::vector<ReceiverSettings>& receivers = config.alerts.receivers;
  for (const ConfigItem& entry : items) {
    const ConfigItem item = with_url(entry);
    Fields fields(item, keys);
    if (fields.problem()) return fields.problem();
    ReceiverSettings receiver = read_receiver(fields, kind);
    if (std::ranges::find(receivers, receiver.name, &ReceiverSettings::name) != receivers.end())
      fields.fail(item.line,
                  fmt::format("there are two receivers \"{}\": give them names", receiver.name));
    if (receivers.size() == kMostReceivers)
      fields.fail(item.line, fmt::format("more than {} receivers", kMostReceivers));
    if (fields.problem()) return fields.problem();
    receivers.push_back(std::move(receiver));
  }
  return std::nullopt;
}

constexpr std::string_view kRulesExample =
    "alerts:\n"
    "  rules:\n"
    "    - name: PaymentsTooBig         # CamelCase; not Heapfloor…\n"
    "      scope: group                 # process, group, cgroup, host\n"
    "      metric: heapfloor_group_swap_bytes   # or signal: rss_anon\n"
    "      match: {group: \"pay*\"}       # patterns; all must match\n"
    "      op: \">\"                      # >, >=, <, <=\n"
    "      value: 2GiB\n"
    "      clear: 1GiB                  # once firing, it holds above this\n"
    "      hold: 5m                     # default: alerts.hold\n"
    "      severity: warning            # critical, warning, info\n"
    "      summary: Payments has been swapped out.\n"
    "    - name: ShopCollectsTooOften\n"
    "      scope: jvm                   # or go; or workload, for OOM kills\n"
    "      metric: heapfloor_jvm_gc_collections_total\n"
    "      match: {generation: young, collector: \"!zgc\"}  # !: must not match\n"
    "      rate: 5m                     # its growth a second over so long\n"
    "      value: 0.5\n"
    "    - name: SwappedOut\n"
    "      scope: process\n"
    "      metric: heapfloor_process_swap_bytes\n"
    "      per: heapfloor_host_swap_capacity_bytes  # of the subject or of the host\n"
    "      value: 0.2\n"
    "      description: \"{name} has {value} of the swap.\"\n"
    "    - name: HeapfloorGcPressure    # the agent's own, see /api/v1/rules\n"
    "      value: 0.4                   # with hold, severity\n"
    "      enabled: true                # false: there is none\n";

}  // namespace

std::vector<ConfigList> alert_lists() {
  const auto count_of = [](ReceiverKind kind) {
    return [kind](const Config& config) {
      return static_cast<std::size_t>(
          std::ranges::count(config.alerts.receivers, kind, &ReceiverSettings::kind));
    };
  };
  const auto receivers = [](ReceiverKind kind) {
    return [kind](Config& config, std::span<const ConfigItem> items) {
      return set_receivers(config, items, kind);
    };
  };
  return {
      {"alerts.rules", "alerts of your own: thresholds on a signal or a metric, with a hold time",
       std::string(kRulesExample), set_rules,
       [](const Config& config) {
         return config.alerts.rules.size() + config.alerts.rule_changes.size();
       }},
      {"alerts.silences",
       "what is not to be sent; /api/v1/silences takes more while the agent runs",
       "alerts:\n"
       "  silences:\n"
       "    - group: batch-*               # alertname, scope, subject, group, signal, severity\n"
       "      comment: grows until its nightly restart\n"
       "      ends_at: 2027-01-31T12:00:00Z  # optional\n"
       "      until: next_build            # optional: ends when the program is another build\n",
       set_silences, [](const Config& config) { return config.alerts.silences.size(); }},
      {"alerts.alertmanagers",
       "Alertmanagers, each of which is told of every alert; none by default",
       "alerts:\n"
       "  alertmanagers:\n"
       "    - url: https://alerts.example:9093   # /api/v2/alerts is added\n"
       "      name: first                  # shown in metrics and logs; default host:port\n"
       "      timeout: 10s\n"
       "      ca_file: /etc/ssl/own.pem    # cert_file, key_file, server_name, "
       "insecure_skip_verify\n"
       "      username: heapfloor          # with password or password_file; or bearer_token_file\n"
       "      password_file: /etc/heapfloor/alertmanager.password\n",
       receivers(ReceiverKind::alertmanager), count_of(ReceiverKind::alertmanager)},
      {"alerts.webhooks", "addresses that are sent Alertmanager's webhook message at each change",
       "alerts:\n"
       "  webhooks:\n"
       "    - url: https://chat.example/hook   # further keys as for an Alertmanager\n"
       "      name: chat\n"
       "      repeat: 4h                   # how often a firing alert is told again\n",
       receivers(ReceiverKind::webhook), count_of(ReceiverKind::webhook)},
  };
}

std::optional<std::string> set_external_labels(LabelSet& labels, std::string_view text) {
  LabelSet taken;
  while (!text.empty()) {
    const std::string_view pair = text.substr(0, text.find(','));
    text.remove_prefix(std::min(pair.size() + 1, text.size()));
    const std::size_t equals = pair.find('=');
    const std::string_view name = pair.substr(0, equals);
    if (equals == std::string_view::npos || !is_word(name) || equals + 1 == pair.size())
      return fmt::format("\"{}\" is not a label such as site=north", pair);
    if (std::ranges::find(taken, name, &LabelSet::value_type::first) != taken.end())
      return fmt::format("label \"{}\" is there twice", name);
    taken.emplace_back(name, pair.substr(equals + 1));
  }
  std::ranges::sort(taken);
  labels = std::move(taken);
  return std::nullopt;
}

std::string external_labels_text(const LabelSet& labels) {
  std::string text;
  for (const auto& [name, value] : labels)
    text += fmt::format("{}{}={}", text.empty() ? "" : ",", name, value);
  return text;
}

std::vector<ReceiverSettings> receiver_settings(const Config& config) {
  std::vector<ReceiverSettings> settings = config.alerts.receivers;
  for (ReceiverSettings& receiver : settings) {
    receiver.external_url = config.alerts.external_url;
    if (receiver.kind != ReceiverKind::alertmanager) continue;
    receiver.resend_seconds = config.alerts.resend_seconds;
    receiver.valid_seconds =
        4 * std::max(config.collection.interval_seconds, config.alerts.resend_seconds);
  }
  return settings;
}

std::optional<std::string> add_silence_matcher(Silence& silence, std::string_view label,
                                               std::string_view glob) {
  if (glob.empty() || glob.size() > kLongestTextBytes) {
    return fmt::format("\"{}\" expects a pattern of 1 to {} bytes", label, kLongestTextBytes);
  }
  silence.matchers.emplace_back(label, glob);
  return std::nullopt;
}

}  // namespace heapfloor
