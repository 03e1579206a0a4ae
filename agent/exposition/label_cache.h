// LabelCache: the escaped label bodies of the entities of the last page, kept for the next one.
//
// Names are escaped once in an entity's life. What a page did not ask for is forgotten when the
// page ends, so the cache is never larger than the page. Thread rule: one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <unordered_map>

#include "agent/exposition/page_writer.h"

namespace heapfloor {

class LabelCache {
 public:
  // The body of these labels, in this order. Valid until end_page() of a page that did not ask for
  // it. Equal labels give the same object.
  std::string_view body(std::initializer_list<LabelPair> labels) {
    key_.clear();
    for (const LabelPair& label : labels) {
      append_part(label.name);
      append_part(label.raw_value);
    }
    const auto [found, added] = bodies_.try_emplace(key_);
    if (added) {
      LabelBody body;
      for (const LabelPair& label : labels) body.add(label.name, label.raw_value);
      found->second.text = std::move(body).finish();
    }
    found->second.page = page_;
    return found->second.text;
  }

  void end_page() {
    std::erase_if(bodies_, [this](const auto& entry) { return entry.second.page != page_; });
    ++page_;
  }

  [[nodiscard]] std::size_t size() const { return bodies_.size(); }

 private:
  struct Body {
    std::string text;
    std::uint64_t page = 0;
  };

  // Lengths keep ("a", "bc") apart from ("ab", "c").
  void append_part(std::string_view part) {
    key_ += std::to_string(part.size());
    key_ += ':';
    key_ += part;
  }

  std::unordered_map<std::string, Body> bodies_;
  std::string key_;
  std::uint64_t page_ = 1;
};

}  // namespace heapfloor
