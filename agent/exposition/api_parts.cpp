#include "agent/exposition/api_parts.h"

#include <algorithm>

#include "agent/exposition/signals.h"
#include "agent/exposition/text_format.h"

namespace heapfloor {
namespace {

std::string dump(const Json& json) {
  // Names are made valid before they get here; replacing is for the texts of other modules.
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// The path of the cgroup that a watch is about or in.
Json cgroup_json(const WatchRow* watch) {
  if (watch == nullptr || watch->cgroup.empty()) return nullptr;
  return visible_name(watch->cgroup);
}

}  // namespace

ApiDocument success_document(Json data) {
  Json document;
  document["status"] = "success";
  document["data"] = std::move(data);
  return {200, dump(document)};
}

ApiDocument error_document(int status, std::string_view error_type, std::string_view message) {
  Json document;
  document["status"] = "error";
  document["errorType"] = error_type;
  document["error"] = message;
  return {status, dump(document)};
}

Json json_number(double value) {
  constexpr double kExact = 9007199254740992.0;
  if (!std::isfinite(value)) return nullptr;
  if (std::abs(value) <= kExact && std::trunc(value) == value) {
    return static_cast<std::int64_t>(value);
  }
  return value;
}

Json text_or_null(std::string_view raw) {
  return raw.empty() ? Json(nullptr) : Json(visible_name(raw));
}

Json bytes_or_null(std::string_view signal, const Json& amount) {
  return counted_by(signal).empty() ? amount : Json(nullptr);
}

Json growth_json(const std::optional<Growth>& growth) {
  if (!growth) return nullptr;
  return {{"estimate", json_number(growth->estimate)},
          {"low", json_number(growth->low)},
          {"high", json_number(growth->high)}};
}

Json build_json(const SharedBuild& build) {
  if (!build) return nullptr;
  return {{"name", build->short_name()},
          {"program", build->program},
          {"kind", build_kind_name(build->kind)},
          {"id", build->id},
          {"version", build->version.empty() ? Json(nullptr) : Json(build->version)},
          {"image", build->image.name.empty() ? Json(nullptr) : Json(build->image.name)},
          {"image_id", build->image.id.empty() ? Json(nullptr) : Json(build->image.id)}};
}

Json changes_json(const std::vector<StateChange>& changes, const ApiRows& rows) {
  Json json = Json::array();
  for (const StateChange& change : changes) {
    json.push_back(
        {{"at", rows.wall(change.time_seconds)}, {"state", leak_state_name(change.state)}});
  }
  return json;
}

Json ApiRows::wall(double steady_seconds) const {
  return json_number(snapshot_.wall_offset_seconds + steady_seconds);
}

Json ApiRows::unit(const WatchRow& watch) {
  const std::string_view unit = unit_of(watch.signal);
  return unit.empty() ? Json(nullptr) : Json(unit);
}

Json ApiRows::exhaustion(const WatchRow& watch) const {
  const std::optional<Exhaustion> shown = shown_exhaustion(watch);
  if (!shown) return nullptr;
  Json json;
  json["limit"] = json_number_or_null(watch.verdict.limit);
  json["limit_bytes"] = bytes_or_null(watch.signal, json["limit"]);
  json["limit_source"] = watch.limit_source.empty() ? Json(nullptr) : Json(watch.limit_source);
  json["at"] = wall(shown->at_seconds);
  json["earliest"] = wall(shown->earliest_seconds);
  json["latest"] = shown->latest_seconds ? wall(*shown->latest_seconds) : Json(nullptr);
  return json;
}

std::string_view ApiRows::group_name(const ProcessRow& process) const {
  if (process.group >= snapshot_.groups.size()) return {};
  return snapshot_.groups[process.group].name;
}

const WatchRow* ApiRows::watch_of(const ProcessRow& process) const {
  if (!process.watch || *process.watch >= snapshot_.watches.size()) return nullptr;
  return &snapshot_.watches[*process.watch];
}

Json ApiRows::watch_subject(const WatchRow& watch) const {
  const bool process = watch.process.pid != 0;
  return {{"pid", process ? Json(watch.process.pid) : Json(nullptr)},
          {"start_time", process ? wall(watch.start_seconds) : Json(nullptr)},
          {"comm", visible_name(watch.name)},
          {"group", visible_name(watch.group)},
          {"cgroup", cgroup_json(&watch)},
          {"part", watch.part.empty() ? Json(nullptr) : Json(visible_name(watch.part))}};
}

Json ApiRows::process_subject(const ProcessRow& process) const {
  return {{"pid", process.id.pid},
          {"start_time", wall(process.start_seconds)},
          {"comm", visible_name(process.comm)},
          {"group", visible_name(group_name(process))},
          {"cgroup", cgroup_json(watch_of(process))},
          {"part", nullptr}};
}

std::string watch_id(const WatchRow& watch) {
  return visible_name(watch.subject) + "/" + watch.signal;
}

const WatchRow* find_watch(const Snapshot& snapshot, std::string_view id) {
  const std::size_t slash = id.rfind('/');
  if (slash == std::string_view::npos) return nullptr;
  const std::string_view subject = id.substr(0, slash);
  const std::string_view signal = id.substr(slash + 1);
  const auto found = std::ranges::find_if(snapshot.watches, [&](const WatchRow& watch) {
    return watch.signal == signal && visible_name(watch.subject) == subject;
  });
  return found == snapshot.watches.end() ? nullptr : &*found;
}

std::optional<std::string_view> api_parameter(const ApiParameters& parameters,
                                              std::string_view name) {
  const auto found =
      std::ranges::find_if(parameters, [name](const auto& pair) { return pair.first == name; });
  if (found == parameters.end() || found->second.empty()) return std::nullopt;
  return found->second;
}

std::optional<std::string_view> read_listing(const ApiParameters& parameters, Listing& listing) {
  constexpr std::size_t kMostRows = 1000;
  if (const auto order = api_parameter(parameters, "order")) {
    if (*order != "asc" && *order != "desc") return "order must be asc or desc";
    listing.is_descending = *order == "desc";
  }
  if (const auto limit = api_parameter(parameters, "limit")) {
    const auto value = parse_whole<std::size_t>(*limit);
    if (!value || *value < 1 || *value > kMostRows) return "limit must be 1 to 1000";
    listing.limit = *value;
  }
  if (const auto offset = api_parameter(parameters, "offset")) {
    const auto value = parse_whole<std::size_t>(*offset);
    if (!value) return "offset must be a whole number";
    listing.offset = *value;
  }
  return std::nullopt;
}

}  // namespace heapfloor
