// Readings as JSON objects: see replay_json.h.
#pragma once

#include <array>
#include <optional>

#include "agent/external/json_events.h"
#include "agent/external/replay_json.h"
#include "agent/external/replay_series.h"

namespace heapfloor {

class JsonRows final : public JsonEvents {
 public:
  explicit JsonRows(const SeriesSink& sink) : sink_(sink) {}

  void open(bool is_object) override;
  void close() override;
  void key(std::string_view name) override;
  void scalar(const JsonScalar& value) override;
  void finish() override;
  [[nodiscard]] bool takes_more() const override { return !is_array_; }

 private:
  enum Field : std::uint8_t { timestamp, value, epoch, limit, load, ignored };
  static constexpr std::size_t kFields = 5;

  [[nodiscard]] bool in_row() const { return depth_ == row_depth(); }
  [[nodiscard]] std::size_t row_depth() const { return is_array_ ? 2 : 1; }
  void take_row();

  const SeriesSink& sink_;
  ReplaySeries series_;
  ReadingOrder order_;
  std::array<std::optional<double>, kFields> numbers_;
  std::optional<std::uint64_t> epoch_;
  std::size_t depth_ = 0;
  Field field_ = ignored;
  bool is_array_ = false;
  bool has_rows_ = false;
};

}  // namespace heapfloor
