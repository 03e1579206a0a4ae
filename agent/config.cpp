#include "agent/config.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>

#include "agent/config_item.h"
#include "agent/config_keys.h"
#include "agent/series/signal.h"
#include "agent/trend/signal_list.h"

namespace heapfloor {
namespace {

constexpr std::size_t kLargestFileBytes = 1U << 20U;
constexpr std::size_t kMostNodes = 10000;  // a small file of aliases may stand for millions
constexpr std::string_view kSignalsPrefix = "trend.signals.";

const ConfigKey* find_key(std::string_view path) {
  const auto keys = config_keys();
  const auto found = std::ranges::find(keys, path, &ConfigKey::path);
  return found == keys.end() ? nullptr : &*found;
}

const ConfigList* find_list(std::string_view path) {
  const auto lists = config_lists();
  const auto found = std::ranges::find(lists, path, &ConfigList::path);
  return found == lists.end() ? nullptr : &*found;
}

// trend.signals.SIGNAL.KEY: the key must be one of the policy's, the value must suit it.
std::optional<std::string> set_signal_override(Config& config, std::string_view path,
                                               std::string_view text) {
  const std::string_view rest = path.substr(kSignalsPrefix.size());
  const std::size_t dot = rest.find('.');
  if (dot == std::string_view::npos) return "expects trend.signals.SIGNAL.KEY";
  const std::string signal(rest.substr(0, dot));
  if (!find_signal(signal)) return fmt::format("unknown signal \"{}\"", signal);
  const std::string name(rest.substr(dot + 1));
  TrendPolicy probe;
  if (std::optional<std::string> error = set_policy_value(probe, name, text)) return error;
  config.trend.signals[signal][name] = std::string(text);
  return std::nullopt;
}

std::optional<std::string> apply(Config& config, const std::string& path, std::string_view text) {
  if (path.starts_with(kSignalsPrefix)) return set_signal_override(config, path, text);
  const ConfigKey* key = find_key(path);
  if (key == nullptr) return fmt::format("unknown key \"{}\"", path);
  return key->set(config, text);
}

// Walks one YAML document; the first thing that is wrong ends it.
class Walker {
 public:
  Walker(Config& config, std::string file_name)
      : config_(config), file_name_(std::move(file_name)) {}

  Result<void> walk(const YAML::Node& node, const std::string& path) {
    if (++nodes_ > kMostNodes) return wrong(node, "too many values");
    if (node.IsNull()) return {};
    if (const ConfigList* const list = find_list(path)) return take_list(node, *list);
    if (node.IsMap()) return walk_map(node, path);
    if (path.empty()) return wrong(node, "expects sections such as \"collection:\"");
    if (node.IsSequence())
      return wrong(node, fmt::format("\"{}\" expects one value, not a list", path));
    if (const std::optional<std::string> error = apply(config_, path, node.Scalar()))
      return wrong(node, *error);
    return {};
  }

 private:
  Result<void> walk_map(const YAML::Node& node, const std::string& path) {
    for (const auto& entry : node) {
      const std::string key = entry.first.Scalar();
      const std::string child = path.empty() ? key : fmt::format("{}.{}", path, key);
      if (!seen_.insert(child).second)
        return wrong(entry.first, fmt::format("\"{}\" is there twice", child));
      if (!is_known(child)) return wrong(entry.first, fmt::format("unknown key \"{}\"", child));
      if (Result<void> done = walk(entry.second, child); !done) return done;
    }
    return {};
  }

  Result<void> take_list(const YAML::Node& node, const ConfigList& list) {
    if (!node.IsSequence()) return wrong(node, fmt::format("\"{}\" expects a list", list.path));
    std::vector<ConfigItem> items;
    for (const YAML::Node& entry : node) {
      Result<ConfigItem> item = item_of(entry);
      if (!item) return Failure(item.error());
      items.push_back(std::move(*item));
    }
    if (const std::optional<ConfigProblem> problem = list.set(config_, items))
      return wrong_at(problem->line, problem->reason);
    return {};
  }

  Result<ConfigItem> item_of(const YAML::Node& node) {
    if (++nodes_ > kMostNodes) return wrong(node, "too many values");
    ConfigItem item;
    item.line = node.Mark().line + 1;
    if (node.IsSequence()) return wrong(node, "a list has no place here");
    if (node.IsScalar()) item.text = node.Scalar();
    if (!node.IsMap()) return item;
    item.is_map = true;
    for (const auto& entry : node) {
      Result<ConfigField> field = field_of(entry.first, entry.second);
      if (!field) return Failure(field.error());
      if (item.field(field->key) != nullptr)
        return wrong(entry.first, fmt::format("\"{}\" is there twice", field->key));
      item.fields.push_back(std::move(*field));
    }
    return item;
  }

  Result<ConfigField> field_of(const YAML::Node& key, const YAML::Node& value) {
    if (!key.IsScalar()) return wrong(key, "expects a name");
    ConfigField field;
    field.key = key.Scalar();
    field.line = key.Mark().line + 1;
    field.is_list = value.IsSequence();
    if (!field.is_list) {
      Result<ConfigItem> item = item_of(value);
      if (!item) return Failure(item.error());
      field.items.push_back(std::move(*item));
      return field;
    }
    for (const YAML::Node& entry : value) {
      Result<ConfigItem> item = item_of(entry);
      if (!item) return Failure(item.error());
      field.items.push_back(std::move(*item));
    }
    return field;
  }

  // A key, or the beginning of one.
  static bool is_known(const std::string& path) {
    if (path.starts_with(kSignalsPrefix) || kSignalsPrefix.starts_with(path + ".")) return true;
    const auto leads_to = [&](const auto& known) {
      return known.path == path || known.path.starts_with(path + ".");
    };
    return std::ranges::any_of(config_keys(), leads_to) ||
           std::ranges::any_of(config_lists(), leads_to);
  }

  [[nodiscard]] Failure wrong(const YAML::Node& node, std::string reason) const {
    return wrong_at(node.Mark().line + 1, std::move(reason));
  }

  [[nodiscard]] Failure wrong_at(int line, std::string reason) const {
    return failure(ErrorKind::malformed, fmt::format("{}:{}", file_name_, line), std::move(reason));
  }

  Config& config_;
  std::string file_name_;
  std::set<std::string> seen_;
  std::size_t nodes_ = 0;
};

Result<std::string> read_text(const std::string& file) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream) return failure(ErrorKind::io, file, "cannot be opened");
  std::string text(kLargestFileBytes + 1, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(stream.gcount()));
  if (stream.bad() || (stream.fail() && !stream.eof()))
    return failure(ErrorKind::io, file, "cannot be read");
  if (text.size() > kLargestFileBytes)
    return failure(ErrorKind::malformed, file, "is larger than 1 MiB");
  return text;
}

// What no key can see alone.
std::optional<std::string> contradiction(const Config& config) {
  if (config.web.max_requests >= config.web.threads) {
    return "web.max-requests must be smaller than web.threads, or a full house could not be "
           "answered";
  }
  return std::nullopt;
}

}  // namespace

TrendPolicy Config::policy_for(std::string_view signal) const {
  TrendPolicy policy = trend.policy;
  policy.bucket_seconds = trend.bucket_seconds.value_or(4 * collection.interval_seconds);
  if (const std::optional<Signal> known = find_signal(signal)) {
    const std::optional<double>& own_rise = signal_info(*known).minimum_rise;
    if (own_rise) policy.minimum_rise_bytes = *own_rise;
  }
  const auto found = trend.signals.find(signal);
  if (found == trend.signals.end()) return policy;
  for (const auto& [key, text] : found->second)
    static_cast<void>(set_policy_value(policy, key, text));
  return policy;
}

Result<Config> parse_config(const std::string& text, const std::string& file_name) {
  Config config;
  try {
    Walker walker(config, file_name);
    if (Result<void> done = walker.walk(YAML::Load(text), ""); !done) return Failure(done.error());
  } catch (const YAML::Exception& error) {
    return failure(ErrorKind::malformed, fmt::format("{}:{}", file_name, error.mark.line + 1),
                   error.msg);
  }
  return config;
}

Result<Config> load_config(const std::optional<std::string>& file,
                           std::span<const ConfigOverride> flags) {
  Config config;
  if (file) {
    const Result<std::string> text = read_text(*file);
    if (!text) return Failure(text.error());
    Result<Config> parsed = parse_config(*text, *file);
    if (!parsed) return parsed;
    config = std::move(*parsed);
  }
  for (const auto& [path, text] : flags) {
    if (const std::optional<std::string> error = apply(config, path, text)) {
      return failure(ErrorKind::malformed, "--" + path, *error);
    }
  }
  if (const std::optional<std::string> problem = contradiction(config)) {
    return failure(ErrorKind::malformed, file.value_or("command line"), *problem);
  }
  return config;
}

std::string render_default_config() {
  std::string out =
      "# Every key of heapfloor with its default. Durations: 15s, 2h, 30d. Sizes: 512MiB, 2GB.\n";
  const Config defaults;
  std::string section;
  for (const ConfigKey& key : config_keys()) {
    const std::size_t dot = key.path.find('.');
    const std::string head = key.path.substr(0, dot);
    if (head != section) {
      out += fmt::format("\n{}:\n", head);
      section = head;
    }
    const std::string value = key.get(defaults);
    out += fmt::format("  # {}\n", key.help);
    out += value.empty() ? fmt::format("  {}: \"\"\n", key.path.substr(dot + 1))
                         : fmt::format("  {}: {}\n", key.path.substr(dot + 1), value);
  }
  out +=
      "\n# trend.signals: another value of a key of trend for one signal, as /api/v1/config shows\n"
      "# trend:\n"
      "#   signals:\n"
      "#     rss_anon:\n"
      "#       patience: 0.4\n";
  for (const ConfigList& list : config_lists()) {
    out += fmt::format("\n# {}: {}\n", list.path, list.help);
    for (std::string_view rest = list.example; !rest.empty();) {
      const std::size_t end = std::min(rest.find('\n'), rest.size());
      out += fmt::format("# {}\n", rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
  return out;
}

}  // namespace heapfloor
