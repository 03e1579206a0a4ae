#include "collectors/parse/kernel_log.h"

#include <gtest/gtest.h>

namespace heapfloor {
namespace {

TEST(KernelLog, ARecordIsAPrefixATextAndLinesAboutDevices) {
  const auto record =
      parse_kernel_log_record("6,339,5140900,-;eth0: link up\n SUBSYSTEM=net\n DEVICE=n1\n");
  ASSERT_TRUE(record);
  EXPECT_TRUE(record->is_from_kernel);
  EXPECT_EQ(record->sequence, 339U);
  EXPECT_EQ(record->microseconds, 5140900U);
  EXPECT_EQ(record->text, "eth0: link up");
}

TEST(KernelLog, WhatAProgramWroteIsNotTheKernels) {
  const auto record = parse_kernel_log_record("12,340,5140901,-,caller=T1;oom-kill:constraint=x\n");
  ASSERT_TRUE(record);
  EXPECT_FALSE(record->is_from_kernel);
}

TEST(KernelLog, ARecordWithoutItsPrefixIsMalformed) {
  for (const char* text : {"", "6,339,1,-", "six,339,1;x", "6,339;x", ";x"})
    EXPECT_FALSE(parse_kernel_log_record(text)) << text;
}

TEST(KernelLog, TheSelectionNamesCgroupCommandAndPid) {
  const auto found = find_oom_selection(
      "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,"
      "oom_memcg=/docker,task_memcg=/docker/abc,task=leaky,pid=42,uid=0");
  ASSERT_TRUE(found);
  EXPECT_EQ(*found, (OomSelection{"/docker/abc", "leaky", 42}));
  const auto global = find_oom_selection(
      "oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,"
      "task_memcg=/,task=a,pid=7,uid=1000");
  ASSERT_TRUE(global);
  EXPECT_EQ(*global, (OomSelection{"/", "a", 7}));
}

TEST(KernelLog, NamesMayHoldWhatTheLineIsSeparatedBy) {
  const auto found = find_oom_selection(
      "oom-kill:constraint=CONSTRAINT_MEMCG,oom_memcg=/a,task_memcg=/a,pid=1,task=x/b,"
      "task=p,pid=3,uid=0,pid=42,uid=0");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->pid, 42);
}

TEST(KernelLog, KillsAreFoundInAllTheirWordings) {
  constexpr std::string_view kRest =
      "Killed process 42 (a) b) total-vm:100kB, anon-rss:64kB, file-rss:8kB, shmem-rss:0kB, UID:0";
  for (const char* before :
       {"", "Memory cgroup out of memory: ", "Out of memory: ",
        "Out of memory (oom_kill_allocating_task): ", "Memory cgroup out of memory: OOM victim "}) {
    const std::string text = std::string(before) + std::string(kRest);
    const auto kill = find_oom_kill(text);
    ASSERT_TRUE(kill) << before;
    EXPECT_EQ(*kill, (OomKill{"a) b", 42, 65536})) << before;
  }
}

TEST(KernelLog, AGroupThatDiesAsAWholeIsNamed) {
  EXPECT_EQ(find_oom_group("Tasks in /a b/c are going to be killed due to memory.oom.group set"),
            "/a b/c");
  for (const char* text :
       {"", "Tasks in  are going to be killed due to memory.oom.group set",
        "Tasks in /a are going to be killed due to memory.oom.group", "Tasks in /a",
        "x Tasks in /a are going to be killed due to memory.oom.group set"})
    EXPECT_FALSE(find_oom_group(text)) << text;
}

TEST(KernelLog, TheLogsWayOfWritingBytesIsUndone) {
  EXPECT_EQ(unescaped_log_text("/by\\x5cx2duuid\\x0a"), "/by\\x2duuid\n");
  EXPECT_EQ(unescaped_log_text("a\\x4"), "a\\x4");
  EXPECT_EQ(unescaped_log_text("\\xzz\\x"), "\\xzz\\x");
}

TEST(KernelLog, OtherLinesAreNoKills) {
  for (const char* text :
       {"oom_reaper: reaped process 42 (a), now anon-rss:0kB", "Killed process 42", "",
        "Killed process x (a) total-vm:1kB", "Killed process 0 (a) total-vm:1kB",
        "usb: Killed process 42 (a) total-vm:1kB, anon-rss:1kB"}) {
    EXPECT_FALSE(find_oom_kill(text)) << text;
    EXPECT_FALSE(find_oom_selection(text)) << text;
  }
}

}  // namespace
}  // namespace heapfloor
