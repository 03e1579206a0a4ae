#include "agent/exposition/api_json.h"

#include <cmath>
#include <limits>

#include "agent/exposition/api_parts.h"
#include "agent/exposition/signals.h"

namespace heapfloor {
namespace {

Json line_json(const WatchRow& watch, const ApiRows& rows) {
  const Verdict& verdict = watch.verdict;
  const std::optional<Growth> growth = known_growth(verdict);
  if (!growth) return nullptr;
  const auto point = [&](double time_seconds) {
    const double value =
        verdict.line_value + growth->estimate * (time_seconds - verdict.line_time_seconds);
    return Json::array({rows.wall(time_seconds), json_number(value)});
  };
  return {{"start", point(verdict.window_start_seconds)},
          {"end", point(verdict.window_end_seconds)},
          {"growth_per_second", growth_json(growth)},
          {"growth_bytes_per_second", bytes_or_null(watch.signal, growth_json(growth))}};
}

struct TimeRange {  // steady axis
  double start = -std::numeric_limits<double>::infinity();
  double end = std::numeric_limits<double>::infinity();
  [[nodiscard]] bool contains(double time) const { return start <= time && time <= end; }
};

std::optional<TimeRange> parse_range(const Snapshot& snapshot, const ApiParameters& parameters) {
  TimeRange range;
  const auto read = [&](std::string_view name, double& bound) {
    const auto text = api_parameter(parameters, name);
    if (!text) return true;
    const auto value = parse_whole<double>(*text);
    if (!value || !std::isfinite(*value)) return false;
    bound = *value - snapshot.wall_offset_seconds;
    return true;
  };
  if (!read("start", range.start) || !read("end", range.end)) return std::nullopt;
  if (range.start > range.end) return std::nullopt;
  return range;
}

Json points_json(const std::vector<Point>& points, const TimeRange& range, const ApiRows& rows) {
  Json json = Json::array();
  for (const Point& point : points) {
    if (!range.contains(point.time_seconds)) continue;
    json.push_back(Json::array(
        {rows.wall(point.time_seconds), json_number(point.minimum), json_number(point.maximum)}));
  }
  return json;
}

Json floors_json(const std::vector<Floor>& floors, const TimeRange& range, const ApiRows& rows) {
  Json json = Json::array();
  for (const Floor& floor : floors) {
    if (!range.contains(floor.time_seconds)) continue;
    json.push_back(Json::array({rows.wall(floor.time_seconds), json_number(floor.value)}));
  }
  return json;
}

// What the program's processes before this one ended as, oldest first.
Json former_lives_json(const std::vector<Incarnation>& lives, std::string_view signal) {
  Json json = Json::array();
  for (const Incarnation& life : lives) {
    const bool has_risen = life.growth.estimate != 0;
    Json row = {
        {"start_time", json_number(life.start_unix_seconds)},
        {"ended_at", json_number(life.end_unix_seconds)},
        {"reason", end_reason_name(life.reason)},
        {"state", leak_state_name(life.state)},
        {"floor", json_number(life.floor_bytes)},
        {"value", json_number(life.last_bytes)},
        {"growth_per_second", has_risen ? growth_json(std::optional(life.growth)) : Json(nullptr)}};
    row["build"] = build_json(life.build);
    row["floor_bytes"] = bytes_or_null(signal, row["floor"]);
    row["value_bytes"] = bytes_or_null(signal, row["value"]);
    json.push_back(std::move(row));
  }
  return json;
}

ApiDocument no_such_series() {
  return error_document(404, "not_found", "this series is not watched");
}

}  // namespace

ApiDocument series_document(const Snapshot& snapshot, std::string_view id,
                            const SeriesReader& reader, const ApiParameters& parameters) {
  const std::optional<TimeRange> range = parse_range(snapshot, parameters);
  if (!range) {
    return error_document(400, "bad_data", "start and end must be Unix seconds, start first");
  }
  const WatchRow* const watch = find_watch(snapshot, id);
  if (watch == nullptr) return no_such_series();
  const std::optional<SeriesDetail> detail = reader.read(watch->subject + "/" + watch->signal);
  if (!detail) return no_such_series();
  const ApiRows rows(snapshot);
  Json data;
  data["id"] = watch_id(*watch);
  data["signal"] = watch->signal;
  data["unit"] = ApiRows::unit(*watch);
  data["state"] = leak_state_name(watch->state);
  data["points"] = points_json(detail->points, *range, rows);
  data["floors"] = floors_json(detail->floors, *range, rows);
  data["line"] = line_json(*watch, rows);
  data["limit"] = json_number_or_null(watch->verdict.limit);
  data["limit_bytes"] = bytes_or_null(watch->signal, data["limit"]);
  data["predicted_exhaustion"] = rows.exhaustion(*watch);
  data["changes"] = changes_json(watch->changes, rows);
  data["former_lives"] = former_lives_json(detail->former_lives, watch->signal);
  return success_document(std::move(data));
}

}  // namespace heapfloor
