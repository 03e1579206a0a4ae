// LabelCache: the escaped label bodies of the entities of the last page, kept for the next one.
//
// Names are escaped once in an entity's life. Entities come in nearly the same order on every page,
// so the one that followed the last one on the page before is tried first; only where it is another
// one is it looked for by hash. What a page did not ask for is forgotten when the page ends, so the
// cache is never larger than the page. Thread rule: one thread at a time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "agent/exposition/page_writer.h"

namespace heapfloor {

class LabelCache {
 public:
  // The body of these labels, in this order. Valid until end_page() of a page that did not ask for
  // it. Equal labels give the same object.
  std::string_view body(std::initializer_list<LabelPair> labels) {
    Entry* entry = expected_ < last_page_.size() ? last_page_[expected_] : nullptr;
    if (entry == nullptr || !is_key_of(entry->first, labels)) entry = &find_or_add(labels);
    Body& found = entry->second;
    if (found.page != page_) {
      if (found.page != 0) expected_ = found.place + 1;
      found.place = this_page_.size();
      found.page = page_;
      this_page_.push_back(entry);
    }
    return found.text;
  }

  void end_page() {
    if (this_page_.size() != bodies_.size()) {
      std::erase_if(bodies_, [this](const auto& entry) { return entry.second.page != page_; });
    }
    std::swap(last_page_, this_page_);
    this_page_.clear();
    expected_ = 0;
    ++page_;
  }

  [[nodiscard]] std::size_t size() const { return bodies_.size(); }

 private:
  struct Body {
    std::string text;
    std::uint64_t page = 0;  // the last one that asked for it
    std::size_t place = 0;   // on that page
  };
  using Bodies = std::unordered_map<std::string, Body>;
  using Entry = Bodies::value_type;
  using Length = std::uint32_t;

  // A key is every name and value behind its length, which keeps ("a", "bc") apart from ("ab",
  // "c").
  static bool is_key_of(std::string_view key, std::initializer_list<LabelPair> labels) {
    for (const LabelPair& label : labels) {
      if (!cut_part(key, label.name) || !cut_part(key, label.raw_value)) return false;
    }
    return key.empty();
  }

  // Takes `part` off the front of the key; false when it does not stand there.
  static bool cut_part(std::string_view& key, std::string_view part) {
    if (key.size() < sizeof(Length) + part.size()) return false;
    Length length = 0;
    std::memcpy(&length, key.data(), sizeof(length));
    key.remove_prefix(sizeof(length));
    if (length != part.size() || !key.starts_with(part)) return false;
    key.remove_prefix(part.size());
    return true;
  }

  Entry& find_or_add(std::initializer_list<LabelPair> labels) {
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
    return *found;
  }

  void append_part(std::string_view part) {
    const auto length = static_cast<Length>(part.size());
    std::array<char, sizeof(length)> bytes{};
    std::memcpy(bytes.data(), &length, sizeof(length));
    key_.append(bytes.data(), bytes.size());
    key_ += part;
  }

  Bodies bodies_;
  std::vector<Entry*> last_page_;  // in the order in which they were asked for
  std::vector<Entry*> this_page_;
  std::size_t expected_ = 0;  // the place on the last page that comes next
  std::string key_;
  std::uint64_t page_ = 1;
};

}  // namespace heapfloor
