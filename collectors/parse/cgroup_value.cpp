#include "collectors/parse/cgroup_value.h"

#include <algorithm>
#include <array>

#include "collectors/parse/integer.h"
#include "collectors/parse/text.h"

namespace heapfloor {
namespace {

struct EventKey {
  std::string_view name;
  std::optional<std::uint64_t> CgroupEvents::*count;
};
constexpr std::array kEventKeys = {
    EventKey{"low", &CgroupEvents::low},
    EventKey{"high", &CgroupEvents::high},
    EventKey{"max", &CgroupEvents::max},
    EventKey{"oom", &CgroupEvents::oom},
    EventKey{"oom_kill", &CgroupEvents::oom_kill},
    EventKey{"oom_group_kill", &CgroupEvents::oom_group_kill},
};

}  // namespace

Result<CgroupLimit> parse_cgroup_limit(std::string_view text) {
  if (text == "max\n" || text == "max") return CgroupLimit{};
  const auto value = parse_integer(text);
  if (!value) return Failure(value.error());
  if (*value >= kCgroupUnlimited) return CgroupLimit{};
  return CgroupLimit{*value};
}

Result<CgroupEvents> parse_cgroup_events(std::string_view text) {
  if (!text.ends_with('\n')) return malformed("cut off", text);
  CgroupEvents events;
  std::string_view line;
  while (next_line(text, line)) {
    const std::size_t space = line.find(' ');
    if (space == std::string_view::npos) continue;
    const auto* const key = std::ranges::find(kEventKeys, line.substr(0, space), &EventKey::name);
    if (key == kEventKeys.end()) continue;
    const auto count = parse_unsigned(line.substr(space + 1));
    if (!count) return malformed("not a count", line);
    events.*key->count = count;
  }
  return events;
}

Result<std::uint64_t> parse_cgroup_procs(std::string_view text) {
  if (!text.empty() && !text.ends_with('\n')) return malformed("cut off", text);
  std::uint64_t processes = 0;
  std::string_view line;
  while (next_line(text, line)) {
    if (!parse_unsigned(line)) return malformed("not a process", line);
    ++processes;
  }
  return processes;
}

bool controllers_include_memory(std::string_view text) {
  std::string_view line;
  if (!next_line(text, line)) return false;
  for (std::string_view token = next_token(line); !token.empty(); token = next_token(line)) {
    if (token == "memory") return true;
  }
  return false;
}

}  // namespace heapfloor
