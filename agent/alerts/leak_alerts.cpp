#include "agent/alerts/leak_alerts.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <map>
#include <string>
#include <tuple>

#include "agent/alerts/cause_words.h"
#include "agent/trend/forecast.h"
#include "agent/trend/signal_list.h"

namespace heapfloor {
namespace {

constexpr double kHour = 3600;
constexpr double kDay = 24 * kHour;
constexpr double kCriticalWithinSeconds = 4 * kHour;
constexpr double kPredictedWithinSeconds = kDay;
constexpr double kPredictedConfidence = 0.8;

std::string say_forecast(const Watch& watch, double now_seconds) {
  const Verdict& verdict = watch.detector.verdict();
  if (!verdict.exhaustion || !verdict.limit) return "No limit is known, so nothing is predicted.";
  const Exhaustion& end = *verdict.exhaustion;
  if (end.at_seconds - now_seconds < 60) {
    return fmt::format("The limit of {} is reached within a minute.",
                       say_amount(watch.key.signal, *verdict.limit));
  }
  const std::string earliest = say_span(end.earliest_seconds - now_seconds);
  const std::string interval =
      end.latest_seconds
          ? fmt::format("between {} and {}", earliest, say_span(*end.latest_seconds - now_seconds))
          : fmt::format("{} at the earliest, no upper bound", earliest);
  return fmt::format("The limit of {} is reached in {} ({}).",
                     say_amount(watch.key.signal, *verdict.limit),
                     say_span(end.at_seconds - now_seconds), interval);
}

// "payments"; "the structure user_cache of payments".
std::string say_name(const Watch& watch) {
  if (watch.part.empty()) return watch.name;
  return fmt::format("the {} {} of {}", watch.scope(), watch.part, watch.name);
}

// "payments (pid 4711)", "nginx.service (cgroup /system.slice/nginx.service)", "the structure
// user_cache of payments (pid 4711)".
std::string say_subject(const Watch& watch) {
  if (watch.key.kind == EntityKind::external) return watch.name;
  return watch.key.kind == EntityKind::cgroup
             ? fmt::format("{} (cgroup {})", watch.name, watch.cgroup)
             : fmt::format("{} (pid {})", say_name(watch), watch.key.process.pid);
}

AlertCondition condition_of(const Watch& watch, std::string_view name) {
  AlertCondition condition;
  condition.name = std::string(name);
  condition.subject = watch.subject();
  condition.scope = std::string(watch.scope());
  condition.group = watch.group;
  condition.signal = std::string(signal_name(watch.key.signal));
  condition.value = watch.detector.verdict().growth.estimate;
  condition.ended = watch.ended_seconds.has_value();
  return condition;
}

// One leak of a program shows in its memory, in its heap, in a structure and at a site. It is told
// once: by the first of them that was confirmed. A site is named by the others alone.
class FirstLeaks {
 public:
  explicit FirstLeaks(const WatchList& watches) {
    watches.for_each([this](const Watch& watch) {
      if (!is_of_memory(watch) || watch.judge.state() != LeakState::leaking) return;
      const auto [found, is_new] = first_.try_emplace(watch.key.process, &watch);
      if (!is_new && is_before(watch, *found->second)) found->second = &watch;
    });
  }
  [[nodiscard]] bool tells(const Watch& watch) const {
    if (watch.key.kind == EntityKind::site) return false;
    if (!is_of_memory(watch) || watch.ended_seconds) return true;
    const auto found = first_.find(watch.key.process);
    return found == first_.end() || found->second == &watch;
  }

 private:
  // Threads and descriptors are leaks of their own.
  static bool is_of_memory(const Watch& watch) {
    if (watch.key.kind == EntityKind::structure || watch.key.signal == Signal::gc_live) return true;
    return watch.key.kind == EntityKind::process && watch.key.signal != Signal::external &&
           signal_info(watch.key.signal).counted.empty();
  }
  // Of two at once: the memory of the process, then bytes before elements.
  static bool is_before(const Watch& one, const Watch& other) {
    const auto rank = [](const Watch& watch) {
      return std::tuple(watch.state_since_seconds(), watch.key.signal != Signal::rss_anon,
                        watch.key.kind, watch.key.signal, watch.key.part);
    };
    return rank(one) < rank(other);
  }

  std::map<ProcessId, const Watch*> first_;
};

AlertCondition leak_condition(const Watch& watch, double now_seconds, const LeakSources& sources) {
  const Verdict& verdict = watch.detector.verdict();
  AlertCondition condition = condition_of(watch, kLeakAlertNames[0]);
  condition.severity = std::string(severity_name(severity(verdict, now_seconds)));
  const std::string_view counted = signal_info(watch.key.signal).counted;
  condition.summary =
      fmt::format("{} leaks {}.", say_name(watch), counted.empty() ? "memory" : counted);
  condition.description = fmt::format("The {} of {} stands at {} and rises by {} ({} to {}). {}",
                                      counted.empty() ? "heap floor" : "floor", say_subject(watch),
                                      say_amount(watch.key.signal, verdict.floor),
                                      say_growth(watch.key.signal, verdict.growth.estimate),
                                      say_growth(watch.key.signal, verdict.growth.low),
                                      say_growth(watch.key.signal, verdict.growth.high),
                                      say_forecast(watch, now_seconds));
  if (sources.causes) {
    if (const auto causes = sources.causes(watch))
      condition.description += " " + say_causes(*causes);
  }
  if (sources.details) {
    if (const std::string details = sources.details(watch); !details.empty())
      condition.description += " " + details;
  }
  return condition;
}

// " Since build v8, 3 h ago: +212 MB/h."
std::string sentence_of_builds(const BuildComparison& builds, const Watch& watch,
                               double now_unix_seconds) {
  std::string text = say_builds(builds, watch.key.signal, now_unix_seconds);
  text.front() = 'S';
  return " " + text + ".";
}

AlertCondition exhaustion_condition(const Watch& watch, double now_seconds) {
  const Verdict& verdict = watch.detector.verdict();
  AlertCondition condition = condition_of(watch, kLeakAlertNames[1]);
  const double left =
      verdict.exhaustion ? verdict.exhaustion->at_seconds - now_seconds : kPredictedWithinSeconds;
  condition.severity = left < kCriticalWithinSeconds ? "critical" : "warning";
  const std::string_view counted = signal_info(watch.key.signal).counted;
  condition.summary = counted.empty()
                          ? fmt::format("{} is about to reach its memory limit.", say_name(watch))
                          : fmt::format("{} is about to run out of {}.", say_name(watch), counted);
  condition.description = fmt::format(
      "The {} of {} stands at {}. {}", counted.empty() ? "heap floor" : "floor", say_subject(watch),
      say_amount(watch.key.signal, verdict.floor), say_forecast(watch, now_seconds));
  return condition;
}

}  // namespace

std::vector<AlertCondition> leak_conditions(const WatchList& watches, double now_seconds,
                                            const LeakSources& sources,
                                            double wall_offset_seconds) {
  std::vector<AlertCondition> conditions;
  const FirstLeaks first_leaks(watches);
  watches.for_each([&](const Watch& watch) {
    const Verdict& verdict = watch.detector.verdict();
    const bool is_leaking = watch.judge.state() == LeakState::leaking;
    if (!is_leaking && !watch.ended_seconds) return;
    if (!first_leaks.tells(watch)) return;
    AlertCondition& leak = conditions.emplace_back(leak_condition(watch, now_seconds, sources));
    if (const BuildComparison* const known = sources.builds ? sources.builds(watch) : nullptr)
      leak.description += sentence_of_builds(*known, watch, now_seconds + wall_offset_seconds);
    const bool is_near = verdict.exhaustion && verdict.confidence > kPredictedConfidence &&
                         verdict.exhaustion->at_seconds - now_seconds < kPredictedWithinSeconds;
    if (is_near || watch.ended_seconds)
      conditions.push_back(exhaustion_condition(watch, now_seconds));
  });
  return conditions;
}

std::string say_span(double seconds) {
  constexpr std::int64_t kHourMinutes = 60;
  constexpr std::int64_t kDayMinutes = 24 * kHourMinutes;
  if (!std::isfinite(seconds)) return "unknown time";
  if (seconds <= 0) return "no time";
  const auto minutes = static_cast<std::int64_t>(std::round(seconds / 60));
  if (minutes < 1) return fmt::format("{:.0f} s", seconds);
  if (minutes < kHourMinutes) return fmt::format("{} min", minutes);
  if (minutes < 2 * kDayMinutes) {
    return fmt::format("{} h {} min", minutes / kHourMinutes, minutes % kHourMinutes);
  }
  return fmt::format("{} d {} h", minutes / kDayMinutes, minutes % kDayMinutes / kHourMinutes);
}

std::string say_amount(Signal signal, double amount) {
  constexpr double kMiB = 1024.0 * 1024.0;
  const std::string_view counted = signal_info(signal).counted;
  if (!counted.empty()) return fmt::format("{:.0f} {}", amount, counted);
  return amount >= 1024 * kMiB ? fmt::format("{:.2f} GiB", amount / (1024 * kMiB))
                               : fmt::format("{:.0f} MiB", amount / kMiB);
}

std::string say_growth(Signal signal, double per_second) {
  const std::string_view counted = signal_info(signal).counted;
  if (counted.empty()) return say_rate(per_second);
  const double an_hour = per_second * kHour;
  // Large ones without an exponent.
  return std::abs(an_hour) >= 1000 ? fmt::format("{:.0f} {}/h", an_hour, counted)
                                   : fmt::format("{:.3g} {}/h", an_hour, counted);
}

std::string say_rate(double bytes_per_second) {
  constexpr double kMB = 1e6;
  const double an_hour = bytes_per_second * kHour / kMB;
  return std::abs(an_hour) >= 1000 ? fmt::format("{:.3g} GB/h", an_hour / 1000)
                                   : fmt::format("{:.3g} MB/h", an_hour);
}

}  // namespace heapfloor
