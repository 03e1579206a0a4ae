#include <fmt/format.h>

#include "agent/exposition/api_json.h"
#include "agent/exposition/api_parts.h"

namespace heapfloor {
namespace {

Json record_json(const EvidenceRecord& record) {
  Json files = Json::array();
  for (const EvidenceRecord::File& file : record.files) {
    files.push_back({{"name", file.name},
                     {"bytes", file.bytes},
                     {"path", fmt::format("/api/v1/evidence/{}/{}", record.id, file.name)}});
  }
  return {{"id", record.id},
          {"occasion", occasion_name(record.occasion)},
          {"at", json_number(record.wall_seconds)},
          {"subject", record.subject},
          {"name", record.name},
          {"pid", record.process.pid == 0 ? Json(nullptr) : Json(record.process.pid)},
          {"bytes", record.bytes()},
          {"archive", fmt::format("/api/v1/evidence/{}.tar.gz", record.id)},
          {"files", std::move(files)}};
}

}  // namespace

ApiDocument evidence_document(std::span<const EvidenceRecord> records) {
  Json data = {{"evidence", Json::array()}};
  for (const EvidenceRecord& record : records) data["evidence"].push_back(record_json(record));
  return success_document(std::move(data));
}

ApiDocument evidence_record_document(const EvidenceRecord& record) {
  return success_document(record_json(record));
}

}  // namespace heapfloor
