// Amounts and times as people read them, in ASCII and UTC: for the table and the report of replay.
#pragma once

#include <string>
#include <string_view>

#include "agent/trend/verdict.h"

namespace heapfloor {

// `counted` is what the signal counts (SignalInfo::counted), or empty for bytes. Any number is
// fine; the texts are short.

// "312 MiB"; "1,024 threads".
std::string human_amount(double amount, std::string_view counted = {});

// An amount at a tick of an axis whose ticks are `step` apart: whole units where they are exact.
std::string human_tick(double amount, double step, std::string_view counted = {});

struct HumanGrowth {
  std::string value;     // "212 MiB/h"; "3.1 threads/h"
  std::string interval;  // "198 to 230", in the same unit
};
HumanGrowth human_growth(const Growth& growth, std::string_view counted = {});

// Two units at most: "5 h 12 min". Negative times are 0.
std::string human_duration(double seconds);

// The wait for the limit, seen from `now_seconds`.
struct HumanWait {
  std::string value;     // "in 3 d 4 h", "now"
  std::string interval;  // "2 d 20 h to 3 d 12 h", "2 d 20 h at the earliest"
};
HumanWait human_wait(const Exhaustion& exhaustion, double now_seconds);

// "2023-11-14 22:13", "2023-11-14 22:13:20", "22:13", "14 Nov": Unix seconds in UTC. What is not a
// time of the years 1970 to 9999 is written as a number of seconds.
std::string utc_minute(double unix_seconds);
std::string utc_second(double unix_seconds);
std::string utc_clock(double unix_seconds, bool with_seconds);
std::string utc_day(double unix_seconds);

}  // namespace heapfloor
