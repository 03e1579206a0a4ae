#include "agent/series/part_table.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "collectors/probe_metrics.h"
#include "collectors/process_metrics.h"

namespace heapfloor {
namespace {

constexpr const MetricDesc& kInsertions =
    find_metric(kProbeMetrics, "heapfloor_structure_insertions_total");
constexpr const MetricDesc& kLastClear =
    find_metric(kProbeMetrics, "heapfloor_structure_last_clear_timestamp_seconds");

struct Part {
  std::int32_t pid;
  std::string name;
  double elements;
  double insertions;
};

class PartTableTest : public ::testing::Test {
 protected:
  // A tick with these structures; processes are in the group of their name, which is "app".
  void tick(const std::vector<Part>& parts, double time_seconds = 0) {
    batch_.clear();
    std::int32_t last = 0;
    for (const Part& part : parts) {
      if (part.pid == last) continue;
      last = part.pid;
      batch_.begin({.kind = EntityKind::process, .process = {part.pid, 1}, .name = "app"});
      batch_.add(kProcessResidentAnon, 1);
    }
    for (const Part& part : parts) {
      batch_.begin({.kind = EntityKind::structure, .process = {part.pid, 1}, .name = part.name});
      batch_.add(kStructureElements, part.elements);
      batch_.add(kInsertions, part.insertions);
      batch_.add(kLastClear, part.elements);
      batch_.describe(Attribute::kind, "map");
    }
    groups_.ingest(batch_, time_seconds);
    table_.ingest(batch_, groups_, left_out_, time_seconds);
  }
  [[nodiscard]] std::optional<double> value(const std::string& name, const MetricDesc& desc) const {
    const auto found = table_.rows().find({"app", name});
    if (found == table_.rows().end()) return std::nullopt;
    return found->second.values.at(static_cast<std::size_t>(&desc - kStructureMetrics.data()));
  }

  SampleBatch batch_;
  GroupTable groups_{{kProcessMetrics}, 100};
  PartTable table_{EntityKind::structure, kStructureMetrics, 3};
  std::optional<ProcessId> left_out_;
};

TEST_F(PartTableTest, OneNameInSeveralProcessesOfAGroupIsOneRow) {
  tick({{1, "cache", 10, 100}, {2, "cache", 20, 300}, {2, "jobs", 1, 1}});
  EXPECT_EQ(value("cache", kStructureElements), 30);
  EXPECT_EQ(value("cache", kInsertions), 400);
  EXPECT_EQ(value("cache", kLastClear), 20) << "the latest of them";
  EXPECT_EQ(table_.rows().size(), 2U);
}

TEST_F(PartTableTest, ATotalKeepsWhatAProcessDidThatHasEnded) {
  tick({{1, "cache", 10, 100}, {2, "cache", 20, 300}});
  tick({{2, "cache", 20, 310}});
  EXPECT_EQ(value("cache", kInsertions), 410);
  EXPECT_EQ(value("cache", kStructureElements), 20);
  tick({});
  EXPECT_EQ(value("cache", kInsertions), 410);
  EXPECT_EQ(value("cache", kStructureElements), std::nullopt) << "absent, not 0";
}

TEST_F(PartTableTest, ARowWithoutProcessesIsForgottenAfterAnHour) {
  tick({{1, "cache", 10, 100}}, 100);
  tick({}, 3700);
  EXPECT_EQ(table_.rows().size(), 1U);
  tick({}, 3701);
  EXPECT_TRUE(table_.rows().empty());
}

TEST_F(PartTableTest, NamesBeyondTheMostAreOne) {
  tick({{1, "a", 1, 1}, {1, "b", 1, 1}, {1, "c", 1, 1}, {1, "d", 1, 1}, {1, "e", 2, 2}});
  EXPECT_EQ(value("other", kStructureElements), 3);
  EXPECT_EQ(table_.rows().size(), 4U);
}

TEST_F(PartTableTest, WhatIsSaidElsewhereIsLeftOut) {
  left_out_ = ProcessId{1, 1};
  tick({{1, "cache", 10, 100}, {2, "cache", 20, 300}});
  EXPECT_EQ(value("cache", kStructureElements), 20);
}

TEST_F(PartTableTest, WordsStayUntilOtherWordsAreSaid) {
  tick({{1, "cache", 10, 100}});
  const PartRow& row = table_.rows().at({"app", "cache"});
  ASSERT_EQ(row.words.size(), 1U);
  EXPECT_EQ(row.words[0].second, "map");
}

}  // namespace
}  // namespace heapfloor
