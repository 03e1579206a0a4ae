#include "agent/external/range_query.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <optional>
#include <set>
#include <sstream>
#include <thread>

#include "agent/external/block_reader.h"
#include "agent/external/replay_json.h"

namespace heapfloor {
namespace {

constexpr std::string_view kPath = "/api/v1/query_range";
constexpr double kFittingPoints = 5000;
constexpr std::array<double, 13> kSteps = {15,   30,   60,   120,   300,   600,  900,
                                           1800, 3600, 7200, 14400, 43200, 86400};
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

std::string body_of(const std::string& query, const TimeRange& part) {
  return fmt::format("query={}&start={:.3f}&end={:.3f}&step={:.3f}", percent_encode(query),
                     part.start_seconds, part.end_seconds, part.step_seconds);
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

// Walks the values of the other series beside the readings of one.
class Beside {
 public:
  Beside(const ReplaySeries& other, JoinedColumn column) : other_(other), column_(column) {}

  void complete(Observation& reading) {
    bool is_at_its_time = false;
    const auto& values = other_.observations;
    for (; next_ < values.size() && values[next_].time_seconds <= reading.time_seconds; ++next_) {
      is_at_its_time = values[next_].time_seconds == reading.time_seconds;
      take(values[next_].value);
    }
    if (!has_last_) return;
    if (column_ == JoinedColumn::limit) reading.limit = last_;
    if (column_ == JoinedColumn::epoch)
      reading.epoch = static_cast<std::uint64_t>(counted_ + last_);
    if (column_ == JoinedColumn::load && is_at_its_time) reading.load = last_;
  }

 private:
  void take(double value) {
    if (column_ == JoinedColumn::epoch && has_last_ && value < last_) counted_ += last_;
    last_ = value;
    has_last_ = true;
  }

  const ReplaySeries& other_;
  JoinedColumn column_;
  std::size_t next_ = 0;
  bool has_last_ = false;
  double last_ = 0;
  double counted_ = 0;  // before the counter began anew
};

}  // namespace

std::size_t TimeRange::points() const {
  return static_cast<std::size_t>(std::floor((end_seconds - start_seconds) / step_seconds)) + 1;
}

std::vector<TimeRange> parts_of(const TimeRange& range, std::size_t most_points) {
  std::vector<TimeRange> parts;
  const std::size_t points = range.points();
  for (std::size_t first = 0; first < points; first += most_points) {
    const std::size_t last = std::min(points, first + most_points) - 1;
    parts.push_back({range.start_seconds + static_cast<double>(first) * range.step_seconds,
                     range.start_seconds + static_cast<double>(last) * range.step_seconds,
                     range.step_seconds});
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

std::size_t join(RangeSeries& series, const RangeSeries& others, JoinedColumn column) {
  // By the names of their labels, those with the most first.
  std::map<std::set<std::string>, std::map<std::string, const ReplaySeries*>> by_names;
  for (const auto& [selector, other] : others) {
    const SeriesLabels labels = labels_of(selector);
    const std::set<std::string> names = names_of(labels);
    by_names[names].emplace(*projected(labels, names), &other);
  }
  std::vector<const decltype(by_names)::value_type*> order;
  order.reserve(by_names.size());
  for (const auto& entry : by_names) order.push_back(&entry);
  std::ranges::stable_sort(order, std::greater<>(),
                           [](const auto* entry) { return entry->first.size(); });
  std::size_t joined = 0;
  for (auto& [selector, readings] : series) {
    const SeriesLabels labels = labels_of(selector);
    for (const auto* const entry : order) {
      const auto key = projected(labels, entry->first);
      const auto found = key ? entry->second.find(*key) : entry->second.end();
      if (found == entry->second.end()) continue;
      Beside beside(*found->second, column);
      ReplaySeries completed;
      for (Observation& reading : readings.observations) {
        beside.complete(reading);
        completed.add(reading);
      }
      readings = std::move(completed);
      ++joined;
      break;
    }
  }
  return joined;
}

RangeFetcher::RangeFetcher(std::string url, HttpClientOptions options, Progress progress)
    : url_(std::move(url)), client_(std::move(options)), progress_(std::move(progress)) {
  while (url_.ends_with('/')) url_.pop_back();
  url_ += kPath;
}

Result<RangeSeries> RangeFetcher::fetch(const std::string& query, const TimeRange& range) {
  RangeSeries series;
  readings_ = 0;
  const std::vector<TimeRange> parts = parts_of(range);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    progress_(i, parts.size(), series.size());
    if (auto done = fetch_part(query, parts[i], series); !done) return Failure(done.error());
  }
  progress_(parts.size(), parts.size(), series.size());
  return series;
}

// What is too much for the server, or for us, may do in two halves.
Result<void> RangeFetcher::fetch_part(const std::string& query, const TimeRange& part,
                                      RangeSeries& series) {
  auto answer = ask(body_of(query, part));
  const bool is_too_much = answer
                               ? answer->status == kUnprocessable && tells_of_a_limit(answer->body)
                               : answer.error().kind == ErrorKind::malformed;
  const std::size_t points = part.points();
  if (is_too_much && points > 1) {
    for (const TimeRange& half : parts_of(part, (points + 1) / 2)) {
      if (auto done = fetch_part(query, half, series); !done) return done;
    }
    return {};
  }
  if (!answer) return Failure(std::move(answer.error()));
  constexpr int kFine = 200;
  if (answer->status != kFine && !answer->body.starts_with('{'))
    return failure(ErrorKind::io, url_, fmt::format("the server answered HTTP {}", answer->status));
  return take(answer->body, series);
}

Result<HttpAnswer> RangeFetcher::ask(const std::string& body) {
  for (int tried = 1;; ++tried) {
    HttpExchange exchange = client_.send({"POST", url_, "application/x-www-form-urlencoded", body});
    const bool is_busy = exchange.answer ? exchange.answer->status == kTooMany ||
                                               exchange.answer->status >= kServerErrors
                                         : exchange.answer.error().kind == ErrorKind::timeout ||
                                               exchange.answer.error().kind == ErrorKind::io;
    if (!is_busy || tried == kTries) {
      if (!exchange.answer) return Failure(std::move(exchange.answer.error()));
      if (!is_busy) return std::move(*exchange.answer);
      return failure(ErrorKind::io, url_,
                     fmt::format("the server answered HTTP {}", exchange.answer->status));
    }
    std::this_thread::sleep_for(std::chrono::seconds(tried));
  }
}

Result<void> RangeFetcher::take(const std::string& text, RangeSeries& series) {
  std::istringstream stream(text);
  BlockReader blocks(stream);
  auto read = read_replay_json(
      blocks, url_,
      [&](const std::string& labels, const ReplaySeries& part) {
        readings_ += part.observations.size();
        if (readings_ > kMostReadings) return;
        ReplaySeries& whole = series[labels];
        for (const Observation& reading : part.observations) whole.add(reading);
      },
      kMostJsonBytes, EmptyAnswer::fine);
  if (read && readings_ > kMostReadings) {
    return failure(ErrorKind::malformed, url_,
                   fmt::format("more than {} readings: narrow the query, the range, or take a "
                               "longer --step",
                               kMostReadings));
  }
  return read;
}

}  // namespace heapfloor
