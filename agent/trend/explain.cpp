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

// Three significant digits at most, no exponent, no needless zeros.
std::string number(double value) {
  const double size = std::abs(value);
  if (size >= 99.95 || size == std::floor(size)) {
    return format("%.0f", value);
  }
  return format(size >= 9.995 ? "%.1f" : "%.2f", value);
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

std::string duration_text(double seconds) {
  if (!std::isfinite(seconds)) {
    return "unknown time";
  }
  if (seconds < 120) {
    return number(std::round(seconds)) + " s";
  }
  if (seconds < 7200) {
    return number(std::round(seconds / 60)) + " min";
  }
  const bool days = seconds >= 172800;
  const double amount = seconds / (days ? 86400 : 3600);
  return format(amount < 10 ? "%.1f %s" : "%.0f %s", amount, days ? "days" : "h");
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

std::string limit_text(const Verdict& verdict, std::string_view counted) {
  if (!verdict.limit) {
    return "; no limit is known";
  }
  if (!verdict.exhaustion) {
    return "";
  }
  const double earliest = verdict.exhaustion->earliest_seconds - verdict.window_end_seconds;
  std::string text = "; the limit of " + amount_text(*verdict.limit, counted) + " is " +
                     duration_text(std::max(0.0, earliest));
  if (verdict.exhaustion->latest_seconds) {
    const double latest = *verdict.exhaustion->latest_seconds - verdict.window_end_seconds;
    return text + " to " + duration_text(std::max(0.0, latest)) + " away";
  }
  return text + " away at the earliest";
}

// Over what it rose, how fast, and whether it still does so floor by floor.
std::string rise_text(const Verdict& verdict, std::string_view counted) {
  constexpr std::uint32_t kWorthTelling = 3;
  std::string text = verdict.level == kSparseLevel
                         ? format("floor rose over %u compactions", verdict.floors)
                         : format("floor rose over %u buckets of %s", verdict.floors,
                                  duration_text(verdict.bucket_seconds).c_str());
  text += " by " + growth_text(verdict.growth, counted);
  if (verdict.rising_floors >= kWorthTelling) {
    text += format(", the last %u each above the one before", verdict.rising_floors);
  }
  return text;
}

// How much of the evidence the program's earlier runs gave.
std::string earlier_text(const Verdict& verdict) {
  if (verdict.earlier_lives == 0) return "";
  return ", " + duration_text(static_cast<double>(verdict.earlier_seconds)) +
         format(" of it from %u earlier %s that grew alike", unsigned{verdict.earlier_lives},
                verdict.earlier_lives == 1 ? "run" : "runs");
}

std::string held_text(const Verdict& verdict, std::string_view counted) {
  if (!verdict.deciding_gate) {
    return "";
  }
  switch (*verdict.deciding_gate) {
    case Gate::shape:
      return "; held by shape: growth slows down, plateau expected at " +
             amount_text(verdict.asymptote.value_or(0), counted);
    case Gate::patience:
      return std::string("; held by patience: ") +
             (verdict.follows_load ? "it rises with the load, " : "") + "needs " +
             duration_text(verdict.evidence_needed_seconds - verdict.evidence_seconds) +
             " more evidence";
    case Gate::season:
      return "; held by season: it may be the rise of a day (" +
             gate_detail(Gate::season, verdict.gates[static_cast<std::size_t>(Gate::season)]) + ")";
    case Gate::gc_runtime:
      return "; held by gc_runtime: " +
             gate_detail(Gate::gc_runtime,
                         verdict.gates[static_cast<std::size_t>(Gate::gc_runtime)]);
    case Gate::persistence:
      return "; held by persistence: the next bucket has to confirm it";
    default:
      return "";
  }
}

}  // namespace

std::string explain(const Verdict& verdict, std::string_view counted) {
  switch (verdict.evidence) {
    case Evidence::too_few_floors:
      return format("%u floors so far, too few to judge", verdict.floors);
    case Evidence::none: {
      if (!verdict.deciding_gate || verdict.floors == 0) {
        return "the floor does not rise";
      }
      const Gate gate = *verdict.deciding_gate;
      std::string detail =
          gate_detail(gate, verdict.gates[static_cast<std::size_t>(gate)], counted);
      // The sparse ring's trend test is exact: it counts Kendall's S itself.
      if (gate == Gate::trend && verdict.level == kSparseLevel) detail.replace(0, 1, "S");
      return "no lasting rise: " + std::string(gate_name(gate)) + " (" + detail + ")";
    }
    case Evidence::held:
      return rise_text(verdict, counted) + held_text(verdict, counted) +
             limit_text(verdict, counted);
    case Evidence::confirmed:
      break;
  }
  return rise_text(verdict, counted) + ", evidence of " + duration_text(verdict.evidence_seconds) +
         earlier_text(verdict) + limit_text(verdict, counted);
}

std::string gate_detail(Gate gate, const GateResult& result, std::string_view counted) {
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
      return line("Z " + number(measured), number(required));
    case Gate::size:
    case Gate::signal:
      return line("rise " + amount_text(measured, counted), amount_text(required, counted));
    case Gate::record:
      return line("floor " + amount_text(measured, counted), amount_text(required, counted));
    case Gate::increments:
      return line(number(measured) + " effective steps", number(required));
    case Gate::still_growing:
      return line("latest " + amount_text(measured * 3600, counted) + "/h",
                  amount_text(required * 3600, counted) + "/h");
    case Gate::shape:
      return line("last third grew " + number(measured) + " of the middle one", number(required));
    case Gate::precedent:
      return line("rise " + amount_text(measured, counted), amount_text(required, counted));
    case Gate::patience:
      return line(duration_text(measured) + " of evidence", duration_text(required));
    case Gate::season:
      if (required > 1) {
        return line(duration_text(measured) + " of history", duration_text(required));
      }
      return line(number(std::round(measured * 100)) + " % of buckets above the day before",
                  number(std::round(required * 100)) + " %");
    case Gate::gc_runtime:
      return line(number(measured) + " compactions", number(required));
    case Gate::persistence:
      return line(number(measured) + " closes in a row", number(required));
  }
  return "";
}

}  // namespace heapfloor
