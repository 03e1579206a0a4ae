#include "agent/evidence_routes.h"

#include <fmt/format.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/evidence/tar_archive.h"
#include "agent/exposition/api_json.h"
#include "agent/profile/profile.h"

namespace heapfloor {
namespace {

constexpr std::string_view kArchiveEnd = ".tar.gz";

Response document_response(ApiDocument document) {
  return json_response(document.status, std::move(document.json));
}

std::string_view content_type_of(std::string_view file) {
  if (file.ends_with(".json")) return "application/json";
  if (file.ends_with(".txt")) return "text/plain; charset=utf-8";
  return "application/octet-stream";
}

Response download(std::string name, std::string_view content_type, std::string bytes) {
  Response response;
  response.content_type = content_type;
  response.body = std::make_shared<const std::string>(std::move(bytes));
  response.headers.emplace_back("Content-Disposition",
                                fmt::format("attachment; filename=\"{}\"", name));
  return response;
}

Response failure_response(const Error& error) {
  const bool is_missing = error.kind == ErrorKind::unavailable;
  return document_response(error_document(is_missing ? 404 : 503,
                                          is_missing ? "not_found" : "unavailable", error.reason));
}

Response file_response(const EvidenceStore& store, std::string_view id, std::string_view file) {
  Result<std::string> bytes = store.read(id, file);
  if (!bytes) return failure_response(bytes.error());
  return download(fmt::format("{}-{}", id, file), content_type_of(file), std::move(*bytes));
}

// All files of a capture, for who wants to take it along.
Response archive_response(const EvidenceStore& store, const EvidenceRecord& record) {
  std::vector<EvidenceFile> files;
  for (const EvidenceRecord::File& file : record.files) {
    Result<std::string> bytes = store.read(record.id, file.name);
    if (!bytes) return failure_response(bytes.error());
    files.push_back({file.name, std::move(*bytes)});
  }
  return download(record.id + std::string(kArchiveEnd), "application/gzip",
                  gzip(tar_archive(record.id, files, record.wall_seconds)));
}

// ID, ID.tar.gz or ID/FILE.
Response answer(const EvidenceStore& store, std::string_view rest) {
  const std::size_t slash = rest.find('/');
  const std::string_view id = rest.substr(0, slash);
  if (slash != std::string_view::npos) return file_response(store, id, rest.substr(slash + 1));
  const bool is_archive = id.ends_with(kArchiveEnd);
  const auto record = store.find(is_archive ? id.substr(0, id.size() - kArchiveEnd.size()) : id);
  if (!record) return document_response(error_document(404, "not_found", "no such capture"));
  return is_archive ? archive_response(store, *record)
                    : document_response(evidence_record_document(*record));
}

}  // namespace

void add_evidence_routes(std::vector<Route>& routes, const EvidenceStore& store) {
  routes.push_back(
      {"/api/v1/evidence", RouteMatch::exact, {"GET"}, "evidence", [&store](const Request&) {
         return document_response(evidence_document(store.list()->records));
       }});
  routes.push_back({"/api/v1/evidence/",
                    RouteMatch::prefix,
                    {"GET"},
                    "evidence",
                    [&store](const Request& request) { return answer(store, request.rest); }});
}

}  // namespace heapfloor
