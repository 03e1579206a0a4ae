#include "agent/units.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
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

}  // namespace heapfloor
