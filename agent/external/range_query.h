// The past of a Prometheus-compatible server (Prometheus, VictoriaMetrics, Thanos, Mimir), fetched
// by range queries in parts, and its present. Source: Prometheus's HTTP API, "Range queries" and
// "Instant queries".
//
// Thread rule: free functions over their arguments; a SeriesFetcher belongs to one thread.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <set>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/external/replay_json.h"
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

// The points from the number `first` on, at most `points` of them.
[[nodiscard]] TimeRange part_of(const TimeRange& range, std::size_t first, std::size_t points);

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

enum class JoinedColumn : std::uint8_t {
  epoch,
  raw_epoch,  // as it is counted, for who follows the series over several fetches
  limit,
  load,
};

// Finds among series the one that stands beside another: all of its labels are labels of that one,
// with the same values; of several the one with the most. Refers to the series, which outlive it.
class SeriesIndex {
 public:
  explicit SeriesIndex(const RangeSeries& others);
  // Null where there is none.
  [[nodiscard]] const ReplaySeries* find(const SeriesLabels& labels) const;

 private:
  // By the names of their labels, those with the most first.
  using OfNames = std::pair<std::set<std::string>, std::map<std::string, const ReplaySeries*>>;
  std::vector<OfNames> by_names_;
};

// Puts the values of others beside the readings of those series that they stand beside (see
// SeriesIndex), one part of a range after the other. A limit and a count of compactions stand until
// the next value, in a later part too, a load only at its time. A count that falls began anew, and
// goes on from what it was.
class Joiner {
 public:
  explicit Joiner(JoinedColumn column) : column_(column) {}
  void join(RangeSeries& series, const RangeSeries& others);
  // Series that found one, in any part.
  [[nodiscard]] std::size_t joined() const { return standing_.size(); }

 private:
  friend class Beside;
  // What stands when a part has ended.
  struct Standing {
    bool has_last = false;
    double last = 0;
    double counted = 0;  // before the counter began anew
  };

  JoinedColumn column_;
  std::map<std::string, Standing> standing_;  // by the series that it stands beside
};

// The same for a range in one part. Returns how many series found one.
std::size_t join(RangeSeries& series, const RangeSeries& others, JoinedColumn column);

struct FetchOptions {
  // Called with the parts that are done, of how many, and the series so far.
  using Progress = std::function<void(std::size_t done, std::size_t parts, std::size_t series)>;
  Progress progress = [](std::size_t, std::size_t, std::size_t) {};
  int tries = 3;  // where the server is busy or does not answer, some seconds apart
  std::size_t most_series = kMostSeriesPerFile;  // the last ones by their labels are left out
  std::size_t most_readings = kMostReadings;     // of all series; more are an error
  std::size_t most_requests = 100'000;           // of one fetch; then it fails
  bool skips_negative = false;                   // negative values are gaps; else an error
};

class SeriesFetcher {
 public:
  // `url`: of the server, with its path prefix if it has one.
  SeriesFetcher(const std::string& url, HttpClientOptions client, FetchOptions options);

  // Asks again where the server was busy or did not answer, and for shorter parts where an answer
  // would be too long. Fails with the server's own words. No series at all is no error.
  [[nodiscard]] Result<RangeSeries> fetch(const std::string& query, const TimeRange& range,
                                          const std::stop_token& stop = {});
  // What an instant query gives at that Unix time: a reading a series, or those of a range selector
  // at their own times.
  [[nodiscard]] Result<RangeSeries> fetch_at(const std::string& query, double time_seconds,
                                             const std::stop_token& stop = {});
  // Whether the last fetch failed for more readings than most_readings.
  [[nodiscard]] bool was_too_much() const { return readings_ > options_.most_readings; }
  // Series that the last fetch has left out.
  [[nodiscard]] std::size_t left_out() const { return left_out_; }

 private:
  [[nodiscard]] Result<void> fetch_part(const std::string& query, const TimeRange& part,
                                        RangeSeries& series, const std::stop_token& stop);
  [[nodiscard]] Result<HttpAnswer> ask(const std::string& url, const std::string& body,
                                       const std::stop_token& stop);
  [[nodiscard]] Result<void> take(const std::string& url, const HttpAnswer& answer,
                                  RangeSeries& series);
  void begin();
  void take_series(const std::string& labels, const ReplaySeries& part, RangeSeries& series,
                   std::size_t& left_out);

  std::string range_url_, instant_url_;
  HttpClient client_;
  FetchOptions options_;
  std::size_t requests_ = 0;  // of this fetch, as the next two
  std::size_t readings_ = 0;
  std::size_t left_out_ = 0;
};

}  // namespace heapfloor
