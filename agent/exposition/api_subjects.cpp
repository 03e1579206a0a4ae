#include "agent/exposition/api_json.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <tuple>
#include <variant>

#include "agent/exposition/api_parts.h"
#include "agent/exposition/signals.h"
#include "agent/exposition/text_format.h"
#include "collectors/parse/ascii.h"

namespace heapfloor {
namespace {

std::string process_subject_name(const ProcessId& id) {
  return "process:" + std::to_string(id.pid) + ":" + std::to_string(id.start_ticks);
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
  Listing listing;
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
  SubjectsQuery query;
  query.search = lower_case(api_parameter(parameters, "search").value_or(""));
  if (const auto state = api_parameter(parameters, "state")) {
    query.state = parse_state(*state);
    if (!query.state) return "state must be learning, stable, suspected, leaking or recovering";
  }
  if (const auto scope = api_parameter(parameters, "scope")) {
    if (std::ranges::find(kScopes, *scope) == kScopes.end()) return "unknown scope";
    query.scope = *scope;
  }
  if (const auto sort = api_parameter(parameters, "sort")) {
    const auto found = std::ranges::find_if(
        kSubjectSorts, [&sort](const auto& known) { return known.first == *sort; });
    if (found == kSubjectSorts.end()) {
      return "sort must be value, growth, floor, name, exhaustion or pid";
    }
    query.sort = found->second;
  }
  query.listing.is_descending = query.sort <= SubjectSort::floor;
  if (const auto problem = read_listing(parameters, query.listing)) return *problem;
  return query;
}

bool matches(const SubjectRow& row, const SubjectsQuery& query, const ApiRows& rows) {
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
    return contains(row.watch->name) || contains(row.watch->group) || contains(row.watch->cgroup) ||
           contains(row.watch->part) || shown(row.watch->subject) == query.search;
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
                                      const ApiRows& rows) {
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
    if (left != right) return query.listing.is_descending ? right < left : left < right;
    return a.row < b.row;
  };
  const std::size_t begin = std::min(query.listing.offset, keys.size());
  const std::size_t end = begin + std::min(query.listing.limit, keys.size() - begin);
  std::partial_sort(keys.begin(), keys.begin() + static_cast<std::ptrdiff_t>(end), keys.end(),
                    before);
  std::vector<SubjectRow> page;
  for (std::size_t i = begin; i < end; ++i) page.push_back(rows[keys[i].row]);
  return page;
}

// What smaps_rollup said of a process at its last read; null where it was not read, and for the
// many small processes of which a snapshot holds no values.
Json proportional_json(const ProcessRow* process, const ApiRows& rows) {
  if (process == nullptr) return nullptr;
  const auto value = [process](std::string_view name, std::string_view label) {
    const auto found = std::ranges::find_if(process->values, [&](const MetricValue& known) {
      return known.desc->name == name && known.desc->label_value == label;
    });
    return found == process->values.end() ? std::optional<double>() : found->value;
  };
  const auto sampled = value("heapfloor_process_proportional_sample_timestamp_seconds", "");
  if (!sampled) return nullptr;
  const auto bytes = [&value](std::string_view name, std::string_view label) {
    return json_number_or_null(value(name, label));
  };
  constexpr std::string_view kParts = "heapfloor_process_proportional_memory_bytes";
  return {{"anon_bytes", bytes(kParts, "anon")},
          {"file_bytes", bytes(kParts, "file")},
          {"shmem_bytes", bytes(kParts, "shmem")},
          {"estimated_bytes", bytes("heapfloor_process_proportional_memory_estimated_bytes", "")},
          {"swap_bytes", bytes("heapfloor_process_proportional_swap_bytes", "")},
          {"sampled_at", rows.wall(*sampled)}};
}

Json subject_json(const SubjectRow& row, const ApiRows& rows) {
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
  const std::string_view signal = watch != nullptr ? std::string_view(watch->signal) : "rss_anon";
  json["unit"] = watch != nullptr ? ApiRows::unit(*watch) : Json("bytes");
  json["value"] = json_number_or_null(subject_value(row));
  json["floor"] = watch != nullptr ? json_number_or_null(known_floor(watch->verdict)) : Json();
  json["growth_per_second"] = watch != nullptr ? growth_json(known_growth(watch->verdict)) : Json();
  json["value_bytes"] = bytes_or_null(signal, json["value"]);
  const auto part = [process](auto ProcessRow::*member) {
    return process != nullptr ? json_number_or_null(process->*member) : Json(nullptr);
  };
  json["resident_anon_bytes"] = part(&ProcessRow::anon_bytes);
  json["resident_file_bytes"] = part(&ProcessRow::file_bytes);
  json["resident_shmem_bytes"] = part(&ProcessRow::shmem_bytes);
  json["swap_bytes"] = part(&ProcessRow::swap_bytes);
  json["threads"] = part(&ProcessRow::threads);
  json["proportional"] = proportional_json(process, rows);
  json["floor_bytes"] = bytes_or_null(signal, json["floor"]);
  json["growth_bytes_per_second"] = bytes_or_null(signal, json["growth_per_second"]);
  json["confidence"] =
      watch != nullptr ? json_number_or_null(known_confidence(watch->verdict)) : Json();
  json["predicted_exhaustion"] = watch != nullptr ? rows.exhaustion(*watch) : Json();
  return json;
}

}  // namespace

ApiDocument subjects_document(const Snapshot& snapshot, const ApiParameters& parameters) {
  const auto parsed = parse_subjects_query(parameters);
  if (const auto* const problem = std::get_if<std::string_view>(&parsed)) {
    return error_document(400, "bad_data", *problem);
  }
  const auto& query = std::get<SubjectsQuery>(parsed);
  const ApiRows rows(snapshot);
  const std::vector<SubjectRow> found = matching_rows(snapshot, query, rows);
  Json data;
  data["total"] = found.size();
  data["offset"] = query.listing.offset;
  data["subjects"] = Json::array();
  for (const SubjectRow& row : sorted_page(found, query)) {
    data["subjects"].push_back(subject_json(row, rows));
  }
  return success_document(std::move(data));
}

}  // namespace heapfloor
