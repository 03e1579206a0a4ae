#include "agent/cli/human_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace heapfloor {
namespace {

constexpr std::array<std::string_view, 6> kUnits = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
constexpr double kMinute = 60;
constexpr double kHour = 3600;
constexpr double kDay = 86400;

std::size_t unit_index(double bytes) {
  std::size_t index = 0;
  double size = std::abs(bytes);
  while (index + 1 < kUnits.size() && size >= 999.5) {
    size /= 1024;
    ++index;
  }
  return index;
}

double unit_bytes(std::size_t index) { return std::pow(1024.0, static_cast<double>(index)); }

std::string without_zeros(std::string text) {
  if (text.find('.') == std::string::npos) return text;
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text;
}

// Three digits that say something; what is beyond all units as a power of ten.
std::string digits(double value) {
  const double size = std::abs(value);
  if (!std::isfinite(value) || size >= 1e6) return fmt::format("{:.3g}", value);
  if (size >= 99.95 || size == 0) return fmt::format("{:.0f}", value);
  return without_zeros(fmt::format("{:.{}f}", value, size >= 9.995 ? 1 : 2));
}

// 1,024
std::string grouped(double count) {
  if (!std::isfinite(count) || std::abs(count) >= 1e15) return fmt::format("{:.3g}", count);
  std::string text = fmt::format("{:.0f}", count);
  const std::size_t first = text.front() == '-' ? 1 : 0;
  for (std::size_t at = text.size(); at > first + 3;) {
    at -= 3;
    text.insert(at, 1, ',');
  }
  return text;
}

std::string pair_of(std::int64_t large, std::string_view large_unit, std::int64_t small,
                    std::string_view small_unit) {
  if (small == 0) return fmt::format("{} {}", large, large_unit);
  return fmt::format("{} {} {} {}", large, large_unit, small, small_unit);
}

struct UtcTime {
  std::chrono::year_month_day day;
  std::int64_t second_of_day = 0;
};

std::optional<UtcTime> utc_time(double unix_seconds) {
  constexpr double kYear10000 = 253402300800;
  if (!(unix_seconds >= 0 && unix_seconds < kYear10000)) return std::nullopt;
  const std::chrono::sys_seconds time{
      std::chrono::seconds(static_cast<std::int64_t>(unix_seconds))};
  const auto midnight = std::chrono::floor<std::chrono::days>(time);
  return UtcTime{midnight, (time - midnight).count()};
}

std::string date_text(const std::chrono::year_month_day& day) {
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(day.year()),
                     static_cast<unsigned>(day.month()), static_cast<unsigned>(day.day()));
}

std::string clock_text(std::int64_t second_of_day, bool with_seconds) {
  std::string text = fmt::format("{:02}:{:02}", second_of_day / 3600, second_of_day / 60 % 60);
  if (with_seconds) text += fmt::format(":{:02}", second_of_day % 60);
  return text;
}

std::string dated(double unix_seconds, bool with_seconds) {
  const std::optional<UtcTime> time = utc_time(unix_seconds);
  if (!time) return fmt::format("{:.6g} s", unix_seconds);
  return date_text(time->day) + " " + clock_text(time->second_of_day, with_seconds);
}

}  // namespace

std::string human_amount(double amount, std::string_view counted) {
  if (!counted.empty()) return fmt::format("{} {}", grouped(amount), counted);
  const std::size_t index = unit_index(amount);
  return fmt::format("{} {}", digits(amount / unit_bytes(index)), kUnits.at(index));
}

std::string human_tick(double amount, double step, std::string_view counted) {
  if (!counted.empty()) return grouped(amount);
  if (amount == 0) return "0";
  const std::size_t index = unit_index(std::max(std::abs(amount), step));
  return fmt::format("{} {}", digits(amount / unit_bytes(index)), kUnits.at(index));
}

HumanGrowth human_growth(const Growth& growth, std::string_view counted) {
  const std::size_t index = counted.empty() ? unit_index(growth.estimate * kHour) : 0;
  const std::string_view unit = counted.empty() ? kUnits.at(index) : counted;
  const auto hourly = [index](double rate) { return digits(rate * kHour / unit_bytes(index)); };
  return {fmt::format("{} {}/h", hourly(growth.estimate), unit),
          fmt::format("{} to {}", hourly(growth.low), hourly(growth.high))};
}

std::string human_duration(double seconds) {
  constexpr double kCentury = 100 * 365.25 * kDay;
  if (!(seconds < kCentury)) return "over 100 years";
  const auto total = static_cast<std::int64_t>(std::llround(std::max(0.0, seconds)));
  if (total < 60) return fmt::format("{} s", total);
  if (total < 600) return pair_of(total / 60, "min", total % 60, "s");
  const auto minutes = static_cast<std::int64_t>(std::llround(seconds / kMinute));
  if (minutes < 60) return fmt::format("{} min", minutes);
  if (seconds < 2 * kDay) return pair_of(minutes / 60, "h", minutes % 60, "min");
  const auto hours = static_cast<std::int64_t>(std::llround(seconds / kHour));
  if (seconds < 14 * kDay) return pair_of(hours / 24, "d", hours % 24, "h");
  return fmt::format("{} d", std::llround(seconds / kDay));
}

HumanWait human_wait(const Exhaustion& exhaustion, double now_seconds) {
  HumanWait wait;
  const double seconds = exhaustion.at_seconds - now_seconds;
  wait.value = seconds > 0 ? "in " + human_duration(seconds) : "now";
  wait.interval = human_duration(exhaustion.earliest_seconds - now_seconds);
  if (exhaustion.latest_seconds) {
    wait.interval += " to " + human_duration(*exhaustion.latest_seconds - now_seconds);
  } else {
    wait.interval += " at the earliest";
  }
  return wait;
}

std::string utc_minute(double unix_seconds) { return dated(unix_seconds, false); }

std::string utc_second(double unix_seconds) { return dated(unix_seconds, true); }

std::string utc_clock(double unix_seconds, bool with_seconds) {
  const std::optional<UtcTime> time = utc_time(unix_seconds);
  if (!time) return fmt::format("{:.6g}", unix_seconds);
  return clock_text(time->second_of_day, with_seconds);
}

std::string utc_day(double unix_seconds) {
  constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::optional<UtcTime> time = utc_time(unix_seconds);
  if (!time) return fmt::format("{:.6g}", unix_seconds);
  return fmt::format("{} {}", static_cast<unsigned>(time->day.day()),
                     kMonths.at(static_cast<unsigned>(time->day.month()) - 1));
}

}  // namespace heapfloor
