#include "agent/external/target_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <utility>

namespace heapfloor {
namespace {

// How far a server looks back for the last reading of a series; readings may come late, too.
constexpr double kLookBackSeconds = 300;
// Behind so many intervals without a successful round the past is asked for.
constexpr double kGapIntervals = 2.5;
// Readings of one answer, all series together: 64 bytes each.
constexpr std::size_t kMostReadingsHeld = 400'000;
constexpr double kPastReadings = 200'000;
constexpr std::size_t kMostRequests = 64;

bool is_name_start(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':';
}

FetchOptions options_of(const PrometheusTarget& target) {
  FetchOptions options;
  options.tries = 1;  // the next round is another one
  options.most_series = target.most_series;
  options.most_readings = kMostReadingsHeld;
  options.most_requests = kMostRequests;
  options.skips_negative = true;
  return options;
}

// Values that stand for the whole of a round, whatever time they were evaluated at.
void move_to_the_beginning(RangeSeries& series) {
  for (auto& [selector, values] : series) {
    for (Observation& value : values.observations) value.time_seconds = 0;
  }
}

Error of_query(std::string_view query, Error error) {
  error.reason = fmt::format("the {} query: {}", query, error.reason);
  return error;
}

struct Joined {
  std::string PrometheusTarget::*query;
  JoinedColumn column;
  std::string_view name;
};
constexpr std::array kJoined = {
    Joined{&PrometheusTarget::epoch_query, JoinedColumn::raw_epoch, "epoch"},
    Joined{&PrometheusTarget::load_query, JoinedColumn::load, "load"},
    Joined{&PrometheusTarget::limit_query, JoinedColumn::limit, "limit"}};

}  // namespace

bool is_plain_selector(std::string_view promql) {
  std::size_t at = 0;
  if (!promql.empty() && is_name_start(promql[0])) {
    while (at < promql.size() &&
           (is_name_start(promql[at]) || (promql[at] >= '0' && promql[at] <= '9')))
      ++at;
    if (at == promql.size()) return true;
  }
  if (at == promql.size() || promql[at] != '{') return false;
  char quote = '\0';
  for (++at; at < promql.size(); ++at) {
    const char c = promql[at];
    if (quote != '\0') {
      if (c == '\\' && quote != '`') ++at;
      if (c == quote) quote = '\0';
    } else if (c == '"' || c == '\'' || c == '`') {
      quote = c;
    } else if (c == '{' || c == '#') {
      return false;
    } else if (c == '}') {
      return at + 1 == promql.size();
    }
  }
  return false;
}

std::string external_name(const PrometheusTarget& target, const SeriesLabels& labels) {
  std::string inside;
  const auto add = [&inside](const std::string& label, std::string_view value) {
    inside += fmt::format("{}{}=\"{}\"", inside.empty() ? "" : ",", label, value);
  };
  if (target.subject_labels.empty()) {
    for (const auto& [label, value] : labels) add(label, value);
  }
  for (const std::string& label : target.subject_labels) {
    const auto found = labels.find(label);
    if (found != labels.end()) add(label, found->second);
  }
  return inside.empty() ? target.name : fmt::format("{}{{{}}}", target.name, inside);
}

TargetReader::TargetReader(std::shared_ptr<const PrometheusTarget> target, double interval_seconds)
    : target_(std::move(target)),
      interval_seconds_(interval_seconds),
      fetcher_(target_->url, target_->http, options_of(*target_)),
      takes_ranges_(is_plain_selector(target_->query)) {
  // Epochs and loads have to be of the readings' own times.
  for (const std::string* const query : {&target_->epoch_query, &target_->load_query})
    takes_ranges_ = takes_ranges_ && (query->empty() || is_plain_selector(*query));
}

double TargetReader::window_seconds(double now) const {
  const double since = last_success_seconds_ ? now - *last_success_seconds_ : interval_seconds_;
  return kLookBackSeconds + std::clamp(since, 0.0, kGapIntervals * interval_seconds_);
}

Result<RangeSeries> TargetReader::read_present(double now, const std::stop_token& stop) {
  const auto asked = [&](const std::string& query) {
    return takes_ranges_ ? fmt::format("{}[{:.0f}s]", query, std::ceil(window_seconds(now)))
                         : query;
  };
  auto present = fetcher_.fetch_at(asked(target_->query), now, stop);
  if (!present) return present;
  drops_.at(static_cast<std::size_t>(ExternalDrop::limit)) = fetcher_.left_out();
  for (const Joined& joined : kJoined) {
    const std::string& query = (*target_).*joined.query;
    if (query.empty() || present->empty()) continue;
    const bool is_limit = joined.column == JoinedColumn::limit;
    auto others = fetcher_.fetch_at(is_limit ? query : asked(query), now, stop);
    if (!others) return Failure(of_query(joined.name, std::move(others.error())));
    if (is_limit) move_to_the_beginning(*others);
    join(*present, *others, joined.column);
  }
  return present;
}

Result<RangeSeries> TargetReader::read_past(double now, std::size_t series,
                                            const std::stop_token& stop) {
  const double oldest = now - target_->history_seconds;
  TimeRange range;
  range.start_seconds = std::max(oldest, last_success_seconds_.value_or(oldest));
  range.end_seconds = now - (takes_ranges_ ? window_seconds(now) : interval_seconds_);
  if (range.end_seconds <= range.start_seconds) return RangeSeries();
  // As dense as the present where that is not too much.
  const double span = range.end_seconds - range.start_seconds;
  range.step_seconds =
      std::max(interval_seconds_, std::ceil(span * static_cast<double>(series) / kPastReadings));
  auto past = fetcher_.fetch(target_->query, range, stop);
  if (!past) return past;
  for (const Joined& joined : kJoined) {
    const std::string& query = (*target_).*joined.query;
    if (query.empty() || past->empty()) continue;
    const auto others = fetcher_.fetch(query, range, stop);
    if (!others) return Failure(of_query(joined.name, others.error()));
    join(*past, *others, joined.column);
  }
  return past;
}

// In front of the present, for the series that are there: nothing is to be learned of others.
Result<void> TargetReader::add_past(RangeSeries& series, double now, const std::stop_token& stop) {
  const bool is_gap =
      !last_success_seconds_ || now - *last_success_seconds_ > kGapIntervals * interval_seconds_;
  if (!is_gap || series.empty() || target_->history_seconds <= 0) return {};
  auto past = read_past(now, series.size(), stop);
  if (!past) {
    if (stop.stop_requested() || ++past_failures_ < kMostPastFailures)
      return Failure(std::move(past.error()));
    past_failures_ = 0;
    given_up_ = fmt::format("{}: {}", past.error().path, past.error().reason);
    return {};
  }
  past_failures_ = 0;
  for (auto& [selector, present] : series) {
    const auto found = past->find(selector);
    if (found == past->end()) continue;
    ReplaySeries whole = std::move(found->second);
    const double last = whole.observations.empty() ? 0 : whole.observations.back().time_seconds;
    for (const Observation& reading : present.observations) {
      if (reading.time_seconds > last) whole.add(reading);
    }
    present = std::move(whole);
  }
  return {};
}

Result<RangeSeries> TargetReader::read_starts(double now, const std::stop_token& stop) {
  if (target_->start_query.empty()) return RangeSeries();
  auto starts = fetcher_.fetch_at(target_->start_query, now, stop);
  if (!starts) return Failure(of_query("start", std::move(starts.error())));
  return starts;
}

std::vector<ExternalSeries> TargetReader::named(RangeSeries&& series, const RangeSeries& starts) {
  const SeriesIndex index(starts);
  std::vector<ExternalSeries> all;
  std::set<std::string> names;
  RangeSeries taken = std::move(series);
  for (auto& [selector, readings] : taken) {
    const SeriesLabels labels = labels_of(selector);
    ExternalSeries one;
    one.name = external_name(*target_, labels);
    const auto group = labels.find(target_->group_label);
    one.group = group == labels.end() ? target_->name : group->second;
    if (one.name.size() > kMostExternalName || one.group.size() > kMostExternalName) {
      ++drops_.at(static_cast<std::size_t>(ExternalDrop::name));
      continue;
    }
    if (!names.insert(one.name).second) {
      ++drops_.at(static_cast<std::size_t>(ExternalDrop::duplicate));
      continue;
    }
    const ReplaySeries* const start = index.find(labels);
    if (start != nullptr && !start->observations.empty())
      one.start_seconds = start->observations.back().value;
    one.readings = std::move(readings.observations);
    all.push_back(std::move(one));
  }
  return all;
}

Result<ExternalAnswer> TargetReader::read(double now_unix_seconds, const std::stop_token& stop) {
  drops_ = {};
  given_up_.clear();
  auto series = read_present(now_unix_seconds, stop);
  if (!series) return Failure(std::move(series.error()));
  if (series->empty()) return ExternalAnswer{target_, {}};
  if (auto done = add_past(*series, now_unix_seconds, stop); !done)
    return Failure(std::move(done.error()));
  const auto starts = read_starts(now_unix_seconds, stop);
  if (!starts) return Failure(starts.error());
  last_success_seconds_ = now_unix_seconds;
  return ExternalAnswer{target_, named(std::move(*series), *starts)};
}

}  // namespace heapfloor
