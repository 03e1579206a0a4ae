#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "agent/evidence/evidence_store.h"

namespace heapfloor {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::array<std::string_view, kEvidenceOccasions> kOccasions = {"suspected", "leaking",
                                                                         "ended"};
constexpr std::size_t kMostName = 64;
constexpr std::size_t kMostFiles = 32;

bool is_one_of(char c, std::string_view marks) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
         marks.find(c) != std::string_view::npos;
}

bool is_file_name(std::string_view name) {
  return !name.empty() && name.size() <= kMostName && name.front() >= 'a' && name.front() <= 'z' &&
         std::ranges::all_of(name, [](char c) { return is_one_of(c, "_-."); });
}

bool is_id(std::string_view id) {
  return !id.empty() && id.size() <= kMostName &&
         std::ranges::all_of(id, [](char c) { return is_one_of(c, "-TZ"); });
}

Failure refused(std::string reason) { return failure(ErrorKind::malformed, {}, std::move(reason)); }

// A whole number that the field can hold.
template <class Integer>
bool take(const Json& json, const char* key, Integer& value) {
  const auto found = json.find(key);
  if (found == json.end() || !found->is_number_unsigned()) return false;
  const auto number = found->template get<std::uint64_t>();
  if (number > static_cast<std::uint64_t>(std::numeric_limits<Integer>::max())) return false;
  value = static_cast<Integer>(number);
  return true;
}

bool take(const Json& json, const char* key, std::string& value) {
  const auto found = json.find(key);
  if (found == json.end() || !found->is_string()) return false;
  value = found->get<std::string>();
  return true;
}

bool take_files(const Json& json, EvidenceRecord& record) {
  const auto files = json.find("files");
  if (files == json.end() || !files->is_array() || files->size() > kMostFiles) return false;
  for (const Json& file : *files) {
    EvidenceRecord::File& taken = record.files.emplace_back();
    if (!file.is_object() || !take(file, "name", taken.name) || !is_file_name(taken.name) ||
        !take(file, "bytes", taken.bytes))
      return false;
  }
  return true;
}

}  // namespace

std::string_view occasion_name(EvidenceOccasion occasion) {
  return kOccasions.at(static_cast<std::size_t>(occasion));
}

std::uint64_t EvidenceRecord::bytes() const {
  std::uint64_t sum = 0;
  for (const File& file : files) sum += file.bytes;
  return sum;
}

std::string evidence_record_text(const EvidenceRecord& record) {
  Json files = Json::array();
  for (const EvidenceRecord::File& file : record.files)
    files.push_back({{"name", file.name}, {"bytes", file.bytes}});
  const Json json = {{"id", record.id},           {"occasion", occasion_name(record.occasion)},
                     {"subject", record.subject}, {"name", record.name},
                     {"pid", record.process.pid}, {"start_ticks", record.process.start_ticks},
                     {"at", record.wall_seconds}, {"files", std::move(files)}};
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<EvidenceRecord> parse_evidence_record(std::string_view text) {
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) return refused("not a JSON object");
  EvidenceRecord record;
  std::string occasion;
  const bool has_all = take(json, "id", record.id) && take(json, "occasion", occasion) &&
                       take(json, "subject", record.subject) && take(json, "name", record.name) &&
                       take(json, "pid", record.process.pid) &&
                       take(json, "start_ticks", record.process.start_ticks);
  if (!has_all || !is_id(record.id)) return refused("a member is missing or is none");
  const auto* const found = std::ranges::find(kOccasions, occasion);
  if (found == kOccasions.end()) return refused("no such occasion");
  record.occasion = static_cast<EvidenceOccasion>(found - kOccasions.begin());
  const auto at = json.find("at");
  if (at == json.end() || !at->is_number()) return refused("no time");
  record.wall_seconds = at->get<double>();
  if (!std::isfinite(record.wall_seconds) || record.wall_seconds < 0) return refused("no time");
  if (!take_files(json, record)) return refused("the list of files is none");
  return record;
}

}  // namespace heapfloor
