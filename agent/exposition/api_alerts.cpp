#include "agent/exposition/api_json.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <ctime>

#include "agent/exposition/api_parts.h"
#include "agent/exposition/text_format.h"

namespace heapfloor {
namespace {

// RFC 3339 in UTC to the microsecond, which is what a double holds of a Unix time; zeros at the end
// of the fraction are left out, as Go's RFC3339Nano does.
std::string rfc3339(double unix_seconds) {
  constexpr std::int64_t kMicroseconds = 1'000'000;
  const auto total = static_cast<std::int64_t>(std::llround(unix_seconds * 1e6));
  std::int64_t micros = total % kMicroseconds;
  if (micros < 0) micros += kMicroseconds;
  const std::time_t seconds = (total - micros) / kMicroseconds;
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  std::array<char, 64> text{};
  const int length = std::snprintf(text.data(), text.size(), "%04d-%02d-%02dT%02d:%02d:%02d.%06d",
                                   utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday, utc.tm_hour,
                                   utc.tm_min, utc.tm_sec, static_cast<int>(micros));
  std::string out(text.data(), static_cast<std::size_t>(length));
  out.resize(out.find_last_not_of('0') + 1);
  if (out.ends_with('.')) out.pop_back();
  return out + 'Z';
}

// As Go's strconv.FormatFloat(value, 'e', -1, 64): "1.2e+04".
std::string scientific(double value) {
  std::array<char, 40> text{};
  const auto [end, error] =
      std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::scientific);
  return {text.data(), end};
}

Json links_json(const AlertLinks& links) {
  return {{"chart", text_or_null(links.chart)},
          {"flame_graph", text_or_null(links.flame_graph)},
          {"profile", text_or_null(links.profile)},
          {"runbook", text_or_null(links.runbook)}};
}

Json alert_json(const AlertRow& alert, double wall_offset_seconds) {
  Json json = {{"labels",
                {{"alertname", alert.name},
                 {"severity", alert.severity},
                 {"scope", alert.scope},
                 {"subject", visible_name(alert.subject)},
                 {"group", visible_name(alert.group)},
                 {"signal", alert.signal}}},
               {"annotations",
                {{"summary", visible_name(alert.summary)},
                 {"description", visible_name(alert.description)}}},
               {"state", alert.phase == AlertPhase::firing ? "firing" : "pending"},
               {"activeAt", rfc3339(wall_offset_seconds + alert.active_since_seconds)},
               {"value", scientific(alert.value)}};
  // Not fields of Prometheus's.
  json["links"] = links_json(alert.links);
  if (alert.silenced_by) {
    json["silenced"] = true;
    json["silencedBy"] = *alert.silenced_by;
  }
  return json;
}

Json rule_json(const RuleRow& rule, const Snapshot& snapshot) {
  Json alerts = Json::array();
  std::string_view state = "inactive";
  for (const AlertRow& alert : snapshot.alerts) {
    if (alert.name != rule.name) continue;
    if (!rule.scope.empty() && alert.scope != rule.scope) continue;
    alerts.push_back(alert_json(alert, snapshot.wall_offset_seconds));
    if (alert.phase == AlertPhase::firing) state = "firing";
    if (state == "inactive") state = "pending";
  }
  const bool is_well = rule.refused == 0;
  Json json = {{"state", state},
               {"name", rule.name},
               {"query", rule.query},
               {"duration", rule.hold_seconds},
               {"labels", {{"severity", rule.severity}}},
               {"annotations", {{"summary", visible_name(rule.summary)}}},
               {"alerts", std::move(alerts)},
               {"health", is_well ? "ok" : "err"},
               {"evaluationTime", snapshot.evaluation_seconds},
               {"lastEvaluation", rfc3339(snapshot.wall_offset_seconds + snapshot.time_seconds)},
               {"type", "alerting"}};
  if (!is_well) {
    json["lastError"] = "true for more subjects than one rule may raise alerts for; left out: " +
                        std::to_string(rule.refused);
  }
  return json;
}

Json rule_group_json(const Snapshot& snapshot, std::string_view name, bool is_configured) {
  Json rules = Json::array();
  for (const RuleRow& rule : snapshot.rules) {
    if (rule.is_configured == is_configured) rules.push_back(rule_json(rule, snapshot));
  }
  return {{"name", name},
          {"file", ""},
          {"rules", std::move(rules)},
          {"interval", snapshot.interval_seconds},
          {"limit", 0},
          {"evaluationTime", snapshot.evaluation_seconds},
          {"lastEvaluation", rfc3339(snapshot.wall_offset_seconds + snapshot.time_seconds)}};
}

Json silence_json(const Silence& silence, double now_unix_seconds) {
  Json matchers = Json::array();
  for (const auto& [label, glob] : silence.matchers)
    matchers.push_back({{"name", label}, {"pattern", visible_name(glob)}});
  Json rebuilt = Json::array();
  for (const std::string& group : silence.rebuilt) rebuilt.push_back(visible_name(group));
  Json json;
  json["id"] = silence.id;
  json["state"] = is_active(silence, now_unix_seconds) ? "active" : "expired";
  json["matchers"] = std::move(matchers);
  json["comment"] = visible_name(silence.comment);
  json["createdBy"] = visible_name(silence.created_by);
  json["startsAt"] = rfc3339(silence.starts_at_seconds);
  json["endsAt"] =
      silence.ends_at_seconds ? Json(rfc3339(*silence.ends_at_seconds)) : Json(nullptr);
  json["until"] = silence.until_next_build ? Json("next_build") : Json(nullptr);
  json["rebuilt"] = std::move(rebuilt);
  json["configured"] = silence.is_configured;
  return json;
}

}  // namespace

ApiDocument alerts_document(const Snapshot& snapshot) {
  Json data;
  data["alerts"] = Json::array();
  for (const AlertRow& alert : snapshot.alerts)
    data["alerts"].push_back(alert_json(alert, snapshot.wall_offset_seconds));
  return success_document(std::move(data));
}

ApiDocument rules_document(const Snapshot& snapshot) {
  Json data;
  data["groups"] = Json::array();
  data["groups"].push_back(rule_group_json(snapshot, "heapfloor", false));
  data["groups"].push_back(rule_group_json(snapshot, "configured", true));
  return success_document(std::move(data));
}

ApiDocument silences_document(std::span<const Silence> silences, double now_unix_seconds) {
  Json data;
  data["silences"] = Json::array();
  for (const Silence& silence : silences)
    data["silences"].push_back(silence_json(silence, now_unix_seconds));
  return success_document(std::move(data));
}

ApiDocument silence_document(std::string_view id) {
  Json data;
  data["id"] = id;
  return success_document(std::move(data));
}

ApiDocument compaction_document(std::string_view id) {
  Json data;
  data["id"] = id;
  data["state"] = "asked";
  data["note"] = "done when the program allocates next; heapfloor_allocator_trims_total counts it";
  return success_document(std::move(data));
}

}  // namespace heapfloor
