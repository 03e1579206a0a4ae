#include "agent/series/group_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string>

namespace heapfloor {
namespace {

constexpr std::array<MetricDesc, 5> kMetrics = {{
    {.name = "heapfloor_process_resident_memory_bytes",
     .help = "RSS.",
     .label_name = "kind",
     .label_value = "anon",
     .group_rule = GroupRule::sum,
     .group_name = "heapfloor_group_resident_memory_bytes"},
    {.name = "heapfloor_process_resident_memory_peak_bytes",
     .help = "Peak.",
     .group_rule = GroupRule::maximum,
     .group_name = "heapfloor_group_resident_memory_peak_bytes"},
    {.name = "heapfloor_process_minor_page_faults_total",
     .help = "Faults.",
     .type = MetricType::counter,
     .group_rule = GroupRule::sum,
     .group_name = "heapfloor_group_minor_page_faults_total"},
    {.name = "heapfloor_process_threads",
     .help = "Threads.",
     .group_rule = GroupRule::sum,
     .group_name = "heapfloor_group_threads"},
    {.name = "heapfloor_process_unreadable",
     .help = "Unreadable.",
     .label_name = "source",
     .label_value = "status"},
}};

struct Process {
  int pid = 0;
  std::uint64_t start = 0;
  std::string comm;
  double anon = 0;
  double peak = 0;
  double faults = 0;
};

void fill(SampleBatch& batch, const std::vector<Process>& processes) {
  for (const Process& process : processes) {
    batch.begin({EntityKind::process, {process.pid, process.start}, process.comm});
    batch.add(kMetrics[0], process.anon);
    batch.add(kMetrics[1], process.peak);
    batch.add(kMetrics[2], process.faults);
    batch.add(kMetrics[3], 1);
  }
}

// One tick with these processes.
void ingest(GroupTable& table, const std::vector<Process>& processes, double time_seconds) {
  SampleBatch batch;
  fill(batch, processes);
  table.ingest(batch, time_seconds);
}

const ProcessGroup* group_named(const GroupTable& table, std::string_view name) {
  const auto groups = table.groups();
  const auto found = std::ranges::find(groups, name, &ProcessGroup::name);
  return found == groups.end() ? nullptr : &*found;
}

TEST(GroupTable, GroupsByCommAndSumsOrTakesTheLargest) {
  GroupTable table({kMetrics}, 100);
  ingest(table,
         {{1, 10, "web", 100, 500, 3}, {2, 20, "web", 200, 300, 4}, {3, 30, "db", 50, 60, 5}}, 0);
  const ProcessGroup* web = group_named(table, "web");
  ASSERT_NE(web, nullptr);
  EXPECT_EQ(web->processes, 2U);
  EXPECT_EQ(web->values[0], 300);
  EXPECT_EQ(web->values[1], 500);
  EXPECT_EQ(web->values[2], 7);
  EXPECT_EQ(web->oldest_start_ticks, 10U);
  EXPECT_EQ(web->youngest_start_ticks, 20U);
  EXPECT_EQ(table.processes()[2].anon_bytes, 50);
}

TEST(GroupTable, KeepsWhatTheDeadDid) {
  GroupTable table({kMetrics}, 100);
  ingest(table, {{1, 10, "web", 100, 100, 30}, {2, 20, "web", 100, 100, 40}}, 0);
  ingest(table, {{1, 10, "web", 100, 100, 35}}, 1);
  const ProcessGroup* web = group_named(table, "web");
  EXPECT_EQ(web->values[2], 75);
  EXPECT_EQ(web->values[0], 100) << "gauges are of the living";
  EXPECT_EQ(web->exits, 1U);
}

TEST(GroupTable, CountsAReusedPidAsAnExitAndAStart) {
  GroupTable table({kMetrics}, 100);
  ingest(table, {{7, 10, "web", 1, 1, 30}}, 0);
  EXPECT_EQ(group_named(table, "web")->starts, 0U)
      << "what was there before the agent did not start now";
  ingest(table, {{7, 99, "web", 1, 1, 5}}, 1);
  const ProcessGroup* web = group_named(table, "web");
  EXPECT_EQ(web->starts, 1U);
  EXPECT_EQ(web->exits, 1U);
  EXPECT_EQ(web->values[2], 35) << "the new process starts its counter anew";
}

TEST(GroupTable, NeverLetsAGroupsCounterFallWhenAProcessChangesItsName) {
  GroupTable table({kMetrics}, 100);
  ingest(table, {{7, 10, "before", 1, 1, 30}}, 0);
  ingest(table, {{7, 10, "after", 1, 1, 42}}, 1);
  EXPECT_EQ(group_named(table, "before")->values[2], 30);
  EXPECT_EQ(group_named(table, "after")->values[2], 12);
  EXPECT_EQ(group_named(table, "after")->starts, 0U);
}

TEST(GroupTable, PutsNamesAboveTheCapIntoOtherSoThatSumsStayTheHosts) {
  GroupTable table({kMetrics}, 3);
  std::vector<Process> processes;
  for (int pid = 1; pid <= 50; ++pid)
    processes.push_back({pid, 1, "name" + std::to_string(pid), 10, 10, 1});
  ingest(table, processes, 0);
  EXPECT_EQ(table.groups().size(), 3U);
  double sum = 0;
  for (const ProcessGroup& group : table.groups()) sum += group.values[0].value_or(0);
  EXPECT_EQ(sum, 500);
  EXPECT_EQ(group_named(table, "other")->processes, 48U);
}

TEST(GroupTable, ForgetsGroupsThatStayedEmptyAndReusesTheirPlace) {
  GroupTable table({kMetrics}, 100);
  ingest(table, {{1, 1, "gone", 1, 1, 1}}, 0);
  ingest(table, {}, 10);
  EXPECT_NE(group_named(table, "gone"), nullptr) << "its counters must be seen by a scrape";
  ingest(table, {}, 10 + GroupTable::kGroupRetentionSeconds + 1);
  EXPECT_EQ(group_named(table, "gone"), nullptr);
  ingest(table, {{2, 1, "fresh", 1, 1, 1}}, 5000);
  EXPECT_EQ(table.groups().size(), 1U);
}

TEST(GroupTable, LeavesOutWhatWasNotMeasured) {
  GroupTable table({kMetrics}, 100);
  SampleBatch batch;
  batch.begin({EntityKind::process, {1, 1}, "mute"});
  batch.add(kMetrics[4], 1);
  table.ingest(batch, 0);
  EXPECT_FALSE(table.processes()[0].anon_bytes);
  const ProcessGroup* mute = group_named(table, "mute");
  EXPECT_FALSE(mute->values[0]);
  EXPECT_EQ(mute->unreadable, 1U);
  EXPECT_EQ(mute->processes, 1U);
}

constexpr std::array<MetricDesc, 1> kMoreMetrics = {{
    {.name = "heapfloor_process_proportional_memory_bytes",
     .help = "PSS.",
     .group_rule = GroupRule::sum,
     .group_name = "heapfloor_group_proportional_memory_bytes"},
}};

TEST(GroupTable, JoinsWhatSeveralCollectorsSayOfOneProcess) {
  GroupTable table({kMetrics, kMoreMetrics}, 100);
  SampleBatch batch;
  fill(batch, {{1, 10, "a", 100, 0, 0}, {2, 20, "a", 200, 0, 0}});
  batch.begin({EntityKind::process, {2, 20}, "a"});
  batch.add(kMoreMetrics[0], 50);
  table.ingest(batch, 1);
  const ProcessGroup* const group = group_named(table, "a");
  ASSERT_NE(group, nullptr);
  EXPECT_EQ(group->processes, 2U) << "three records, two processes";
  EXPECT_EQ(group->values[0], 300);
  EXPECT_EQ(table.metric(kMetrics.size()).name, kMoreMetrics[0].name);
  EXPECT_EQ(group->values[kMetrics.size()], 50);
  ASSERT_EQ(table.processes().size(), 2U);
  EXPECT_EQ(table.processes()[0].batch_entity_count, 1);
  EXPECT_EQ(table.processes()[1].batch_entity_count, 2);
}

constexpr std::array<MetricDesc, 3> kSampledMetrics = {{
    {.name = "heapfloor_process_proportional_memory_bytes",
     .help = "PSS.",
     .group_rule = GroupRule::complete_sum,
     .group_name = "heapfloor_group_proportional_memory_bytes"},
    {.name = "heapfloor_process_proportional_memory_estimated_bytes",
     .help = "PSS of now.",
     .group_rule = GroupRule::resident_scaled_sum,
     .group_name = "heapfloor_group_proportional_memory_estimated_bytes"},
    {.name = "heapfloor_process_proportional_sample_timestamp_seconds",
     .help = "When.",
     .group_rule = GroupRule::minimum,
     .group_name = "heapfloor_group_proportional_sample_timestamp_seconds"},
}};

struct Sampled {
  int pid = 0;
  double proportional = 0;
  double time_seconds = 0;
};

class SampledGroup : public ::testing::Test {
 protected:
  // One tick of processes of one name, of which some have been sampled.
  const ProcessGroup& tick(const std::vector<Process>& processes,
                           const std::vector<Sampled>& sampled) {
    SampleBatch batch;
    fill(batch, processes);
    for (const Sampled& sample : sampled) {
      batch.begin({EntityKind::process, {sample.pid, 10}, ""});
      batch.add(kSampledMetrics[0], sample.proportional);
      batch.add(kSampledMetrics[1], sample.proportional);
      batch.add(kSampledMetrics[2], sample.time_seconds);
    }
    table_.ingest(batch, 0);
    return *group_named(table_, "a");
  }
  static std::optional<double> value(const ProcessGroup& group, std::size_t metric) {
    return group.values.at(kMetrics.size() + metric);
  }

  GroupTable table_{{kMetrics, kSampledMetrics}, 100};
};

TEST_F(SampledGroup, ASumIsThereOnceEveryProcessWithMemoryIsInIt) {
  const std::vector<Process> both = {{1, 10, "a", 100}, {2, 10, "a", 300}};
  const ProcessGroup& half = tick(both, {{1, 40, 7}});
  EXPECT_EQ(value(half, 0), std::nullopt) << "half a sum would pass for a whole one";
  EXPECT_EQ(half.unsampled, 1U);
  const ProcessGroup& whole = tick(both, {{1, 40, 7}, {2, 60, 5}});
  EXPECT_EQ(value(whole, 0), 100);
  EXPECT_EQ(whole.unsampled, 0U);
}

TEST_F(SampledGroup, TheEstimateTakesTheUnsampledAsLikeTheOthers) {
  const std::vector<Process> both = {{1, 10, "a", 100}, {2, 10, "a", 300}};
  EXPECT_EQ(value(tick(both, {{1, 40, 7}}), 1), 160);
  EXPECT_EQ(value(tick(both, {{1, 40, 7}, {2, 60, 5}}), 1), 100);
  EXPECT_EQ(value(tick(both, {}), 1), std::nullopt) << "there is no ratio yet";
}

TEST_F(SampledGroup, TheTimeIsThatOfTheOldestSample) {
  const std::vector<Process> both = {{1, 10, "a", 100}, {2, 10, "a", 300}};
  EXPECT_EQ(value(tick(both, {{1, 40, 7}, {2, 60, 5}}), 2), 5);
  EXPECT_EQ(value(tick(both, {{1, 40, 7}, {2, 60, 9}}), 2), 7);
}

TEST_F(SampledGroup, AProcessWithoutMemoryIsNotWaitedFor) {
  const ProcessGroup& group = tick({{1, 10, "a", 100}, {2, 10, "a", 0}}, {{1, 40, 7}});
  EXPECT_EQ(value(group, 0), 40);
  EXPECT_EQ(group.unsampled, 0U);
}

TEST_F(SampledGroup, AProcessWhoseMemoryCannotBeReadIsWaitedFor) {
  SampleBatch batch;
  fill(batch, {{1, 10, "a", 100}});
  batch.begin({EntityKind::process, {2, 10}, "a"});
  batch.add(kMetrics[4], 1);
  batch.begin({EntityKind::process, {1, 10}, ""});
  batch.add(kSampledMetrics[0], 40);
  batch.add(kSampledMetrics[2], 7);
  table_.ingest(batch, 0);
  const ProcessGroup& group = *group_named(table_, "a");
  EXPECT_EQ(value(group, 0), std::nullopt);
  EXPECT_EQ(group.unsampled, 1U);
}

TEST(GroupTable, WhereNobodySamplesNothingIsUnsampled) {
  GroupTable table({kMetrics}, 100);
  ingest(table, {{1, 10, "a", 100}}, 0);
  EXPECT_EQ(group_named(table, "a")->unsampled, std::nullopt);
}

}  // namespace
}  // namespace heapfloor
