// What a server's API answers about rules, as far as rule_check.h asks.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "agent/cli/rule_check.h"

namespace heapfloor {
namespace {

using Json = nlohmann::json;

// A server's text: bounded, and without what could steer a terminal.
std::string printable(std::string_view text) {
  std::string shown(text.substr(0, kLongestText));
  for (char& c : shown)
    if (c != '\n' && (c < ' ' || c > '~')) c = '?';
  return shown;
}

// nullptr where there is no such key.
const Json* find(const Json& object, const char* key) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(key);
  return found == object.end() ? nullptr : &*found;
}

std::string text_at(const Json& object, const char* key) {
  const Json* const value = find(object, key);
  return value && value->is_string() ? printable(value->get_ref<const std::string&>()) : "";
}

std::optional<double> number_at(const Json& object, const char* key) {
  const Json* const value = find(object, key);
  return value && value->is_number() ? std::optional(value->get<double>()) : std::nullopt;
}

// The member `key` of the answer's data, an array; the data itself where there is no key.
Result<Json> array_of(std::string_view text, const char* key, const std::string& path) {
  Json answer = Json::parse(text, nullptr, false);
  if (answer.is_discarded() || !answer.is_object())
    return failure(ErrorKind::malformed, path, "the answer is no JSON of Prometheus's API");
  if (const std::string status = text_at(answer, "status"); status != "success") {
    constexpr std::size_t kLongestReason = 200;
    std::string words = text_at(answer, "error").substr(0, kLongestReason);
    words.resize(std::min(words.find('\n'), words.size()));
    return failure(ErrorKind::io, path, words.empty() ? "the answer has no status" : words);
  }
  const Json* const data = find(answer, "data");
  const Json* const array = data && key ? find(*data, key) : data;
  if (!array || !array->is_array())
    return failure(ErrorKind::malformed, path, "the answer lacks what was asked");
  return *array;
}

std::map<std::string, std::string> labels_at(const Json& object, const char* key) {
  std::map<std::string, std::string> labels;
  const Json* const found = find(object, key);
  if (!found || !found->is_object()) return labels;
  for (const auto& [name, value] : found->items())
    if (value.is_string()) labels.emplace(printable(name), printable(value.get<std::string>()));
  return labels;
}

LoadedRule rule_of(const Json& rule, const std::string& group) {
  return {.group = group,
          .name = text_at(rule, "name"),
          .is_alert = text_at(rule, "type") == "alerting",
          .expression = text_at(rule, "query"),
          .hold_seconds = number_at(rule, "duration"),
          .keep_firing_seconds = number_at(rule, "keepFiringFor"),
          .labels = labels_at(rule, "labels"),
          .health = text_at(rule, "health"),
          .last_error = text_at(rule, "lastError")};
}

}  // namespace

Result<std::vector<LoadedRule>> parse_loaded_rules(std::string_view json, const std::string& path) {
  const auto groups = array_of(json, "groups", path);
  if (!groups) return Failure(groups.error());
  std::vector<LoadedRule> loaded;
  for (const Json& group : *groups) {
    const Json* const rules = find(group, "rules");
    if (!rules || !rules->is_array()) continue;
    for (const Json& rule : *rules) loaded.push_back(rule_of(rule, text_at(group, "name")));
  }
  return loaded;
}

Result<std::set<std::string>> parse_label_values(std::string_view json, const std::string& path) {
  const auto values = array_of(json, nullptr, path);
  if (!values) return Failure(values.error());
  std::set<std::string> names;
  for (const Json& value : *values)
    if (value.is_string()) names.insert(printable(value.get_ref<const std::string&>()));
  return names;
}

Result<AgentTargets> parse_agent_targets(std::string_view json, std::string_view job,
                                         const std::string& path) {
  const auto targets = array_of(json, "activeTargets", path);
  if (!targets) return Failure(targets.error());
  AgentTargets agents;
  for (const Json& target : *targets) {
    const auto labels = labels_at(target, "labels");
    const auto found = labels.find("job");
    if (found == labels.end() || found->second != job) continue;
    ++agents.all;
    if (text_at(target, "health") == "up") ++agents.up;
  }
  return agents;
}

Result<std::vector<std::string>> parse_alertmanagers(std::string_view json,
                                                     const std::string& path) {
  const auto active = array_of(json, "activeAlertmanagers", path);
  if (!active) return Failure(active.error());
  std::vector<std::string> urls;
  for (const Json& one : *active)
    if (std::string url = text_at(one, "url"); !url.empty()) urls.push_back(std::move(url));
  return urls;
}

}  // namespace heapfloor
