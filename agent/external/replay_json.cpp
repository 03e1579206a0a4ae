#include "agent/external/replay_json.h"

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "agent/external/json_events.h"
#include "agent/external/json_source.h"
#include "agent/external/replay_json_response.h"
#include "agent/external/replay_json_rows.h"

namespace heapfloor {
namespace {

using Json = nlohmann::json;

// The parser's words without its own idea of the place; they may quote the file.
std::string syntax_reason(std::string_view words) {
  constexpr std::size_t kMost = 200;
  constexpr std::string_view kPlaceEnds = "syntax error ";
  if (const std::size_t at = words.find(kPlaceEnds); at != std::string_view::npos) {
    words.remove_prefix(at);
  } else if (const std::size_t bracket = words.find("] "); bracket != std::string_view::npos) {
    words.remove_prefix(bracket + 2);
  }
  std::string reason;
  for (const char c : words.substr(0, kMost)) reason += c >= ' ' && c <= '~' ? c : '?';
  return reason;
}

// Stands between the parser and the reader: bounds the depth, and chooses the reader by the
// beginning of the first document.
class Gate final : public nlohmann::json_sax<Json> {
 public:
  Gate(const SeriesSink& sink, const JsonRules& rules) : sink_(sink), rules_(rules) {}

  bool null() override { return scalar({}); }
  bool boolean(bool value) override { return scalar({JsonScalar::Kind::boolean, 0, 0, {}, value}); }
  bool number_integer(number_integer_t value) override {
    return scalar({JsonScalar::Kind::number, static_cast<double>(value), 0, {}});
  }
  bool number_unsigned(number_unsigned_t value) override {
    return scalar({JsonScalar::Kind::whole, static_cast<double>(value), value, {}});
  }
  bool number_float(number_float_t value, const string_t& /*text*/) override {
    return scalar({JsonScalar::Kind::number, value, 0, {}});
  }
  bool string(string_t& value) override { return scalar({JsonScalar::Kind::text, 0, 0, value}); }
  bool binary(binary_t& /*value*/) override { return false; }
  bool start_object(std::size_t /*elements*/) override { return open(true); }
  bool end_object() override { return close(); }
  bool start_array(std::size_t /*elements*/) override { return open(false); }
  bool end_array() override { return close(); }
  bool key(string_t& name) override {
    if (!events_) {
      choose(RangeResponse::begins_with(name));
      events_->open(true);
    }
    events_->key(name);
    return is_fine();
  }
  bool parse_error(std::size_t /*position*/, const std::string& /*token*/,
                   const nlohmann::detail::exception& error) override {
    fault_ = syntax_reason(error.what());
    return false;
  }

  // After a document without a fault.
  [[nodiscard]] bool takes_more() const { return events_->takes_more(); }
  void finish() {
    if (!events_) choose(false);
    events_->finish();
    static_cast<void>(is_fine());
  }
  [[nodiscard]] const std::string& fault() const { return fault_; }
  void refuse(std::string reason) { fault_ = std::move(reason); }

 private:
  bool open(bool is_object) {
    if (++depth_ > kMostJsonDepth) {
      fault_ = "nested deeper than " + std::to_string(kMostJsonDepth);
      return false;
    }
    if (!events_) {
      if (is_object) return true;  // its first key tells
      choose(false);
    }
    events_->open(is_object);
    return is_fine();
  }
  bool close() {
    --depth_;
    if (!events_) {  // an object without keys
      choose(false);
      events_->open(true);
    }
    events_->close();
    return is_fine();
  }
  bool scalar(const JsonScalar& value) {
    events_->scalar(value);
    return is_fine();
  }
  void choose(bool is_response) {
    if (is_response || !rules_.takes_rows) {
      events_ = std::make_unique<RangeResponse>(sink_, rules_);
    } else {
      events_ = std::make_unique<JsonRows>(sink_);
    }
  }
  bool is_fine() {
    if (fault_.empty()) fault_ = events_->fault();
    return fault_.empty();
  }

  const SeriesSink& sink_;
  const JsonRules& rules_;
  std::unique_ptr<JsonEvents> events_;
  std::size_t depth_ = 0;
  std::string fault_;
};

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

// Whether another document begins; only blanks may be between them.
bool has_another(JsonSource& source) {
  while (!source.at_end() && is_blank(source.current())) source.advance();
  return !source.at_end();
}

void skip_byte_order_mark(JsonSource& source) {
  for (const char expected : std::string_view("\xEF\xBB\xBF")) {
    if (source.at_end() || source.current() != expected) return;
    source.advance();
  }
}

void read_documents(JsonSource& source, Gate& gate) {
  bool is_first = true;
  while (has_another(source)) {
    const char first = source.current();
    if (!is_first && !gate.takes_more()) {
      source.advance();
      return gate.refuse("something follows the end of the document");
    }
    if (first != '{' && (first != '[' || !is_first)) {
      source.advance();
      return gate.refuse("expected an object, not " + shown_piece({&first, 1}));
    }
    constexpr bool kNothingMayFollow = false;  // that is looked at here
    if (!Json::sax_parse(JsonIterator(source), JsonIterator(), &gate, Json::input_format_t::json,
                         kNothingMayFollow)) {
      return;
    }
    is_first = false;
  }
  gate.finish();
}

}  // namespace

Result<void> read_replay_json(BlockReader& input, std::string_view name, const SeriesSink& sink,
                              const JsonRules& rules) {
  JsonSource source(input, rules.most_bytes);
  Gate gate(sink, rules);
  skip_byte_order_mark(source);
  read_documents(source, gate);
  if (input.failed()) return failure(ErrorKind::io, std::string(name), "cannot be read");
  std::string reason = gate.fault();
  if (source.is_too_long())
    reason = "longer than " + std::to_string(rules.most_bytes) + " bytes of JSON: split the query";
  if (reason.empty()) return {};
  const std::string place =
      ":" + std::to_string(source.line()) + ":" + std::to_string(source.column());
  return failure(ErrorKind::malformed, std::string(name) + place, std::move(reason));
}

}  // namespace heapfloor
