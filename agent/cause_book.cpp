#include "agent/cause_book.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "agent/probe_follower.h"

namespace heapfloor {
namespace {

bool is_suspect(const Watch& watch) {
  return watch.judge.state() == LeakState::suspected || watch.judge.state() == LeakState::leaking;
}

bool is_of_process_memory(const Watch& watch) {
  const Signal signal = watch.key.signal;
  return watch.key.kind == EntityKind::process &&
         (signal == Signal::rss_anon || signal == Signal::allocator_live ||
          signal == Signal::sampled_live);
}

bool is_cgroup_watched(const WatchList& watches, std::uint64_t id) {
  return watches.is_watched({EntityKind::cgroup, Signal::cgroup_anon, {}, id}) ||
         watches.is_watched({EntityKind::cgroup, Signal::cgroup_shmem, {}, id});
}

}  // namespace

void CauseBook::add(const ProcessEntry& process, const std::optional<LiveHeap>& heap,
                    double now_seconds) {
  const std::optional<double> anon = anonymous_bytes(process);
  if (!anon) return;
  Known& known = processes_[process.id];
  if (process.thread_stack_bytes) known.stack_bytes = process.thread_stack_bytes;
  GrowthReading reading;
  reading.time_seconds = now_seconds;
  reading.anon_bytes = *anon;
  reading.file_bytes = process.file_bytes;
  reading.shmem_bytes = process.shmem_bytes;
  reading.threads = process.threads;
  if (heap) {
    // The first one may be of long ago, when the memory was another.
    const bool is_of_now =
        !heap->told_seconds || (known.told_seconds && known.told_seconds != heap->told_seconds);
    known.told_seconds = heap->told_seconds;
    if (is_of_now) {
      reading.live_bytes = heap->live_bytes;
      reading.free_bytes = heap->free_bytes;
    }
  }
  known.ledger.add(reading);
}

void CauseBook::add(const CgroupEntry& cgroup, const WatchList& watches, double now_seconds) {
  if (!cgroup.own_anon_bytes || !is_cgroup_watched(watches, cgroup.id)) return;
  GrowthReading reading;
  reading.time_seconds = now_seconds;
  reading.anon_bytes = *cgroup.own_anon_bytes;
  reading.file_bytes = cgroup.own_file_bytes;
  reading.shmem_bytes = cgroup.own_shmem_bytes;
  cgroups_[cgroup.id].add(reading);
}

void CauseBook::finish_tick(const WatchList& watches) {
  std::erase_if(processes_, [&watches](const auto& known) {
    return !watches.is_watched({EntityKind::process, Signal::rss_anon, known.first});
  });
  std::erase_if(cgroups_,
                [&watches](const auto& known) { return !is_cgroup_watched(watches, known.first); });
}

std::optional<GrowthCauses> CauseBook::causes(const Watch& watch) const {
  const double start = watch.detector.verdict().window_start_seconds;
  if (is_of_process_memory(watch)) {
    const auto found = processes_.find(watch.key.process);
    if (found == processes_.end()) return std::nullopt;
    const auto growth = found->second.ledger.growth_since(start);
    if (!growth || growth->anon_bytes <= 0) return std::nullopt;
    return causes_of(*growth, found->second.stack_bytes);
  }
  const bool is_shmem = watch.key.signal == Signal::cgroup_shmem;
  if (!is_shmem && watch.key.signal != Signal::cgroup_anon) return std::nullopt;
  const auto found = cgroups_.find(watch.key.part);
  if (found == cgroups_.end()) return std::nullopt;
  const auto growth = found->second.growth_since(start);
  if (!growth || (is_shmem ? growth->shmem_bytes.value_or(0) : growth->anon_bytes) <= 0)
    return std::nullopt;
  return causes_of(*growth, std::nullopt);
}

std::string CauseBook::saved(const Watch& watch, const WatchList& watches) const {
  std::string bytes;
  ByteWriter out(bytes);
  if (watch.key.kind == EntityKind::process && watch.key.signal == Signal::rss_anon) {
    const auto found = processes_.find(watch.key.process);
    if (found != processes_.end()) found->second.ledger.save(out);
  }
  const SeriesKey anon{EntityKind::cgroup, Signal::cgroup_anon, {}, watch.key.part};
  if (watch.key == anon ||
      (watch.key.signal == Signal::cgroup_shmem && !watches.is_watched(anon))) {
    const auto found = cgroups_.find(watch.key.part);
    if (found != cgroups_.end()) found->second.save(out);
  }
  return bytes;
}

void CauseBook::restore(const Watch& watch, std::string_view bytes) {
  ByteReader in(bytes);
  GrowthLedger ledger;
  if (bytes.empty() || !ledger.restore(in) || !in.finished()) return;
  if (watch.key.kind == EntityKind::process) {
    processes_[watch.key.process].ledger = std::move(ledger);
  } else if (watch.key.kind == EntityKind::cgroup) {
    cgroups_[watch.key.part] = std::move(ledger);
  }
}

std::vector<ProcessId> CauseBook::wanted_stacks(const WatchList& watches) const {
  std::vector<std::pair<double, ProcessId>> gains;
  watches.for_each([&](const Watch& watch) {
    if (watch.key.signal != Signal::rss_anon || !is_suspect(watch) || watch.ended_seconds) return;
    const std::optional<GrowthCauses> found = causes(watch);
    if (found && found->threads_gained.value_or(0) > 0)
      gains.emplace_back(*found->threads_gained, watch.key.process);
  });
  std::ranges::sort(gains, std::greater<>());
  if (gains.size() > kMostLooks) gains.resize(kMostLooks);
  std::vector<ProcessId> wanted;
  wanted.reserve(gains.size());
  for (const auto& [gained, id] : gains) wanted.push_back(id);
  std::ranges::sort(wanted);
  return wanted;
}

}  // namespace heapfloor
