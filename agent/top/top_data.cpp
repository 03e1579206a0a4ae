#include "agent/top/top_data.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "agent/cli/human_text.h"
#include "agent/exposition/text_format.h"

namespace heapfloor {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMostLines = 20;
constexpr std::size_t kMostText = 4096;  // bytes

const Json& field(const Json& object, const char* name) {
  static const Json none;
  if (!object.is_object()) return none;
  const auto found = object.find(name);
  return found == object.end() ? none : *found;
}

std::string text(const Json& value) {
  if (!value.is_string()) return {};
  const std::string_view whole = value.get_ref<const std::string&>();
  return terminal_text(whole.substr(0, kMostText));
}

std::optional<double> number(const Json& value) {
  if (!value.is_number()) return std::nullopt;
  const double amount = value.get<double>();
  return std::isfinite(amount) ? std::optional(amount) : std::nullopt;
}

std::uint64_t count(const Json& value) {
  return value.is_number_unsigned() ? value.get<std::uint64_t>() : 0;
}

std::optional<Growth> growth(const Json& value) {
  const auto estimate = number(field(value, "estimate"));
  if (!estimate) return std::nullopt;
  return Growth{*estimate, number(field(value, "low")).value_or(*estimate),
                number(field(value, "high")).value_or(*estimate)};
}

void read_exhaustion(const Json& value, TopRow& row) {
  const auto at = number(field(value, "at"));
  if (!at) return;
  row.exhaustion = Exhaustion{*at, number(field(value, "earliest")).value_or(*at),
                              number(field(value, "latest"))};
  row.limit = number(field(value, "limit"));
  row.limit_source = text(field(value, "limit_source"));
}

// What suspects and subjects have in common; nothing where it is no row.
std::optional<TopRow> common_row(const Json& json) {
  TopRow row;
  row.id = text(field(json, "id"));
  if (row.id.empty()) return std::nullopt;
  const Json& subject = field(json, "subject");
  row.scope = text(field(json, "scope"));
  row.name = text(field(subject, "comm"));
  row.group = text(field(subject, "group"));
  row.cgroup = text(field(subject, "cgroup"));
  const std::string part = text(field(subject, "part"));
  if (!part.empty()) row.name += ": " + part;
  row.signal = text(field(json, "signal"));
  row.state = text(field(json, "state"));
  row.counted = text(field(json, "unit"));
  if (row.counted == "bytes") row.counted.clear();
  const Json& pid = field(subject, "pid");
  if (pid.is_number_integer()) row.pid = pid.get<std::int64_t>();
  row.value = number(field(json, "value"));
  row.floor = number(field(json, "floor"));
  row.confidence = number(field(json, "confidence"));
  row.growth = growth(field(json, "growth_per_second"));
  read_exhaustion(field(json, "predicted_exhaustion"), row);
  return row;
}

std::string share_text(const Json& part) {
  const auto share = number(field(part, "share"));
  return share ? fmt::format(" ({:.0f} % of it)", std::clamp(*share, -9.0, 9.0) * 100)
               : std::string();
}

std::string site_text(const Json& site) {
  const auto rate = growth(field(site, "growth_bytes_per_second"));
  std::string line = rate ? human_growth(*rate).value : "?";
  line += share_text(site);
  const std::string function = text(field(site, "function"));
  const std::string location = text(field(site, "location"));
  line += " in " + (!function.empty()   ? function
                    : !location.empty() ? location
                                        : text(field(site, "site")));
  const std::string file = text(field(site, "file"));
  if (!file.empty()) line += fmt::format(" at {}:{}", file, count(field(site, "line")));
  const std::string container = text(field(site, "container"));
  return container.empty() ? line : line + ", " + container;
}

std::string structure_text(const Json& structure) {
  const double rate = number(field(structure, "growth_bytes_per_second")).value_or(0);
  std::string line = human_growth({rate, rate, rate}).value + share_text(structure) + " in " +
                     text(field(structure, "name"));
  const std::string phase = text(field(structure, "phase"));
  return phase.empty() ? line : line + ", phase " + phase;
}

// Of each entry of a list what `say` makes of it, if anything.
template <class Say>
std::vector<std::string> lines_of(const Json& list, Say say) {
  std::vector<std::string> lines;
  if (!list.is_array()) return lines;
  for (const Json& entry : list) {
    if (lines.size() == kMostLines) break;
    std::string line = say(entry);
    if (!line.empty()) lines.push_back(std::move(line));
  }
  return lines;
}

std::string failed_gate_text(const Json& gate) {
  const Json& passed = field(gate, "passed");
  if (!passed.is_boolean() || passed.get<bool>()) return {};
  return text(field(gate, "gate")) + ": " + text(field(gate, "detail"));
}

// The data of a successful answer.
Result<Json> data_of(std::string_view body) {
  Json document = Json::parse(body, nullptr, false);
  if (field(document, "status") == "success" && field(document, "data").is_object())
    return std::move(document["data"]);
  const std::string reason = text(field(document, "error"));
  return failure(ErrorKind::malformed, {},
                 reason.empty() ? "the answer is not an agent's" : reason);
}

}  // namespace

std::string terminal_text(std::string_view raw) {
  std::string shown = visible_name(raw);
  std::ranges::replace(shown, '\n', ' ');
  return shown;
}

Result<TopStatus> parse_top_status(std::string_view body) {
  const auto data = data_of(body);
  if (!data) return Failure(data.error());
  const Json& counts = field(*data, "counts");
  TopStatus status;
  status.version = text(field(*data, "version"));
  status.now_seconds = number(field(*data, "now")).value_or(0);
  status.first_verdict_seconds = number(field(*data, "first_verdict_seconds")).value_or(0);
  status.processes = count(field(counts, "processes"));
  status.watched = count(field(counts, "watched"));
  status.leaking = count(field(counts, "leaking"));
  status.suspected = count(field(counts, "suspected"));
  status.recovering = count(field(counts, "recovering"));
  return status;
}

Result<std::vector<TopRow>> parse_top_suspects(std::string_view body) {
  const auto data = data_of(body);
  if (!data) return Failure(data.error());
  std::vector<TopRow> rows;
  const Json& suspects = field(*data, "suspects");
  if (!suspects.is_array())
    return failure(ErrorKind::malformed, {}, "there is no list of suspects");
  for (const Json& json : suspects) {
    std::optional<TopRow> row = common_row(json);
    if (!row) continue;
    row->since_seconds = number(field(json, "since")).value_or(0);
    row->ended_seconds = number(field(json, "ended_at"));
    row->severity = text(field(json, "severity"));
    row->reason = text(field(json, "reason"));
    row->cause = text(field(json, "cause_summary"));
    row->sites = lines_of(field(json, "sites"), site_text);
    row->structures = lines_of(field(json, "structures"), structure_text);
    row->held_by = lines_of(field(json, "gates"), failed_gate_text);
    row->builds = lines_of(field(json, "evidence"),
                           [](const Json& entry) { return text(field(entry, "text")); });
    rows.push_back(std::move(*row));
  }
  return rows;
}

Result<TopSubjects> parse_top_subjects(std::string_view body) {
  const auto data = data_of(body);
  if (!data) return Failure(data.error());
  const Json& list = field(*data, "subjects");
  if (!list.is_array()) return failure(ErrorKind::malformed, {}, "there is no list of subjects");
  TopSubjects subjects;
  subjects.total = count(field(*data, "total"));
  for (const Json& json : list) {
    if (std::optional<TopRow> row = common_row(json)) subjects.rows.push_back(std::move(*row));
  }
  return subjects;
}

}  // namespace heapfloor
