#include "agent/external/replay_json_response.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace heapfloor {
namespace {

constexpr std::string_view kInstant =
    "resultType is 'vector', an instant: ask /api/v1/query_range, or for a range";

// As PromQL writes the inside of a label's quotes.
void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  out += '"';
}

// A server's own words, bounded and printable.
std::string words_of(std::string_view text) {
  constexpr std::size_t kMost = 300;
  std::string words;
  for (const char c : text.substr(0, kMost)) words += c >= ' ' && c <= '~' ? c : '?';
  return words;
}

}  // namespace

bool RangeResponse::begins_with(std::string_view first_key) {
  constexpr std::array<std::string_view, 7> kKeys = {"status",   "data",  "error",    "errorType",
                                                     "warnings", "infos", "isPartial"};
  return std::ranges::find(kKeys, first_key) != kKeys.end();
}

RangeResponse::Part RangeResponse::expect(Part part, bool wants_object, bool is_object) {
  if (wants_object != is_object)
    refuse(shown_piece(key_) + " is not an " + (wants_object ? "object" : "array"));
  return part;
}

RangeResponse::Part RangeResponse::part_opened(bool is_object) {
  if (parts_.empty()) return Part::answer;
  switch (parts_.back()) {
    case Part::answer:
      return key_ == "data" ? expect(Part::data, true, is_object) : Part::ignored;
    case Part::data:
      if (key_ != "result") return Part::ignored;
      has_result_ = true;
      return expect(Part::result, false, is_object);
    case Part::result:
      if (!is_object) refuse("result is not a list of series");
      return Part::entry;
    case Part::entry:
      if (key_ == "metric") return expect(Part::metric, true, is_object);
      if (key_ == "values") return expect(Part::values, false, is_object);
      if (key_ == "value" && rules_.takes_instants) {
        sample_parts_ = 0;
        return expect(Part::sample, false, is_object);
      }
      if (key_ == "value") refuse(std::string(kInstant));
      if (key_ == "histograms") refuse("native histograms have no one value to judge");
      return Part::ignored;
    case Part::values:
      if (is_object) refuse("a sample is not an array of time and value");
      return Part::sample;
    case Part::metric:
      refuse("a label is not a text");
      return Part::ignored;
    case Part::sample:
      refuse("a sample is not a time and a value");
      return Part::ignored;
    case Part::ignored:
      break;
  }
  return Part::ignored;
}

void RangeResponse::open(bool is_object) {
  const Part part = part_opened(is_object);
  parts_.push_back(part);
  if (part == Part::entry) {
    labels_.clear();
    series_ = {};
    order_ = {};
  }
  if (part == Part::sample) sample_parts_ = 0;
}

void RangeResponse::close() {
  const Part part = parts_.back();
  parts_.pop_back();
  if (part == Part::sample) end_sample();
  if (part == Part::entry) end_entry();
}

void RangeResponse::key(std::string_view name) {
  if (parts_.back() != Part::ignored) key_ = name;
}

void RangeResponse::scalar(const JsonScalar& value) {
  switch (parts_.back()) {
    case Part::answer:
      return take_answer(value);
    case Part::data:
      return take_data(value);
    case Part::metric:
      return take_label(value);
    case Part::sample:
      return take_sample_part(value);
    case Part::result:
      return refuse("result is not a list of series");
    case Part::values:
      return refuse("a sample is not an array of time and value");
    case Part::entry:
      if (key_ == "metric" || key_ == "values" || key_ == "value")
        refuse(shown_piece(key_) + " is a single value");
      return;
    case Part::ignored:
      return;
  }
}

void RangeResponse::take_answer(const JsonScalar& value) {
  if (key_ == "status") status_ = value.text;
  if (key_ == "errorType") error_type_ = value.text;
  if (key_ == "error") error_ = value.text;
  if (key_ == "isPartial") is_partial_ = value.truth;
}

void RangeResponse::take_data(const JsonScalar& value) {
  if (key_ == "result") return refuse("result is not a list of series");
  if (key_ != "resultType" || value.text == "matrix") return;
  if (value.text == "vector" && rules_.takes_instants) return;
  if (value.text == "vector") return refuse(std::string(kInstant));
  refuse("resultType is " + shown_piece(value.text) + ", not 'matrix'");
}

void RangeResponse::take_label(const JsonScalar& value) {
  if (value.kind != JsonScalar::Kind::text) return refuse("a label is not a text");
  std::string label = key_ + '=';
  append_quoted(label, value.text);
  labels_.push_back(std::move(label));
}

void RangeResponse::take_sample_part(const JsonScalar& value) {
  const std::size_t index = sample_parts_++;
  if (index == 0) {
    if (!value.is_number()) return refuse("the time of a sample is not a number");
    if (value.number < 0) return refuse("the time of a sample is negative");
    time_seconds_ = value.number;
    return;
  }
  if (index > 1) return refuse("a sample is not a time and a value");
  if (value.kind != JsonScalar::Kind::text)
    return refuse("the value of a sample is not a number in quotes");
  const std::string_view text = value.text;
  value_.reset();
  constexpr std::array<std::string_view, 4> kGaps = {"NaN", "+Inf", "-Inf", "Inf"};
  if (std::ranges::find(kGaps, text) != kGaps.end()) return;
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(number))
    return refuse("value is not a finite number: " + shown_piece(text));
  if (number < 0 && rules_.skips_negative) return;
  if (number < 0) return refuse("value is negative: " + shown_piece(text));
  value_ = number;
}

void RangeResponse::end_sample() {
  if (sample_parts_ != 2) return refuse("a sample is not a time and a value");
  if (!is_fine(order_.take_time(time_seconds_))) return;
  if (!value_ || !is_fine(order_.count_reading())) return;
  Observation reading;
  reading.time_seconds = time_seconds_;
  reading.value = *value_;
  series_.add(reading);
}

// In one order, whatever the server's: VictoriaMetrics writes the labels of one series in another
// one for each kind of query.
std::string RangeResponse::selector() {
  std::ranges::sort(labels_);
  std::string selector = "{";
  for (const std::string& label : labels_) {
    if (selector.size() > 1) selector += ',';
    selector += label;
  }
  return selector + "}";
}

void RangeResponse::end_entry() {
  if (++series_count_ > kMostSeriesPerFile) {
    return refuse("more than " + std::to_string(kMostSeriesPerFile) +
                  " series in one file: split the query");
  }
  sink_(selector(), std::move(series_));
  series_ = {};
}

void RangeResponse::finish() {
  if (status_ == "error") {
    return refuse("the server answered " + words_of(error_type_) + ": " +
                  (error_.empty() ? "no reason" : words_of(error_)));
  }
  if (status_ != "success") return refuse("status is " + shown_piece(status_) + ", not 'success'");
  // A sum over what is left would be a drop that never was.
  if (is_partial_) return refuse("the answer is partial: some of the server's storage was silent");
  if (!has_result_) return refuse("the answer has no data.result");
  if (series_count_ == 0 && !rules_.takes_empty)
    refuse("the answer holds no series: the query matched nothing");
}

}  // namespace heapfloor
