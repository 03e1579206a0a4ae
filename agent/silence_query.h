// The parameters of POST /api/v1/silences as a silence.
//
// The web server takes no request bodies, so everything stands in the query string:
//   alertname, scope, subject, group, signal, severity   patterns (* and ?), at least one
//   duration=2h, or ends_at=2026-01-31T12:00:00Z (or Unix seconds), or until=next_build; the last
//   also together with one of the others, and without one for at most kLongestBuildSeconds
//   comment, created_by   text
#pragma once

#include <span>
#include <string>
#include <utility>

#include "agent/alerts/silence_book.h"
#include "collectors/result.h"

namespace heapfloor {

// Pure and total; a parameter that is none of these, or is there twice, is an error.
[[nodiscard]] Result<Silence> parse_silence_query(
    std::span<const std::pair<std::string, std::string>> parameters, double now_unix_seconds);

inline constexpr double kLongestSilenceSeconds = 365 * 86400.0;
inline constexpr double kLongestBuildSeconds = 30 * 86400.0;

}  // namespace heapfloor
