#include "agent/evidence_routes.h"

#include <fmt/format.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "agent/exposition/api_json.h"

namespace heapfloor {
namespace {

Response document_response(ApiDocument document) {
  return json_response(document.status, std::move(document.json));
}

std::string_view content_type_of(std::string_view file) {
  if (file.ends_with(".json")) return "application/json";
  if (file.ends_with(".txt")) return "text/plain; charset=utf-8";
  return "application/octet-stream";
}

Response file_response(const EvidenceStore& store, std::string_view id, std::string_view file) {
  Result<std::string> bytes = store.read(id, file);
  if (!bytes) {
    const bool is_missing = bytes.error().kind == ErrorKind::unavailable;
    return document_response(error_document(
        is_missing ? 404 : 503, is_missing ? "not_found" : "unavailable", bytes.error().reason));
  }
  Response response;
  response.content_type = content_type_of(file);
  response.body = std::make_shared<const std::string>(std::move(*bytes));
  response.headers.emplace_back("Content-Disposition",
                                fmt::format("attachment; filename=\"{}-{}\"", id, file));
  return response;
}

// ID or ID/FILE.
Response answer(const EvidenceStore& store, std::string_view rest) {
  const std::size_t slash = rest.find('/');
  const std::string_view id = rest.substr(0, slash);
  if (slash != std::string_view::npos) return file_response(store, id, rest.substr(slash + 1));
  const auto record = store.find(id);
  if (!record) return document_response(error_document(404, "not_found", "no such capture"));
  return document_response(evidence_record_document(*record));
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
