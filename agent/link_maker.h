// Addresses on the agent's page for what an alert is about.
//
// Thread rule: pure functions.
#pragma once

#include <string>
#include <string_view>

#include "agent/alerts/alert_book.h"
#include "agent/alerts/alert_links.h"
#include "agent/evidence/evidence_store.h"

namespace heapfloor {

// `evidence`: what was captured, the newest first; null: nothing is known of it. `runbook`: the
// address of the page about alerts of this name, or empty. An alert of a metric has no series of
// its own, thus no chart.
AlertLinks alert_links(const AlertCondition& condition, const EvidenceList* evidence,
                       std::string_view runbook);

}  // namespace heapfloor
