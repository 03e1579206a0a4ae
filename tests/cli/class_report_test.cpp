// What heapfloor histogram says of the classes of a heap.
#include "agent/cli/class_report.h"

#include <gtest/gtest.h>

namespace heapfloor {
namespace {

HistogramRecord record(std::vector<ClassCount> classes, double taken = 1000) {
  HistogramRecord record;
  record.process = ProcessId{42, 777};
  record.taken_unix_seconds = taken;
  record.is_live_only = false;
  record.collector = "g1";
  for (const ClassCount& one : classes) {
    record.histogram.instances += one.instances;
    record.histogram.bytes += one.bytes;
  }
  record.histogram.classes = std::move(classes);
  return record;
}

const HistogramRecord kBefore = record({{"[B", 10, 4000}, {"Old", 1, 100}});
const HistogramRecord kNow = record({{"java.lang.String", 5, 5000}, {"[B", 12, 4800}}, 1300);

TEST(ClassReport, TheClassThatGrewMostIsFirst) {
  const auto rows = class_rows(kNow.histogram, &kBefore.histogram);
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[0].name, "java.lang.String");
  EXPECT_EQ(rows[0].bytes_gained, 5000);
  EXPECT_EQ(rows[1].name, "[B");
  EXPECT_EQ(rows[1].instances_gained, 2);
  EXPECT_EQ(rows[2].name, "Old");
  EXPECT_EQ(rows[2].bytes_gained, -100) << "all of it is gone";
}

TEST(ClassReport, ClassesOfOneNameAreAddedUp) {
  const auto rows = class_rows(record({{"Plugin", 1, 10}, {"Plugin", 2, 20}}).histogram, nullptr);
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].instances, 3);
  EXPECT_EQ(rows[0].bytes, 30);
}

TEST(ClassReport, TheTableSaysHowMuchAndSinceWhen) {
  const std::string table = histogram_table(kNow, &kBefore, 1);
  EXPECT_NE(table.find("garbage included"), std::string::npos) << table;
  EXPECT_NE(table.find("+5.57 KiB since the earlier one, 5 min before"), std::string::npos)
      << table;
  EXPECT_NE(table.find("+4.88 KiB"), std::string::npos) << table;
  EXPECT_NE(table.find("and 2 classes more"), std::string::npos) << table;
}

TEST(ClassReport, ANameThatActsIsOnlySeen) {
  const std::string table = histogram_table(record({{"\x1b[2Jx", 1, 10}}), nullptr, 10);
  EXPECT_EQ(table.find('\x1b'), std::string::npos);
  EXPECT_NE(table.find("\\x1B[2Jx"), std::string::npos) << table;
}

TEST(ClassReport, ItsJsonIsReadBack) {
  const auto read = read_histogram(histogram_json(kNow, nullptr));
  ASSERT_TRUE(read) << read.error().reason;
  EXPECT_EQ(read->process, kNow.process);
  EXPECT_EQ(read->taken_unix_seconds, 1300);
  EXPECT_EQ(read->is_live_only, false);
  EXPECT_EQ(read->histogram, kNow.histogram);
}

TEST(ClassReport, TheTextOfJcmdIsReadToo) {
  const auto read =
      read_histogram("4711:\n   1:   466   41008  [C (java.base@17)\nTotal 466 41008\n");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->process, std::nullopt);
  EXPECT_EQ(read->histogram.classes.at(0).bytes, 41008U);
}

TEST(ClassReport, WhatIsNoHistogramIsMalformed) {
  for (const char* const text : {"", "x", "{", "{}", R"({"classes":1})", R"({"classes":[1]})",
                                 R"({"classes":[{"class":"x","instances":-1,"bytes":0}]})",
                                 R"({"classes":[{"class":1,"instances":1,"bytes":0}]})",
                                 R"({"classes":[{"class":"x","instances":1,"bytes":1e300}]})"}) {
    EXPECT_FALSE(read_histogram(text)) << text;
  }
}

TEST(ClassReport, HistogramsOfTwoProcessesAreNotCompared) {
  HistogramRecord other = kBefore;
  other.process->start_ticks = 1;
  EXPECT_TRUE(why_not_comparable(kNow, other));
  EXPECT_FALSE(why_not_comparable(kNow, kBefore));
  other.process.reset();
  EXPECT_FALSE(why_not_comparable(kNow, other)) << "jcmd does not say of whom";
  other.is_live_only = true;
  EXPECT_TRUE(why_not_comparable(kNow, other));
}

TEST(ClassReport, TheStallGrowsWithTheHeapAndWithACollection) {
  JvmReading reading;
  EXPECT_FALSE(estimate_stall(JvmGc::g1, reading, false));
  reading.old.used = 1 << 30;
  reading.eden.used = 1 << 30;
  const auto all = estimate_stall(JvmGc::g1, reading, false);
  const auto live = estimate_stall(JvmGc::g1, reading, true);
  ASSERT_TRUE(all && live);
  EXPECT_EQ(all->heap_bytes, 2.0 * (1 << 30));
  EXPECT_GT(live->seconds, all->seconds);
  EXPECT_GT(estimate_stall(JvmGc::z, reading, false)->seconds, all->seconds);
  EXPECT_NE(stall_text(*live, true).find("full collection"), std::string::npos);
  EXPECT_NE(stall_text(*all, false).find("2 GiB"), std::string::npos) << stall_text(*all, false);
}

}  // namespace
}  // namespace heapfloor
