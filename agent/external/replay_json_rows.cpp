#include "agent/external/replay_json_rows.h"

#include <algorithm>

namespace heapfloor {
namespace {

constexpr std::array<std::string_view, 5> kFieldNames = {"timestamp_seconds", "value", "epoch",
                                                         "limit", "load"};

}  // namespace

void JsonRows::open(bool is_object) {
  if (depth_ == 0 && !is_object) is_array_ = true;
  const bool is_row = depth_ + 1 == row_depth();
  if (is_row && !is_object) return refuse("readings are objects, this is an array");
  if (in_row() && field_ != ignored)
    return refuse(std::string(kFieldNames.at(field_)) + " is not a number");
  ++depth_;
  if (!is_row || !is_object) return;
  numbers_ = {};
  epoch_.reset();
  field_ = ignored;
}

void JsonRows::close() {
  if (in_row()) take_row();
  --depth_;
}

void JsonRows::key(std::string_view name) {
  if (!in_row()) return;
  const auto* const found = std::ranges::find(kFieldNames, name);
  field_ = static_cast<Field>(found - kFieldNames.begin());
  const bool is_twice =
      field_ != ignored && (field_ == epoch ? epoch_.has_value() : numbers_.at(field_).has_value());
  if (is_twice) refuse("key " + std::string(name) + " is named twice");
}

void JsonRows::scalar(const JsonScalar& scalar) {
  if (depth_ < row_depth()) return refuse("a reading is an object with timestamp_seconds, value");
  if (!in_row() || field_ == ignored || scalar.kind == JsonScalar::Kind::null) return;
  const std::string name(kFieldNames.at(field_));
  if (field_ == epoch) {
    if (scalar.kind != JsonScalar::Kind::whole) return refuse(name + " is not a whole number");
    epoch_ = scalar.whole;
    return;
  }
  if (!scalar.is_number()) return refuse(name + " is not a number");
  if (scalar.number < 0) return refuse(name + " is negative");
  numbers_.at(field_) = scalar.number;
}

void JsonRows::take_row() {
  has_rows_ = true;
  if (!numbers_[timestamp]) return refuse("the reading has no timestamp_seconds");
  if (!is_fine(order_.take_time(*numbers_[timestamp]))) return;
  if (epoch_ && !is_fine(order_.take_epoch(*epoch_))) return;
  if (!numbers_[value] || !is_fine(order_.count_reading())) return;
  Observation reading;
  reading.time_seconds = *numbers_[timestamp];
  reading.value = *numbers_[value];
  reading.epoch = epoch_;
  reading.limit = numbers_[limit];
  reading.load = numbers_[load];
  series_.add(reading);
}

void JsonRows::finish() {
  if (!has_rows_) return refuse("no readings");
  sink_({}, std::move(series_));
}

}  // namespace heapfloor
