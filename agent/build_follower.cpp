#include "agent/build_follower.h"

#include <map>
#include <utility>
#include <vector>

#include "agent/series/signal.h"

namespace heapfloor {
namespace {

ContainerImage image_of(const CgroupEntry* cgroup) {
  ContainerImage image;
  if (cgroup == nullptr) return image;
  for (const CgroupWord& word : cgroup->words) {
    if (word.attribute == Attribute::image) image.name = word.text;
    if (word.attribute == Attribute::image_id) image.id = word.text;
  }
  return image;
}

}  // namespace

void BuildFollower::begin_tick() {
  if (reader_ != nullptr) builds_ = reader_->builds();
}

SharedBuild BuildFollower::build_of(const ProcessId& id) const {
  if (!builds_) return nullptr;
  const auto found = builds_->find(id);
  return found == builds_->end() ? nullptr : found->second;
}

void BuildFollower::ask(const WatchList& watches, const CgroupTable& cgroups,
                        double wall_offset_seconds) {
  std::map<ProcessId, const Watch*> processes;  // each once, however many signals it has
  watches.for_each([&processes](const Watch& watch) {
    if (watch.key.process.pid > 0 && !watch.ended_seconds)
      processes.emplace(watch.key.process, &watch);
  });
  std::vector<BuildQuery> wanted;
  wanted.reserve(processes.size());
  for (const auto& [id, watch] : processes)
    wanted.push_back({id, watch->name, watch->start_seconds + wall_offset_seconds,
                      image_of(cgroups.find(watch->cgroup))});
  reader_->follow(std::move(wanted));
}

void BuildFollower::finish_tick(const WatchList& watches, const CgroupTable& cgroups,
                                const HistoryRecorder& history, double now_seconds,
                                double wall_offset_seconds) {
  if (reader_ != nullptr) ask(watches, cgroups, wall_offset_seconds);
  std::unordered_map<SeriesKey, Compared, SeriesKeyHash> compared;
  watches.for_each([&](const Watch& watch) {
    if (watch.judge.state() < LeakState::suspected || !watch.build) return;
    const double verdict_seconds = watch.detector.verdict().window_end_seconds;
    const auto found = compared_.find(watch.key);
    const bool is_known = found != compared_.end();
    const bool is_same = is_known && found->second.verdict_seconds == verdict_seconds &&
                         found->second.build == watch.build;
    // One that ended is among the stored runs.
    if (is_same || (is_known && watch.ended_seconds)) compared.insert(compared_.extract(found));
    if (is_same || watch.ended_seconds) return;
    const BuildRun present{watch.build, watch.run_start_seconds() + wall_offset_seconds,
                           now_seconds + wall_offset_seconds, watch.detector.course()};
    const auto runs =
        history.build_runs(watch.life_name(), watch.group, signal_name(watch.key.signal));
    const auto comparison = compare_builds(runs, present);
    if (!comparison) return;
    compared.emplace(watch.key, Compared{verdict_seconds, watch.build,
                                         std::make_shared<const BuildComparison>(*comparison)});
  });
  compared_ = std::move(compared);
}

std::shared_ptr<const BuildComparison> BuildFollower::comparison_of(const Watch& watch) const {
  const auto found = compared_.find(watch.key);
  return found == compared_.end() ? nullptr : found->second.comparison;
}

}  // namespace heapfloor
