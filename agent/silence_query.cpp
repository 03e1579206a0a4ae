#include "agent/silence_query.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string_view>

#include "agent/alert_settings.h"
#include "agent/units.h"

namespace heapfloor {
namespace {

using Problem = std::optional<std::string>;

Problem set_end(Silence& silence, std::string_view name, const std::string& value,
                double now_unix_seconds) {
  if (name == "until") {
    silence.until_next_build = value == "next_build";
    if (!silence.until_next_build) return fmt::format("until is not next_build but \"{}\"", value);
    return std::nullopt;
  }
  if (silence.ends_at_seconds) return "expects either duration or ends_at";
  const bool is_duration = name == "duration";
  const std::optional<double> time = is_duration ? parse_duration(value) : parse_time(value);
  if (!time) return fmt::format("{} is not \"{}\"", is_duration ? "a duration" : "a time", value);
  const double ends_at = is_duration ? now_unix_seconds + *time : *time;
  if (ends_at <= now_unix_seconds || ends_at > now_unix_seconds + kLongestSilenceSeconds)
    return "a silence ends in the future, within a year";
  silence.ends_at_seconds = ends_at;
  return std::nullopt;
}

Problem set_parameter(Silence& silence, std::string_view name, const std::string& value,
                      double now_unix_seconds) {
  if (std::ranges::find(kSilenceLabels, name) != kSilenceLabels.end())
    return add_silence_matcher(silence, name, value);
  if (name == "duration" || name == "ends_at" || name == "until")
    return set_end(silence, name, value, now_unix_seconds);
  if (name != "comment" && name != "created_by")
    return fmt::format("unknown parameter \"{}\"", name.substr(0, 80));
  if (value.size() > kLongestTextBytes)
    return fmt::format("{} is longer than {} bytes", name, kLongestTextBytes);
  (name == "comment" ? silence.comment : silence.created_by) = value;
  return std::nullopt;
}

}  // namespace

Result<Silence> parse_silence_query(std::span<const std::pair<std::string, std::string>> parameters,
                                    double now_unix_seconds) {
  const auto refuse = [](std::string reason) {
    return failure(ErrorKind::malformed, "silence", std::move(reason));
  };
  Silence silence;
  std::set<std::string_view> seen;
  for (const auto& [name, value] : parameters) {
    if (!seen.insert(name).second) return refuse("a parameter is there twice");
    if (const Problem problem = set_parameter(silence, name, value, now_unix_seconds))
      return refuse(*problem);
  }
  if (silence.matchers.empty())
    return refuse("expects a pattern for alertname, scope, subject, group, signal or severity");
  if (!silence.ends_at_seconds && !silence.until_next_build)
    return refuse("expects duration, ends_at or until=next_build");
  // Where the build of a program cannot be told, the silence must end all the same.
  if (!silence.ends_at_seconds) silence.ends_at_seconds = now_unix_seconds + kLongestBuildSeconds;
  return silence;
}

}  // namespace heapfloor
