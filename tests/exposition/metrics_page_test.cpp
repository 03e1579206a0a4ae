#include "agent/exposition/metrics_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>

#include "tests/exposition/rich_snapshot.h"

namespace heapfloor {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAreArray;

std::string golden_path(std::string_view name) {
  return std::string(HEAPFLOOR_SOURCE_DIR) + "/tests/golden/" + std::string(name);
}

// Compares with a golden file; HEAPFLOOR_UPDATE_GOLDEN=1 writes it instead.
void expect_golden(const std::string& page, std::string_view name) {
  if (std::getenv("HEAPFLOOR_UPDATE_GOLDEN") != nullptr) {
    std::ofstream(golden_path(name), std::ios::binary) << page;
    return;
  }
  std::ifstream file(golden_path(name), std::ios::binary);
  const std::string golden{std::istreambuf_iterator<char>(file), {}};
  EXPECT_EQ(page, golden) << "HEAPFLOOR_UPDATE_GOLDEN=1 writes " << golden_path(name);
}

std::vector<std::string> lines(const std::string& text) {
  std::vector<std::string> out;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) out.push_back(line);
  return out;
}

// The part of a sample line that identifies the series; label values may contain spaces.
std::string series_of(const std::string& line) { return line.substr(0, line.rfind(' ')); }

std::string name_of(const std::string& line) { return line.substr(0, line.find_first_of("{ ")); }

class MetricsPageTest : public ::testing::Test {
 protected:
  std::string text(const Snapshot& snapshot) {
    return page_.render(snapshot, ExpositionFormat::text);
  }
  std::string openmetrics(const Snapshot& snapshot) {
    return page_.render(snapshot, ExpositionFormat::openmetrics);
  }

  // The family of a sample line: its name without what a histogram puts behind it.
  [[nodiscard]] std::string family_of(const std::string& line) const {
    std::string name = name_of(line);
    for (const std::string_view suffix : {"_bucket", "_count", "_sum"}) {
      if (!name.ends_with(suffix)) continue;
      std::string base = name.substr(0, name.size() - suffix.size());
      const auto index = families_.find(base);
      if (index && families_.all()[*index].type == FamilyType::histogram) return base;
    }
    return name;
  }

  MetricFamilies families_{rich::kCollectors};
  SelfMetrics self_{rich::kBuild};
  MetricsPage page_{families_, {&self_.collectable()}};
};

TEST_F(MetricsPageTest, IsTheGoldenPage) {
  self_.request_started();
  self_.request_finished("metrics", 200);
  self_.page_rendered(ExpositionFormat::text, 12345);
  const Snapshot snapshot = rich::snapshot();
  expect_golden(text(snapshot), "metrics.prom");
  expect_golden(openmetrics(snapshot), "metrics.openmetrics");
  Snapshot with_created = snapshot;
  with_created.has_created_lines = true;
  expect_golden(openmetrics(with_created), "metrics_created.openmetrics");
  EXPECT_EQ(page_.unlisted_samples(), 0U);
}

TEST_F(MetricsPageTest, OfAnEmptySnapshotIsTheGoldenPageOfAnAgentThatJustStarted) {
  expect_golden(text(Snapshot{}), "metrics_empty.prom");
}

TEST_F(MetricsPageTest, EqualSnapshotsGiveEqualBytes) {
  const std::string first = text(rich::snapshot());
  std::ignore = openmetrics(rich::snapshot());
  std::ignore = text(Snapshot{});
  EXPECT_EQ(text(rich::snapshot()), first);
}

// The sample lines of a page.
std::vector<std::string> samples(const std::string& page) {
  std::vector<std::string> found = lines(page);
  std::erase_if(found, [](const std::string& line) { return line.starts_with('#'); });
  return found;
}

TEST_F(MetricsPageTest, SaysSinceWhenCountersCountWhereItIsAskedFor) {
  Snapshot snapshot = rich::snapshot();
  const std::string without = openmetrics(snapshot);
  EXPECT_THAT(without, Not(HasSubstr("_created")));
  snapshot.has_created_lines = true;
  EXPECT_THAT(text(snapshot), Not(HasSubstr("_created"))) << "text 0.0.4 has no such lines";
  const std::string with = openmetrics(snapshot);
  for (const char* const expected :
       {"heapfloor_host_oom_kills_total 0\nheapfloor_host_oom_kills_created 1700000000\n",
        R"(_process_major_page_faults_total{group="bad\\xFF",pid="103"} 7
heapfloor_process_major_page_faults_created{group="bad\\xFF",pid="103"} 1700000300
)",
        "heapfloor_group_process_exits_created{group=\"gone\"} 1700000405\n",
        "heapfloor_group_major_page_faults_created{group=\"caf\xC3\xA9\"} 1700000090\n",
        "heapfloor_collector_errors_created{reason=\"parse\",collector=\"process\"} 1700000400\n",
        "heapfloor_alert_notification_duration_seconds_created{receiver=\"first\"} 1700000400\n",
        "process_cpu_seconds_created 1700000400\n"}) {
    EXPECT_THAT(with, HasSubstr(expected));
  }
  for (const char* const unknown : {"heapfloor_leaks_detected_created", "alert_transitions_created",
                                    "workload_oom_kills_created", "events_local_created"}) {
    EXPECT_THAT(with, Not(HasSubstr(unknown))) << "they began before the agent, or nobody knows";
  }
}

TEST_F(MetricsPageTest, ATooLongPageLosesItsLeastAndSaysSo) {
  Snapshot snapshot = rich::snapshot();
  const std::size_t all = samples(text(snapshot)).size();
  snapshot.page_sample_limit = all;
  EXPECT_EQ(samples(text(snapshot)).size(), all) << "it fits";
  snapshot.page_sample_limit = all - 1;
  std::string page = text(snapshot);
  EXPECT_LE(samples(page).size(), all - 1);
  EXPECT_THAT(page, Not(HasSubstr("pid=\"101\""))) << "the smallest process without a suspicion";
  EXPECT_THAT(page, HasSubstr("pid=\"102\""));
  EXPECT_THAT(page, HasSubstr("cgroup=\"/kubepods/podx\""));
  const std::size_t lost = all - samples(page).size();
  EXPECT_THAT(
      page, HasSubstr("heapfloor_exposition_samples_dropped_total " + std::to_string(lost) + "\n"));
  page = text(snapshot);
  EXPECT_THAT(page, HasSubstr("heapfloor_exposition_samples_dropped_total " +
                              std::to_string(2 * lost) + "\n"))
      << "each page counts";
}

TEST_F(MetricsPageTest, WhatIsSaidOfHostAgentAndAlertsStaysHoweverShortThePageMustBe) {
  Snapshot snapshot = rich::snapshot();
  snapshot.page_sample_limit = 1;
  const std::string page = text(snapshot);
  for (const char* const gone : {"pid=", "cgroup=", "heapfloor_group_", "heapfloor_leak_state"})
    EXPECT_THAT(page, Not(HasSubstr(gone)));
  for (const char* const kept :
       {"heapfloor_host_memory_capacity_bytes", "heapfloor_build_info", "heapfloor_alert_active",
        "heapfloor_workload_oom_kills_total", "heapfloor_exposition_samples_limit 1\n"})
    EXPECT_THAT(page, HasSubstr(kept));
}

TEST_F(MetricsPageTest, AFilteredPageIsMeasuredByWhatItShows) {
  Snapshot snapshot = rich::snapshot();
  const PageFilter filter = {.collect = {"process"}, .exclude = {}};
  const auto shown = [&] { return page_.render(snapshot, ExpositionFormat::text, filter); };
  const std::string whole = shown();
  snapshot.page_sample_limit = samples(whole).size();
  EXPECT_EQ(shown(), whole);
  --snapshot.page_sample_limit;
  EXPECT_LT(samples(shown()).size(), samples(whole).size());
}

TEST_F(MetricsPageTest, CreatedLinesCountForTheLimit) {
  Snapshot snapshot = rich::snapshot();
  snapshot.has_created_lines = true;
  snapshot.page_sample_limit = samples(openmetrics(snapshot)).size() - 1;
  EXPECT_LE(samples(openmetrics(snapshot)).size(), snapshot.page_sample_limit);
}

TEST_F(MetricsPageTest, HoldsOnlyFamiliesOfTheTableAndEverySeriesOnce) {
  std::set<std::string> series;
  std::set<std::string> closed;
  std::string current;
  for (const std::string& line : lines(text(rich::snapshot()))) {
    if (line.starts_with('#')) continue;
    EXPECT_TRUE(families_.find(family_of(line)).has_value()) << line;
    EXPECT_TRUE(series.insert(series_of(line)).second) << line;
    if (family_of(line) == current) continue;
    EXPECT_TRUE(closed.insert(current).second);
    EXPECT_EQ(closed.count(family_of(line)), 0U) << "family in two blocks: " << line;
    EXPECT_LT(current, family_of(line)) << "families must be sorted";
    current = family_of(line);
  }
}

TEST_F(MetricsPageTest, EverySeriesHasTheLabelsThatTheTableNames) {
  for (const std::string& line : lines(text(rich::snapshot()))) {
    if (line.starts_with('#')) continue;
    const MetricFamily& family = families_.all()[families_.find(family_of(line)).value()];
    const std::string series = series_of(line);
    for (const std::string& label : family.labels) {
      EXPECT_TRUE(series.find('{' + label + "=\"") != std::string::npos ||
                  series.find(',' + label + "=\"") != std::string::npos)
          << label << " in " << line;
    }
    EXPECT_EQ(family.labels.empty(), series.find('{') == std::string::npos) << line;
  }
}

TEST_F(MetricsPageTest, LeavesOutAndCountsWhatTheTableDoesNotName) {
  static constexpr MetricDesc kStranger = {.name = "heapfloor_stranger_bytes", .help = "?"};
  Snapshot snapshot = rich::snapshot();
  snapshot.host.push_back({&kStranger, 1});
  EXPECT_THAT(text(snapshot), Not(HasSubstr("stranger")));
  EXPECT_EQ(page_.unlisted_samples(), 1U);

  prometheus::Registry registry;
  prometheus::BuildGauge().Name("heapfloor_other_stranger").Register(registry).Add({}).Set(1);
  MetricsPage with_stranger(families_, {&registry});
  EXPECT_THAT(with_stranger.render(Snapshot{}, ExpositionFormat::text), Not(HasSubstr("stranger")));
  EXPECT_EQ(with_stranger.unlisted_samples(), 1U);
}

TEST_F(MetricsPageTest, NamesThatDifferOnlyInBytesThatCannotBeShownStayApart) {
  const std::string page = text(rich::snapshot());
  EXPECT_THAT(page, HasSubstr(R"(heapfloor_group_processes{group="bad\\x5CxFF"} 1)"));
  EXPECT_THAT(page, HasSubstr(R"(heapfloor_group_processes{group="bad\\xFF"} 1)"));
}

TEST_F(MetricsPageTest, CollectAndExcludeOfACollectorDivideThePage) {
  const Snapshot snapshot = rich::snapshot();
  for (const std::string name : {"agent", "alerts", "host", "process", "self", "trend"}) {
    const std::vector<std::string> with =
        lines(page_.render(snapshot, ExpositionFormat::text, {.collect = {name}, .exclude = {}}));
    std::vector<std::string> both =
        lines(page_.render(snapshot, ExpositionFormat::text, {.collect = {}, .exclude = {name}}));
    EXPECT_THAT(with, Not(IsEmpty())) << name;
    both.insert(both.end(), with.begin(), with.end());
    EXPECT_THAT(both, UnorderedElementsAreArray(lines(text(snapshot)))) << name;
  }
}

TEST_F(MetricsPageTest, SeveralCollectorsAddUpAndOpenMetricsStaysWhole) {
  const PageFilter filter = {.collect = {"self", "process", "self"}, .exclude = {}};
  const std::string page = page_.render(rich::snapshot(), ExpositionFormat::openmetrics, filter);
  EXPECT_THAT(page, HasSubstr("\nheapfloor_process_resident_memory_bytes{"));
  EXPECT_THAT(page, HasSubstr("\nheapfloor_group_resident_memory_bytes{"));
  EXPECT_THAT(page, HasSubstr("\nheapfloor_group_processes{"));
  EXPECT_THAT(page, HasSubstr("\nheapfloor_allocator_in_use_bytes{"));
  EXPECT_THAT(page, HasSubstr("\nprocess_cpu_seconds_total "));
  EXPECT_THAT(page, Not(HasSubstr("heapfloor_host_")));
  EXPECT_THAT(page, Not(HasSubstr("heapfloor_build")));
  EXPECT_TRUE(page.ends_with("\n# EOF\n"));
}

TEST_F(MetricsPageTest, TheAgentsHeapIsAGroupsAllocator) {
  const std::string page = text(rich::snapshot());
  EXPECT_THAT(page, HasSubstr("heapfloor_allocator_in_use_bytes{group=\"heapfloor\","
                              "allocator=\"glibc\"} 3000000\n"));
  EXPECT_THAT(page, HasSubstr("heapfloor_allocator_free_bytes{state=\"fastbin\","
                              "group=\"heapfloor\",allocator=\"glibc\"} 64\n"));
  EXPECT_THAT(page, HasSubstr("\nprocess_resident_memory_bytes 12345678\n"));
}

TEST_F(MetricsPageTest, CountsDetectedLeaksByScope) {
  Snapshot snapshot = rich::snapshot();
  snapshot.leaks_detected_by_scope = {{"allocator", {2, {}}}, {"host", {3, {}}}};
  const std::string page = text(snapshot);
  EXPECT_THAT(page, HasSubstr("heapfloor_leaks_detected_total{scope=\"allocator\"} 2\n"));
  EXPECT_THAT(page, HasSubstr("heapfloor_leaks_detected_total{scope=\"host\"} 3\n"));
  EXPECT_THAT(page, HasSubstr("heapfloor_leaks_detected_total{scope=\"process\"} 0\n"));
}

TEST_F(MetricsPageTest, TheCounterOfDetectedLeaksIsThereBeforeTheFirst) {
  Snapshot snapshot;
  snapshot.watches.push_back(rich::snapshot().watches[0]);
  snapshot.watches[0].scope = "allocator";
  EXPECT_THAT(text(snapshot), HasSubstr("heapfloor_leaks_detected_total{scope=\"allocator\"} 0\n"));
}

TEST_F(MetricsPageTest, AReusedPidIsShownAsTheProcessThatLives) {
  Snapshot snapshot = rich::snapshot();
  ProcessRow later = snapshot.processes[0];
  later.id.start_ticks += 5;
  later.values = {{&rich::kProcessMetrics[2], 77}};
  snapshot.processes.insert(snapshot.processes.begin() + 1, later);
  const std::string page = text(snapshot);
  EXPECT_THAT(page, HasSubstr("pid=\"101\"} 77\n"));
  EXPECT_THAT(page, Not(HasSubstr("pid=\"101\"} 4096\n")));
}

TEST_F(MetricsPageTest, RowsAndValuesThatComeTwiceAreWrittenOnce) {
  Snapshot twice = rich::snapshot();
  twice.groups[3].values.push_back(twice.groups[3].values[0]);
  twice.host.push_back(twice.host[0]);
  twice.watches.push_back(twice.watches.back());
  twice.groups.push_back(twice.groups.back());
  twice.alerts.push_back(twice.alerts.back());
  twice.alerts.push_back(twice.alerts.front());
  twice.alerts.back().signal = "threads";
  twice.collectors.push_back(twice.collectors.back());
  twice.alert_transitions.push_back(twice.alert_transitions.back());
  Snapshot once = rich::snapshot();
  const auto without = [](const std::string& page) {
    std::string kept;
    for (const std::string& line : lines(page)) {
      if (!line.starts_with("heapfloor_leak_suspects")) kept += line + "\n";
    }
    return kept;
  };
  EXPECT_EQ(without(text(twice)), without(text(once)));
}

TEST_F(MetricsPageTest, WhatIsNotKnownIsAbsent) {
  Snapshot snapshot = rich::snapshot();
  snapshot.watches.resize(1);
  const std::string learning = text(snapshot);
  EXPECT_THAT(learning, Not(HasSubstr("heapfloor_trend_growth")));
  EXPECT_THAT(learning, Not(HasSubstr("heapfloor_trend_floor_bytes")));
  EXPECT_THAT(learning, Not(HasSubstr("heapfloor_trend_confidence_ratio")));
  EXPECT_THAT(learning, Not(HasSubstr("heapfloor_trend_predicted_exhaustion")));
  EXPECT_THAT(learning, HasSubstr("state=\"learning\",scope=\"process\""));
  EXPECT_THAT(text(Snapshot{}), Not(HasSubstr("heapfloor_agent_memory_budget_bytes")));
}

TEST_F(MetricsPageTest, ValuesThatAreNotFiniteAreAbsent) {
  Snapshot snapshot = rich::snapshot();
  snapshot.host[0].value = std::nan("");
  EXPECT_THAT(text(snapshot), Not(HasSubstr("heapfloor_host_memory_capacity_bytes")));
}

TEST_F(MetricsPageTest, ASignalThatDoesNotCountBytesHasNoBytes) {
  Snapshot snapshot = rich::snapshot();
  for (WatchRow& watch : snapshot.watches) watch.signal = "threads";
  const std::string page = text(snapshot);
  EXPECT_THAT(page, Not(HasSubstr("heapfloor_trend_floor_bytes")));
  EXPECT_THAT(page, HasSubstr("heapfloor_trend_rising_floors"));
}

TEST_F(MetricsPageTest, KeepsLabelsOnlyOfEntitiesOfTheLastPage) {
  Snapshot snapshot = rich::snapshot();
  std::ignore = text(snapshot);
  const std::size_t all = page_.cached_entities();
  snapshot.groups.resize(1);
  snapshot.processes.clear();
  snapshot.watches.clear();
  std::ignore = text(snapshot);
  EXPECT_LT(page_.cached_entities() + 10, all);
  for (std::size_t i = 0; i < 100; ++i) {
    snapshot.groups[0].name = "group" + std::to_string(i);
    std::ignore = text(snapshot);
  }
  EXPECT_LT(page_.cached_entities(), all);
}

TEST_F(MetricsPageTest, OpenMetricsEndsWithEofAndNamesFamiliesWithoutSuffix) {
  const std::string page = openmetrics(rich::snapshot());
  EXPECT_TRUE(page.ends_with("\n# EOF\n"));
  EXPECT_THAT(page, HasSubstr("# TYPE heapfloor_host_oom_kills counter\n"));
  EXPECT_THAT(page, HasSubstr("heapfloor_host_oom_kills_total 0\n"));
  EXPECT_THAT(page, HasSubstr("# TYPE heapfloor_build info\n"));
  EXPECT_THAT(page, HasSubstr("# UNIT heapfloor_trend_growth_bytes_per_second bytes_per_second\n"));
  EXPECT_THAT(text(rich::snapshot()), Not(HasSubstr("# EOF")));
}

TEST_F(MetricsPageTest, TheLastLeakOfAScopeIsTheExemplarOfTheirCount) {
  const Snapshot snapshot = rich::snapshot();
  EXPECT_THAT(openmetrics(snapshot),
              HasSubstr("\nheapfloor_leaks_detected_total{scope=\"process\"} 1 # "
                        "{subject=\"process:103:30000\",pid=\"103\"} 1 1700009000.125\n"));
  EXPECT_THAT(openmetrics(snapshot),
              HasSubstr("\nheapfloor_leaks_detected_total{scope=\"allocator\"} 2\n"));
  EXPECT_THAT(text(snapshot), HasSubstr("heapfloor_leaks_detected_total{scope=\"process\"} 1\n"))
      << "text 0.0.4 has no exemplars";
}

TEST_F(MetricsPageTest, AnExemplarHasNoMoreThan128CharactersOfLabels) {
  const auto page_of = [this](const std::string& subject) {
    Snapshot snapshot = rich::snapshot();
    snapshot.leaks_detected_by_scope["cgroup"] = {1, DetectedLeaks::Leak{subject, 0, 9000}};
    return openmetrics(snapshot);
  };
  const std::string accented = "\xC3\xA9";
  std::string longest = "cgroup:/\"";
  while (longest.size() < 121 + 10) longest += longest.size() < 20 ? accented : "x";
  EXPECT_THAT(page_of(longest.substr(0, 127)),
              HasSubstr("heapfloor_leaks_detected_total{scope=\"cgroup\"} 1 # {subject=\"cgroup:/"
                        "\\\""));
  EXPECT_THAT(page_of(longest.substr(0, 128)),
              HasSubstr("heapfloor_leaks_detected_total{scope=\"cgroup\"} 1\n"));
}

TEST(MetricFamiliesTest, RefusesDescriptorsThatDisagree) {
  static constexpr std::array<MetricDesc, 2> kDisagree = {{
      {.name = "heapfloor_host_x_bytes", .help = "x"},
      {.name = "heapfloor_host_x_bytes", .help = "x", .type = MetricType::counter},
  }};
  static constexpr std::array<MetricDesc, 1> kTaken = {{{.name = "heapfloor_series", .help = "x"}}};
  const CollectorEntry disagree = {.name = "host", .summary = "", .metrics = kDisagree};
  const CollectorEntry taken = {.name = "host", .summary = "", .metrics = kTaken};
  const std::array<const CollectorEntry*, 1> first = {&disagree};
  const std::array<const CollectorEntry*, 1> second = {&taken};
  EXPECT_THROW(MetricFamilies{first}, std::invalid_argument);
  EXPECT_THROW(MetricFamilies{second}, std::invalid_argument);
}

TEST(MetricFamiliesTest, NamesKeepTheRulesOfPrometheus) {
  const MetricFamilies families(rich::kCollectors);
  for (const MetricFamily& family : families.all()) {
    EXPECT_EQ(family.name.ends_with("_total"), family.type == FamilyType::counter) << family.name;
    EXPECT_EQ(family.name.ends_with("_info"), family.type == FamilyType::info) << family.name;
    EXPECT_FALSE(family.help.empty()) << family.name;
  }
}

TEST(MetricFamiliesTest, TheDocumentationPageHasARowForEachFamily) {
  const MetricFamilies families(rich::kCollectors);
  const std::string page = metric_families_markdown(families);
  for (const MetricFamily& family : families.all()) {
    EXPECT_THAT(page, HasSubstr("| `" + family.name + "` | "));
  }
  EXPECT_THAT(page,
              HasSubstr("| `heapfloor_group_resident_memory_bytes` | gauge | group, kind | "));
}

TEST_F(MetricsPageTest, SaysWhichSourcesAreClosedAndOfHowManyProcesses) {
  Snapshot snapshot = rich::snapshot();
  snapshot.collectors[0].sources = {{"shared", false, "a privilege"}};
  snapshot.collectors[1].sources = {{"exe", false, "CAP_SYS_PTRACE"}, {"shared", true, ""}};
  snapshot.groups[3].unreadable = {{"exe", 2}, {"cmdline", 0}};
  const std::string page = text(snapshot);
  EXPECT_THAT(page, HasSubstr("heapfloor_source_accessible{source=\"exe\"} 0\n"));
  EXPECT_THAT(page, HasSubstr("heapfloor_source_accessible{source=\"shared\"} 0\n"))
      << "closed to one of its readers";
  EXPECT_THAT(
      page,
      HasSubstr("heapfloor_group_unreadable_processes{source=\"exe\",group=\"caf\xC3\xA9\"} 2\n"));
  EXPECT_THAT(
      page,
      HasSubstr(
          "heapfloor_group_unreadable_processes{source=\"cmdline\",group=\"caf\xC3\xA9\"} 0\n"));
}

}  // namespace
}  // namespace heapfloor
