// What `heapfloor top` shows, from an agent's answers.
//
// Every text is safe for a terminal: valid UTF-8 without control characters, whatever a program
// called itself and whatever a server sent.
// Thread rule: plain values and pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/trend/verdict.h"
#include "collectors/result.h"

namespace heapfloor {

// A suspect, or a line of the list of subjects. Times are Unix seconds.
struct TopRow {
  std::string id;     // SUBJECT/SIGNAL
  std::string scope;  // "process"
  std::string name;   // of the program, cgroup, structure
  std::string group;
  std::string cgroup;  // empty where it is in none that is known
  std::string signal;
  std::string state;    // empty: not watched
  std::string counted;  // what the signal counts; empty: bytes
  std::optional<std::int64_t> pid;
  std::optional<double> value, floor, confidence, limit;
  std::optional<Growth> growth;  // per second
  std::string limit_source;
  std::optional<Exhaustion> exhaustion;
  // Of suspects.
  double since_seconds = 0;
  std::optional<double> ended_seconds;
  std::string severity, reason, cause;
  std::vector<std::string> sites, structures, held_by, builds;  // a line each
};

struct TopStatus {
  std::string version;
  double now_seconds = 0;
  std::uint64_t processes = 0, watched = 0;
  std::uint64_t leaking = 0, suspected = 0, recovering = 0;
  double first_verdict_seconds = 0;
};

struct TopSubjects {
  std::uint64_t total = 0;  // that the query finds; `rows` may be fewer
  std::vector<TopRow> rows;
};

// Of the bodies of /api/v1/status, suspects and subjects. Total functions: any bytes give a value
// or `malformed`; rows that make no sense are left out.
[[nodiscard]] Result<TopStatus> parse_top_status(std::string_view body);
[[nodiscard]] Result<std::vector<TopRow>> parse_top_suspects(std::string_view body);
[[nodiscard]] Result<TopSubjects> parse_top_subjects(std::string_view body);

// The text as a terminal may have it.
[[nodiscard]] std::string terminal_text(std::string_view raw);

}  // namespace heapfloor
