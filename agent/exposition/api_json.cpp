#include "agent/exposition/api_json.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <limits>
#include <nlohmann/json.hpp>
#include <tuple>
#include <variant>

#include "agent/exposition/signals.h"
#include "agent/exposition/text_format.h"
#include "agent/trend/forecast.h"

namespace heapfloor {
namespace {

using Json = nlohmann::ordered_json;

std::string dump(const Json& json) {
  // Names are made valid before they get here; replacing is for the texts of other modules.
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

ApiDocument success(Json data) {
  Json document;
  document["status"] = "success";
  document["data"] = std::move(data);
  return {200, dump(document)};
}

// Whole numbers are written without a fraction; what is not finite is null.
Json number(double value) {
  constexpr double kExact = 9007199254740992.0;
  if (!std::isfinite(value)) return nullptr;
  if (std::abs(value) <= kExact && std::trunc(value) == value) {
    return static_cast<std::int64_t>(value);
  }
  return value;
}

template <class T>
Json optional_number(const std::optional<T>& value) {
  if (!value) return nullptr;
  return number(static_cast<double>(*value));
}

Json growth_json(const std::optional<Growth>& growth) {
  if (!growth) return nullptr;
  return {{"estimate", number(growth->estimate)},
          {"low", number(growth->low)},
          {"high", number(growth->high)}};
}

// Writes the rows of one snapshot, whose times it turns into Unix time.
class Rows {
 public:
  explicit Rows(const Snapshot& snapshot) : snapshot_(snapshot) {}

  [[nodiscard]] Json wall(double steady_seconds) const {
    return number(snapshot_.wall_offset_seconds + steady_seconds);
  }

  [[nodiscard]] Json exhaustion(const WatchRow& watch) const {
    const std::optional<Exhaustion> shown = shown_exhaustion(watch);
    if (!shown) return nullptr;
    Json json;
    json["limit_bytes"] = optional_number(watch.verdict.limit);
    json["limit_source"] = watch.limit_source.empty() ? Json(nullptr) : Json(watch.limit_source);
    json["at"] = wall(shown->at_seconds);
    json["earliest"] = wall(shown->earliest_seconds);
    json["latest"] = shown->latest_seconds ? wall(*shown->latest_seconds) : Json(nullptr);
    return json;
  }

  [[nodiscard]] std::string_view group_name(const ProcessRow& process) const {
    if (process.group >= snapshot_.groups.size()) return {};
    return snapshot_.groups[process.group].name;
  }

  [[nodiscard]] const WatchRow* watch_of(const ProcessRow& process) const {
    if (!process.watch || *process.watch >= snapshot_.watches.size()) return nullptr;
    return &snapshot_.watches[*process.watch];
  }

  // The subject of a watch; a watch that is not about a process has no pid and no start.
  [[nodiscard]] Json watch_subject(const WatchRow& watch) const {
    const bool process = watch.process.pid != 0;
    return {{"pid", process ? Json(watch.process.pid) : Json(nullptr)},
            {"start_time", process ? wall(watch.start_seconds) : Json(nullptr)},
            {"comm", visible_name(watch.name)},
            {"group", visible_name(watch.group)}};
  }

  [[nodiscard]] Json process_subject(const ProcessRow& process) const {
    return {{"pid", process.id.pid},
            {"start_time", wall(process.start_seconds)},
            {"comm", visible_name(process.comm)},
            {"group", visible_name(group_name(process))}};
  }

 private:
  const Snapshot& snapshot_;
};

std::string process_subject_name(const ProcessId& id) {
  return "process:" + std::to_string(id.pid) + ":" + std::to_string(id.start_ticks);
}

std::string watch_id(const WatchRow& watch) {
  return visible_name(watch.subject) + "/" + watch.signal;
}

// The watch with that id, as the API shows it.
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

std::optional<std::string_view> parameter(const ApiParameters& parameters, std::string_view name) {
  const auto found =
      std::ranges::find_if(parameters, [name](const auto& pair) { return pair.first == name; });
  if (found == parameters.end() || found->second.empty()) return std::nullopt;
  return found->second;
}

template <class T>
std::optional<T> parse_whole(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// One line of the subjects list: a process, watched or not, or a watch of another scope.
struct SubjectRow {
  const ProcessRow* process = nullptr;
  const WatchRow* watch = nullptr;
};

// RssAnon + VmSwap, the value of the signal rss_anon; without swap where swap is not known.
std::optional<double> process_value(const ProcessRow& process) {
  if (!process.anon_bytes) return std::nullopt;
  return static_cast<double>(*process.anon_bytes) +
         static_cast<double>(process.swap_bytes.value_or(0));
}

std::optional<double> subject_value(const SubjectRow& row) {
  return row.watch != nullptr ? std::optional(row.watch->last_value) : process_value(*row.process);
}

enum class SubjectSort : std::uint8_t { value, growth, floor, name, exhaustion, pid };

constexpr std::array<std::pair<std::string_view, SubjectSort>, 6> kSubjectSorts = {
    {{"value", SubjectSort::value},
     {"growth", SubjectSort::growth},
     {"floor", SubjectSort::floor},
     {"name", SubjectSort::name},
     {"exhaustion", SubjectSort::exhaustion},
     {"pid", SubjectSort::pid}}};

constexpr std::array<std::string_view, 10> kScopes = {"process",   "group",   "cgroup", "allocator",
                                                      "structure", "site",    "go",     "jvm",
                                                      "host",      "external"};

struct SubjectsQuery {
  std::string search;  // lower case
  std::optional<LeakState> state;
  std::string scope;
  SubjectSort sort = SubjectSort::value;
  bool descending = true;
  std::size_t limit = 100;
  std::size_t offset = 0;
};

std::optional<LeakState> parse_state(std::string_view name) {
  for (std::size_t i = 0; i < kLeakStates; ++i) {
    if (leak_state_name(static_cast<LeakState>(i)) == name) return static_cast<LeakState>(i);
  }
  return std::nullopt;
}

// The query, or what is wrong with it.
std::variant<SubjectsQuery, std::string_view> parse_subjects_query(
    const ApiParameters& parameters) {
  constexpr std::size_t kMostRows = 1000;
  SubjectsQuery query;
  query.search = lower_case(parameter(parameters, "search").value_or(""));
  if (const auto state = parameter(parameters, "state")) {
    query.state = parse_state(*state);
    if (!query.state) return "state must be learning, stable, suspected, leaking or recovering";
  }
  if (const auto scope = parameter(parameters, "scope")) {
    if (std::ranges::find(kScopes, *scope) == kScopes.end()) return "unknown scope";
    query.scope = *scope;
  }
  if (const auto sort = parameter(parameters, "sort")) {
    const auto found = std::ranges::find_if(
        kSubjectSorts, [&sort](const auto& known) { return known.first == *sort; });
    if (found == kSubjectSorts.end()) {
      return "sort must be value, growth, floor, name, exhaustion or pid";
    }
    query.sort = found->second;
  }
  query.descending = query.sort <= SubjectSort::floor;
  if (const auto order = parameter(parameters, "order")) {
    if (*order != "asc" && *order != "desc") return "order must be asc or desc";
    query.descending = *order == "desc";
  }
  if (const auto limit = parameter(parameters, "limit")) {
    const auto value = parse_whole<std::size_t>(*limit);
    if (!value || *value < 1 || *value > kMostRows) return "limit must be 1 to 1000";
    query.limit = *value;
  }
  if (const auto offset = parameter(parameters, "offset")) {
    const auto value = parse_whole<std::size_t>(*offset);
    if (!value) return "offset must be a whole number";
    query.offset = *value;
  }
  return query;
}

bool matches(const SubjectRow& row, const SubjectsQuery& query, const Rows& rows) {
  if (query.state && (row.watch == nullptr || row.watch->state != *query.state)) return false;
  const std::string_view scope =
      row.process != nullptr ? std::string_view("process") : std::string_view(row.watch->scope);
  if (!query.scope.empty() && query.scope != scope) return false;
  if (query.search.empty()) return true;
  const auto shown = [](std::string_view raw) { return lower_case(visible_name(raw)); };
  const auto contains = [&](std::string_view raw) {
    return shown(raw).find(query.search) != std::string::npos;
  };
  // Subjects are alike in most of their letters and digits: only a whole one is meant.
  if (row.process == nullptr) {
    return contains(row.watch->name) || contains(row.watch->group) ||
           shown(row.watch->subject) == query.search;
  }
  return contains(row.process->comm) || contains(rows.group_name(*row.process)) ||
         std::to_string(row.process->id.pid).starts_with(query.search) ||
         process_subject_name(row.process->id) == query.search;
}

std::optional<double> sort_number(const SubjectRow& row, SubjectSort sort) {
  switch (sort) {
    case SubjectSort::value:
      return subject_value(row);
    case SubjectSort::pid:
      if (row.process == nullptr) return std::nullopt;
      return row.process->id.pid;
    case SubjectSort::growth:
      if (row.watch == nullptr || !known_growth(row.watch->verdict)) return std::nullopt;
      return row.watch->verdict.growth.estimate;
    case SubjectSort::floor:
      return row.watch == nullptr ? std::nullopt : known_floor(row.watch->verdict);
    case SubjectSort::exhaustion:
      if (row.watch == nullptr || !shown_exhaustion(*row.watch)) return std::nullopt;
      return row.watch->verdict.exhaustion->at_seconds;
    case SubjectSort::name:
      break;
  }
  return std::nullopt;
}

struct SortKey {
  std::string_view name;
  double number = 0;
  bool known = true;
  std::size_t row = 0;  // equal keys keep the order of the snapshot
};

SortKey sort_key(const SubjectRow& row, SubjectSort sort, std::size_t index) {
  SortKey key;
  key.row = index;
  if (sort == SubjectSort::name) {
    key.name = row.process != nullptr ? row.process->comm : row.watch->name;
    return key;
  }
  const std::optional<double> value = sort_number(row, sort);
  key.known = value.has_value() && !std::isnan(*value);
  key.number = key.known ? *value : 0;
  return key;
}

std::vector<SubjectRow> matching_rows(const Snapshot& snapshot, const SubjectsQuery& query,
                                      const Rows& rows) {
  std::vector<SubjectRow> found;
  std::vector<bool> shown(snapshot.watches.size());
  for (const ProcessRow& process : snapshot.processes) {
    const SubjectRow row{&process, rows.watch_of(process)};
    if (row.watch != nullptr) shown[*process.watch] = true;
    if (matches(row, query, rows)) found.push_back(row);
  }
  for (std::size_t i = 0; i < snapshot.watches.size(); ++i) {
    const SubjectRow row{nullptr, &snapshot.watches[i]};
    if (!shown[i] && matches(row, query, rows)) found.push_back(row);
  }
  return found;
}

// The page of `rows` that the query asks for, in its order.
std::vector<SubjectRow> sorted_page(const std::vector<SubjectRow>& rows,
                                    const SubjectsQuery& query) {
  std::vector<SortKey> keys;
  keys.reserve(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) keys.push_back(sort_key(rows[i], query.sort, i));
  const auto before = [&query](const SortKey& a, const SortKey& b) {
    if (a.known != b.known) return a.known;
    const auto left = std::tie(a.number, a.name);
    const auto right = std::tie(b.number, b.name);
    if (left != right) return query.descending ? right < left : left < right;
    return a.row < b.row;
  };
  const std::size_t begin = std::min(query.offset, keys.size());
  const std::size_t end = begin + std::min(query.limit, keys.size() - begin);
  std::partial_sort(keys.begin(), keys.begin() + static_cast<std::ptrdiff_t>(end), keys.end(),
                    before);
  std::vector<SubjectRow> page;
  for (std::size_t i = begin; i < end; ++i) page.push_back(rows[keys[i].row]);
  return page;
}

Json subject_json(const SubjectRow& row, const Rows& rows) {
  const WatchRow* const watch = row.watch;
  const ProcessRow* const process = row.process;
  Json json;
  json["id"] =
      watch != nullptr ? watch_id(*watch) : process_subject_name(process->id) + "/rss_anon";
  json["scope"] = process != nullptr ? "process" : watch->scope;
  json["subject"] =
      process != nullptr ? rows.process_subject(*process) : rows.watch_subject(*watch);
  json["signal"] = watch != nullptr ? watch->signal : "rss_anon";
  json["basis"] = watch != nullptr ? watch->basis : "rss_floor";
  json["watched"] = watch != nullptr;
  json["state"] = watch != nullptr ? Json(leak_state_name(watch->state)) : Json(nullptr);
  json["value_bytes"] = optional_number(subject_value(row));
  const auto part = [process](auto ProcessRow::*member) {
    return process != nullptr ? optional_number(process->*member) : Json(nullptr);
  };
  json["resident_anon_bytes"] = part(&ProcessRow::anon_bytes);
  json["resident_file_bytes"] = part(&ProcessRow::file_bytes);
  json["resident_shmem_bytes"] = part(&ProcessRow::shmem_bytes);
  json["swap_bytes"] = part(&ProcessRow::swap_bytes);
  json["threads"] = part(&ProcessRow::threads);
  json["floor_bytes"] = watch != nullptr ? optional_number(known_floor(watch->verdict)) : Json();
  json["growth_bytes_per_second"] =
      watch != nullptr ? growth_json(known_growth(watch->verdict)) : Json();
  json["confidence"] =
      watch != nullptr ? optional_number(known_confidence(watch->verdict)) : Json();
  json["predicted_exhaustion"] = watch != nullptr ? rows.exhaustion(*watch) : Json();
  return json;
}

bool is_suspect(const WatchRow& watch) { return watch.state >= LeakState::suspected; }

std::string_view severity_of(const Snapshot& snapshot, const WatchRow& watch) {
  if (!shown_exhaustion(watch)) return severity_name(Severity::info);
  return severity_name(severity(watch.verdict, snapshot.time_seconds));
}

// The verdict in words; of a revoked leak, first why it was revoked.
std::string reason_of(const WatchRow& watch, const VerdictWords& words) {
  std::string reason = words.explain(watch.verdict);
  if (watch.ended_seconds) return "its process has ended; before that: " + reason;
  if (watch.state != LeakState::recovering || watch.revocation.empty()) return reason;
  return "revoked after a " + std::string(watch.revocation) + "; now: " + reason;
}

Json gates_json(const Verdict& verdict, const VerdictWords& words) {
  Json gates = Json::array();
  for (std::size_t i = 0; i < kGates; ++i) {
    const GateResult& result = verdict.gates.at(i);
    const auto gate = static_cast<Gate>(i);
    Json passed;  // null: not asked
    if (result.outcome == GateOutcome::passed) passed = true;
    if (result.outcome == GateOutcome::failed) passed = false;
    gates.push_back({{"gate", gate_name(gate)},
                     {"passed", std::move(passed)},
                     {"detail", words.gate_detail(gate, result)}});
  }
  return gates;
}

Json suspect_json(const Snapshot& snapshot, const WatchRow& watch, const VerdictWords& words) {
  const Rows rows(snapshot);
  const Verdict& verdict = watch.verdict;
  Json json;
  json["id"] = watch_id(watch);
  json["scope"] = watch.scope;
  json["subject"] = rows.watch_subject(watch);
  json["subject"]["cgroup"] = nullptr;
  json["signal"] = watch.signal;
  json["basis"] = watch.basis;
  json["state"] = leak_state_name(watch.state);
  json["since"] = rows.wall(watch.state_since_seconds);
  json["ended_at"] = watch.ended_seconds ? rows.wall(*watch.ended_seconds) : Json();
  json["severity"] = severity_of(snapshot, watch);
  json["value_bytes"] = number(watch.last_value);
  json["floor_bytes"] = optional_number(known_floor(verdict));
  json["growth_bytes_per_second"] = growth_json(known_growth(verdict));
  json["confidence"] = optional_number(known_confidence(verdict));
  json["predicted_exhaustion"] = rows.exhaustion(watch);
  json["cause"] = Json::object();
  json["sites"] = Json::array();
  json["structures"] = Json::array();
  json["gates"] = gates_json(verdict, words);
  json["reason"] = reason_of(watch, words);
  json["evidence"] = Json::array();
  return json;
}

// Leaking first, then suspected, then recovering; inside a state by the time to exhaustion.
std::tuple<int, double> urgency(const WatchRow& watch) {
  const std::optional<Exhaustion> exhaustion = shown_exhaustion(watch);
  const int order = watch.state == LeakState::leaking     ? 0
                    : watch.state == LeakState::suspected ? 1
                                                          : 2;
  return {order, exhaustion ? exhaustion->at_seconds : std::numeric_limits<double>::infinity()};
}

Json line_json(const Verdict& verdict, const Rows& rows) {
  const std::optional<Growth> growth = known_growth(verdict);
  if (!growth) return nullptr;
  const auto point = [&](double time_seconds) {
    const double value =
        verdict.line_value + growth->estimate * (time_seconds - verdict.line_time_seconds);
    return Json::array({rows.wall(time_seconds), number(value)});
  };
  return {{"start", point(verdict.window_start_seconds)},
          {"end", point(verdict.window_end_seconds)},
          {"growth_bytes_per_second", growth_json(growth)}};
}

struct TimeRange {  // steady axis
  double start = -std::numeric_limits<double>::infinity();
  double end = std::numeric_limits<double>::infinity();
  [[nodiscard]] bool contains(double time) const { return start <= time && time <= end; }
};

std::optional<TimeRange> parse_range(const Snapshot& snapshot, const ApiParameters& parameters) {
  TimeRange range;
  const auto read = [&](std::string_view name, double& bound) {
    const auto text = parameter(parameters, name);
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

Json points_json(const std::vector<Point>& points, const TimeRange& range, const Rows& rows) {
  Json json = Json::array();
  for (const Point& point : points) {
    if (!range.contains(point.time_seconds)) continue;
    json.push_back(
        Json::array({rows.wall(point.time_seconds), number(point.minimum), number(point.maximum)}));
  }
  return json;
}

Json floors_json(const std::vector<Floor>& floors, const TimeRange& range, const Rows& rows) {
  Json json = Json::array();
  for (const Floor& floor : floors) {
    if (!range.contains(floor.time_seconds)) continue;
    json.push_back(Json::array({rows.wall(floor.time_seconds), number(floor.value)}));
  }
  return json;
}

Json changes_json(const std::vector<StateChange>& changes, const Rows& rows) {
  Json json = Json::array();
  for (const StateChange& change : changes) {
    json.push_back(
        {{"at", rows.wall(change.time_seconds)}, {"state", leak_state_name(change.state)}});
  }
  return json;
}

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

Json collector_json(const CollectorHealth& health, const Rows& rows) {
  Json errors = Json::object();
  for (std::size_t i = 0; i < kErrorKinds; ++i) {
    errors[std::string(reason_label(static_cast<ErrorKind>(i)))] = health.errors.at(i);
  }
  return {{"name", health.name},
          {"success", health.success},
          {"duration_seconds", number(health.duration_seconds)},
          {"last_success_at",
           health.last_success_seconds ? rows.wall(*health.last_success_seconds) : Json(nullptr)},
          {"errors", std::move(errors)}};
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

Json host_value(const Snapshot& snapshot, std::string_view name) {
  const auto found = std::ranges::find_if(
      snapshot.host, [name](const MetricValue& value) { return value.desc->name == name; });
  return found == snapshot.host.end() ? Json(nullptr) : number(found->value);
}

ApiDocument no_such_series() {
  return error_document(404, "not_found", "this series is not watched");
}

}  // namespace

ApiDocument status_document(const Snapshot& snapshot, const BuildInfo& build) {
  const Rows rows(snapshot);
  Json data;
  data["version"] = build.version;
  data["revision"] = build.revision;
  data["now"] = rows.wall(snapshot.time_seconds);
  data["started_at"] = rows.wall(snapshot.started_seconds);
  data["interval_seconds"] = number(snapshot.interval_seconds);
  data["minimum_size_bytes"] = snapshot.minimum_size_bytes;
  data["first_verdict_seconds"] = number(snapshot.first_verdict_seconds);
  data["host"]["memory_capacity_bytes"] =
      host_value(snapshot, "heapfloor_host_memory_capacity_bytes");
  data["host"]["memory_available_bytes"] =
      host_value(snapshot, "heapfloor_host_memory_available_bytes");
  data["counts"] = counts_json(snapshot);
  data["collectors"] = Json::array();
  for (const CollectorHealth& health : snapshot.collectors) {
    data["collectors"].push_back(collector_json(health, rows));
  }
  data["series"]["series"] = snapshot.series.series;
  data["series"]["limit"] = snapshot.series.limit;
  data["series"]["dropped"] = snapshot.series.dropped;
  return success(std::move(data));
}

ApiDocument subjects_document(const Snapshot& snapshot, const ApiParameters& parameters) {
  const auto parsed = parse_subjects_query(parameters);
  if (const auto* const problem = std::get_if<std::string_view>(&parsed)) {
    return error_document(400, "bad_data", *problem);
  }
  const auto& query = std::get<SubjectsQuery>(parsed);
  const Rows rows(snapshot);
  const std::vector<SubjectRow> found = matching_rows(snapshot, query, rows);
  Json data;
  data["total"] = found.size();
  data["offset"] = query.offset;
  data["subjects"] = Json::array();
  for (const SubjectRow& row : sorted_page(found, query)) {
    data["subjects"].push_back(subject_json(row, rows));
  }
  return success(std::move(data));
}

ApiDocument suspects_document(const Snapshot& snapshot, const VerdictWords& words) {
  std::vector<const WatchRow*> suspects;
  for (const WatchRow& watch : snapshot.watches) {
    if (is_suspect(watch)) suspects.push_back(&watch);
  }
  std::ranges::stable_sort(suspects, {}, [](const WatchRow* watch) { return urgency(*watch); });
  Json data;
  data["suspects"] = Json::array();
  for (const WatchRow* const watch : suspects) {
    data["suspects"].push_back(suspect_json(snapshot, *watch, words));
  }
  return success(std::move(data));
}

ApiDocument suspect_document(const Snapshot& snapshot, std::string_view id,
                             const VerdictWords& words) {
  const WatchRow* const watch = find_watch(snapshot, id);
  if (watch == nullptr || !is_suspect(*watch)) {
    return error_document(404, "not_found", "there is no such suspect");
  }
  Json data;
  data["suspect"] = suspect_json(snapshot, *watch, words);
  return success(std::move(data));
}

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
  const Rows rows(snapshot);
  Json data;
  data["id"] = watch_id(*watch);
  data["signal"] = watch->signal;
  data["unit"] = signal_is_in_bytes(watch->signal) ? Json("bytes") : Json(nullptr);
  data["state"] = leak_state_name(watch->state);
  data["points"] = points_json(detail->points, *range, rows);
  data["floors"] = floors_json(detail->floors, *range, rows);
  data["line"] = line_json(watch->verdict, rows);
  data["limit_bytes"] = optional_number(watch->verdict.limit);
  data["predicted_exhaustion"] = rows.exhaustion(*watch);
  data["changes"] = changes_json(watch->changes, rows);
  return success(std::move(data));
}

ApiDocument alerts_document(const Snapshot& snapshot) {
  Json data;
  data["alerts"] = Json::array();
  for (const AlertRow& alert : snapshot.alerts) {
    data["alerts"].push_back(
        {{"labels",
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
         {"activeAt", rfc3339(snapshot.wall_offset_seconds + alert.active_since_seconds)},
         {"value", scientific(alert.value)}});
  }
  return success(std::move(data));
}

ApiDocument error_document(int status, std::string_view error_type, std::string_view message) {
  Json document;
  document["status"] = "error";
  document["errorType"] = error_type;
  document["error"] = message;
  return {status, dump(document)};
}

std::string healthy_text() { return "heapfloor is Healthy.\n"; }

std::string ready_text(bool ready) {
  return ready ? "heapfloor is Ready.\n" : "Service Unavailable\n";
}

}  // namespace heapfloor
