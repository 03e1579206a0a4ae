#include "agent/exposition/api_json.h"

#include <algorithm>

#include "agent/exposition/api_parts.h"
#include "agent/exposition/text_format.h"

namespace heapfloor {
namespace {

Json collector_json(const CollectorHealth& health, const ApiRows& rows) {
  Json errors = Json::object();
  for (std::size_t i = 0; i < kErrorKinds; ++i) {
    errors[std::string(reason_label(static_cast<ErrorKind>(i)))] = health.errors.at(i);
  }
  Json skipped;
  if (health.skipped) {
    skipped = {{"budget", health.skipped->budget},
               {"disabled", health.skipped->disabled},
               {"too_large", health.skipped->too_large}};
  }
  Json sources = Json::object();
  for (const SourceAccess& access : health.sources)
    sources[std::string(access.source)] = access.is_accessible;
  Json closed = Json::object();
  for (const SourceAccess& access : health.sources) {
    if (!access.is_accessible)
      closed[std::string(access.source)] =
          access.needs.empty() ? Json(nullptr) : Json(access.needs);
  }
  return {{"name", health.name},
          {"success", health.success},
          {"duration_seconds", json_number(health.duration_seconds)},
          {"last_success_at",
           health.last_success_seconds ? rows.wall(*health.last_success_seconds) : Json(nullptr)},
          {"errors", std::move(errors)},
          {"skipped", std::move(skipped)},
          {"sources", std::move(sources)},
          {"closed_sources", std::move(closed)}};
}

Json counts_json(const Snapshot& snapshot) {
  Json counts;
  counts["processes"] = snapshot.processes.size();
  counts["groups"] = snapshot.groups.size();
  counts["watched"] = snapshot.watches.size();
  counts["watched_processes"] = std::ranges::count(snapshot.watches, "process", &WatchRow::scope);
  for (std::size_t i = 0; i < kLeakStates; ++i) {
    const auto state = static_cast<LeakState>(i);
    counts[std::string(leak_state_name(state))] =
        std::ranges::count(snapshot.watches, state, &WatchRow::state);
  }
  counts["alerts_pending"] =
      std::ranges::count(snapshot.alerts, AlertPhase::pending, &AlertRow::phase);
  counts["alerts_firing"] =
      std::ranges::count(snapshot.alerts, AlertPhase::firing, &AlertRow::phase);
  return counts;
}

Json errors_json(const std::array<std::uint64_t, kErrorKinds>& counts) {
  Json errors = Json::object();
  for (std::size_t i = 0; i < kErrorKinds; ++i)
    errors[std::string(reason_label(static_cast<ErrorKind>(i)))] = counts.at(i);
  return errors;
}

Json text_or_null(const std::string& text) {
  return text.empty() ? Json(nullptr) : Json(visible_name(text));
}

Json go_endpoint_json(const Snapshot& snapshot, const GoEndpointStatus& endpoint,
                      const ApiRows& rows) {
  const auto& reading = endpoint.reading;
  return {
      {"name", text_or_null(endpoint.name)},
      {"url", endpoint.url},
      {"group", text_or_null(std::string(group_of_endpoint(snapshot, endpoint)))},
      {"pid", endpoint.process ? Json(endpoint.process->pid) : Json(nullptr)},
      {"up", endpoint.is_up ? Json(*endpoint.is_up) : Json(nullptr)},
      {"page", reading ? Json(go_page_name(reading->page)) : Json(nullptr)},
      {"live_bytes", reading ? json_number_or_null(reading->live) : Json(nullptr)},
      {"duration_seconds", json_number(endpoint.duration_seconds)},
      {"last_success_at",
       endpoint.last_success_seconds ? rows.wall(*endpoint.last_success_seconds) : Json(nullptr)},
      {"errors", errors_json(endpoint.errors)},
      {"error", text_or_null(endpoint.last_error)}};
}

// Null where nothing is looked for.
Json go_search_json(const GoEndpointCounts& counts) {
  if (!counts.is_searching) return nullptr;
  Json search = Json::object();
  for (std::size_t i = 0; i < kGoSearches; ++i)
    search[std::string(go_search_name(static_cast<GoSearch>(i)))] = counts.programs.at(i);
  return search;
}

Json external_target_json(const ExternalTargetStatus& target, const ApiRows& rows) {
  Json dropped = Json::object();
  for (std::size_t i = 0; i < kExternalDrops; ++i)
    dropped[std::string(external_drop_name(static_cast<ExternalDrop>(i)))] = target.dropped.at(i);
  return {{"name", target.name},
          {"url", target.url},
          {"up", target.is_up ? Json(*target.is_up) : Json(nullptr)},
          {"duration_seconds", json_number(target.duration_seconds)},
          {"last_success_at",
           target.last_success_seconds ? rows.wall(*target.last_success_seconds) : Json(nullptr)},
          {"series", target.series},
          {"errors", errors_json(target.errors)},
          {"series_dropped", std::move(dropped)},
          {"readings_refused", target.refused_readings},
          {"error", text_or_null(target.last_error)}};
}

// A number of the agent itself, by name.
Json agent_value(const Snapshot& snapshot, std::string_view name) {
  const auto found = std::ranges::find_if(
      snapshot.agent, [name](const MetricValue& value) { return value.desc->name == name; });
  return found == snapshot.agent.end() ? Json(nullptr) : json_number(found->value);
}

Json host_value(const Snapshot& snapshot, std::string_view name) {
  const auto found = std::ranges::find_if(
      snapshot.host, [name](const MetricValue& value) { return value.desc->name == name; });
  return found == snapshot.host.end() ? Json(nullptr) : json_number(found->value);
}

}  // namespace

ApiDocument status_document(const Snapshot& snapshot, const BuildInfo& build) {
  const ApiRows rows(snapshot);
  Json data;
  data["version"] = build.version;
  data["revision"] = build.revision;
  data["now"] = rows.wall(snapshot.time_seconds);
  data["started_at"] = rows.wall(snapshot.started_seconds);
  data["interval_seconds"] = json_number(snapshot.interval_seconds);
  data["minimum_size_bytes"] = snapshot.minimum_size_bytes;
  data["first_verdict_seconds"] = json_number(snapshot.first_verdict_seconds);
  data["host"]["memory_capacity_bytes"] =
      host_value(snapshot, "heapfloor_host_memory_capacity_bytes");
  data["host"]["memory_available_bytes"] =
      host_value(snapshot, "heapfloor_host_memory_available_bytes");
  data["counts"] = counts_json(snapshot);
  data["collectors"] = Json::array();
  for (const CollectorHealth& health : snapshot.collectors) {
    data["collectors"].push_back(collector_json(health, rows));
  }
  data["external_targets"] = Json::array();
  for (const ExternalTargetStatus& target : snapshot.external_targets)
    data["external_targets"].push_back(external_target_json(target, rows));
  data["go_endpoints"] = Json::array();
  for (const GoEndpointStatus& endpoint : snapshot.go_endpoints.endpoints)
    data["go_endpoints"].push_back(go_endpoint_json(snapshot, endpoint, rows));
  data["go_search"] = go_search_json(snapshot.go_endpoints.counts);
  data["probes"]["targets"] = agent_value(snapshot, "heapfloor_probe_targets");
  data["probes"]["quarantined"] = agent_value(snapshot, "heapfloor_probe_quarantined_targets");
  data["probes"]["kept"] = agent_value(snapshot, "heapfloor_probe_kept_targets");
  data["series"]["series"] = snapshot.series.series;
  data["series"]["limit"] = snapshot.series.limit;
  data["series"]["dropped"] = snapshot.series.dropped;
  return success_document(std::move(data));
}

std::string healthy_text() { return "heapfloor is Healthy.\n"; }

std::string ready_text(bool ready) {
  return ready ? "heapfloor is Ready.\n" : "Service Unavailable\n";
}

}  // namespace heapfloor
