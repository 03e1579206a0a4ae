// The answer of a Prometheus-compatible server to a query: see replay_json.h.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/external/json_events.h"
#include "agent/external/replay_json.h"
#include "agent/external/replay_series.h"

namespace heapfloor {

class RangeResponse final : public JsonEvents {
 public:
  RangeResponse(const SeriesSink& sink, const JsonRules& rules) : sink_(sink), rules_(rules) {}

  // Whether a document that begins with this key is an answer.
  [[nodiscard]] static bool begins_with(std::string_view first_key);

  void open(bool is_object) override;
  void close() override;
  void key(std::string_view name) override;
  void scalar(const JsonScalar& value) override;
  void finish() override;
  [[nodiscard]] bool takes_more() const override { return false; }

 private:
  // The parts of an answer, from the document inwards.
  enum class Part : std::uint8_t {
    answer,  // {"status": ..., "data": ...}
    data,    // {"resultType": ..., "result": ...}
    result,  // [...]
    entry,   // {"metric": ..., "values": ...}, of an instant "value": SAMPLE
    metric,  // {"LABEL": "VALUE", ...}
    values,  // [...]
    sample,  // [SECONDS, "VALUE"]
    ignored,
  };

  [[nodiscard]] Part part_opened(bool is_object);
  [[nodiscard]] Part expect(Part part, bool wants_object, bool is_object);
  void take_answer(const JsonScalar& value);
  void take_data(const JsonScalar& value);
  void take_label(const JsonScalar& value);
  void take_sample_part(const JsonScalar& value);
  void end_sample();
  [[nodiscard]] std::string selector();
  void end_entry();

  const SeriesSink& sink_;
  const JsonRules& rules_;
  std::vector<Part> parts_;
  std::string key_;  // the last one of the innermost part that has keys
  std::string status_;
  std::string error_type_;
  std::string error_;
  bool has_result_ = false;
  bool is_partial_ = false;  // VictoriaMetrics says so
  std::size_t series_count_ = 0;

  std::vector<std::string> labels_;  // NAME="VALUE"
  ReplaySeries series_;
  ReadingOrder order_;
  std::size_t sample_parts_ = 0;
  double time_seconds_ = 0;
  std::optional<double> value_;
};

}  // namespace heapfloor
