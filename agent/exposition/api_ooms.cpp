#include <algorithm>
#include <functional>

#include "agent/exposition/api_json.h"
#include "agent/exposition/api_parts.h"
#include "agent/exposition/text_format.h"

namespace heapfloor {
namespace {

Json name_or_null(std::string_view raw) {
  return raw.empty() ? Json(nullptr) : Json(visible_name(raw));
}

// The series of the victim's memory, where the agent still has it. A pid is reused: it must have
// been there when the victim was taken, and not have gone on for long behind it.
const WatchRow* watch_of(const OomVictimRow& victim, const Snapshot& snapshot) {
  const double slack = 2 * snapshot.interval_seconds;
  const auto found = std::ranges::find_if(snapshot.watches, [&](const WatchRow& watch) {
    const bool lived_on = !watch.ended_seconds ? snapshot.time_seconds > victim.time_seconds + slack
                                               : *watch.ended_seconds > victim.time_seconds + slack;
    return watch.scope == "process" && watch.signal == "rss_anon" &&
           watch.process.pid == victim.pid && watch.start_seconds <= victim.time_seconds &&
           !lived_on;
  });
  return found == snapshot.watches.end() ? nullptr : &*found;
}

Json victim_json(const OomVictimRow& victim, const Snapshot& snapshot) {
  const WatchRow* const watch = watch_of(victim, snapshot);
  return {{"at", ApiRows(snapshot).wall(victim.time_seconds)},
          {"pid", victim.pid},
          {"comm", visible_name(victim.comm)},
          {"group", watch == nullptr ? Json(nullptr) : Json(visible_name(watch->group))},
          {"cgroup", name_or_null(victim.cgroup)},
          {"workload", name_or_null(victim.workload)},
          {"resident_anon_bytes", json_number_or_null(victim.anon_bytes)},
          {"id", watch == nullptr ? Json(nullptr) : Json(watch_id(*watch))}};
}

// Whether the kernel's log tells of victims; null where nobody asks it.
Json is_log_readable(const Snapshot& snapshot) {
  for (const CollectorHealth& health : snapshot.collectors) {
    for (const SourceAccess& access : health.sources) {
      if (access.source == "kmsg") return access.is_accessible;
    }
  }
  return nullptr;
}

}  // namespace

ApiDocument ooms_document(const Snapshot& snapshot) {
  const ApiRows rows(snapshot);
  std::vector<const WorkloadRow*> killed;
  for (const WorkloadRow& workload : snapshot.workloads) {
    if (workload.oom_kills > 0) killed.push_back(&workload);
  }
  std::ranges::stable_sort(killed, std::greater<>(), [](const WorkloadRow* workload) {
    return workload->last_oom_seconds.value_or(0);
  });
  Json data;
  data["kernel_log_readable"] = is_log_readable(snapshot);
  data["victims"] = Json::array();
  for (auto victim = snapshot.oom_victims.rbegin(); victim != snapshot.oom_victims.rend(); ++victim)
    data["victims"].push_back(victim_json(*victim, snapshot));
  data["workloads"] = Json::array();
  for (const WorkloadRow* const workload : killed) {
    data["workloads"].push_back(
        {{"workload", visible_name(workload->name)},
         {"oom_kills", workload->oom_kills},
         {"last_at",
          workload->last_oom_seconds ? rows.wall(*workload->last_oom_seconds) : Json(nullptr)}});
  }
  return success_document(std::move(data));
}

ApiDocument oom_victim_document(const Snapshot& snapshot, std::int32_t pid, double since_seconds) {
  const auto found = std::find_if(
      snapshot.oom_victims.rbegin(), snapshot.oom_victims.rend(),
      [&](const OomVictimRow& row) { return row.pid == pid && row.time_seconds >= since_seconds; });
  if (found == snapshot.oom_victims.rend())
    return error_document(404, "not_found", "the OOM killer took no such process");
  Json data;
  data["victim"] = victim_json(*found, snapshot);
  return success_document(std::move(data));
}

}  // namespace heapfloor
