// What replay found, as one HTML file that asks for nothing else: no script, no outside request.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "agent/cli/replay.h"
#include "collectors/result.h"

namespace heapfloor {

struct ReplayReport {
  const std::vector<ReplaySummary>& series;  // the most urgent first
  const std::vector<Error>& unread_files;
  std::string_view version;
};

// A summary table, then each suspected, leaking or recovering series with its chart, its sentence
// and its gates, and the others folded. Series without a chart (keep_urgent_charts()) are in the
// table only, and their number is said. Times are UTC. The same input gives the same bytes.
std::string replay_report(const ReplayReport& report);

// The style sheet, and its SHA-256 in base64, by which the document's Content-Security-Policy
// admits it and nothing else.
std::string_view report_style();
std::string_view report_style_sha256();

// What a gate asks, in words; as the web page has them.
std::string_view gate_words(Gate gate);

}  // namespace heapfloor
