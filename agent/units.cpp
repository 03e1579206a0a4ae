#include "agent/units.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <span>
#include <utility>

namespace heapfloor {
namespace {

using Unit = std::pair<std::string_view, double>;

constexpr double kKi = 1024;
constexpr std::array<Unit, 6> kDurations = {
    {{"w", 604800}, {"d", 86400}, {"h", 3600}, {"m", 60}, {"s", 1}, {"ms", 1e-3}}};
constexpr std::array<Unit, 9> kSizes = {{{"TiB", kKi* kKi* kKi* kKi},
                                         {"GiB", kKi* kKi* kKi},
                                         {"MiB", kKi* kKi},
                                         {"KiB", kKi},
                                         {"TB", 1e12},
                                         {"GB", 1e9},
                                         {"MB", 1e6},
                                         {"kB", 1e3},
                                         {"B", 1}}};

// Takes a plain decimal number off the front of `text`.
std::optional<double> take_number(std::string_view& text) {
  double number = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (error != std::errc() || !std::isfinite(number) || number < 0 || text.front() == '-')
    return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

// The largest unit that gives a whole number, else a fraction of `fallback`.
std::string format_with(std::span<const Unit> units, const Unit& fallback, double value) {
  for (const auto& [name, factor] : units) {
    const double count = value / factor;
    if (count >= 1 && std::abs(count - std::round(count)) < 1e-9 * count)
      return fmt::format("{:.0f}{}", count, name);
  }
  return fmt::format("{}{}", value / fallback.second, fallback.first);
}

}  // namespace

std::optional<double> parse_duration(std::string_view text) {
  if (text == "0") return 0;
  if (text.empty()) return std::nullopt;
  double seconds = 0;
  while (!text.empty()) {
    const std::optional<double> number = take_number(text);
    if (!number) return std::nullopt;
    const std::size_t length = std::min(text.find_first_of("0123456789."), text.size());
    const std::string_view unit = text.substr(0, length);
    double factor = 0;
    for (const auto& [name, unit_seconds] : kDurations) {
      if (unit == name) factor = unit_seconds;
    }
    if (factor == 0) return std::nullopt;
    seconds += *number * factor;
    text.remove_prefix(length);
  }
  return seconds;
}

std::string format_duration(double seconds) {
  return seconds == 0 ? "0s" : format_with(kDurations, {"s", 1}, seconds);
}

std::optional<double> parse_size(std::string_view text) {
  if (text.empty()) return std::nullopt;
  const std::optional<double> number = take_number(text);
  if (!number) return std::nullopt;
  if (text.empty()) return number;
  for (const auto& [name, bytes] : kSizes) {
    if (text == name) return *number * bytes;
  }
  return std::nullopt;
}

std::string format_size(double bytes) {
  return bytes == 0 ? "0B" : format_with(kSizes, {"B", 1}, bytes);
}

namespace {

// Exactly `digits` decimal digits, taken from the front.
std::optional<int> take_digits(std::string_view& text, std::size_t digits) {
  int number = 0;
  const std::string_view part = text.substr(0, digits);
  const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), number);
  if (part.size() != digits || error != std::errc() || end != part.data() + digits || number < 0)
    return std::nullopt;
  text.remove_prefix(digits);
  return number;
}

bool take_byte(std::string_view& text, std::string_view any_of) {
  if (text.empty() || any_of.find(text.front()) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

// "Z" or "+01:00", in seconds.
std::optional<int> take_offset(std::string_view& text) {
  if (take_byte(text, "Zz")) return 0;
  const int sign = text.starts_with('-') ? -1 : 1;
  if (!take_byte(text, "+-")) return std::nullopt;
  const std::optional<int> hours = take_digits(text, 2);
  if (!hours || *hours > 23 || !take_byte(text, ":")) return std::nullopt;
  const std::optional<int> minutes = take_digits(text, 2);
  if (!minutes || *minutes > 59) return std::nullopt;
  return sign * (*hours * 3600 + *minutes * 60);
}

// ".25" as 0.25; no fraction is 0.
std::optional<double> take_fraction(std::string_view& text) {
  if (!text.starts_with('.')) return 0;
  const std::size_t end = std::min(text.find_first_not_of("0123456789", 1), text.size());
  double fraction = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + end, fraction);
  if (end == 1 || error != std::errc() || stop != text.data() + end) return std::nullopt;
  text.remove_prefix(end);
  return fraction;
}

// The fields of "2026-01-31T12:00:00", each in its range.
std::optional<std::chrono::sys_seconds> take_date_time(std::string_view& text) {
  constexpr std::array<std::string_view, 6> kBehind = {"-", "-", "Tt ", ":", ":", ""};
  std::array<int, 6> fields{};
  for (std::size_t index = 0; index < fields.size(); ++index) {
    const std::optional<int> field = take_digits(text, index == 0 ? 4 : 2);
    if (!field) return std::nullopt;
    fields.at(index) = *field;
    if (!kBehind.at(index).empty() && !take_byte(text, kBehind.at(index))) return std::nullopt;
  }
  const auto [year, month, day, hour, minute, second] = fields;
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok() || hour > 23 || minute > 59 || second > 59) return std::nullopt;
  return std::chrono::sys_days(date) + std::chrono::hours(hour) + std::chrono::minutes(minute) +
         std::chrono::seconds(second);
}

}  // namespace

std::optional<double> parse_time(std::string_view text) {
  constexpr double kLast = 253402300799;  // of the year 9999
  double seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc() || end != text.data() + text.size()) {
    const auto whole = take_date_time(text);
    const std::optional<double> fraction = whole ? take_fraction(text) : std::nullopt;
    const std::optional<int> offset = fraction ? take_offset(text) : std::nullopt;
    if (!offset || !text.empty()) return std::nullopt;
    seconds = static_cast<double>(whole->time_since_epoch().count()) + *fraction - *offset;
  }
  if (!(seconds >= 0 && seconds <= kLast)) return std::nullopt;
  return seconds;
}

}  // namespace heapfloor
