#include "agent/series/group_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string>

namespace heapfloor {
namespace {

constexpr std::array<MetricDesc, 7> kMetrics = {{
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
    {.name = "heapfloor_process_unreadable",
     .help = "Unreadable.",
     .label_name = "source",
     .label_value = "exe"},
    {.name = "heapfloor_process_own_total",
     .help = "Of processes alone.",
     .type = MetricType::counter},
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

TEST(GroupTable, LeavesOutWhatGroupsHaveNoMetricOf) {
  GroupTable table({kMetrics}, 100);
  SampleBatch batch;
  fill(batch, {{1, 10, "web", 100, 500, 3}});
  batch.add(kMetrics[6], 5);
  table.ingest(batch, 0);
  const ProcessGroup* web = group_named(table, "web");
  ASSERT_NE(web, nullptr);
  EXPECT_EQ(web->values.back(), std::nullopt);
  EXPECT_EQ(web->values[2], 3);
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

TEST(GroupTable, CountsWhatCouldNotBeReadBySource) {
  GroupTable table({kMetrics}, 100);
  SampleBatch batch;
  batch.begin({EntityKind::process, {1, 1}, "closed"});
  batch.add(kMetrics[5], 1);
  table.ingest(batch, 0);
  ASSERT_EQ(table.unreadable_sources().size(), 1U);
  EXPECT_EQ(table.unreadable_sources()[0], "exe");
  EXPECT_EQ(group_named(table, "closed")->unreadable_by_source[0], 1U);
  EXPECT_EQ(group_named(table, "closed")->unreadable, 0U);
  EXPECT_FALSE(table.processes()[0].is_unreadable) << "its memory was read";
}

// A process with what is said of it in words.
struct Described {
  int pid = 0;
  std::uint64_t start = 0;
  std::string comm;
  double anon = 10;
  std::string parent = "1";
  std::string cgroup = {};
  std::string command_line = {};
  std::string user = {};
  std::string exe = {};
};

void ingest_described(GroupTable& table, const std::vector<Described>& processes,
                      double time_seconds, bool is_said = true) {
  SampleBatch batch;
  for (const Described& process : processes) {
    batch.begin({EntityKind::process, {process.pid, process.start}, process.comm});
    batch.add(kMetrics[0], process.anon);
    if (!is_said) continue;
    batch.describe(Attribute::parent_id, process.parent);
    if (!process.exe.empty()) batch.describe(Attribute::executable, process.exe);
    if (!process.cgroup.empty()) batch.describe(Attribute::cgroup, process.cgroup);
    if (!process.user.empty()) batch.describe(Attribute::user_id, process.user);
    if (!process.command_line.empty())
      batch.describe(Attribute::command_line, process.command_line);
  }
  table.ingest(batch, time_seconds);
}

std::string group_of(const GroupTable& table, int pid) {
  for (const ProcessEntry& process : table.processes()) {
    if (process.id.pid == pid) return table.groups()[process.group].name;
  }
  return "(no process)";
}

Grouping by_rules(std::vector<GroupSpec> specs) {
  Grouping grouping;
  grouping.rules = std::make_shared<const GroupRules>(std::move(specs));
  return grouping;
}

TEST(GroupTableRules, NameTheGroupLimitAndExposureOfAProcess) {
  GroupTable table({kMetrics}, 100);
  table.set_grouping(
      by_rules({{.name = "batch", .user = {"1005"}, .limit_bytes = 2e9, .is_exposed = true}}));
  ingest_described(table,
                   {{.pid = 7, .comm = "x", .cgroup = "/system.slice/x.service", .user = "1005"},
                    {.pid = 8, .comm = "y", .user = "0"}},
                   0);
  EXPECT_EQ(group_of(table, 7), "batch");
  EXPECT_EQ(group_of(table, 8), "y");
  EXPECT_EQ(table.processes()[0].limit_bytes, 2e9);
  EXPECT_TRUE(table.processes()[0].is_exposed);
  EXPECT_EQ(table.processes()[0].cgroup, "/system.slice/x.service");
  EXPECT_FALSE(table.processes()[1].limit_bytes);
  EXPECT_EQ(table.processes()[1].cgroup, "");
}

TEST(GroupTableRules, AreAskedOnlyWhenSomethingChanged) {
  GroupTable table({kMetrics}, 100);
  table.set_grouping(by_rules({{.name = "x", .comm = {"x"}}}));
  const std::vector<Described> both = {{.pid = 7, .comm = "x"}, {.pid = 8, .comm = "y"}};
  ingest_described(table, both, 0);
  EXPECT_EQ(table.evaluations(), 2U);
  for (int tick = 1; tick < 100; ++tick) ingest_described(table, both, tick, false);
  EXPECT_EQ(table.evaluations(), 2U);
  EXPECT_EQ(group_of(table, 7), "x") << "attributes are remembered";
  ingest_described(table, {{.pid = 7, .comm = "x"}, {.pid = 8, .comm = "x"}}, 100, false);
  EXPECT_EQ(table.evaluations(), 3U);
  EXPECT_EQ(group_of(table, 8), "x") << "a name that changed";
  table.set_grouping(by_rules({{.name = "new", .comm = {"x"}}}));
  ingest_described(table, {{.pid = 7, .comm = "x"}, {.pid = 8, .comm = "x"}}, 101, false);
  EXPECT_EQ(group_of(table, 7), "new") << "rules that changed";
}

TEST(GroupTableRules, ChildrenInheritTheGroupOfAParentThatARuleNames) {
  GroupTable table({kMetrics}, 100);
  table.set_grouping(by_rules({{.name = "web", .comm = {"nginx"}, .limit_bytes = 1e9}}));
  const std::vector<Described> family = {
      {.pid = 1, .start = 1, .comm = "init"},
      {.pid = 5, .start = 50, .comm = "helper", .parent = "9"},
      {.pid = 9, .start = 40, .comm = "worker", .parent = "20"},
      {.pid = 20, .start = 30, .comm = "nginx", .parent = "1"},
      {.pid = 30, .start = 60, .comm = "stranger", .parent = "31"}};
  ingest_described(table, family, 0);
  EXPECT_EQ(group_of(table, 5), "web") << "a grandchild, whatever the numbers";
  EXPECT_EQ(group_of(table, 9), "web");
  EXPECT_EQ(group_of(table, 30), "stranger");
  EXPECT_EQ(table.processes()[1].limit_bytes, 1e9);
  ingest_described(table, {family[1], family[2]}, 1, false);
  EXPECT_EQ(group_of(table, 5), "web") << "orphans stay";
  EXPECT_EQ(group_of(table, 9), "web");
  ingest_described(table, {{.pid = 5, .start = 50, .comm = "renamed"}, family[2]}, 2, false);
  EXPECT_EQ(group_of(table, 5), "web") << "and stay under another name";
}

TEST(GroupTableRules, AParentsGroupThatIsFoundLateReachesItsChildren) {
  GroupTable table({kMetrics}, 100);
  table.set_grouping(by_rules({{.name = "web", .comm = {"nginx"}}}));
  ingest_described(table, {{.pid = 20, .comm = "sh"}, {.pid = 21, .comm = "w", .parent = "20"}}, 0);
  EXPECT_EQ(group_of(table, 21), "w");
  ingest_described(table, {{.pid = 20, .comm = "nginx"}, {.pid = 21, .comm = "w"}}, 1, false);
  EXPECT_EQ(group_of(table, 21), "web");
  ingest_described(table, {{.pid = 20, .comm = "sh"}, {.pid = 21, .comm = "w"}}, 2, false);
  EXPECT_EQ(group_of(table, 21), "w") << "and leaves them with it";
}

TEST(GroupTableRules, NobodyInheritsFromInitOrFromAYoungerOwnerOfTheParentsPid) {
  GroupTable table({kMetrics}, 100);
  table.set_grouping(
      by_rules({{.name = "boot", .comm = {"systemd"}}, {.name = "web", .comm = {"nginx"}}}));
  ingest_described(table,
                   {{.pid = 1, .start = 1, .comm = "systemd"},
                    {.pid = 5, .start = 50, .comm = "child", .parent = "1"},
                    {.pid = 6, .start = 50, .comm = "orphan", .parent = "7"},
                    {.pid = 7, .start = 90, .comm = "nginx"}},
                   0);
  EXPECT_EQ(group_of(table, 5), "child");
  EXPECT_EQ(group_of(table, 6), "orphan");
}

TEST(GroupTableRules, InheritanceCanBeTurnedOffAndACircleOfParentsEnds) {
  GroupTable table({kMetrics}, 100);
  Grouping grouping = by_rules({{.name = "web", .comm = {"nginx"}}});
  const std::vector<Described> family = {{.pid = 20, .comm = "nginx"},
                                         {.pid = 21, .comm = "w", .parent = "20"},
                                         {.pid = 30, .comm = "a", .parent = "31"},
                                         {.pid = 31, .comm = "b", .parent = "30"}};
  table.set_grouping(grouping);
  ingest_described(table, family, 0);
  EXPECT_EQ(group_of(table, 21), "web");
  EXPECT_EQ(group_of(table, 30), "a");
  grouping.children_inherit = false;
  table.set_grouping(grouping);
  ingest_described(table, family, 1, false);
  EXPECT_EQ(group_of(table, 21), "w");
}

TEST(GroupTableRules, ARuleThatWaitsForAgeOrSizeIsAskedAgainInTime) {
  GroupTable table({kMetrics}, 100);
  table.set_grouping(by_rules(
      {{.name = "large", .minimum_size_bytes = 1000}, {.name = "old", .minimum_age_seconds = 50}}));
  ingest_described(table, {{.pid = 7, .start = 1000, .comm = "x"}}, 20);
  EXPECT_EQ(group_of(table, 7), "x");
  ingest_described(table, {{.pid = 7, .start = 1000, .comm = "x"}}, 59, false);
  EXPECT_EQ(group_of(table, 7), "x");
  ingest_described(table, {{.pid = 7, .start = 1000, .comm = "x"}}, 60, false);
  EXPECT_EQ(group_of(table, 7), "old");
  ingest_described(table, {{.pid = 7, .start = 1000, .comm = "x", .anon = 1000}}, 61, false);
  EXPECT_EQ(group_of(table, 7), "large");
  ingest_described(table, {{.pid = 7, .start = 1000, .comm = "x", .anon = 10}}, 62, false);
  EXPECT_EQ(group_of(table, 7), "large") << "a group does not flap with a size";
}

TEST(GroupTableRules, TheAgentsOwnUnitAndContainerSayNothingOfItsNeighbours) {
  const std::string here = "/system.slice/ci.service";
  GroupTable table({kMetrics}, 100);
  Grouping grouping;
  grouping.agent = ProcessId{9, 0};
  table.set_grouping(grouping);
  ingest_described(table,
                   {{.pid = 7, .comm = "neighbour", .cgroup = here},
                    {.pid = 8, .comm = "other", .cgroup = "/system.slice/db.service"},
                    {.pid = 9, .comm = "heapfloor", .cgroup = here}},
                   0);
  EXPECT_EQ(group_of(table, 7), "neighbour");
  EXPECT_EQ(group_of(table, 8), "db.service");
  EXPECT_EQ(group_of(table, 9), "heapfloor");
}

TEST(GroupTableRules, SumsAreTheHostsWhateverTheRulesAndTheCap) {
  for (const std::size_t cap : {2U, 5U, 1000U}) {
    GroupTable table({kMetrics}, cap);
    table.set_grouping(by_rules({{.name = "{{.Matches.n}}", .cmdline = {"(?P<n>[0-9]+)"}},
                                 {.name = "few", .comm = {"a", "b"}}}));
    std::vector<Described> processes;
    double sum = 0;
    for (int pid = 2; pid < 500; ++pid) {
      const std::string parent = std::to_string(pid / 3);
      processes.push_back({.pid = pid,
                           .comm = std::string(1, static_cast<char>('a' + pid % 26)),
                           .anon = pid * 4096.0,
                           .parent = parent,
                           .command_line = pid % 7 == 0 ? "x" + std::to_string(pid) : ""});
      sum += pid * 4096.0;
    }
    ingest_described(table, processes, 0);
    double grouped = 0;
    std::uint64_t members = 0;
    for (const ProcessGroup& group : table.groups()) {
      grouped += group.values[0].value_or(0);
      members += group.processes;
    }
    EXPECT_EQ(grouped, sum);
    EXPECT_EQ(members, processes.size());
    EXPECT_LE(table.groups().size(), cap);
  }
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
