// What the documents of api_json.h are made of, shared by the files that make them: how a number, a
// name and a time become JSON, and how a parameter is read. Private to agent/exposition.
//
// Thread rule: pure functions.
#pragma once

#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "agent/exposition/api_json.h"

namespace heapfloor {

using Json = nlohmann::ordered_json;

// {"status":"success","data":…}.
ApiDocument success_document(Json data);

// Whole numbers are written without a fraction; what is not finite is null.
Json json_number(double value);

template <class T>
Json json_number_or_null(const std::optional<T>& value) {
  if (!value) return nullptr;
  return json_number(static_cast<double>(*value));
}

// An amount of a signal under the key that says its unit: null there unless the signal is in bytes.
Json bytes_or_null(std::string_view signal, const Json& amount);

// As visible_name() writes it; null where it is empty.
Json text_or_null(std::string_view raw);

Json growth_json(const std::optional<Growth>& growth);

// Which build it is; null where it is not known.
Json build_json(const SharedBuild& build);

// Writes the rows of one snapshot, which outlives it, and turns its times into Unix time.
class ApiRows {
 public:
  explicit ApiRows(const Snapshot& snapshot) : snapshot_(snapshot) {}

  [[nodiscard]] Json wall(double steady_seconds) const;
  [[nodiscard]] static Json unit(const WatchRow& watch);  // null where it is not known
  // Null unless it is shown (shown_exhaustion()).
  [[nodiscard]] Json exhaustion(const WatchRow& watch) const;
  [[nodiscard]] std::string_view group_name(const ProcessRow& process) const;
  // Null when the process is not watched.
  [[nodiscard]] const WatchRow* watch_of(const ProcessRow& process) const;
  // The subject of a watch; a watch that is not about a process has no pid and no start.
  [[nodiscard]] Json watch_subject(const WatchRow& watch) const;
  [[nodiscard]] Json process_subject(const ProcessRow& process) const;

 private:
  const Snapshot& snapshot_;
};

// [{"at":…,"state":…}], oldest first.
Json changes_json(const std::vector<StateChange>& changes, const ApiRows& rows);

// "subject/signal", as the API shows it.
std::string watch_id(const WatchRow& watch);

// The watch with that id; null when there is none.
const WatchRow* find_watch(const Snapshot& snapshot, std::string_view id);

// The first value of that name; nothing when there is none or it is empty.
std::optional<std::string_view> api_parameter(const ApiParameters& parameters,
                                              std::string_view name);

// Which part of a list is asked for, and in which order.
struct Listing {
  bool is_descending = true;
  std::size_t limit = 100;
  std::size_t offset = 0;
};

// Reads order, limit (1 to 1000) and offset; what is absent stays as it is. What is wrong, if
// anything is.
std::optional<std::string_view> read_listing(const ApiParameters& parameters, Listing& listing);

// The whole of `text` as a number; nothing when any byte is left over or it does not fit.
template <class T>
std::optional<T> parse_whole(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace heapfloor
