#include "agent/series/oom_book.h"

#include <algorithm>

#include "agent/series/bytes.h"
#include "collectors/parse/cgroup_identity.h"

namespace heapfloor {
namespace {

constexpr std::size_t kShownIdDigits = 12;
// How long a cgroup that vanished may explain what its parent counts: the parent is read first.
constexpr std::uint64_t kLostTicks = 2;
constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kMostBootId = 64;
constexpr std::size_t kMostSeen = 100000;
constexpr std::uint64_t kMostKills = std::uint64_t{1} << 53U;

// Worth a counter before its first kill: somebody gave it a name, or it has processes.
bool is_workload(const CgroupEntry& entry) {
  return entry.processes.value_or(0) > 0 ||
         std::ranges::any_of(entry.words, [](const CgroupWord& word) {
           return word.attribute == Attribute::unit || word.attribute == Attribute::pod_uid ||
                  word.attribute == Attribute::container_id;
         });
}

}  // namespace

std::string workload_of(std::string_view path) {
  const CgroupIdentity identity = cgroup_identity(path);
  if (!identity.pod_uid.empty()) return "pod/" + identity.pod_uid;
  if (!identity.container_id.empty())
    return "container/" + identity.container_id.substr(0, kShownIdDigits);
  return identity.unit.empty() ? std::string(path) : identity.unit;
}

WorkloadOom& OomBook::workload(const std::string& name) {
  const auto found = workloads_.find(name);
  if (found != workloads_.end()) return found->second;
  return workloads_[make_room() ? name : std::string(kOther)];
}

// At the cap the workload that is gone, and whose last kill is the oldest, gives its place.
bool OomBook::make_room() {
  if (workloads_.size() + 1 < kMostWorkloads) return true;
  auto oldest = workloads_.end();
  for (auto item = workloads_.begin(); item != workloads_.end(); ++item) {
    const WorkloadOom& entry = item->second;
    if (item->first == kOther || entry.alive_tick + 1 >= tick_ ||
        step_ - entry.changed_step <= kLostTicks)
      continue;
    const bool is_older = oldest == workloads_.end() ||
                          entry.last_seconds.value_or(0) < oldest->second.last_seconds.value_or(0);
    if (is_older) oldest = item;
  }
  if (oldest == workloads_.end()) return false;
  workloads_.erase(oldest);
  return true;
}

void OomBook::level_witnesses() {
  for (auto& [name, entry] : workloads_) {
    if (entry.seen_by_counters == entry.seen_in_log || step_ - entry.changed_step <= kLostTicks)
      continue;
    entry.seen_by_counters = entry.seen_in_log = entry.kills();
    ++version_;
  }
}

void OomBook::count(const std::string& name, double kills, double time_seconds) {
  if (kills <= 0) return;
  ++version_;
  WorkloadOom& entry = workload(name);
  entry.seen_by_counters += static_cast<std::uint64_t>(kills);
  entry.last_seconds = time_seconds;
  entry.changed_step = step_;
}

void OomBook::step(const CgroupTable& table, const OomBoard& board, double time_seconds) {
  ++step_;
  if (!table.cgroups().empty()) {
    ++tick_;
    for (auto& [name, entry] : workloads_) entry.is_alive = false;
    take_counters(table, time_seconds);
    note_vanished(table);
    explain(table, board.is_log_readable.value_or(false), time_seconds);
  }
  take_log(board, time_seconds);
  level_witnesses();
  std::erase_if(workloads_,
                [](const auto& item) { return !item.second.is_alive && item.second.kills() == 0; });
}

void OomBook::take_counters(const CgroupTable& table, double time_seconds) {
  for (const CgroupEntry& entry : table.cgroups()) {
    const auto [place, is_new] = seen_.try_emplace(entry.id);
    Seen& seen = place->second;
    // Before 5.2 there is one file, which counts the cgroup's own.
    const double local = entry.local_oom_kills.value_or(entry.oom_kills.value_or(0));
    const double all = entry.oom_kills.value_or(local);
    if (is_new) {
      seen.workload = workload_of(entry.path);
      seen.path = std::string(entry.path);
      if (tick_ == 1) {
        seen.kills = all;
        seen.local_kills = local;
      }
    }
    if (is_workload(entry)) {
      WorkloadOom& living = workload(seen.workload);
      living.is_alive = true;
      living.alive_tick = tick_;
    }
    const double gained_local = std::max(0.0, local - seen.local_kills);
    const double gained = std::max(0.0, all - seen.kills);
    if (all != seen.kills || local != seen.local_kills || is_new) ++version_;
    count(seen.workload, gained_local, time_seconds);
    if (entry.oom_kills && entry.local_oom_kills) seen.unexplained += gained - gained_local;
    if (const CgroupEntry* const parent = table.find(parent_path(entry.path))) {
      if (const auto above = seen_.find(parent->id); above != seen_.end())
        above->second.unexplained -= gained;
    }
    seen.kills = all;
    seen.local_kills = local;
    seen.tick = tick_;
  }
}

void OomBook::note_vanished(const CgroupTable& table) {
  for (const auto& [id, gone] : seen_) {
    if (gone.tick == tick_) continue;
    const CgroupEntry* const parent = table.find(parent_path(gone.path));
    if (parent == nullptr) continue;
    const auto above = seen_.find(parent->id);
    if (above == seen_.end()) continue;
    Seen& seen = above->second;
    const bool is_second = seen.lost_tick == tick_;
    seen.lost_child = is_second ? seen.workload : gone.workload;
    seen.lost_tick = tick_;
  }
  version_ += std::erase_if(seen_, [this](const auto& item) { return item.second.tick != tick_; });
}

void OomBook::explain(const CgroupTable& table, bool log_tells, double time_seconds) {
  for (const CgroupEntry& entry : table.cgroups()) {
    const auto found = seen_.find(entry.id);
    if (found == seen_.end() || found->second.unexplained <= 0) continue;
    Seen& seen = found->second;
    const bool is_lost_child = seen.lost_tick > 0 && tick_ - seen.lost_tick < kLostTicks;
    if (!log_tells && entry.oom_kills && entry.local_oom_kills)
      count(is_lost_child ? seen.lost_child : seen.workload, seen.unexplained, time_seconds);
    seen.unexplained = 0;
  }
}

void OomBook::take_log(const OomBoard& board, double time_seconds) {
  for (const OomVictim& victim : board.victims) {
    const std::string name = victim.cgroup.empty() ? std::string() : workload_of(victim.cgroup);
    if (!name.empty()) {
      WorkloadOom& entry = workload(name);
      ++entry.seen_in_log;
      ++version_;
      entry.last_seconds = time_seconds;
      entry.changed_step = step_;
    }
    if (victims_.size() == kMostVictims) victims_.pop_front();
    victims_.push_back({victim, name, time_seconds});
  }
}

std::string OomBook::save(const Moment& now) const {
  std::string bytes;
  ByteWriter out(bytes);
  out.put(kVersion);
  out.put_text(now.boot_id);
  const auto has_kills = [](const auto& item) { return item.second.kills() > 0; };
  out.put(static_cast<std::uint32_t>(std::ranges::count_if(workloads_, has_kills)));
  for (const auto& item : workloads_) {
    if (!has_kills(item)) continue;
    const WorkloadOom& entry = item.second;
    out.put_text(item.first);
    out.put(entry.seen_by_counters);
    out.put(entry.seen_in_log);
    out.put(entry.last_seconds ? std::optional(*entry.last_seconds + now.wall_offset_seconds)
                               : std::nullopt);
  }
  // One that is not written down and is met again had counted nothing.
  const auto has_counted = [](const auto& item) {
    return item.second.kills > 0 || item.second.local_kills > 0;
  };
  out.put(static_cast<std::uint32_t>(std::ranges::count_if(seen_, has_counted)));
  for (const auto& item : seen_) {
    if (!has_counted(item)) continue;
    const Seen& seen = item.second;
    out.put(item.first);
    out.put_text(seen.path);
    out.put(seen.kills);
    out.put(seen.local_kills);
    out.put(seen.unexplained);
  }
  return bytes;
}

bool OomBook::restore(std::string_view bytes, const Moment& now) {
  ByteReader in(bytes);
  in.require(in.take<std::uint8_t>() == kVersion);
  const std::string boot_id = in.take_text(kMostBootId);
  std::map<std::string, WorkloadOom, std::less<>> workloads;
  const auto workload_count = in.take_at_most<std::uint32_t>(kMostWorkloads);
  for (std::uint32_t i = 0; i < workload_count && !in.failed(); ++i) {
    std::string name = in.take_text(kMostCgroupPathBytes);
    WorkloadOom& entry = workloads[std::move(name)];
    entry.seen_by_counters = in.take_at_most<std::uint64_t>(kMostKills);
    entry.seen_in_log = in.take_at_most<std::uint64_t>(kMostKills);
    entry.last_seconds = in.take_optional<double>(-kMostSeconds, kMostSeconds);
    if (entry.last_seconds) *entry.last_seconds -= now.wall_offset_seconds;
    in.require(entry.kills() > 0);
  }
  std::unordered_map<std::uint64_t, Seen> seen_before;
  const auto seen_count = in.take_at_most<std::uint32_t>(kMostSeen);
  for (std::uint32_t i = 0; i < seen_count && !in.failed(); ++i) {
    Seen& seen = seen_before[in.take<std::uint64_t>()];
    seen.path = in.take_text(kMostCgroupPathBytes);
    seen.workload = workload_of(seen.path);
    seen.kills = in.take_number<double>(0, kMostValue);
    seen.local_kills = in.take_number<double>(0, kMostValue);
    seen.unexplained = in.take_number<double>(-kMostValue, kMostValue);
  }
  if (!in.finished()) return false;
  workloads_ = std::move(workloads);
  ++version_;
  // An inode is another cgroup's after a reboot.
  if (now.boot_id.empty() || boot_id != now.boot_id) return true;
  seen_ = std::move(seen_before);
  tick_ = 1;
  return true;
}

}  // namespace heapfloor
