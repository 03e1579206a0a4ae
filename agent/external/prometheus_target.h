// What is asked of one Prometheus-compatible server, and what came of it: what the reader, the
// source, the follower and the pages share.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/trend/observation.h"
#include "collectors/http_client.h"
#include "collectors/result.h"

namespace heapfloor {

enum class ExternalUnit : std::uint8_t { bytes, count };
inline constexpr std::size_t kExternalUnits = 2;

constexpr std::string_view external_unit_name(ExternalUnit unit) {
  return unit == ExternalUnit::bytes ? "bytes" : "count";
}

// One entry of targets.prometheus. Each series that the query gives is a subject.
struct PrometheusTarget {
  std::string name;   // unique; what its subjects' names begin with
  std::string url;    // of the server, without credentials, query and fragment
  std::string query;  // PromQL
  // PromQL of what stands beside the series that have all of its labels; empty: none. `start`:
  // Unix time at which the source of the series began (process_start_time_seconds).
  std::string epoch_query, limit_query, load_query, start_query;
  std::vector<std::string> subject_labels;  // that name a subject; empty: all
  std::string group_label;                  // whose value is the group; empty: `name` is
  ExternalUnit unit = ExternalUnit::bytes;
  std::optional<double> minimum;  // from which on a series is watched; nothing: the follower's
  std::optional<double> interval_seconds;  // nothing: the collection's
  double history_seconds = 6.0 * 3600;     // most that is asked of the past; 0: nothing
  double stale_seconds = 300;              // absent for so long: it has ended
  std::size_t most_series = 1000;          // in an answer; further ones are left out
  HttpClientOptions http;
  friend bool operator==(const PrometheusTarget&, const PrometheusTarget&) = default;

  // What its readings measure: a target of another identity begins its series anew.
  [[nodiscard]] std::uint64_t identity() const;
};

// Longer ones are left out, and so are groups.
inline constexpr std::size_t kMostExternalName = 512;

// A series of an answer. Unix times.
struct ExternalSeries {
  std::string name;                   // NAME{label="value",...}, as the server wrote the values
  std::string group;                  // the same
  std::vector<Observation> readings;  // oldest first; epochs as they are counted
  std::optional<double> start_seconds;
};

// One successful round of questions.
struct ExternalAnswer {
  std::shared_ptr<const PrometheusTarget> target;
  std::vector<ExternalSeries> series;
};

// Why a series of an answer is not watched.
enum class ExternalDrop : std::uint8_t {
  limit,      // more series than the target may have
  duplicate,  // its labels give the name of another one
  name,       // longer than a name may be
};
inline constexpr std::size_t kExternalDrops = 3;

constexpr std::string_view external_drop_name(ExternalDrop drop) {
  constexpr std::array<std::string_view, kExternalDrops> kNames = {"limit", "duplicate", "name"};
  return kNames.at(static_cast<std::size_t>(drop));
}

using ExternalDrops = std::array<std::uint64_t, kExternalDrops>;

struct ExternalTargetStatus {
  std::string name;
  std::string url;
  std::optional<bool> is_up;                   // nothing before the first round has ended
  double duration_seconds = 0;                 // of the last round
  std::optional<double> last_success_seconds;  // steady
  std::uint64_t series = 0;                    // of the last successful round
  std::array<std::uint64_t, kErrorKinds> errors = {};
  ExternalDrops dropped = {};          // once a round
  std::uint64_t refused_readings = 0;  // of the future
  std::string last_error;              // url and cause, of the last round; empty where it was fine
};

}  // namespace heapfloor
