// SnapshotBuilder: copies the state of one tick into a snapshot's rows.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "agent/alerts/alert_book.h"
#include "agent/alerts/rule_evaluator.h"
#include "agent/alerts/silence_book.h"
#include "agent/alerts/watch_list.h"
#include "agent/build_follower.h"
#include "agent/cause_book.h"
#include "agent/exposition/snapshot.h"
#include "agent/go_follower.h"
#include "agent/jvm_follower.h"
#include "agent/probe_follower.h"
#include "agent/series/cgroup_table.h"
#include "agent/series/group_table.h"
#include "agent/series/oom_book.h"
#include "agent/series/sample_batch.h"

namespace heapfloor {

// Fills `snapshot`, which outlives the builder. add_watches and add_groups come before
// add_processes, whose rows refer to theirs.
class SnapshotBuilder {
 public:
  SnapshotBuilder(Snapshot& snapshot, double ticks_per_second)
      : snapshot_(snapshot), ticks_per_second_(ticks_per_second) {}

  void add_scalars(const SampleBatch& batch);
  void add_watches(const WatchList& watches, const ProbeFollower& probes, const CauseBook& causes,
                   const BuildFollower& builds);
  void add_probes(const ProbeFollower& probes);
  // After the watches.
  void add_jvms(const JvmFollower& jvms);
  void add_go_programs(const GoFollower& go, const std::shared_ptr<const KnownWaits>& waits);
  void add_cgroups(const CgroupTable& table, const SampleBatch& batch);
  void add_ooms(const OomBook& book);
  void add_groups(const GroupTable& table);
  // Values of their own go to the `exposed.largest` processes, to the largest of the groups that
  // are configured so, at most `exposed.of_groups` beside the others, and to every process that is
  // suspected or worse. Returns how many of those groups were left out.
  // `limit_of`: the memory that a process may have.
  using LimitSource = std::function<std::optional<double>(const ProcessEntry&)>;
  struct Exposed {
    std::size_t largest = 0;
    std::size_t of_groups = 0;
  };
  std::size_t add_processes(const GroupTable& table, const SampleBatch& batch,
                            const ProbeFollower& probes, const Exposed& exposed,
                            const LimitSource& limit_of);
  // `now_unix_seconds`: for the silences, which end by it.
  using LinkSource = std::function<AlertLinks(const AlertCondition&)>;
  void add_alerts(const AlertBook& alerts, const SilenceBook& silences, const LinkSource& links_of,
                  double now_unix_seconds);
  // `hold_seconds`: of rules without one of their own.
  void add_rules(const RuleEvaluator& rules, double hold_seconds);

 private:
  ProcessRow& add_process(const ProcessEntry& process, const SampleBatch& batch);
  AlertRow& add_alert(const Alert& alert);
  [[nodiscard]] double seconds_of(std::uint64_t ticks) const {
    return static_cast<double>(ticks) / ticks_per_second_;
  }

  Snapshot& snapshot_;
  double ticks_per_second_;
  std::vector<std::uint32_t> row_of_group_;  // by the table's index
};

}  // namespace heapfloor
