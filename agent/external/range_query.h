// The past of a Prometheus-compatible server (Prometheus, VictoriaMetrics, Thanos, Mimir), fetched
// by range queries in parts. Source: Prometheus's HTTP API, "Range queries".
//
// Thread rule: free functions over their arguments; a RangeFetcher belongs to one thread.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/external/replay_series.h"
#include "collectors/http_client.h"
#include "collectors/result.h"

namespace heapfloor {

struct TimeRange {
  double start_seconds = 0;
  double end_seconds = 0;  // included where it is a whole number of steps behind the start
  double step_seconds = 0;
  [[nodiscard]] std::size_t points() const;
  friend bool operator==(const TimeRange&, const TimeRange&) = default;
};

// A server gives at most 11,000 points of a series in one answer.
inline constexpr std::size_t kMostPointsAPart = 10'000;

// The range in parts of at most `most_points` points, in order; together its points, each once.
[[nodiscard]] std::vector<TimeRange> parts_of(const TimeRange& range,
                                              std::size_t most_points = kMostPointsAPart);

// A step that people use (15 s to 1 d) which gives a range of so many seconds some thousand points.
[[nodiscard]] double fitting_step(double range_seconds);

// Series by their labels, as PromQL writes a selector (see replay_json.h).
using RangeSeries = std::map<std::string, ReplaySeries>;

// The labels of such a selector by name, without __name__; empty where the text is none.
using SeriesLabels = std::map<std::string, std::string>;
[[nodiscard]] SeriesLabels labels_of(std::string_view selector);

enum class JoinedColumn : std::uint8_t { epoch, limit, load };

// Puts the values of `others` beside the readings of those series that have all of their labels
// with the same values; of several the one with the most labels. A limit and a count of
// compactions stand until the next value, a load only at its time. A count that falls began anew,
// and goes on from what it was. Returns how many series found one.
std::size_t join(RangeSeries& series, const RangeSeries& others, JoinedColumn column);

class RangeFetcher {
 public:
  // Called with the parts that are done, of how many, and the series so far.
  using Progress = std::function<void(std::size_t done, std::size_t parts, std::size_t series)>;

  // `url`: of the server, with its path prefix if it has one.
  RangeFetcher(std::string url, HttpClientOptions options, Progress progress);

  // Asks again where the server was busy or did not answer (kTries), and for shorter parts where an
  // answer would be too long. Fails with the server's own words; also where all series have more
  // than kMostReadings readings. No series at all is no error.
  [[nodiscard]] Result<RangeSeries> fetch(const std::string& query, const TimeRange& range);

  static constexpr int kTries = 3;

 private:
  [[nodiscard]] Result<void> fetch_part(const std::string& query, const TimeRange& part,
                                        RangeSeries& series);
  [[nodiscard]] Result<HttpAnswer> ask(const std::string& body);
  [[nodiscard]] Result<void> take(const std::string& text, RangeSeries& series);

  std::string url_;
  HttpClient client_;
  Progress progress_;
  std::size_t readings_ = 0;
};

}  // namespace heapfloor
