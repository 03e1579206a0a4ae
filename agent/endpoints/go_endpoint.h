// What is asked of Go programs over HTTP, and what came of it: what the asker, the follower and the
// pages share.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/endpoints/go_figures.h"
#include "collectors/http_client.h"
#include "collectors/result.h"
#include "collectors/sample.h"

namespace heapfloor {

// One entry of targets.go.
struct GoTargetSettings {
  std::string name;                         // unique, also among targets.prometheus
  std::string url;                          // without query, fragment and a slash at the end
  std::string group;                        // of one that is no process of this host; empty: `name`
  std::string metrics_path = "/metrics";    // empty: it is not asked for
  std::string vars_path = "/debug/vars";    // the same
  std::string pprof_path = "/debug/pprof";  // the same
  std::optional<double> interval_seconds;   // nothing: the collection's
  std::optional<double> gogc_percent;       // below 0: off; nothing: the page's, the process's, 100
  HttpClientOptions http;
  friend bool operator==(const GoTargetSettings&, const GoTargetSettings&) = default;
};

enum class GoDiscovery : std::uint8_t { off, listening };
inline constexpr std::array<std::string_view, 2> kGoDiscoveries = {"off", "listening"};

struct GoEndpointSettings {
  std::vector<GoTargetSettings> targets;
  GoDiscovery discovery = GoDiscovery::off;
  double interval_seconds = 15;       // of the collection
  double slow_interval_seconds = 60;  // of pages for which the program stands still
};

// Which page the figures come from, the first that a program has.
enum class GoPage : std::uint8_t {
  metrics,  // client_golang's
  vars,     // expvar's memstats: the program stands still while they are gathered
  heap,     // of net/http/pprof, in its text form: the same
};
inline constexpr std::size_t kGoPages = 3;
constexpr std::string_view go_page_name(GoPage page) {
  constexpr std::array<std::string_view, kGoPages> kNames = {"metrics", "vars", "pprof"};
  return kNames.at(static_cast<std::size_t>(page));
}

// What one successful question gave.
struct GoReadingOfPage {
  GoFigures figures;
  std::optional<double> live;  // see live_after_collection()
  GoPage page = GoPage::metrics;
  double time_seconds = 0;         // steady
  double wall_seconds = 0;         // the same moment
  double valid_until_seconds = 0;  // steady: from then on it says nothing of the present
};

// An endpoint, configured or found.
struct GoEndpointStatus {
  std::string name;  // of the configuration; empty: found
  std::string url;
  std::string group;                 // of the configuration
  std::optional<ProcessId> process;  // of this host, where it is known
  // It is no Go program of this host, or none that can be told: a subject of its own.
  bool stands_alone = false;
  std::optional<bool> is_up;                   // nothing before it was asked
  double duration_seconds = 0;                 // of the last question
  std::optional<double> last_success_seconds;  // steady
  std::array<std::uint64_t, kErrorKinds> errors = {};
  std::string last_error;                  // empty where the last question was fine
  std::optional<GoReadingOfPage> reading;  // the last one
};

// What became of Go programs whose memory is not read, where their sockets are looked for.
enum class GoSearch : std::uint8_t {
  found,          // an endpoint answers
  no_listener,    // it listens nowhere that this host reaches by its loopback address
  other_network,  // it lives in another network namespace
  denied,         // its descriptors may not be read
  no_answer,      // it listens, and none of the pages is there
};
inline constexpr std::size_t kGoSearches = 5;
constexpr std::string_view go_search_name(GoSearch search) {
  constexpr std::array<std::string_view, kGoSearches> kNames = {
      "found", "no_listener", "other_network", "denied", "no_answer"};
  return kNames.at(static_cast<std::size_t>(search));
}

struct GoEndpointCounts {
  bool is_searching = false;
  std::array<std::uint64_t, kGoSearches> programs = {};  // now
  std::array<std::uint64_t, kErrorKinds> errors = {};    // of all endpoints, ever
  std::uint64_t requests = 0;                            // the same
};

// All of it at one moment.
struct GoEndpointView {
  std::vector<GoEndpointStatus> endpoints;  // the configured ones in their order, then the others
  GoEndpointCounts counts;
};

}  // namespace heapfloor
