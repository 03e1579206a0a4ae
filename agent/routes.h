// Which path answers what: the table of the HTTP interface.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/alerts/silence_book.h"
#include "agent/evidence/evidence_store.h"
#include "agent/exposition/api_json.h"
#include "agent/exposition/page_cache.h"
#include "agent/exposition/snapshot.h"
#include "agent/http/http_server.h"
#include "agent/profile_routes.h"
#include "collectors/result.h"

namespace heapfloor {

// What may be done with silences.
struct SilenceActions {
  std::function<Result<std::string>(const Silence&)> add;  // returns the id
  std::function<bool(std::string_view id)> remove;  // false: there is none that can be removed
  std::function<std::vector<Silence>()> list;
  std::function<double()> now_unix_seconds;
};

// What the routes answer from. All outlive the server; all are safe to use from its threads.
struct RouteSources {
  PageCache& pages;
  const SeriesReader& series;
  std::function<std::optional<std::string>()> reload;  // returns what is wrong, or nothing
  std::function<ConfigView()> config;                  // in force
  SilenceActions silences;
  ProfileSources profiles;
  const EvidenceStore& evidence;
  // Asks the probe in a process to give free memory back once.
  std::function<Result<void>(const ProcessId&)> compact;
};

std::vector<Route> make_routes(const RouteSources& sources);

}  // namespace heapfloor
