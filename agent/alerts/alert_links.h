// AlertLinks: where a person goes from an alert.
#pragma once

#include <string>

namespace heapfloor {

// Addresses relative to the agent's own page, percent-encoded; empty: there is no such thing.
struct AlertLinks {
  std::string chart;        // readings, floors and forecast of the series that the alert is about
  std::string flame_graph;  // the chart's page, at the heap profile
  std::string profile;      // the newest captured heap profile, a file for go tool pprof
  std::string runbook;
  friend bool operator==(const AlertLinks&, const AlertLinks&) = default;
};

}  // namespace heapfloor
