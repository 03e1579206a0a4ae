#include "agent/routes.h"

#include <memory>
#include <string_view>
#include <utility>

#include "agent/build_info.h"
#include "agent/evidence_routes.h"
#include "agent/exposition/api_json.h"
#include "agent/exposition/page_filter.h"
#include "agent/http/negotiation.h"
#include "agent/silence_query.h"
#include "agent/web/api_description.h"
#include "agent/web/web_assets.h"

namespace heapfloor {
namespace {

constexpr std::string_view kIndex = "index.html";

Response document_response(ApiDocument document) {
  return json_response(document.status, std::move(document.json));
}

// Answers from the newest snapshot, or 503 before the first collection.
template <class Make>
Handler from_snapshot(PageCache& pages, Make make) {
  return [&pages, make](const Request& request) -> Response {
    const std::shared_ptr<const Snapshot> snapshot = pages.snapshot();
    if (!snapshot) {
      return document_response(error_document(503, "unavailable", "nothing was collected yet"));
    }
    return document_response(make(*snapshot, request));
  };
}

Response metrics_response(PageCache& pages, const Request& request) {
  const auto filter = parse_page_filter(request.query, pages.families());
  if (!filter) return text_response(400, filter.error() + "\n");
  const bool openmetrics = prefers_openmetrics(request.header("Accept").value_or(""));
  const bool gzip = accepts_gzip(request.header("Accept-Encoding").value_or(""));
  const auto format = openmetrics ? ExpositionFormat::openmetrics : ExpositionFormat::text;
  const auto encoding = gzip ? ContentEncoding::gzip : ContentEncoding::identity;
  Response response;
  response.content_type = std::string(content_type(format));
  response.body = pages.filtered_page(format, encoding, *filter);
  if (!response.body) return text_response(503, "Nothing was collected yet.\n");
  response.headers.emplace_back("Vary", "Accept, Accept-Encoding");
  if (gzip) response.headers.emplace_back("Content-Encoding", "gzip");
  return response;
}

Response asset_response(const WebAsset& asset, const Request& request) {
  const bool gzip = accepts_gzip(request.header("Accept-Encoding").value_or(""));
  const std::string_view etag = gzip ? asset.packed_etag : asset.etag;
  Response response;
  response.content_type = std::string(asset.content_type);
  response.headers.emplace_back("ETag", etag);
  response.headers.emplace_back("Cache-Control", "no-cache");
  response.headers.emplace_back("Vary", "Accept-Encoding");
  if (request.header("If-None-Match") == etag) {
    response.status = 304;
    return response;
  }
  if (gzip) response.headers.emplace_back("Content-Encoding", "gzip");
  response.body = std::make_shared<const std::string>(gzip ? asset.packed : asset.body);
  return response;
}

void add_page_routes(std::vector<Route>& routes) {
  for (const WebAsset& asset : web_assets()) {
    const auto answer = [&asset](const Request& request) { return asset_response(asset, request); };
    const std::string path = asset.path == kIndex ? "/" : "/" + std::string(asset.path);
    routes.push_back({path, RouteMatch::exact, {"GET"}, "page", answer});
  }
}

Response description_response(const Request& request) {
  const ApiDescription description = api_description();
  Response response;
  response.content_type = "application/yaml";
  response.headers.emplace_back("ETag", description.etag);
  response.headers.emplace_back("Cache-Control", "no-cache");
  if (request.header("If-None-Match") == description.etag) {
    response.status = 304;
  } else {
    response.body = std::make_shared<const std::string>(description.body);
  }
  return response;
}

void add_life_routes(std::vector<Route>& routes, const RouteSources& sources) {
  routes.push_back({"/-/healthy", RouteMatch::exact, {"GET"}, "healthy", [](const Request&) {
                      return text_response(200, healthy_text());
                    }});
  routes.push_back(
      {"/-/ready", RouteMatch::exact, {"GET"}, "ready", [&pages = sources.pages](const Request&) {
         const bool ready = pages.snapshot() != nullptr;
         return text_response(ready ? 200 : 503, ready_text(ready));
       }});
  routes.push_back({"/-/reload",
                    RouteMatch::exact,
                    {"POST", "PUT"},
                    "reload",
                    [reload = sources.reload](const Request&) {
                      const std::optional<std::string> problem = reload();
                      return problem
                                 ? text_response(500, "failed to reload config: " + *problem + "\n")
                                 : text_response(200, "");
                    }});
}

void add_api_routes(std::vector<Route>& routes, const RouteSources& sources) {
  PageCache& pages = sources.pages;
  const auto add = [&](std::string path, RouteMatch match, std::string name, auto make) {
    routes.push_back(
        {std::move(path), match, {"GET"}, std::move(name), from_snapshot(pages, make)});
  };
  add("/api/v1/status", RouteMatch::exact, "status", [](const Snapshot& snapshot, const Request&) {
    return status_document(snapshot, build_info());
  });
  add("/api/v1/subjects", RouteMatch::exact, "subjects",
      [](const Snapshot& snapshot, const Request& request) {
        return subjects_document(snapshot, request.query);
      });
  add("/api/v1/suspects", RouteMatch::exact, "suspects",
      [](const Snapshot& snapshot, const Request&) { return suspects_document(snapshot); });
  add("/api/v1/suspects/", RouteMatch::prefix, "suspect",
      [](const Snapshot& snapshot, const Request& request) {
        return suspect_document(snapshot, request.rest);
      });
  add("/api/v1/series/", RouteMatch::prefix, "series",
      [&series = sources.series](const Snapshot& snapshot, const Request& request) {
        return series_document(snapshot, request.rest, series, request.query);
      });
  add("/api/v1/cgroups", RouteMatch::exact, "cgroups",
      [](const Snapshot& snapshot, const Request& request) {
        return cgroups_document(snapshot, request.query);
      });
  add("/api/v1/ooms", RouteMatch::exact, "ooms",
      [](const Snapshot& snapshot, const Request&) { return ooms_document(snapshot); });
  add("/api/v1/alerts", RouteMatch::exact, "alerts",
      [](const Snapshot& snapshot, const Request&) { return alerts_document(snapshot); });
  add("/api/v1/rules", RouteMatch::exact, "rules",
      [](const Snapshot& snapshot, const Request&) { return rules_document(snapshot); });
}

void add_config_route(std::vector<Route>& routes, const RouteSources& sources) {
  routes.push_back({"/api/v1/config",
                    RouteMatch::exact,
                    {"GET"},
                    "config",
                    [config = sources.config](const Request&) {
                      return document_response(config_document(config()));
                    }});
}

ApiDocument add_silence(const SilenceActions& silences, const Request& request) {
  const Result<Silence> silence = parse_silence_query(request.query, silences.now_unix_seconds());
  if (!silence) return error_document(400, "bad_data", silence.error().reason);
  const Result<std::string> id = silences.add(*silence);
  return id ? silence_document(*id) : error_document(503, "unavailable", id.error().reason);
}

ApiDocument remove_silence(const SilenceActions& silences, const Request& request) {
  const bool is_id = request.query.size() == 1 && request.query.front().first == "id";
  if (!is_id) return error_document(400, "bad_data", "expects the parameter id and no other");
  const std::string& id = request.query.front().second;
  return silences.remove(id) ? silence_document(id)
                             : error_document(404, "not_found", "no such silence to remove");
}

// Of a changing request: no page of another site can send that header without asking first,
// whatever the browser.
std::optional<ApiDocument> refuse_without_header(const Request& request) {
  if (request.header("X-Heapfloor") == "1") return std::nullopt;
  return error_document(403, "forbidden", "changing requests need the header X-Heapfloor: 1");
}

ApiDocument silences_answer(const SilenceActions& silences, const Request& request) {
  if (request.method != "POST" && request.method != "DELETE")
    return silences_document(silences.list(), silences.now_unix_seconds());
  if (auto refusal = refuse_without_header(request)) return *refusal;
  return request.method == "POST" ? add_silence(silences, request)
                                  : remove_silence(silences, request);
}

// ID/compact, where the id is of a process, an allocator, a structure or a site.
ApiDocument compact_answer(const RouteSources& sources, const Request& request) {
  constexpr std::string_view kAction = "/compact";
  std::string_view id = request.rest;
  if (!id.ends_with(kAction))
    return error_document(404, "not_found", "there is /api/v1/subjects/ID/compact");
  if (auto refusal = refuse_without_header(request)) return *refusal;
  id.remove_suffix(kAction.size());
  const std::optional<ProcessId> process = process_of_subject(id);
  if (!process) return error_document(404, "not_found", "the id is of no process");
  const Result<void> asked = sources.compact(*process);
  return asked ? compaction_document(id) : error_document(503, "unavailable", asked.error().reason);
}

void add_compact_route(std::vector<Route>& routes, const RouteSources& sources) {
  routes.push_back({"/api/v1/subjects/",
                    RouteMatch::prefix,
                    {"POST"},
                    "compact",
                    [sources](const Request& request) {
                      return document_response(compact_answer(sources, request));
                    }});
}

void add_silence_routes(std::vector<Route>& routes, const RouteSources& sources) {
  routes.push_back({"/api/v1/silences",
                    RouteMatch::exact,
                    {"GET", "POST", "DELETE"},
                    "silences",
                    [silences = sources.silences](const Request& request) {
                      return document_response(silences_answer(silences, request));
                    }});
}

}  // namespace

std::vector<Route> make_routes(const RouteSources& sources) {
  std::vector<Route> routes;
  routes.push_back({"/metrics",
                    RouteMatch::exact,
                    {"GET"},
                    "metrics",
                    [&pages = sources.pages](const Request& request) {
                      return metrics_response(pages, request);
                    }});
  add_life_routes(routes, sources);
  routes.push_back(
      {"/api/v1/openapi.yaml", RouteMatch::exact, {"GET"}, "openapi", description_response});
  add_api_routes(routes, sources);
  add_config_route(routes, sources);
  add_silence_routes(routes, sources);
  add_compact_route(routes, sources);
  add_profile_routes(routes, sources.profiles);
  add_evidence_routes(routes, sources.evidence);
  add_page_routes(routes);
  return routes;
}

}  // namespace heapfloor
