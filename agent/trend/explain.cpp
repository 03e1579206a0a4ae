#include "agent/trend/explain.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdarg>
#include <cstdio>

namespace heapfloor {
namespace {

// Numbers from a verdict may be anything, so the result is bounded rather than trusted to fit.
[[gnu::format(printf, 1, 2)]] std::string format(const char* pattern, ...) {
  std::array<char, 256> text = {};
  std::va_list arguments;
  va_start(arguments, pattern);
  const int length = std::vsnprintf(text.data(), text.size(), pattern, arguments);
  va_end(arguments);
  const auto most = static_cast<int>(text.size()) - 1;
  return {text.data(), static_cast<std::size_t>(std::clamp(length, 0, most))};
}

std::string without_zeros(std::string text) {
  if (text.find('.') == std::string::npos) return text;
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text;
}

// Three significant digits at most, no exponent, no needless zeros.
std::string number(double value) {
  const double size = std::abs(value);
  if (size >= 99.95 || size == std::floor(size)) {
    return format("%.0f", value);
  }
  return without_zeros(format(size >= 9.995 ? "%.1f" : "%.2f", value));
}

// "1 floor", "2 floors".
std::string count_text(double count, const char* noun) {
  return number(count) + " " + noun + (count == 1 ? "" : "s");
}

struct Unit {
  double size;
  const char* name;
};

const Unit& byte_unit(double bytes) {
  static constexpr std::array<Unit, 5> kUnits = {
      {{1, "B"}, {1024, "KiB"}, {1048576, "MiB"}, {1073741824, "GiB"}, {1099511627776, "TiB"}}};
  std::size_t i = 0;
  while (i + 1 < kUnits.size() && std::abs(bytes) >= kUnits[i + 1].size) {
    ++i;
  }
  return kUnits[i];
}

// An amount of the signal: bytes in a handy unit, or so many of what is counted.
std::string amount_text(double amount, std::string_view counted) {
  if (!counted.empty()) return number(amount) + " " + std::string(counted);
  const Unit& unit = byte_unit(amount);
  return number(amount / unit.size) + " " + unit.name;
}

struct Duration {
  std::string amount;
  const char* unit;
};

Duration duration(double seconds) {
  constexpr double kCentury = 36525.0 * 86400;
  if (!std::isfinite(seconds)) return {"unknown", "time"};
  if (seconds >= kCentury) return {"over 100", "years"};
  if (seconds < 120) return {number(std::round(seconds)), "s"};
  if (seconds < 7200) return {number(std::round(seconds / 60)), "min"};
  const bool days = seconds >= 172800;
  const double amount = seconds / (days ? 86400 : 3600);
  const char* const unit = days ? "days" : "h";
  return {without_zeros(format(amount < 9.95 ? "%.1f" : "%.0f", amount)), unit};
}

std::string duration_text(double seconds) {
  const Duration text = duration(seconds);
  return text.amount + " " + text.unit;
}

// "6 to 7 days", "20 h to 3 days", "6 h" where both say the same.
std::string range_text(double least_seconds, double most_seconds) {
  const Duration least = duration(least_seconds);
  std::string most = duration_text(most_seconds);
  const std::string alone = least.amount + " " + least.unit;
  if (alone == most) return most;
  const bool same_unit = most.ends_with(std::string(" ") + least.unit);
  return (same_unit ? least.amount : alone) + " to " + most;
}

std::string growth_text(const Growth& growth, std::string_view counted) {
  if (!counted.empty()) {
    const auto hourly = [](double rate) { return number(rate * 3600); };
    return hourly(growth.estimate) + " " + std::string(counted) + "/h (" + hourly(growth.low) +
           " to " + hourly(growth.high) + ")";
  }
  const bool fast = growth.estimate >= 256.0 * 1024;
  const double scale = fast ? 1 : 3600;
  const Unit& unit = byte_unit(growth.estimate * scale);
  const auto in_unit = [&](double rate) { return number(rate * scale / unit.size); };
  return in_unit(growth.estimate) + " " + unit.name + (fast ? "/s" : "/h") + " (" +
         in_unit(growth.low) + " to " + in_unit(growth.high) + ")";
}

std::string limit_text(const Verdict& verdict, double now_seconds, std::string_view counted) {
  if (!verdict.limit) {
    return "; no limit is known, so nothing is predicted";
  }
  if (!verdict.exhaustion) {
    return "";
  }
  const double earliest = std::max(0.0, verdict.exhaustion->earliest_seconds - now_seconds);
  const std::string text =
      "; at this pace the limit of " + amount_text(*verdict.limit, counted) + " is reached ";
  if (!verdict.exhaustion->latest_seconds) {
    return text + "in " + duration_text(earliest) + " at the earliest";
  }
  const double latest = std::max(0.0, *verdict.exhaustion->latest_seconds - now_seconds);
  if (latest < 1) return text + "now";
  return text +
         (earliest < 1 ? "within " + duration_text(latest) : "in " + range_text(earliest, latest));
}

// How fast it rose, over what, and whether it still does so floor by floor.
std::string rise_text(const Verdict& verdict, std::string_view counted) {
  constexpr std::uint32_t kWorthTelling = 3;
  std::string text = "the floor rose by " + growth_text(verdict.growth, counted) + " over " +
                     duration_text(verdict.window_end_seconds - verdict.window_start_seconds);
  if (verdict.level == kSparseLevel) {
    text += ", from " + count_text(verdict.floors, "low point");
  } else {
    text += format(", from %u floors", verdict.floors);
  }
  if (verdict.level == kSeasonLevel) text += " compared by time of day";
  if (verdict.rising_floors >= kWorthTelling) {
    text += format(", the last %u each above the one before", verdict.rising_floors);
  }
  return text;
}

// How much of the evidence the program's earlier runs gave.
std::string earlier_text(const Verdict& verdict) {
  if (verdict.earlier_lives == 0) return "";
  return format(" by %u earlier %s that grew alike for ", unsigned{verdict.earlier_lives},
                verdict.earlier_lives == 1 ? "run" : "runs") +
         duration_text(static_cast<double>(verdict.earlier_seconds));
}

// Why it is not a rise that lasts, by the gate that failed.
std::string_view failure_text(Gate gate) {
  switch (gate) {
    case Gate::trend:
      return "its ups and downs may be chance";
    case Gate::size:
      return "too small to matter";
    case Gate::signal:
      return "no larger than the noise";
    case Gate::record:
      return "not above earlier floors";
    case Gate::increments:
      return "one jump rather than many rises";
    case Gate::still_growing:
      return "it has stopped or slowed down";
    case Gate::shape:
      return "growth slows down";
    case Gate::precedent:
      return "it rose as much before and fell back";
    case Gate::patience:
      return "not watched for long enough";
    case Gate::season:
      return "it may be the rise of a day";
    case Gate::gc_runtime:
      return "too few collections seen";
    case Gate::persistence:
      return "the next floor has to confirm it";
  }
  return "";
}

// "too small to matter (size: rise 1 MiB, needs 2 MiB)": in words, then for who knows the gates.
std::string gate_text(Gate gate, const Verdict& verdict, std::string_view counted) {
  return std::string(failure_text(gate)) + " (" + std::string(gate_name(gate)) + ": " +
         gate_detail(gate, verdict, counted) + ")";
}

std::string held_text(const Verdict& verdict, std::string_view counted) {
  return verdict.deciding_gate ? "; not confirmed: " + explain_hold(verdict, counted) : "";
}

}  // namespace

std::string explain(const Verdict& verdict, double now_seconds, std::string_view counted) {
  switch (verdict.evidence) {
    case Evidence::too_few_floors:
      return "too early to judge: " + count_text(verdict.floors, "floor") + " so far";
    case Evidence::none:
      if (!verdict.deciding_gate || verdict.floors == 0) {
        return "the floor does not rise";
      }
      return "no lasting rise: " + gate_text(*verdict.deciding_gate, verdict, counted);
    case Evidence::held:
      return rise_text(verdict, counted) + held_text(verdict, counted) +
             limit_text(verdict, now_seconds, counted);
    case Evidence::confirmed:
      break;
  }
  return rise_text(verdict, counted) + "; confirmed" + earlier_text(verdict) +
         limit_text(verdict, now_seconds, counted);
}

std::string explain_hold(const Verdict& verdict, std::string_view counted) {
  if (!verdict.deciding_gate) return "";
  if (*verdict.deciding_gate == Gate::shape && verdict.asymptote) {
    return "growth slows down and may end at " + amount_text(*verdict.asymptote, counted) +
           " (shape)";
  }
  if (*verdict.deciding_gate == Gate::patience) {
    const double missing = verdict.evidence_needed_seconds - verdict.evidence_seconds;
    return (verdict.follows_load ? "it rises with the load, and has" : "it has") +
           (" to go on for " + duration_text(missing)) + " more (patience)";
  }
  return gate_text(*verdict.deciding_gate, verdict, counted);
}

std::string gate_detail(Gate gate, const Verdict& verdict, std::string_view counted) {
  const GateResult& result = verdict.gates.at(static_cast<std::size_t>(gate));
  if (result.outcome == GateOutcome::not_reached) {
    return "not reached";
  }
  if (result.outcome == GateOutcome::not_applicable) {
    return "does not apply";
  }
  const auto measured = static_cast<double>(result.measured);
  const auto required = static_cast<double>(result.required);
  const auto line = [](const std::string& what, const std::string& needs) {
    return what + ", needs " + needs;
  };
  switch (gate) {
    case Gate::trend:
      // The sparse ring's test is exact: it counts Kendall's S itself.
      return line((verdict.level == kSparseLevel ? "S " : "Z ") + number(measured),
                  number(required));
    case Gate::size:
    case Gate::signal:
    case Gate::precedent:
      return line("rise " + amount_text(measured, counted), amount_text(required, counted));
    case Gate::record:
      return line("floor " + amount_text(measured, counted), amount_text(required, counted));
    case Gate::increments: {
      const bool one_jump = result.outcome == GateOutcome::failed && measured >= required;
      return line(count_text(measured, "effective rise"),
                  number(required) + (one_jump ? " and growth beside the largest" : ""));
    }
    case Gate::still_growing:
      return line("lately " + amount_text(measured * 3600, counted) + "/h",
                  amount_text(required * 3600, counted) + "/h");
    case Gate::shape:
      return line("the last third grew " + number(measured) + " times the middle one",
                  number(required));
    case Gate::patience:
      return line(duration_text(measured) + " of evidence", duration_text(required));
    case Gate::season:
      if (required > 1) {
        return line(duration_text(measured) + " of history", duration_text(required));
      }
      return line(number(std::round(measured * 100)) + " % of floors above the day before",
                  number(std::round(required * 100)) + " %");
    case Gate::gc_runtime:
      return line(count_text(measured, "collection"), number(required));
    case Gate::persistence:
      return line("confirmed " + count_text(measured, "time") + " in a row", number(required));
  }
  return "";
}

}  // namespace heapfloor
