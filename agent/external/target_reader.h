// TargetReader: asks one Prometheus-compatible server what its series are now, and for what was
// missed: at the start, and behind an outage.
//
// A query that is a plain selector is asked for with a window behind it (up{job="api"}[5m]), so
// that its readings have the times at which they were scraped; of any other expression a server
// only tells what it evaluates to now, at the time of the evaluation. Source: Prometheus, "HTTP
// API", "Querying basics" (range vector selectors).
//
// Thread rule: one thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "agent/external/prometheus_target.h"
#include "agent/external/range_query.h"
#include "collectors/result.h"

namespace heapfloor {

// Whether a range can be selected by writing it behind: METRIC, METRIC{...} or {...}.
[[nodiscard]] bool is_plain_selector(std::string_view promql);

// The name of a subject: that of its target with the labels that name it, all of them where
// `target` names none.
[[nodiscard]] std::string external_name(const PrometheusTarget& target, const SeriesLabels& labels);

class TargetReader {
 public:
  // `interval_seconds`: between two rounds.
  TargetReader(std::shared_ptr<const PrometheusTarget> target, double interval_seconds);

  // One round. Fails as a whole: what is delivered is complete, and what was missed is asked for
  // in a later round.
  [[nodiscard]] Result<ExternalAnswer> read(double now_unix_seconds, const std::stop_token& stop);

  // What the last successful round has left out.
  [[nodiscard]] const ExternalDrops& drops() const { return drops_; }
  // Why the past was given up in the last round; empty where it was not.
  [[nodiscard]] const std::string& given_up() const { return given_up_; }

  // A server may be slow with the past, or refuse it, for so many rounds.
  static constexpr int kMostPastFailures = 3;

 private:
  [[nodiscard]] Result<RangeSeries> read_present(double now, const std::stop_token& stop);
  [[nodiscard]] Result<RangeSeries> read_past(double now, std::size_t series,
                                              const std::stop_token& stop);
  [[nodiscard]] Result<void> add_past(RangeSeries& series, double now, const std::stop_token& stop);
  [[nodiscard]] Result<RangeSeries> read_starts(double now, const std::stop_token& stop);
  [[nodiscard]] double window_seconds(double now) const;
  [[nodiscard]] std::vector<ExternalSeries> named(RangeSeries&& series, const RangeSeries& starts);

  std::shared_ptr<const PrometheusTarget> target_;
  double interval_seconds_;
  SeriesFetcher fetcher_;
  bool takes_ranges_;
  std::optional<double> last_success_seconds_;  // Unix; with a series
  int past_failures_ = 0;
  std::string given_up_;
  ExternalDrops drops_ = {};
};

}  // namespace heapfloor
