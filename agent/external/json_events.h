// What the readers of JSON are told while a document is parsed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace heapfloor {

struct JsonScalar {
  enum class Kind : std::uint8_t { null, boolean, number, whole, text };

  Kind kind = Kind::null;
  double number = 0;        // of number and whole
  std::uint64_t whole = 0;  // of whole: a number without sign, fraction and exponent
  std::string_view text;    // of text; valid during the call
  bool truth = false;       // of boolean

  [[nodiscard]] bool is_number() const { return kind == Kind::number || kind == Kind::whole; }
};

// After refuse() the parser stops; nothing else is called.
class JsonEvents {
 public:
  JsonEvents() = default;
  JsonEvents(const JsonEvents&) = delete;
  JsonEvents& operator=(const JsonEvents&) = delete;
  virtual ~JsonEvents() = default;

  virtual void open(bool is_object) = 0;
  virtual void close() = 0;
  virtual void key(std::string_view name) = 0;
  virtual void scalar(const JsonScalar& value) = 0;
  // After the last document.
  virtual void finish() = 0;
  // Whether a document may follow another.
  [[nodiscard]] virtual bool takes_more() const = 0;

  [[nodiscard]] const std::string& fault() const { return fault_; }

 protected:
  void refuse(std::string reason) {
    if (fault_.empty()) fault_ = std::move(reason);
  }
  // Refuses unless the reason is empty.
  bool is_fine(std::string reason) {
    refuse(std::move(reason));
    return fault_.empty();
  }

 private:
  std::string fault_;
};

}  // namespace heapfloor
