#include "agent/external/range_query.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <optional>
#include <set>
#include <sstream>
#include <thread>

#include "agent/external/block_reader.h"

namespace heapfloor {
namespace {

constexpr std::string_view kRangePath = "/api/v1/query_range";
constexpr std::string_view kInstantPath = "/api/v1/query";
constexpr double kFittingPoints = 5000;
constexpr std::array<double, 13> kSteps = {15,   30,   60,   120,   300,   600,  900,
                                           1800, 3600, 7200, 14400, 43200, 86400};
constexpr double kMostEpoch = 9007199254740992.0;  // 2^53
constexpr int kTooMany = 429;
constexpr int kUnprocessable = 422;
constexpr int kServerErrors = 500;

std::string percent_encode(std::string_view text) {
  constexpr std::string_view kPlain =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  std::string encoded;
  for (const char c : text) {
    if (kPlain.find(c) != std::string_view::npos) {
      encoded += c;
    } else {
      encoded += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return encoded;
}

// Thanos and VictoriaMetrics answer with what is left when a part of their storage is silent,
// unless they are told not to; others do not know these.
constexpr std::string_view kWhole = "&partial_response=false&deny_partial_response=1";

std::string body_of(const std::string& query, const TimeRange& part) {
  return fmt::format("query={}&start={:.3f}&end={:.3f}&step={:.3f}{}", percent_encode(query),
                     part.start_seconds, part.end_seconds, part.step_seconds, kWhole);
}

// Servers answer 422 to a query that they cannot take, too. Prometheus: "would load too many
// samples"; VictoriaMetrics: "exceeds the number of allowed samples", "-search.max…"; Mimir:
// "limit".
bool tells_of_a_limit(std::string_view body) {
  constexpr std::array<std::string_view, 4> kWords = {"too many", "exceed", "-search.max", "limit"};
  return std::ranges::any_of(
      kWords, [body](std::string_view word) { return body.find(word) != std::string_view::npos; });
}

// Everything of one series that another one has; nothing where it lacks a name.
std::optional<std::string> projected(const SeriesLabels& labels,
                                     const std::set<std::string>& names) {
  std::string key;
  for (const std::string& name : names) {
    const auto found = labels.find(name);
    if (found == labels.end()) return std::nullopt;
    key.append(found->second).append(1, '\0');
  }
  return key;
}

std::set<std::string> names_of(const SeriesLabels& labels) {
  std::set<std::string> names;
  for (const auto& [name, value] : labels) names.insert(name);
  return names;
}

}  // namespace

// Walks the values of the other series beside the readings of one.
class Beside {
 public:
  using Standing = Joiner::Standing;

  Beside(const ReplaySeries& other, JoinedColumn column, Standing& standing)
      : other_(other), column_(column), standing_(standing) {}

  void complete(Observation& reading) {
    bool is_at_its_time = false;
    const auto& values = other_.observations;
    for (; next_ < values.size() && values[next_].time_seconds <= reading.time_seconds; ++next_) {
      is_at_its_time = values[next_].time_seconds == reading.time_seconds;
      take(values[next_].value);
    }
    if (!standing_.has_last) return;
    if (column_ == JoinedColumn::limit) reading.limit = standing_.last;
    if (column_ == JoinedColumn::epoch || column_ == JoinedColumn::raw_epoch) {
      reading.epoch =
          static_cast<std::uint64_t>(std::min(standing_.counted + standing_.last, kMostEpoch));
    }
    if (column_ == JoinedColumn::load && is_at_its_time) reading.load = standing_.last;
  }
  // What is behind the last reading stands before the first of the next part.
  void finish() {
    for (; next_ < other_.observations.size(); ++next_) take(other_.observations[next_].value);
  }

 private:
  void take(double value) {
    const bool is_anew = standing_.has_last && value < standing_.last;
    if (column_ == JoinedColumn::epoch && is_anew) standing_.counted += standing_.last;
    standing_.last = value;
    standing_.has_last = true;
  }

  const ReplaySeries& other_;
  JoinedColumn column_;
  Standing& standing_;
  std::size_t next_ = 0;
};

std::size_t TimeRange::points() const {
  return static_cast<std::size_t>(std::floor((end_seconds - start_seconds) / step_seconds)) + 1;
}

TimeRange part_of(const TimeRange& range, std::size_t first, std::size_t points) {
  const std::size_t last = std::min(range.points(), first + points) - 1;
  return {range.start_seconds + static_cast<double>(first) * range.step_seconds,
          range.start_seconds + static_cast<double>(last) * range.step_seconds, range.step_seconds};
}

std::vector<TimeRange> parts_of(const TimeRange& range, std::size_t most_points) {
  std::vector<TimeRange> parts;
  const std::size_t points = range.points();
  for (std::size_t first = 0; first < points; first += most_points) {
    parts.push_back(part_of(range, first, most_points));
  }
  return parts;
}

double fitting_step(double range_seconds) {
  const auto* const found = std::ranges::lower_bound(kSteps, range_seconds / kFittingPoints);
  return found == kSteps.end() ? kSteps.back() : *found;
}

SeriesLabels labels_of(std::string_view selector) {
  SeriesLabels labels;
  std::size_t at = 1;
  while (at < selector.size() && selector[at] != '}') {
    const std::size_t equals = selector.find("=\"", at);
    if (equals == std::string_view::npos) return {};
    std::string name(selector.substr(at, equals - at));
    std::string value;
    for (at = equals + 2; at < selector.size() && selector[at] != '"'; ++at) {
      const bool is_escape = selector[at] == '\\' && at + 1 < selector.size();
      if (is_escape) ++at;
      value += is_escape && selector[at] == 'n' ? '\n' : selector[at];
    }
    at += 1;
    if (at < selector.size() && selector[at] == ',') ++at;
    if (name != "__name__") labels.emplace(std::move(name), std::move(value));
  }
  return labels;
}

SeriesIndex::SeriesIndex(const RangeSeries& others) {
  std::map<std::set<std::string>, std::map<std::string, const ReplaySeries*>> by_names;
  for (const auto& [selector, other] : others) {
    const SeriesLabels labels = labels_of(selector);
    const std::set<std::string> names = names_of(labels);
    by_names[names].emplace(*projected(labels, names), &other);
  }
  by_names_.assign(by_names.begin(), by_names.end());
  std::ranges::stable_sort(by_names_, std::greater<>(),
                           [](const OfNames& entry) { return entry.first.size(); });
}

const ReplaySeries* SeriesIndex::find(const SeriesLabels& labels) const {
  for (const auto& [names, others] : by_names_) {
    const auto key = projected(labels, names);
    const auto found = key ? others.find(*key) : others.end();
    if (found != others.end()) return found->second;
  }
  return nullptr;
}

void Joiner::join(RangeSeries& series, const RangeSeries& others) {
  const SeriesIndex index(others);
  const ReplaySeries none;
  for (auto& [selector, readings] : series) {
    const ReplaySeries* other = index.find(labels_of(selector));
    if (other == nullptr) {
      if (!standing_.contains(selector)) continue;
      other = &none;
    }
    Beside beside(*other, column_, standing_[selector]);
    ReplaySeries completed;
    for (Observation& reading : readings.observations) {
      beside.complete(reading);
      completed.add(reading);
    }
    beside.finish();
    readings = std::move(completed);
  }
}

std::size_t join(RangeSeries& series, const RangeSeries& others, JoinedColumn column) {
  Joiner joiner(column);
  joiner.join(series, others);
  return joiner.joined();
}

SeriesFetcher::SeriesFetcher(const std::string& url, HttpClientOptions client, FetchOptions options)
    : client_(std::move(client)), options_(std::move(options)) {
  std::string base = url;
  while (base.ends_with('/')) base.pop_back();
  range_url_ = base + std::string(kRangePath);
  instant_url_ = base + std::string(kInstantPath);
}

void SeriesFetcher::begin() {
  requests_ = 0;
  readings_ = 0;
  left_out_ = 0;
}

Result<RangeSeries> SeriesFetcher::fetch(const std::string& query, const TimeRange& range,
                                         const std::stop_token& stop) {
  RangeSeries series;
  begin();
  const std::vector<TimeRange> parts = parts_of(range);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    options_.progress(i, parts.size(), series.size());
    if (auto done = fetch_part(query, parts[i], series, stop); !done) return Failure(done.error());
  }
  options_.progress(parts.size(), parts.size(), series.size());
  return series;
}

Result<RangeSeries> SeriesFetcher::fetch_at(const std::string& query, double time_seconds,
                                            const std::stop_token& stop) {
  RangeSeries series;
  begin();
  const auto answer =
      ask(instant_url_,
          fmt::format("query={}&time={:.3f}{}", percent_encode(query), time_seconds, kWhole), stop);
  if (!answer) return Failure(answer.error());
  if (const auto taken = take(instant_url_, *answer, series); !taken) return Failure(taken.error());
  return series;
}

// What is too much for the server, or for us, may do in two halves.
Result<void> SeriesFetcher::fetch_part(const std::string& query, const TimeRange& part,
                                       RangeSeries& series, const std::stop_token& stop) {
  auto answer = ask(range_url_, body_of(query, part), stop);
  const bool is_too_much = answer
                               ? answer->status == kUnprocessable && tells_of_a_limit(answer->body)
                               : answer.error().kind == ErrorKind::malformed;
  const std::size_t points = part.points();
  if (is_too_much && points > 1) {
    for (const TimeRange& half : parts_of(part, (points + 1) / 2)) {
      if (auto done = fetch_part(query, half, series, stop); !done) return done;
    }
    return {};
  }
  if (!answer) return Failure(std::move(answer.error()));
  return take(range_url_, *answer, series);
}

Result<HttpAnswer> SeriesFetcher::ask(const std::string& url, const std::string& body,
                                      const std::stop_token& stop) {
  for (int tried = 1;; ++tried) {
    if (++requests_ > options_.most_requests) {
      return failure(ErrorKind::io, url,
                     fmt::format("needs more than {} requests", options_.most_requests));
    }
    HttpExchange exchange =
        client_.send({"POST", url, "application/x-www-form-urlencoded", body}, stop);
    const bool is_busy = exchange.answer ? exchange.answer->status == kTooMany ||
                                               exchange.answer->status >= kServerErrors
                                         : exchange.answer.error().kind == ErrorKind::timeout ||
                                               exchange.answer.error().kind == ErrorKind::io;
    if (!is_busy || tried >= options_.tries) {
      if (!exchange.answer) return Failure(std::move(exchange.answer.error()));
      if (!is_busy) return std::move(*exchange.answer);
      return failure(ErrorKind::io, url,
                     fmt::format("the server answered HTTP {}", exchange.answer->status));
    }
    std::this_thread::sleep_for(std::chrono::seconds(tried));
  }
}

Result<void> SeriesFetcher::take(const std::string& url, const HttpAnswer& answer,
                                 RangeSeries& series) {
  constexpr int kFine = 200;
  if (answer.status != kFine && !answer.body.starts_with('{'))
    return failure(ErrorKind::io, url, fmt::format("the server answered HTTP {}", answer.status));
  std::istringstream stream(answer.body);
  BlockReader blocks(stream);
  std::size_t left_out = 0;
  const JsonRules rules{.takes_rows = false,
                        .takes_empty = true,
                        .takes_instants = &url == &instant_url_,
                        .skips_negative = options_.skips_negative};
  auto read = read_replay_json(
      blocks, url,
      [&](const std::string& labels, const ReplaySeries& part) {
        take_series(labels, part, series, left_out);
      },
      rules);
  left_out_ = std::max(left_out_, left_out);
  if (read && readings_ > options_.most_readings) {
    return failure(ErrorKind::malformed, url,
                   fmt::format("more than {} readings: narrow the query, the range, or take a "
                               "longer step",
                               options_.most_readings));
  }
  return read;
}

void SeriesFetcher::take_series(const std::string& labels, const ReplaySeries& part,
                                RangeSeries& series, std::size_t& left_out) {
  // The same ones every time, whatever order the server has them in.
  if (series.size() >= options_.most_series && !series.contains(labels)) {
    ++left_out;
    const auto last = std::prev(series.end());
    if (last->first < labels) return;
    readings_ -= last->second.observations.size();
    series.erase(last);
  }
  readings_ += part.observations.size();
  if (readings_ > options_.most_readings) return;
  ReplaySeries& whole = series[labels];
  for (const Observation& reading : part.observations) whole.add(reading);
}

}  // namespace heapfloor
