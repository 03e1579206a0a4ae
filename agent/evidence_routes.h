// The paths under which evidence is served: /api/v1/evidence, /api/v1/evidence/ID,
// /api/v1/evidence/ID.tar.gz and /api/v1/evidence/ID/FILE.
#pragma once

#include <vector>

#include "agent/evidence/evidence_store.h"
#include "agent/http/http_server.h"

namespace heapfloor {

// `store` outlives the routes.
void add_evidence_routes(std::vector<Route>& routes, const EvidenceStore& store);

}  // namespace heapfloor
