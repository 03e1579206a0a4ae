// The paths under which heap profiles are served: /debug/pprof/{heap,allocs} and, for tools that
// scrape one process each, /processes/PID/debug/pprof/{heap,allocs}.
#pragma once

#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "agent/http/http_server.h"
#include "agent/profile/profile.h"
#include "agent/profile/profile_service.h"
#include "collectors/result.h"
#include "collectors/sample.h"

namespace heapfloor {

struct ProfileSources {
  ProfileService& profiles;
  // The profile that was captured under that name; `unavailable` where there is none. Empty: none
  // are kept.
  std::function<Result<Profile>(std::string_view evidence)> evidence;
  // The last heap profile that was captured of a process that has ended, gzipped; with start_ticks
  // 0 of any that had the pid. Empty: none are kept.
  std::function<std::optional<std::string>(const ProcessId& process)> captured;
};

// SCOPE:PID:START of an id or a subject, with or without what follows (a signal, a structure's
// name); nothing where it is of no process.
std::optional<ProcessId> process_of_subject(std::string_view subject);

// What `sources` refers to outlives the routes.
//
// A request names its target (subject=process:PID:START, or pid=N, or by its path); seconds=N makes
// a difference over so long (at most ProfileService::kMostSeconds), base=EVIDENCE one against what
// was captured. Of a process that has ended it is the last one that was captured. Errors have the
// form of the API: 400 bad_data, 404 not_found, 503 unavailable.
void add_profile_routes(std::vector<Route>& routes, const ProfileSources& sources);

}  // namespace heapfloor
