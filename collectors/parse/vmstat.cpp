#include "collectors/parse/vmstat.h"

#include <algorithm>
#include <array>
#include <limits>

#include "collectors/parse/text.h"

namespace heapfloor {
namespace {

// `rest` of a key after "pgscan_" or "pgsteal_": a reclaimer, alone or with a zone behind it.
bool names_reclaimer(std::string_view rest) {
  constexpr std::array<std::string_view, 4> kReclaimers = {"kswapd", "direct", "khugepaged",
                                                           "proactive"};
  constexpr std::array<std::string_view, 6> kZones = {"_dma",  "_dma32",   "_normal",
                                                      "_high", "_movable", "_device"};
  for (const std::string_view reclaimer : kReclaimers) {
    if (!rest.starts_with(reclaimer)) continue;
    const std::string_view zone = rest.substr(reclaimer.size());
    return zone.empty() || std::find(kZones.begin(), kZones.end(), zone) != kZones.end();
  }
  return false;
}

// Where the value of `key` is added to; null for the keys that are not ours.
std::optional<std::uint64_t>* counter_of(Vmstat& stat, std::string_view key) {
  constexpr std::string_view kScan = "pgscan_";
  constexpr std::string_view kSteal = "pgsteal_";
  if (key.starts_with(kScan)) {
    return names_reclaimer(key.substr(kScan.size())) ? &stat.reclaim_scanned_pages : nullptr;
  }
  if (key.starts_with(kSteal)) {
    return names_reclaimer(key.substr(kSteal.size())) ? &stat.reclaim_stolen_pages : nullptr;
  }
  if (key == "oom_kill") return &stat.oom_kills;
  if (key == "pgmajfault") return &stat.major_faults;
  return nullptr;
}

}  // namespace

Result<Vmstat> parse_vmstat(std::string_view text) {
  Vmstat stat;
  std::string_view line;
  while (next_line(text, line)) {
    const std::size_t space = line.find(' ');
    if (space == std::string_view::npos) continue;
    std::optional<std::uint64_t>* counter = counter_of(stat, line.substr(0, space));
    if (counter == nullptr) continue;
    const auto value = parse_unsigned(line.substr(space + 1));
    const std::uint64_t before = counter->value_or(0);
    if (!value || *value > std::numeric_limits<std::uint64_t>::max() - before) {
      return malformed("not a count", line);
    }
    *counter = before + *value;
  }
  return stat;
}

}  // namespace heapfloor
