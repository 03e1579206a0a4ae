#include "agent/config_keys.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <variant>

#include "agent/alert_settings.h"
#include "agent/config.h"
#include "agent/units.h"
#include "collectors/collector.h"

namespace heapfloor {
namespace {

using Problem = std::optional<std::string>;
constexpr double kLeastLimit = 1024 * 1024;      // a limit below it can only be a mistake
constexpr double kAnySize = 9007199254740992.0;  // 2^53: the largest exact byte count of a double

Problem out_of_range(std::string_view text, std::string_view low, std::string_view high) {
  return fmt::format("\"{}\" is not between {} and {}", text, low, high);
}

Problem take_duration(double& target, std::string_view text, double low, double high) {
  const std::optional<double> seconds = parse_duration(text);
  if (!seconds) return fmt::format("\"{}\" is not a duration such as 15s, 2h or 30d", text);
  if (*seconds < low || *seconds > high)
    return out_of_range(text, format_duration(low), format_duration(high));
  target = *seconds;
  return std::nullopt;
}

Problem take_size(double& target, std::string_view text, double low) {
  const std::optional<double> bytes = parse_size(text);
  if (!bytes) return fmt::format("\"{}\" is not a size such as 512MiB or 2GB", text);
  if (*bytes < low || *bytes > kAnySize) {
    return out_of_range(text, format_size(low), format_size(kAnySize));
  }
  target = *bytes;
  return std::nullopt;
}

Problem take_number(double& target, std::string_view text, double low, double high) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(number)) {
    return fmt::format("\"{}\" is not a number", text);
  }
  if (number < low || number > high)
    return out_of_range(text, fmt::format("{}", low), fmt::format("{}", high));
  target = number;
  return std::nullopt;
}

template <class Integer>
Problem take_count(Integer& target, std::string_view text, std::uint64_t low, std::uint64_t high) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size())
    return fmt::format("\"{}\" is not a whole number", text);
  if (number < low || number > high)
    return out_of_range(text, std::to_string(low), std::to_string(high));
  target = static_cast<Integer>(number);
  return std::nullopt;
}

Problem take_bool(bool& target, std::string_view text) {
  if (text != "true" && text != "false")
    return fmt::format("\"{}\" is neither true nor false", text);
  target = text == "true";
  return std::nullopt;
}

// --- the detector's constants
// --------------------------------------------------------------------------------

enum class PolicyUnit : std::uint8_t { number, size, count };

struct PolicyKey {
  std::string_view name;
  std::variant<double TrendPolicy::*, std::uint32_t TrendPolicy::*> member;
  double low;
  double high;
  PolicyUnit unit;
  std::string_view help;
};

constexpr PolicyUnit kNumber = PolicyUnit::number;
constexpr PolicyUnit kSize = PolicyUnit::size;
constexpr PolicyUnit kCount = PolicyUnit::count;
constexpr double kDays = 3650;
constexpr std::array kPolicyKeys = {
    PolicyKey{"time_scale", &TrendPolicy::time_scale, 1e-4, 1e4, kNumber,
              "multiplies every time constant of the detector except bucket; 0.0167 runs a day in "
              "24 minutes"},
    PolicyKey{"minimum_floors", &TrendPolicy::minimum_floors, 5, 16, kCount,
              "floors before the first verdict"},
    PolicyKey{"history_days", &TrendPolicy::history_days, 1, 400, kNumber,
              "how far the coarsest level looks back"},
    PolicyKey{"z", &TrendPolicy::z, 1, 10, kNumber,
              "gate trend: Mann-Kendall Z that counts as a trend"},
    PolicyKey{"minimum_rise", &TrendPolicy::minimum_rise_bytes, 0, kAnySize, kSize,
              "gate size: the least rise"},
    PolicyKey{"minimum_rise_ratio", &TrendPolicy::minimum_rise_ratio, 0, 10, kNumber,
              "gate size: the least rise, as a share of the level"},
    PolicyKey{"signal_sigmas", &TrendPolicy::signal_sigmas, 0, 100, kNumber,
              "gate signal: rise against the scatter of the residuals"},
    PolicyKey{"record_sigmas", &TrendPolicy::record_sigmas, 0, 100, kNumber,
              "gate record: scatter above the former record"},
    PolicyKey{"record_rise_ratio", &TrendPolicy::record_rise_ratio, 0, 1, kNumber,
              "gate record: share of the rise above the former record"},
    PolicyKey{"effective_increments", &TrendPolicy::effective_increments, 1, 16, kNumber,
              "gate increments: how many equal steps the rise must amount to"},
    PolicyKey{"largest_step_ratio", &TrendPolicy::largest_step_ratio, 0, 1, kNumber,
              "gate increments: largest share of one step"},
    PolicyKey{"without_step_z_ratio", &TrendPolicy::without_step_z_ratio, 0, 1, kNumber,
              "gate increments: share of z left without the largest step"},
    PolicyKey{"still_growing_ratio", &TrendPolicy::still_growing_ratio, 0, 1, kNumber,
              "gate still_growing: slope of the last third against the whole"},
    PolicyKey{"linear_ratio", &TrendPolicy::linear_ratio, 0, 1, kNumber,
              "gate shape: below it the rise saturates"},
    PolicyKey{"asymptote_limit_ratio", &TrendPolicy::asymptote_limit_ratio, 0, 1, kNumber,
              "gate shape: a plateau above this share of the limit is no excuse"},
    PolicyKey{"precedent_ratio", &TrendPolicy::precedent_ratio, 0, 100, kNumber,
              "gate precedent: rise against the largest that was undone"},
    PolicyKey{"precedent_decay", &TrendPolicy::precedent_decay, 0, 1, kNumber,
              "gate precedent: how slowly an undone rise is forgotten"},
    PolicyKey{"patience", &TrendPolicy::patience, 0, 1, kNumber,
              "gate patience: evidence asked for, as a share of the time to the limit"},
    PolicyKey{"patience_hours", &TrendPolicy::patience_hours, 0, 24 * kDays, kNumber,
              "gate patience: enough, however far the limit"},
    PolicyKey{"short_history_patience", &TrendPolicy::short_history_patience, 0, 100, kNumber,
              "gate patience: at least, while less than season_history_days are known"},
    PolicyKey{"load_patience", &TrendPolicy::load_patience, 0, 100, kNumber,
              "gate patience: at least, of a rise that the load explains"},
    PolicyKey{"patience_slow_hours", &TrendPolicy::patience_slow_hours, 0, 24 * kDays, kNumber,
              "gate patience: enough for a small rise far from the limit"},
    PolicyKey{"patience_slow_large_rise_hours", &TrendPolicy::patience_slow_large_rise_hours, 0,
              24 * kDays, kNumber, "gate patience: enough for a large rise far from the limit"},
    PolicyKey{"large_rise_ratio", &TrendPolicy::large_rise_ratio, 0, 100, kNumber,
              "gate patience: what a large rise is, as a share of the level"},
    PolicyKey{"slow_divisor", &TrendPolicy::slow_divisor, 1, 1000, kNumber,
              "gate patience: time to the limit is divided by it for slow leaks"},
    PolicyKey{"clear_slope_ratio", &TrendPolicy::clear_slope_ratio, 0, 1, kNumber,
              "gate patience: lower bound over slope from which evidence counts in full"},
    PolicyKey{"start_patience_minutes", &TrendPolicy::start_patience_minutes, 0, 1440 * kDays,
              kNumber, "gate patience: least evidence from a window at the series' start"},
    PolicyKey{"short_history_patience_hours", &TrendPolicy::short_history_patience_hours, 0,
              24 * kDays, kNumber,
              "gate patience: least evidence while less than season_history_days are known"},
    PolicyKey{"season_hours", &TrendPolicy::season_hours, 1, 24 * kDays, kNumber,
              "length of a season"},
    PolicyKey{"season_history_days", &TrendPolicy::season_history_days, 0, kDays, kNumber,
              "gate season: history that tells a leak from the rising half of a day"},
    PolicyKey{"imminent_hours", &TrendPolicy::imminent_hours, 0, 24 * kDays, kNumber,
              "gate season: below this time to the limit no season is waited for"},
    PolicyKey{"seasonal_span_days", &TrendPolicy::seasonal_span_days, 0, kDays, kNumber,
              "window from which same-phase pairs are tested"},
    PolicyKey{"seasonal_z", &TrendPolicy::seasonal_z, 0, 10, kNumber, "Z of the seasonal test"},
    PolicyKey{"seasonal_explained_ratio", &TrendPolicy::seasonal_explained_ratio, 0, 1, kNumber,
              "share of the scatter that phases must explain"},
    PolicyKey{"season_compare_days", &TrendPolicy::season_compare_days, 0, kDays, kNumber,
              "gate season: window from which days are compared"},
    PolicyKey{"trough_fall_ratio", &TrendPolicy::trough_fall_ratio, 0, 1, kNumber,
              "a fall by this share of the peak opens a trough"},
    PolicyKey{"trough_regain_ratio", &TrendPolicy::trough_regain_ratio, 0, 1, kNumber,
              "a trough counts once this share of the fall is regained"},
    PolicyKey{"gc_minimum_floors", &TrendPolicy::gc_minimum_floors, 1, 16, kCount,
              "gate gc_runtime: old-generation floors"},
    PolicyKey{"persistence", &TrendPolicy::persistence, 1, 16, kCount,
              "gate persistence: consecutive closes"},
};

Problem set_policy_key(TrendPolicy& policy, const PolicyKey& key, std::string_view text) {
  if (const auto* count = std::get_if<std::uint32_t TrendPolicy::*>(&key.member)) {
    return take_count(policy.*(*count), text, static_cast<std::uint64_t>(key.low),
                      static_cast<std::uint64_t>(key.high));
  }
  double& target = policy.*std::get<double TrendPolicy::*>(key.member);
  return key.unit == PolicyUnit::size ? take_size(target, text, key.low)
                                      : take_number(target, text, key.low, key.high);
}

std::string get_policy_key(const TrendPolicy& policy, const PolicyKey& key) {
  if (const auto* count = std::get_if<std::uint32_t TrendPolicy::*>(&key.member))
    return std::to_string(policy.*(*count));
  const double value = policy.*std::get<double TrendPolicy::*>(key.member);
  return key.unit == PolicyUnit::size ? format_size(value) : fmt::format("{}", value);
}

// --- all keys
// ------------------------------------------------------------------------------------------------

class KeyList {
 public:
  void duration(std::string path, std::string help, double low, double high,
                double& (*at)(Config&)) {
    add(
        std::move(path), "DURATION", std::move(help),
        [at, low, high](Config& config, std::string_view text) {
          return take_duration(at(config), text, low, high);
        },
        [at](const Config& config) { return format_duration(at(const_cast<Config&>(config))); });
  }
  void size(std::string path, std::string help, double low, double& (*at)(Config&)) {
    add(
        std::move(path), "SIZE", std::move(help),
        [at, low](Config& config, std::string_view text) {
          return take_size(at(config), text, low);
        },
        [at](const Config& config) { return format_size(at(const_cast<Config&>(config))); });
  }
  void count(std::string path, std::string help, std::uint64_t low, std::uint64_t high,
             std::uint64_t& (*at)(Config&)) {
    add(
        std::move(path), "NUMBER", std::move(help),
        [at, low, high](Config& config, std::string_view text) {
          return take_count(at(config), text, low, high);
        },
        [at](const Config& config) { return std::to_string(at(const_cast<Config&>(config))); });
  }
  void flag(std::string path, std::string help, bool& (*at)(Config&)) {
    add(
        std::move(path), "BOOL", std::move(help),
        [at](Config& config, std::string_view text) { return take_bool(at(config), text); },
        [at](const Config& config) {
          return std::string(at(const_cast<Config&>(config)) ? "true" : "false");
        });
    choices({"true", "false"});
  }
  void number(std::string path, std::string help, double low, double high, double& (*at)(Config&)) {
    add(
        std::move(path), "NUMBER", std::move(help),
        [at, low, high](Config& config, std::string_view text) {
          return take_number(at(config), text, low, high);
        },
        [at](const Config& config) { return fmt::format("{}", at(const_cast<Config&>(config))); });
  }
  void text(std::string path, std::string help, bool may_be_empty, std::string& (*at)(Config&)) {
    add(
        std::move(path), "TEXT", std::move(help),
        [at, may_be_empty](Config& config, std::string_view value) -> Problem {
          if (value.empty() && !may_be_empty) return "expects a text";
          at(config) = std::string(value);
          return std::nullopt;
        },
        [at](const Config& config) { return at(const_cast<Config&>(config)); });
  }
  void add(std::string path, std::string value, std::string help,
           std::function<Problem(Config&, std::string_view)> set,
           std::function<std::string(const Config&)> get) {
    keys_.push_back(
        {std::move(path), std::move(value), std::move(help), std::move(set), std::move(get)});
  }
  // Of the key that was added last.
  void choices(std::vector<std::string> all) { keys_.back().choices = std::move(all); }
  void value_name(std::string name) { keys_.back().value = std::move(name); }
  std::vector<ConfigKey> take() { return std::move(keys_); }

 private:
  std::vector<ConfigKey> keys_;
};

constexpr std::array<std::pair<std::string_view, BpfUse>, 3> kBpfUses = {
    {{"auto", BpfUse::automatic}, {"on", BpfUse::on}, {"off", BpfUse::off}}};

void add_collection_keys(KeyList& keys) {
  keys.duration("collection.interval", "how often everything is read", 0.1, 3600,
                [](Config& c) -> double& { return c.collection.interval_seconds; });
  keys.count("collection.descriptor_budget",
             "descriptors kept open on watched processes, two each; above it they are opened anew",
             0, 10000000,
             [](Config& c) -> std::uint64_t& { return c.collection.descriptor_budget; });
  keys.count("collection.refresh_ticks",
             "a process whose statm did not move is read whole every so many intervals", 1, 1000,
             [](Config& c) -> std::uint64_t& { return c.collection.refresh_ticks; });
  keys.number("collection.smaps_duty",
              "most share of one core's time spent in reads of smaps_rollup (PSS) and smaps "
              "(stacks); 0 reads none",
              0, 0.2, [](Config& c) -> double& { return c.collection.smaps_duty; });
  keys.duration("collection.smaps_max_read",
                "a process is not read where that would hold its memory map longer than this; 15ms "
                "is about 5 GiB in 4 KiB pages",
                0.0001, 60,
                [](Config& c) -> double& { return c.collection.smaps_max_read_seconds; });
  keys.add(
      "collection.bpf", "TEXT",
      "a BPF task iterator says which processes moved and only those are read: auto (from 1,000 "
      "processes up, where it may), on or off",
      [](Config& config, std::string_view text) -> Problem {
        const auto found =
            std::ranges::find(kBpfUses, text, &std::pair<std::string_view, BpfUse>::first);
        if (found == kBpfUses.end()) return fmt::format("\"{}\" is none of auto, on and off", text);
        config.collection.bpf = found->second;
        return std::nullopt;
      },
      [](const Config& config) {
        return std::string(std::ranges::find(kBpfUses, config.collection.bpf,
                                             &std::pair<std::string_view, BpfUse>::second)
                               ->first);
      });
  keys.choices({"auto", "on", "off"});
}

void add_target_keys(KeyList& keys) {
  keys.add(
      "targets.go_discovery", "TEXT",
      "whether Go programs whose memory cannot be read (stripped ones) are asked for /metrics, "
      "/debug/vars and /debug/pprof on the loopback address, where they listen: off, or listening",
      [](Config& config, std::string_view text) -> Problem {
        const auto found = std::ranges::find(kGoDiscoveries, text);
        if (found == kGoDiscoveries.end())
          return fmt::format("\"{}\" is neither off nor listening", text);
        config.targets.go_discovery = static_cast<GoDiscovery>(found - kGoDiscoveries.begin());
        return std::nullopt;
      },
      [](const Config& config) {
        return std::string(
            kGoDiscoveries.at(static_cast<std::size_t>(config.targets.go_discovery)));
      });
  keys.choices({"off", "listening"});
  keys.duration("targets.go_slow_interval",
                "how often /debug/vars and /debug/pprof are asked for, for which a Go program "
                "stands still for a moment",
                1, 3600, [](Config& c) -> double& { return c.targets.go_slow_interval_seconds; });
}

void add_collector_keys(KeyList& keys) {
  for (const CollectorEntry* entry : builtin_collectors()) {
    const std::string name(entry->name);
    const bool by_default = entry->enabled_by_default;
    keys.add(
        "collector." + name, "BOOL", std::string(entry->summary),
        [name](Config& config, std::string_view text) {
          bool on = false;
          Problem problem = take_bool(on, text);
          if (!problem) config.collectors[name] = on;
          return problem;
        },
        [name, by_default](const Config& config) -> std::string {
          return config.collects(name, by_default) ? "true" : "false";
        });
    keys.choices({"true", "false"});
  }
}

void add_path_keys(KeyList& keys) {
  keys.text("path.procfs", "mount point of proc", false,
            [](Config& c) -> std::string& { return c.path.procfs; });
  keys.value_name("PATH");
  keys.text("path.sysfs", "mount point of sysfs", false,
            [](Config& c) -> std::string& { return c.path.sysfs; });
  keys.value_name("PATH");
  keys.text("path.rootfs", "mount point of the root file system", false,
            [](Config& c) -> std::string& { return c.path.rootfs; });
  keys.value_name("PATH");
}

void add_grouping_keys(KeyList& keys) {
  keys.add(
      "grouping.default", "TEXT",
      "group of a process that no rule of \"groups\" names: unit (systemd service, else container, "
      "else the script that an interpreter runs, else comm) or comm",
      [](Config& config, std::string_view text) -> Problem {
        if (text != "unit" && text != "comm")
          return fmt::format("\"{}\" is neither unit nor comm", text);
        config.grouping.by_default = text == "unit" ? DefaultGrouping::unit : DefaultGrouping::comm;
        return std::nullopt;
      },
      [](const Config& config) {
        return std::string(config.grouping.by_default == DefaultGrouping::unit ? "unit" : "comm");
      });
  keys.choices({"unit", "comm"});
  keys.add(
      "grouping.inherit", "BOOL",
      "a process that no rule names is in the group of its parent where a rule names that",
      [](Config& config, std::string_view text) {
        return take_bool(config.grouping.children_inherit, text);
      },
      [](const Config& config) -> std::string {
        return config.grouping.children_inherit ? "true" : "false";
      });
  keys.choices({"true", "false"});
}

void add_trend_keys(KeyList& keys) {
  keys.add(
      "trend.bucket", "DURATION",
      "finest bucket of the detector; auto is four collection intervals",
      [](Config& config, std::string_view text) -> Problem {
        if (text == "auto") {
          config.trend.bucket_seconds.reset();
          return std::nullopt;
        }
        double seconds = 0;
        Problem problem = take_duration(seconds, text, 0.1, 86400);
        if (!problem) config.trend.bucket_seconds = seconds;
        return problem;
      },
      [](const Config& config) {
        return config.trend.bucket_seconds ? format_duration(*config.trend.bucket_seconds) : "auto";
      });
  keys.size("trend.minimum_size", "processes and cgroups are followed from this much memory up", 0,
            [](Config& c) -> double& { return c.trend.minimum_size_bytes; });
  keys.count("trend.minimum_threads",
             "the number of a process's threads is followed from this many up", 1, 1000000000,
             [](Config& c) -> std::uint64_t& { return c.trend.minimum_threads; });
  keys.count("trend.minimum_file_descriptors",
             "the number of its open file descriptors is followed from this many up", 1, 1000000000,
             [](Config& c) -> std::uint64_t& { return c.trend.minimum_file_descriptors; });
  keys.add(
      "trend.limit", "SIZE",
      "memory budget of a process where no smaller limit is known; none uses what the host has "
      "left",
      [](Config& config, std::string_view text) -> Problem {
        if (text == "none") {
          config.trend.limit_bytes.reset();
          return std::nullopt;
        }
        double bytes = 0;
        Problem problem = take_size(bytes, text, kLeastLimit);
        if (!problem) config.trend.limit_bytes = bytes;
        return problem;
      },
      [](const Config& config) {
        return config.trend.limit_bytes ? format_size(*config.trend.limit_bytes) : "none";
      });
  for (const PolicyKey& key : kPolicyKeys) {
    keys.add(
        "trend." + std::string(key.name), key.unit == kSize ? "SIZE" : "NUMBER",
        std::string(key.help),
        [&key](Config& config, std::string_view text) {
          return set_policy_key(config.trend.policy, key, text);
        },
        [&key](const Config& config) { return get_policy_key(config.trend.policy, key); });
  }
}

void add_storage_keys(KeyList& keys) {
  constexpr double kLeastStorage = 8.0 * 1024 * 1024;
  keys.text("storage.path",
            "directory of the history, which lets everything go on over a restart; auto is "
            "$STATE_DIRECTORY or, for root, /var/lib/heapfloor; empty keeps none",
            true, [](Config& c) -> std::string& { return c.storage.path; });
  keys.value_name("PATH");
  keys.duration("storage.retention", "how long transitions and ended processes are kept", 3600,
                86400 * kDays, [](Config& c) -> double& { return c.storage.retention_seconds; });
  keys.size("storage.size", "most room that the history may take on the disk", kLeastStorage,
            [](Config& c) -> double& { return c.storage.size_bytes; });
  keys.duration("storage.sync_interval", "most that a loss of power may cost", 1, 86400,
                [](Config& c) -> double& { return c.storage.sync_seconds; });
  keys.size("storage.evidence_size", "most room that captured evidence may take; in memory 16 MiB",
            kLeastStorage, [](Config& c) -> double& { return c.storage.evidence_bytes; });
  keys.duration("storage.evidence_retention", "how long captured evidence is kept", 3600,
                86400 * kDays, [](Config& c) -> double& { return c.storage.evidence_seconds; });
}

void add_web_keys(KeyList& keys) {
  keys.text("web.listen-address",
            "addresses to serve on, separated by commas: 127.0.0.1:4327, [::1]:4327, :4327 (every "
            "IPv4 address), [::]:4327 (every address); port 0 takes a free one",
            false, [](Config& c) -> std::string& { return c.web.listen_address; });
  keys.text("web.config.file",
            "exporter-toolkit's web-config file: TLS, basic authentication, client certificates; "
            "it and what it names are read again when they change",
            true, [](Config& c) -> std::string& { return c.web.config_file; });
  keys.value_name("FILE");
  keys.flag("web.allow-insecure",
            "serve on addresses that others reach without TLS and authentication",
            [](Config& c) -> bool& { return c.web.allow_insecure; });
  keys.text("web.allowed-hosts",
            "further names, separated by commas, under which a proxy in front asks for the agent",
            true, [](Config& c) -> std::string& { return c.web.allowed_hosts; });
  keys.count("web.max-requests",
             "requests served at once, below web.threads; more are answered 503", 1, 10000,
             [](Config& c) -> std::uint64_t& { return c.web.max_requests; });
  keys.count("web.threads", "threads that serve requests", 1, 256,
             [](Config& c) -> std::uint64_t& { return c.web.threads; });
  keys.count("web.max-connections",
             "clients connected at once; above it the oldest one without a complete request gives "
             "way",
             1, 100000, [](Config& c) -> std::uint64_t& { return c.web.max_connections; });
  keys.count("web.max-connections-per-address",
             "the same for one address; an IPv6 client counts by its /64", 1, 100000,
             [](Config& c) -> std::uint64_t& { return c.web.max_connections_per_address; });
  keys.duration("web.idle-timeout",
                "how long a client may keep its connection between two requests; 0s closes it "
                "behind every answer",
                0, 3600, [](Config& c) -> double& { return c.web.idle_timeout_seconds; });
  keys.flag("web.created-lines",
            "OpenMetrics pages say of each counter since when it counts (_created), where that is "
            "known",
            [](Config& c) -> bool& { return c.web.created_lines; });
}

void add_alert_keys(KeyList& keys) {
  keys.duration("alerts.hold", "how long a condition must last before its alert fires", 0,
                86400 * kDays, [](Config& c) -> double& { return c.alerts.hold_seconds; });
  keys.duration("alerts.resolve_hold", "how long it must be over before the alert is resolved", 0,
                86400 * kDays, [](Config& c) -> double& { return c.alerts.resolve_hold_seconds; });
  keys.duration("alerts.resend", "how often a firing alert is told to an Alertmanager again", 1,
                3600, [](Config& c) -> double& { return c.alerts.resend_seconds; });
  keys.text("alerts.instance", "label instance of what is sent; empty is the host's name", true,
            [](Config& c) -> std::string& { return c.alerts.instance; });
  keys.text("alerts.external-url",
            "where people reach this agent's page, for links in what is sent; may be empty", true,
            [](Config& c) -> std::string& { return c.alerts.external_url; });
  keys.add(
      "alerts.external-labels", "TEXT",
      "further labels of what is sent, such as site=north,team=data",
      [](Config& config, std::string_view text) {
        return set_external_labels(config.alerts.external_labels, text);
      },
      [](const Config& config) { return external_labels_text(config.alerts.external_labels); });
}

void add_agent_keys(KeyList& keys) {
  keys.count("limits.series", "series under the detector; what is refused is counted", 1, 10000000,
             [](Config& c) -> std::uint64_t& { return c.limits.series; });
  keys.count("limits.external_series",
             "series of one of targets.prometheus; what is left out is counted", 1, 100000,
             [](Config& c) -> std::uint64_t& { return c.limits.external_series; });
  keys.size("limits.external_answer", "the largest answer that is taken from one of them", 4096,
            [](Config& c) -> double& { return c.limits.external_answer_bytes; });
  keys.count("limits.groups", "process groups; processes of further ones are put into \"other\"", 1,
             1000000, [](Config& c) -> std::uint64_t& { return c.limits.groups; });
  keys.count("limits.cgroups",
             "cgroups that are read, those nearest to the root first; what is left out is counted",
             1, 1000000, [](Config& c) -> std::uint64_t& { return c.limits.cgroups; });
  keys.count("limits.exposed_processes",
             "largest processes with series of their own, beside every suspect", 0, 100000,
             [](Config& c) -> std::uint64_t& { return c.limits.exposed_processes; });
  keys.count(
      "limits.exposed_group_processes",
      "processes of groups with \"expose\" that have series of their own, the largest first; "
      "what is left out is counted",
      0, 100000, [](Config& c) -> std::uint64_t& { return c.limits.exposed_group_processes; });
  keys.count("limits.page_samples",
             "sample lines of one page of metrics; above it processes, cgroups, series of the "
             "detector and groups are left out in this order, the smallest first, and counted",
             1000, 100000000, [](Config& c) -> std::uint64_t& { return c.limits.page_samples; });
  keys.size("limits.memory", "the agent's own memory budget, followed by its own detector",
            kLeastLimit, [](Config& c) -> double& { return c.limits.memory_bytes; });
  add_web_keys(keys);
  keys.add(
      "log.level", "TEXT", "debug, info, warn or error",
      [](Config& config, std::string_view text) -> Problem {
        const std::optional<LogLevel> level = parse_log_level(text);
        if (!level) return fmt::format("\"{}\" is none of debug, info, warn, error", text);
        config.log.level = *level;
        return std::nullopt;
      },
      [](const Config& config) { return std::string(log_level_name(config.log.level)); });
  keys.choices({"debug", "info", "warn", "error"});
  keys.add(
      "log.format", "TEXT", "logfmt or json",
      [](Config& config, std::string_view text) -> Problem {
        const std::optional<LogFormat> format = parse_log_format(text);
        if (!format) return fmt::format("\"{}\" is neither logfmt nor json", text);
        config.log.format = *format;
        return std::nullopt;
      },
      [](const Config& config) {
        return std::string(config.log.format == LogFormat::json ? "json" : "logfmt");
      });
  keys.choices({"logfmt", "json"});
}

std::vector<ConfigKey> make_keys() {
  KeyList keys;
  add_collection_keys(keys);
  add_collector_keys(keys);
  add_path_keys(keys);
  add_grouping_keys(keys);
  add_trend_keys(keys);
  add_alert_keys(keys);
  add_agent_keys(keys);
  add_storage_keys(keys);
  add_target_keys(keys);
  return keys.take();
}

}  // namespace

std::optional<std::string> set_policy_value(TrendPolicy& policy, std::string_view name,
                                            std::string_view text) {
  const auto* const found = std::ranges::find(kPolicyKeys, name, &PolicyKey::name);
  if (found == kPolicyKeys.end()) return fmt::format("unknown key \"{}\" of the detector", name);
  return set_policy_key(policy, *found, text);
}

std::span<const ConfigKey> config_keys() {
  static const std::vector<ConfigKey> keys = make_keys();
  return keys;
}

}  // namespace heapfloor
