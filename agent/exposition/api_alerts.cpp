#include "agent/exposition/api_json.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <ctime>

#include "agent/exposition/api_parts.h"
#include "agent/exposition/text_format.h"

namespace heapfloor {
namespace {

// RFC 3339 in UTC to the microsecond, which is what a double holds of a Unix time; zeros at the end
// of the fraction are left out, as Go's RFC3339Nano does.
std::string rfc3339(double unix_seconds) {
  constexpr std::int64_t kMicroseconds = 1'000'000;
  const auto total = static_cast<std::int64_t>(std::llround(unix_seconds * 1e6));
  std::int64_t micros = total % kMicroseconds;
  if (micros < 0) micros += kMicroseconds;
  const std::time_t seconds = (total - micros) / kMicroseconds;
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  std::array<char, 64> text{};
  const int length = std::snprintf(text.data(), text.size(), "%04d-%02d-%02dT%02d:%02d:%02d.%06d",
                                   utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday, utc.tm_hour,
                                   utc.tm_min, utc.tm_sec, static_cast<int>(micros));
  std::string out(text.data(), static_cast<std::size_t>(length));
  out.resize(out.find_last_not_of('0') + 1);
  if (out.ends_with('.')) out.pop_back();
  return out + 'Z';
}

// As Go's strconv.FormatFloat(value, 'e', -1, 64): "1.2e+04".
std::string scientific(double value) {
  std::array<char, 40> text{};
  const auto [end, error] =
      std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::scientific);
  return {text.data(), end};
}

}  // namespace

ApiDocument alerts_document(const Snapshot& snapshot) {
  Json data;
  data["alerts"] = Json::array();
  for (const AlertRow& alert : snapshot.alerts) {
    data["alerts"].push_back(
        {{"labels",
          {{"alertname", alert.name},
           {"severity", alert.severity},
           {"scope", alert.scope},
           {"subject", visible_name(alert.subject)},
           {"group", visible_name(alert.group)},
           {"signal", alert.signal}}},
         {"annotations",
          {{"summary", visible_name(alert.summary)},
           {"description", visible_name(alert.description)}}},
         {"state", alert.phase == AlertPhase::firing ? "firing" : "pending"},
         {"activeAt", rfc3339(snapshot.wall_offset_seconds + alert.active_since_seconds)},
         {"value", scientific(alert.value)}});
  }
  return success_document(std::move(data));
}

}  // namespace heapfloor
