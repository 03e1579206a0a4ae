#include <gtest/gtest.h>

#include "collectors/collector.h"
#include "collectors/oom_board.h"
#include "tests/support/memory_host_root.h"
#include "tests/support/recording_sink.h"

namespace heapfloor {

extern const CollectorEntry kmsg_collector;

namespace {

using testing::MemoryHostRoot;
using testing::RecordingSink;

constexpr const char* kSelection =
    "6,10,5000,-;oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,"
    "oom_memcg=/docker,task_memcg=/docker/by\\x5cx2duuid,task=leaky,pid=42,uid=0\n";
constexpr const char* kKill =
    "3,11,5001,-;Memory cgroup out of memory: Killed process 42 (leaky) total-vm:100kB, "
    "anon-rss:64kB, file-rss:8kB, shmem-rss:0kB, UID:0 pgtables:52kB oom_score_adj:0\n";

class KmsgCollector : public ::testing::Test {
 protected:
  CollectReport tick() {
    sink_.entities.clear();
    const auto report = collector_->collect(sink_);
    EXPECT_TRUE(report);
    return report.value_or(CollectReport{});
  }
  std::optional<double> value(std::string_view name) const {
    return sink_.entities.empty() ? std::nullopt : sink_.entities.back().value(name);
  }

  MemoryHostRoot root_{testing::files({})};
  OomBoard board_;
  RecordingSink sink_;
  std::unique_ptr<Collector> collector_ = kmsg_collector.make(root_, {.oom_board = &board_});
};

TEST_F(KmsgCollector, AVictimHasItsCgroupFromTheLineBefore) {
  tick();
  EXPECT_EQ(board_.is_log_readable, true);
  EXPECT_EQ(value("heapfloor_kernel_log_oom_victims_total"), 0);
  root_.kernel_log = {kSelection, "6,12,5000,-;noise between\n", kKill};
  tick();
  ASSERT_EQ(board_.victims.size(), 1U);
  EXPECT_EQ(board_.victims[0].pid, 42);
  EXPECT_EQ(board_.victims[0].comm, "leaky");
  EXPECT_EQ(board_.victims[0].cgroup, "/docker/by\\x2duuid");
  EXPECT_EQ(board_.victims[0].anon_bytes, 65536U);
  EXPECT_EQ(value("heapfloor_kernel_log_oom_victims_total"), 1);
  tick();
  EXPECT_TRUE(board_.victims.empty());
  EXPECT_EQ(value("heapfloor_kernel_log_oom_victims_total"), 1);
}

TEST_F(KmsgCollector, WhatAProgramWritesToTheLogIsNotBelieved) {
  std::string forged = kKill;
  forged[0] = '9';  // facility 1
  root_.kernel_log = {forged};
  tick();
  EXPECT_TRUE(board_.victims.empty());
}

TEST_F(KmsgCollector, OfACgroupThatDiesAsAWholeEveryVictimHasIt) {
  std::string second = kKill;
  second.replace(second.find(" 42 "), 4, " 43 ");
  std::string stranger = kKill;
  stranger.replace(stranger.find(" 42 "), 4, " 99 ");
  root_.kernel_log = {kSelection, kKill,
                      "6,13,5002,-;Tasks in /docker/by\\x5cx2duuid are going to be killed due to "
                      "memory.oom.group set\n",
                      second};
  tick();
  ASSERT_EQ(board_.victims.size(), 2U);
  EXPECT_EQ(board_.victims[1].pid, 43);
  EXPECT_EQ(board_.victims[1].cgroup, "/docker/by\\x2duuid");
  std::string selection = kSelection;
  selection.replace(selection.find("pid=42"), 6, "pid=77");
  root_.kernel_log = {selection, stranger};
  tick();
  ASSERT_EQ(board_.victims.size(), 1U);
  EXPECT_EQ(board_.victims[0].cgroup, "") << "the next choice ends the group";
}

TEST_F(KmsgCollector, ACgroupIsNotGivenToAnotherVictim) {
  std::string other = kKill;
  other.replace(other.find(" 42 "), 4, " 43 ");
  root_.kernel_log = {kSelection, other};
  tick();
  ASSERT_EQ(board_.victims.size(), 1U);
  EXPECT_EQ(board_.victims[0].cgroup, "");
}

TEST_F(KmsgCollector, AGapIsCountedAndForgetsWhatCameBeforeIt) {
  root_.kernel_log = {kSelection, "", kKill};
  tick();
  EXPECT_EQ(value("heapfloor_kernel_log_gaps_total"), 1);
  ASSERT_EQ(board_.victims.size(), 1U);
  EXPECT_EQ(board_.victims[0].cgroup, "");
}

TEST_F(KmsgCollector, ARefusedLogIsSaidOnceAndFoundWhenItIsAllowed) {
  root_.kernel_log_refusal = Error{ErrorKind::denied, "dev/kmsg", "not permitted"};
  EXPECT_TRUE(tick().first_error);
  EXPECT_EQ(board_.is_log_readable, false);
  EXPECT_TRUE(sink_.entities.empty());
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(tick().first_error);
  root_.kernel_log_refusal.reset();
  for (int i = 0; i < 40; ++i) tick();
  EXPECT_EQ(board_.is_log_readable, true);
}

TEST_F(KmsgCollector, ALogThatRunsFasterThanItIsReadWaitsForTheNextTick) {
  root_.kernel_log.assign(5000, "6,1,2,-;noise\n");
  root_.kernel_log.emplace_back(kKill);
  tick();
  EXPECT_TRUE(board_.victims.empty());
  tick();
  EXPECT_EQ(board_.victims.size(), 1U);
}

}  // namespace
}  // namespace heapfloor
