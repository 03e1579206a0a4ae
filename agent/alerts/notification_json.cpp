#include "agent/alerts/notification_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <ctime>
#include <nlohmann/json.hpp>

namespace heapfloor {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kNever = "0001-01-01T00:00:00Z";  // what Go writes for no time

std::string dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json labels_json(const LabelSet& labels) {
  Json json = Json::object();
  for (const auto& [name, value] : labels) json[name] = value;
  return json;
}

// The pairs that all alerts share.
LabelSet common(std::span<const OutgoingAlert> alerts, LabelSet OutgoingAlert::*kind) {
  if (alerts.empty()) return {};
  LabelSet shared = alerts.front().*kind;
  for (const OutgoingAlert& alert : alerts.subspan(1)) {
    std::erase_if(shared, [&](const LabelSet::value_type& pair) {
      return !std::ranges::binary_search(alert.*kind, pair);
    });
  }
  return shared;
}

std::string_view status_of(bool is_firing) { return is_firing ? "firing" : "resolved"; }

// Throws nlohmann's exceptions for what is not a set of labels.
LabelSet labels_of(const Json& json) {
  LabelSet labels;
  for (const auto& [name, value] : json.items())
    labels.emplace_back(name, value.get<std::string>());
  std::ranges::sort(labels);
  return labels;
}

DeliveryQueue::Saved saved_of(const Json& json) {
  DeliveryQueue::Saved saved;
  saved.alert.labels = labels_of(json.at("labels"));
  saved.alert.annotations = labels_of(json.at("annotations"));
  saved.alert.identity = label_identity(saved.alert.labels);
  saved.alert.generator_url = json.at("generatorURL").get<std::string>();
  saved.alert.starts_at_seconds = json.at("startsAt").get<double>();
  if (const Json& ended = json.at("endsAt"); !ended.is_null())
    saved.alert.ended_at_seconds = ended.get<double>();
  saved.is_heard = json.at("heard").get<bool>();
  saved.is_told = json.at("told").get<bool>();
  return saved;
}

}  // namespace

std::string rfc3339_milliseconds(double unix_seconds) {
  constexpr double kLast = 253402300799;  // the last second of the year 9999
  const double bounded = std::isfinite(unix_seconds) ? std::clamp(unix_seconds, 0.0, kLast) : 0;
  const auto milliseconds = static_cast<std::int64_t>(std::llround(bounded * 1000));
  const auto seconds = static_cast<std::time_t>(milliseconds / 1000);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", utc.tm_year + 1900,
                     utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
                     milliseconds % 1000);
}

std::string alertmanager_body(std::span<const OutgoingAlert> alerts, double now_unix_seconds,
                              double valid_seconds) {
  Json body = Json::array();
  for (const OutgoingAlert& alert : alerts) {
    // An alert that ends before it starts is refused; the date may have been set back since.
    const double valid_from = std::max(now_unix_seconds, alert.starts_at_seconds);
    const double ends_at = alert.ended_at_seconds.value_or(valid_from + valid_seconds);
    Json json = {{"labels", labels_json(alert.labels)},
                 {"annotations", labels_json(alert.annotations)},
                 {"startsAt", rfc3339_milliseconds(alert.starts_at_seconds)},
                 {"endsAt", rfc3339_milliseconds(ends_at)}};
    if (!alert.generator_url.empty()) json["generatorURL"] = alert.generator_url;
    body.push_back(std::move(json));
  }
  return dump(body);
}

std::string webhook_body(std::span<const OutgoingAlert> alerts, std::string_view receiver,
                         std::string_view external_url) {
  const bool any_firing = std::ranges::any_of(
      alerts, [](const OutgoingAlert& alert) { return !alert.ended_at_seconds; });
  Json body = {{"version", "4"},
               {"groupKey", "{}:{}"},
               {"truncatedAlerts", 0},
               {"status", status_of(any_firing)},
               {"receiver", receiver},
               {"groupLabels", Json::object()},
               {"commonLabels", labels_json(common(alerts, &OutgoingAlert::labels))},
               {"commonAnnotations", labels_json(common(alerts, &OutgoingAlert::annotations))},
               {"externalURL", external_url},
               {"alerts", Json::array()}};
  for (const OutgoingAlert& alert : alerts) {
    Json json;
    json["status"] = status_of(!alert.ended_at_seconds);
    json["labels"] = labels_json(alert.labels);
    json["annotations"] = labels_json(alert.annotations);
    json["startsAt"] = rfc3339_milliseconds(alert.starts_at_seconds);
    json["endsAt"] = alert.ended_at_seconds ? rfc3339_milliseconds(*alert.ended_at_seconds)
                                            : std::string(kNever);
    json["generatorURL"] = alert.generator_url;
    json["fingerprint"] = fmt::format("{:016x}", label_fingerprint(alert.labels));
    body["alerts"].push_back(std::move(json));
  }
  return dump(body);
}

std::string encode_queue(std::span<const DeliveryQueue::Saved> saved) {
  Json body = Json::array();
  for (const DeliveryQueue::Saved& one : saved) {
    Json json;
    json["labels"] = labels_json(one.alert.labels);
    json["annotations"] = labels_json(one.alert.annotations);
    json["generatorURL"] = one.alert.generator_url;
    json["startsAt"] = one.alert.starts_at_seconds;
    json["endsAt"] = one.alert.ended_at_seconds ? Json(*one.alert.ended_at_seconds) : Json(nullptr);
    json["heard"] = one.is_heard;
    json["told"] = one.is_told;
    body.push_back(std::move(json));
  }
  return dump(body);
}

Result<std::vector<DeliveryQueue::Saved>> decode_queue(std::string_view bytes) {
  std::vector<DeliveryQueue::Saved> saved;
  try {
    const Json body = Json::parse(bytes);
    if (!body.is_array()) return failure(ErrorKind::malformed, "alert queue", "is not a list");
    for (const Json& json : body) saved.push_back(saved_of(json));
  } catch (const Json::exception& error) {
    return failure(ErrorKind::malformed, "alert queue", std::string(error.what()).substr(0, 80));
  }
  return saved;
}

}  // namespace heapfloor
