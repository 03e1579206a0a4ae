#include "agent/series/oom_book.h"

#include <gtest/gtest.h>

#include "collectors/cgroup_metrics.h"

namespace heapfloor {
namespace {

const MetricDesc& kAll = *cgroup_metric("heapfloor_cgroup_memory_events_total", "oom_kill");
const MetricDesc& kLocal = *cgroup_metric("heapfloor_cgroup_memory_events_local_total", "oom_kill");
const MetricDesc& kProcesses = *cgroup_metric("heapfloor_cgroup_processes");

// The ticks of a host: what each cgroup counts, and what the log says.
class OomBookTest : public ::testing::Test {
 protected:
  struct Cgroup {
    std::string path;
    std::uint64_t id;
    std::optional<double> all;
    double local;
  };
  void tick(const std::vector<Cgroup>& cgroups, std::vector<OomVictim> victims = {}) {
    now_ += 10;
    SampleBatch batch;
    for (const Cgroup& cgroup : cgroups) {
      batch.begin({.kind = EntityKind::cgroup, .name = cgroup.path, .cgroup_id = cgroup.id});
      if (cgroup.all) batch.add(kAll, *cgroup.all);
      batch.add(kLocal, cgroup.local);
      batch.add(kProcesses, 1);
    }
    table_.ingest(batch);
    OomBoard board;
    board.is_log_readable = log_is_readable_;
    board.victims = std::move(victims);
    book_.step(table_, board, now_);
  }
  std::optional<std::uint64_t> kills(std::string_view workload) const {
    const auto found = book_.workloads().find(workload);
    if (found == book_.workloads().end()) return std::nullopt;
    return found->second.kills();
  }

  // A successor takes over, on this boot or another.
  void restart(std::string_view boot_id = "one", double wall_offset_seconds = 1000) {
    const std::string bytes = book_.save({"one", 1000});
    OomBook successor;
    ASSERT_TRUE(successor.restore(bytes, {boot_id, wall_offset_seconds}));
    book_ = std::move(successor);
  }

  double now_ = 0;
  bool log_is_readable_ = false;
  CgroupTable table_;
  OomBook book_;
};

TEST_F(OomBookTest, ACounterIsThereBeforeItsFirstKillAndStaysBehindIt) {
  tick({{"/a", 1, {}, 3}});
  EXPECT_EQ(kills("/a"), 0U);  // what was before the agent is not its own
  tick({{"/a", 1, {}, 5}});
  EXPECT_EQ(kills("/a"), 2U);
  EXPECT_EQ(book_.workloads().find("/a")->second.last_seconds, 20);
  tick({{"/", 9, {}, 0}});
  EXPECT_EQ(kills("/a"), 2U);
  tick({{"/a", 2, {}, 1}});  // made anew, and its first kill
  EXPECT_EQ(kills("/a"), 3U);
}

TEST_F(OomBookTest, AWorkloadWithoutKillsIsForgottenWithItsCgroup) {
  tick({{"/a", 1, {}, 0}});
  tick({{"/", 9, {}, 0}});
  EXPECT_EQ(kills("/a"), std::nullopt);
}

TEST_F(OomBookTest, TheKillThatEndedACgroupIsFoundInWhatIsAboveIt) {
  tick({{"/p", 1, 0, 0}, {"/p/c", 2, 0, 0}, {"/p/d", 3, 0, 0}});
  tick({{"/p", 1, 1, 0}, {"/p/d", 3, 0, 0}});
  EXPECT_EQ(kills("/p/c"), 1U);
  EXPECT_EQ(kills("/p"), 0U);
  EXPECT_EQ(kills("/p/d"), 0U);
}

TEST_F(OomBookTest, WhenTwoVanishedTheKillIsTheirParents) {
  tick({{"/p", 1, 0, 0}, {"/p/c", 2, 0, 0}, {"/p/d", 3, 0, 0}});
  tick({{"/p", 1, 1, 0}});
  EXPECT_EQ(kills("/p"), 1U);
}

TEST_F(OomBookTest, AKillBetweenTheReadingOfParentAndChildIsCountedOnce) {
  tick({{"/p", 1, 0, 0}, {"/p/c", 2, 0, 0}});
  tick({{"/p", 1, 0, 0}, {"/p/c", 2, 1, 1}});
  tick({{"/p", 1, 1, 0}, {"/p/c", 2, 1, 1}});
  EXPECT_EQ(kills("/p/c"), 1U);
  EXPECT_EQ(kills("/p"), 0U);
}

TEST_F(OomBookTest, AKillThatCountersAndLogBothSawIsOne) {
  log_is_readable_ = true;
  tick({{"/a", 1, {}, 0}});
  tick({{"/a", 1, {}, 1}}, {{42, "leaky", "/a", {}}});
  EXPECT_EQ(kills("/a"), 1U);
  tick({{"/a", 1, {}, 1}}, {{43, "leaky", "/a", {}}});
  tick({{"/a", 1, {}, 2}});  // the log was first
  EXPECT_EQ(kills("/a"), 2U);
}

TEST_F(OomBookTest, KillsThatOneWitnessMissedDoNotHideWhatItAloneSeesNext) {
  tick({{"/a", 1, 0, 0}});
  tick({{"/a", 1, 3, 3}});  // the log was closed
  for (int quiet = 0; quiet < 4; ++quiet) tick({{"/a", 1, 3, 3}});
  EXPECT_EQ(kills("/a"), 3U);
  log_is_readable_ = true;
  tick({{"/b", 2, 0, 0}}, {{42, "leaky", "/a", {}}});  // the cgroup ended with it
  EXPECT_EQ(kills("/a"), 4U);
  tick({{"/b", 2, 0, 0}}, {{43, "leaky", "/a", {}}});
  EXPECT_EQ(kills("/a"), 5U);
}

TEST_F(OomBookTest, KillsThatWereMissedBeforeARestartHideNoneAfterIt) {
  tick({{"/a", 1, 0, 0}});
  tick({{"/a", 1, 3, 3}});
  restart();
  log_is_readable_ = true;
  for (int quiet = 0; quiet < 4; ++quiet) tick({{"/a", 1, 3, 3}});
  tick({{"/b", 2, 0, 0}}, {{42, "leaky", "/a", {}}});
  EXPECT_EQ(kills("/a"), 4U);
}

TEST_F(OomBookTest, AtTheCapTheWorkloadThatIsGoneForLongestGivesItsPlace) {
  log_is_readable_ = true;
  for (int container = 1; container <= 2000; ++container) {
    const std::string path = "/c" + std::to_string(container);
    tick({{"/living", 1, 0, 0}}, {{container, "leaky", path, {}}});
  }
  EXPECT_EQ(book_.workloads().size(), OomBook::kMostWorkloads - 1);
  EXPECT_EQ(kills("/c2000"), 1U);
  EXPECT_EQ(kills("/c1"), std::nullopt);
  EXPECT_TRUE(kills("/living"));
  EXPECT_EQ(kills("other"), std::nullopt) << "nobody was left without a place";
}

TEST_F(OomBookTest, TheLogKnowsTheCgroupThatVanishedBetterThanItsParent) {
  log_is_readable_ = true;
  tick({{"/p", 1, 0, 0}, {"/p/c", 2, 0, 0}, {"/p/d", 3, 0, 0}});
  tick({{"/p", 1, 1, 0}}, {{42, "leaky", "/p/d", {}}});
  EXPECT_EQ(kills("/p/d"), 1U);
  EXPECT_EQ(kills("/p"), 0U);
}

TEST_F(OomBookTest, VictimsAreTheNewestAndHaveTheirWorkload) {
  log_is_readable_ = true;
  for (int pid = 1; pid <= 70; ++pid)
    tick({}, {{pid, "leaky", pid == 70 ? "" : "/x/u.service", {}}});
  ASSERT_EQ(book_.victims().size(), OomBook::kMostVictims);
  EXPECT_EQ(book_.victims().front().victim.pid, 7);
  EXPECT_EQ(book_.victims().front().workload, "u.service");
  EXPECT_EQ(book_.victims().back().workload, "");
  EXPECT_EQ(kills("u.service"), 69U);
}

TEST_F(OomBookTest, AboveTheCapKillsAreCountedForTheOthersTogether) {
  log_is_readable_ = true;
  std::vector<OomVictim> victims;
  for (int pid = 1; pid <= 1100; ++pid)
    victims.push_back({pid, "a", "/" + std::to_string(pid), {}});
  tick({}, victims);
  EXPECT_EQ(book_.workloads().size(), OomBook::kMostWorkloads);
  std::uint64_t all = 0;
  for (const auto& [name, oom] : book_.workloads()) all += oom.kills();
  EXPECT_EQ(all, 1100U);
  EXPECT_EQ(kills("other"), 101U);
}

TEST_F(OomBookTest, ACountGoesOnOverARestartAndTakesInWhatHappenedMeanwhile) {
  tick({{"/a", 1, {}, 3}, {"/b", 2, {}, 0}});
  tick({{"/a", 1, {}, 5}, {"/b", 2, {}, 0}});
  restart();
  EXPECT_EQ(kills("/a"), 2U);
  EXPECT_EQ(book_.workloads().find("/a")->second.last_seconds, 20);
  tick({{"/a", 1, {}, 5}, {"/b", 2, {}, 0}});
  EXPECT_EQ(kills("/a"), 2U) << "nothing is counted twice";
  restart();
  tick({{"/a", 1, {}, 6}, {"/b", 2, {}, 1}, {"/c", 3, {}, 1}});
  EXPECT_EQ(kills("/a"), 3U);
  EXPECT_EQ(kills("/b"), 1U);
  EXPECT_EQ(kills("/c"), 1U) << "it was made while nobody watched";
}

TEST_F(OomBookTest, ACountOutlivesItsCgroupAndTheAgentToo) {
  tick({{"/a", 1, {}, 0}, {"/b", 2, {}, 0}});
  tick({{"/a", 1, {}, 1}, {"/b", 2, {}, 0}});
  restart();
  tick({{"/b", 2, {}, 0}});
  EXPECT_EQ(kills("/a"), 1U);
  tick({{"/a", 3, {}, 1}, {"/b", 2, {}, 0}});
  EXPECT_EQ(kills("/a"), 2U) << "made anew, and killed again";
}

TEST_F(OomBookTest, AKillWhileNobodyWatchedThatEndedItsCgroupIsItsParents) {
  tick({{"/p", 1, 0, 0}, {"/p/c", 2, 0, 0}, {"/p/d", 3, 2, 2}});
  restart();
  tick({{"/p", 1, 1, 0}, {"/p/d", 3, 2, 2}});
  EXPECT_EQ(kills("/p"), 1U);
  EXPECT_EQ(kills("/p/d"), 0U);
}

TEST_F(OomBookTest, BothWitnessesGoOnSoThatAKillThatBothSawIsOne) {
  log_is_readable_ = true;
  tick({{"/a", 1, {}, 0}});
  tick({{"/a", 1, {}, 1}}, {{42, "leaky", "/a", {}}});
  restart();
  tick({{"/a", 1, {}, 2}}, {{43, "leaky", "/a", {}}});
  EXPECT_EQ(kills("/a"), 2U);
}

TEST_F(OomBookTest, ARebootEndsTheCgroupsAndNotTheCounts) {
  tick({{"/a", 1, {}, 0}});
  tick({{"/a", 1, {}, 4}});
  restart("two", 1015);
  EXPECT_EQ(book_.workloads().find("/a")->second.last_seconds, 5) << "the same date";
  tick({{"/a", 1, {}, 3}});
  EXPECT_EQ(kills("/a"), 4U) << "what was before the agent is not its own";
  tick({{"/a", 1, {}, 4}});
  EXPECT_EQ(kills("/a"), 5U);
}

TEST_F(OomBookTest, WhereTheBootCannotBeToldTheCountsGoOn) {
  tick({{"/a", 1, {}, 0}});
  tick({{"/a", 1, {}, 4}});
  restart("");
  tick({{"/a", 1, {}, 9}});
  EXPECT_EQ(kills("/a"), 4U);
}

TEST_F(OomBookTest, ATickThatReadNoCgroupForgetsNone) {
  tick({{"/a", 1, {}, 3}});
  tick({{"/a", 1, {}, 4}});
  tick({});
  tick({{"/a", 1, {}, 4}});
  EXPECT_EQ(kills("/a"), 1U);
}

TEST_F(OomBookTest, DamagedBytesChangeNothing) {
  tick({{"/a", 1, {}, 0}});
  tick({{"/a", 1, {}, 4}});
  const std::string bytes = book_.save({"one", 1000});
  OomBook other;
  for (std::size_t length = 0; length < bytes.size(); ++length)
    EXPECT_FALSE(other.restore(bytes.substr(0, length), {"one", 1000})) << length;
  EXPECT_FALSE(other.restore(bytes + "x", {"one", 1000}));
  EXPECT_TRUE(other.workloads().empty());
  EXPECT_TRUE(other.restore(bytes, {"one", 1000}));
}

TEST_F(OomBookTest, HasAnotherVersionOnlyWhenThereIsSomethingNew) {
  tick({{"/a", 1, {}, 3}});
  const std::uint64_t before = book_.version();
  tick({{"/a", 1, {}, 3}});
  EXPECT_EQ(book_.version(), before);
  tick({{"/a", 1, {}, 4}});
  EXPECT_NE(book_.version(), before);
}

TEST(Workload, IsThePodTheContainerTheUnitOrThePath) {
  const std::string id = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
  EXPECT_EQ(workload_of("/kubepods/burstable/pod12345678-9abc-def0-1234-56789abcdef0/" + id),
            "pod/12345678-9abc-def0-1234-56789abcdef0");
  EXPECT_EQ(workload_of("/docker/" + id), "container/0123456789ab");
  EXPECT_EQ(workload_of("/system.slice/nginx.service"), "nginx.service");
  EXPECT_EQ(workload_of("/mine"), "/mine");
}

}  // namespace
}  // namespace heapfloor
