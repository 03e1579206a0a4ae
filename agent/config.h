// Config: every setting with its default, from a YAML file and from --section.key=value flags.
//
// config_keys() is the one list of keys; the file reader, the flags, --help, the documented default
// file and its test are made from it. Owner of yaml-cpp (config.cpp).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/alerts/alert_rule.h"
#include "agent/alerts/alert_sender.h"
#include "agent/alerts/operator_rules.h"
#include "agent/alerts/outgoing_alert.h"
#include "agent/alerts/silence_book.h"
#include "agent/endpoints/go_endpoint.h"
#include "agent/external/prometheus_target.h"
#include "agent/log.h"
#include "agent/series/default_group.h"
#include "agent/series/group_rules.h"
#include "agent/trend/policy.h"
#include "collectors/result.h"

namespace heapfloor {

// Whether the process collector asks a BPF task iterator what has moved.
enum class BpfUse : std::uint8_t {
  off,
  automatic,  // where there are many processes
  on,
};

struct Config {
  struct Collection {
    double interval_seconds = 15;
    std::uint64_t descriptor_budget = 16384;
    std::uint64_t refresh_ticks = 4;
    double smaps_duty = 0.001;
    double smaps_max_read_seconds = 0.015;
    BpfUse bpf = BpfUse::automatic;
  } collection;

  std::vector<GroupSpec> groups;  // first match wins

  struct Grouping {
    DefaultGrouping by_default = DefaultGrouping::unit;
    bool children_inherit = true;
  } grouping;

  std::map<std::string, bool, std::less<>>
      collectors;  // only those that were named; others keep their default
  [[nodiscard]] bool collects(std::string_view collector, bool by_default) const {
    const auto found = collectors.find(collector);
    return found == collectors.end() ? by_default : found->second;
  }

  struct Path {
    std::string procfs = "/proc";
    std::string sysfs = "/sys";
    std::string rootfs = "/";
  } path;

  struct Trend {
    std::optional<double> bucket_seconds;  // nothing: four collection intervals
    double minimum_size_bytes = 16.0 * 1024 * 1024;
    std::uint64_t minimum_threads = 64;
    std::uint64_t minimum_file_descriptors = 128;
    std::optional<double> limit_bytes;
    TrendPolicy policy;
    // signal → key → value, as written under trend.signals
    std::map<std::string, std::map<std::string, std::string, std::less<>>, std::less<>> signals;
  } trend;

  struct Alerts {
    double hold_seconds = 60;
    double resolve_hold_seconds = 300;
    double resend_seconds = 60;
    std::string instance;  // empty: the host's name
    std::string external_url;
    LabelSet external_labels;
    std::vector<AlertRule> rules;          // of the user's own
    std::vector<RuleChange> rule_changes;  // of operator_rules()
    std::vector<Silence> silences;
    std::vector<ReceiverSettings> receivers;  // names and addresses; see receiver_settings()
  } alerts;

  struct Targets {
    std::vector<PrometheusTarget> prometheus;  // as written; see prometheus_targets()
    std::vector<GoTargetSettings> go;          // as written; see go_endpoint_settings()
    GoDiscovery go_discovery = GoDiscovery::off;
    double go_slow_interval_seconds = 60;
  } targets;

  struct Limits {
    std::uint64_t series = 2000;
    std::uint64_t external_series = 1000;
    double external_answer_bytes = 16.0 * 1024 * 1024;
    std::uint64_t groups = 1000;
    std::uint64_t cgroups = 1000;
    std::uint64_t exposed_processes = 20;
    std::uint64_t exposed_group_processes = 200;
    std::uint64_t page_samples = 200000;
    double memory_bytes = 64.0 * 1024 * 1024;
  } limits;

  struct Storage {
    static constexpr std::string_view kAutomatic = "auto";
    std::string path = std::string(kAutomatic);  // empty: no history
    double retention_seconds = 15.0 * 86400;
    double size_bytes = 256.0 * 1024 * 1024;
    double sync_seconds = 60;
    double evidence_bytes = 128.0 * 1024 * 1024;
    double evidence_seconds = 30.0 * 86400;
  } storage;

  struct Web {
    std::string listen_address = "127.0.0.1:4327";
    std::string allowed_hosts;  // separated by commas
    std::uint64_t max_requests = 12;
    std::uint64_t threads = 16;
    std::string config_file;  // exporter-toolkit's web-config file; empty: none
    bool allow_insecure = false;
    std::uint64_t max_connections = 512;
    std::uint64_t max_connections_per_address = 256;
    double idle_timeout_seconds = 60;
    bool created_lines = false;
  } web;

  struct Log {
    LogLevel level = LogLevel::info;
    LogFormat format = LogFormat::logfmt;
  } log;

  // The detector's constants for one signal: the section `trend`, then its overrides under
  // trend.signals.SIGNAL.
  [[nodiscard]] TrendPolicy policy_for(std::string_view signal) const;
};

struct ConfigKey {
  std::string path;  // "collection.interval"
  // What stands for the value in --help: DURATION, SIZE, NUMBER, TEXT, BOOL, FILE, PATH (a folder).
  std::string value;
  std::string help;
  // Returns what is wrong with the text, or nothing after the value was taken over.
  std::function<std::optional<std::string>(Config&, std::string_view)> set;
  std::function<std::string(const Config&)> get;
  std::vector<std::string> choices = {};  // every value that suits, where they are few
};

// Every key in the order of the documentation. Keys of the form trend.signals.SIGNAL.KEY are
// accepted beside it.
std::span<const ConfigKey> config_keys();

using ConfigOverride = std::pair<std::string, std::string>;  // path, text

// Reads `file` (nothing: only defaults), then applies the flags. The error's path is "FILE:LINE" or
// "--section.key".
[[nodiscard]] Result<Config> load_config(const std::optional<std::string>& file,
                                         std::span<const ConfigOverride> flags);

// The same over a text, for tests and fuzzing.
[[nodiscard]] Result<Config> parse_config(const std::string& text, const std::string& file_name);

// A configuration file that holds every key with its default and its help as a comment.
std::string render_default_config();

}  // namespace heapfloor
