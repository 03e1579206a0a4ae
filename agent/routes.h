// Which path answers what: the table of the HTTP interface.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "agent/exposition/page_cache.h"
#include "agent/exposition/snapshot.h"
#include "agent/http/http_server.h"

namespace heapfloor {

// What the routes answer from. All outlive the server; all are safe to use from its threads.
struct RouteSources {
  PageCache& pages;
  const SeriesReader& series;
  std::function<std::optional<std::string>()> reload;  // returns what is wrong, or nothing
};

std::vector<Route> make_routes(const RouteSources& sources);

}  // namespace heapfloor
