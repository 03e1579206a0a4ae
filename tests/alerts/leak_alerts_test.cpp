#include "agent/alerts/leak_alerts.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>

namespace heapfloor {
namespace {

constexpr double kMiB = 1024.0 * 1024.0;

class LeakAlertsTest : public ::testing::Test {
 protected:
  LeakAlertsTest()
      : watches_(
            [](Signal) {
              TrendPolicy policy;
              policy.bucket_seconds = 4;
              policy.time_scale = 1.0 / 60;
              return policy;
            },
            10) {}

  void run(int pid, std::string_view name, double bytes_per_second, int seconds) {
    WatchLabels labels;
    labels.name = name;
    labels.group = name;
    labels.limit_source = "configured";
    for (int second = 0; second < seconds; ++second) {
      Observation reading;
      reading.time_seconds = second;
      reading.value = 100 * kMiB + bytes_per_second * second;
      reading.limit = 512 * kMiB;
      watches_.observe({EntityKind::process, Signal::rss_anon, {pid, 1}}, labels, reading);
    }
  }

  WatchList watches_;
};

TEST_F(LeakAlertsTest, RaisesNothingForWhatIsLevel) {
  run(1, "level", 0, 300);
  EXPECT_TRUE(leak_conditions(watches_, 300).empty());
}

TEST_F(LeakAlertsTest, NamesTheLeakItsRateAndItsEnd) {
  run(1, "payments", kMiB, 300);
  const auto conditions = leak_conditions(watches_, 300);
  ASSERT_EQ(conditions.size(), 2U);
  const AlertCondition& leak = conditions[0];
  EXPECT_EQ(leak.name, "HeapfloorLeak");
  EXPECT_EQ(leak.subject, "process:1:1");
  EXPECT_EQ(leak.group, "payments");
  EXPECT_EQ(leak.signal, "rss_anon");
  EXPECT_EQ(leak.severity, "critical");
  EXPECT_NE(leak.description.find("payments (pid 1)"), std::string::npos) << leak.description;
  EXPECT_NE(leak.description.find("GB/h"), std::string::npos) << leak.description;
  EXPECT_NE(leak.description.find("limit of 512 MiB"), std::string::npos) << leak.description;
  EXPECT_EQ(conditions[1].name, "HeapfloorExhaustionPredicted");
  EXPECT_EQ(conditions[1].severity, "critical");
}

TEST_F(LeakAlertsTest, SaysWhatTheGrowthIsMadeOfWhereThatIsKnown) {
  run(1, "payments", kMiB, 300);
  EXPECT_EQ(leak_conditions(watches_, 300)[0].description.find("of the growth"), std::string::npos);
  GrowthCauses causes;
  causes.live_growth = 1;
  causes.growth_bytes = kMiB;
  causes.seconds = 60;
  const LeakSources sources = {.causes = [&causes](const Watch& watch) {
    return watch.key.process.pid == 1 ? std::optional(causes) : std::nullopt;
  }};
  const auto conditions = leak_conditions(watches_, 300, sources);
  EXPECT_NE(conditions[0].description.find("All of the growth is memory that the program holds."),
            std::string::npos)
      << conditions[0].description;
}

TEST_F(LeakAlertsTest, SaysWhatElseIsKnownOfWhatGrows) {
  run(1, "payments", kMiB, 300);
  const auto conditions = leak_conditions(
      watches_, 300, {.details = [](const Watch&) { return std::string("main.put grows."); }});
  EXPECT_TRUE(conditions[0].description.ends_with(" main.put grows.")) << conditions[0].description;
  const auto none =
      leak_conditions(watches_, 300, {.details = [](const Watch&) { return std::string(); }});
  EXPECT_EQ(none[0].description, leak_conditions(watches_, 300)[0].description);
}

TEST_F(LeakAlertsTest, TellsOneLeakOfAProgramOnceByTheFirstThatWasConfirmed) {
  const SeriesKey cache{EntityKind::structure, Signal::structure_bytes, {1, 1}, 9};
  const SeriesKey site{EntityKind::site, Signal::site_bytes, {1, 1}, 0xabc};
  for (int second = 0; second < 390; ++second) {
    const auto observe = [&](const SeriesKey& key, std::string_view part, double bytes) {
      WatchLabels labels;
      labels.name = labels.group = "payments";
      labels.part = part;
      Observation reading;
      reading.time_seconds = second;
      reading.value = bytes;
      reading.limit = 512 * kMiB;
      watches_.observe(key, labels, reading);
    };
    const double grown = kMiB * second;
    observe(cache, "user_cache", 10 * kMiB + grown);
    observe(site, "0000000000000abc", 10 * kMiB + grown);
    // Its memory is looked at later.
    if (second >= 200)
      observe({EntityKind::process, Signal::rss_anon, {1, 1}}, {}, 100 * kMiB + grown);
  }
  ASSERT_EQ(watches_.find(cache)->judge.state(), LeakState::leaking);
  ASSERT_EQ(watches_.find(site)->judge.state(), LeakState::leaking);
  ASSERT_EQ(watches_.find({EntityKind::process, Signal::rss_anon, {1, 1}})->judge.state(),
            LeakState::leaking);
  const auto conditions = leak_conditions(watches_, 390);
  ASSERT_EQ(std::ranges::count(conditions, "HeapfloorLeak", &AlertCondition::name), 1);
  EXPECT_EQ(conditions[0].subject, "structure:1:1:user_cache");
  EXPECT_EQ(conditions[0].summary, "the structure user_cache of payments leaks memory.");
}

TEST_F(LeakAlertsTest, MarksTheConditionsOfAnEndedProcess) {
  run(1, "payments", kMiB, 300);
  watches_.finish_tick(301);
  const auto conditions = leak_conditions(watches_, 301);
  ASSERT_FALSE(conditions.empty());
  EXPECT_TRUE(std::ranges::all_of(conditions, &AlertCondition::ended));
}

TEST(SaySpan, SpeaksAsPeopleDo) {
  EXPECT_EQ(say_span(-5), "no time");
  EXPECT_EQ(say_span(12), "12 s");
  EXPECT_EQ(say_span(600), "10 min");
  EXPECT_EQ(say_span(5 * 3600 + 12 * 60), "5 h 12 min");
  EXPECT_EQ(say_span(3 * 86400 + 5 * 3600), "3 d 5 h");
}

TEST(SayRate, UsesUnitsThatFit) {
  EXPECT_EQ(say_rate(212e6 / 3600), "212 MB/h");
  EXPECT_EQ(say_rate(3.6e9 / 3600), "3.6 GB/h");
}

TEST_F(LeakAlertsTest, SaysSinceWhichBuildItLeaks) {
  run(1, "payments", kMiB, 300);
  BuildComparison comparison;
  comparison.now.build = std::make_shared<const BuildIdentity>(
      BuildIdentity{BuildKind::go, "payments", "a/b", "v1.4.2"});
  comparison.now.since_seconds = 1.7e9 - 3600;
  comparison.now.course = {FloorMove::rising, 300, {58'888.9, 5e4, 6e4}};
  const auto builds = [&comparison](const Watch&) { return &comparison; };
  const auto conditions = leak_conditions(watches_, 300, {.builds = builds}, 1.7e9 - 300);
  ASSERT_EQ(conditions.size(), 2U);
  EXPECT_TRUE(conditions[0].description.ends_with(" Since build v1.4.2, 1 h 0 min ago: +212 MB/h."))
      << conditions[0].description;
  EXPECT_EQ(conditions[1].description.find("v1.4.2"), std::string::npos) << "said once";
  const auto unknown = [](const Watch&) -> const BuildComparison* { return nullptr; };
  EXPECT_EQ(leak_conditions(watches_, 300, {.builds = unknown})[0].description,
            leak_conditions(watches_, 300)[0].description);
}

}  // namespace
}  // namespace heapfloor
