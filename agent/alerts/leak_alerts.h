// From leak states to alert conditions, and from transitions to words.
#pragma once

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/alerts/alert_book.h"
#include "agent/alerts/build_comparison.h"
#include "agent/alerts/watch_list.h"
#include "agent/series/growth_causes.h"
#include "agent/series/signal.h"

namespace heapfloor {

inline constexpr std::array<std::string_view, 2> kLeakAlertNames = {"HeapfloorLeak",
                                                                    "HeapfloorExhaustionPredicted"};

// The same alerts as rules, for those who ask which there are.
struct LeakRule {
  std::string_view name;
  std::string_view query;
  std::string_view severity;  // at first; it may rise
  std::string_view summary;
};
inline constexpr std::array<LeakRule, 2> kLeakRules = {{
    {kLeakAlertNames[0], "heapfloor_leak_state{state=\"leaking\"} == 1", "warning",
     "A process leaks memory."},
    {kLeakAlertNames[1],
     "heapfloor_trend_predicted_exhaustion_timestamp_seconds - time() < 86400 and "
     "heapfloor_trend_confidence_ratio > 0.8",
     "warning", "A process is about to reach its memory limit."},
}};

// Conditions of every watched series: HeapfloorLeak while it is leaking;
// HeapfloorExhaustionPredicted while its limit is predicted to be reached within 24 hours (critical
// within 4) at a confidence above 0.8. Suspected series raise nothing. Of the memory of a program,
// its heap and its structures only the first that leaks raises them; sites raise nothing.
// `wall_offset_seconds` is Unix time minus `now_seconds`.
struct LeakSources {
  // What a growth is made of, where that is known.
  std::function<std::optional<GrowthCauses>(const Watch&)> causes = {};
  // What else is known of what grows, in sentences; empty: nothing.
  std::function<std::string(const Watch&)> details = {};
  BuildsOf builds = {};  // of its program
};
std::vector<AlertCondition> leak_conditions(const WatchList& watches, double now_seconds,
                                            const LeakSources& sources = {},
                                            double wall_offset_seconds = 0);

// "1.42 GiB", "1200 threads": an amount of what the signal measures.
std::string say_amount(Signal signal, double amount);
// "5 h 12 min": how people say a span; "unknown time" of what is not finite.
std::string say_span(double seconds);
// "212 MB/h": how people say a rate.
std::string say_rate(double bytes_per_second);
// The same of what a signal measures: "212 MB/h", "12 threads/h".
std::string say_growth(Signal signal, double per_second);

}  // namespace heapfloor
