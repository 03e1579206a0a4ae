#include "agent/alerts/operator_rules.h"

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "agent/alerts/rule_evaluator.h"
#include "collectors/go_metrics.h"
#include "collectors/jvm_metrics.h"

namespace heapfloor {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr double kStepSeconds = 15;
constexpr double kUnixAtStart = 1.7e9;

constexpr MetricDesc kAnon = {.name = "heapfloor_process_resident_memory_bytes",
                              .help = "Anon.",
                              .label_name = "kind",
                              .label_value = "anon",
                              .group_rule = GroupRule::sum,
                              .group_name = "heapfloor_group_resident_memory_bytes"};
constexpr MetricDesc kMappings = {.name = "heapfloor_process_memory_mappings",
                                  .help = "Mappings.",
                                  .group_rule = GroupRule::maximum,
                                  .group_name = "heapfloor_group_memory_mappings_max"};
constexpr std::array<MetricDesc, 2> kProcessTable = {kAnon, kMappings};
constexpr MetricDesc kMappingsLimit = {.name = "heapfloor_host_memory_mappings_limit",
                                       .help = "vm.max_map_count."};
constexpr MetricDesc kUnreclaimable = {.name = "heapfloor_cgroup_unreclaimable_memory_bytes",
                                       .help = "Held."};
constexpr MetricDesc kCgroupLimit = {.name = "heapfloor_cgroup_memory_limit_bytes",
                                     .help = "Limit."};

// What a JVM tells in a tick.
struct JvmTick {
  std::string collector = "g1";
  double young_collections = 0;
  double young_seconds = 0;
  double concurrent_seconds = 0;
  double old_used = 50;
  double old_after_gc = 50;
  double heap_limit = 100;
};

// A host whose readings the test sets, under the agent's own rules.
class OperatorRulesTest : public ::testing::Test {
 protected:
  OperatorRulesTest() { rules_.set_rules(rules_in_force({}, {})); }

  void process(double mappings = 1) {
    batch_.begin({EntityKind::process, {1, 7}, "java"});
    batch_.add(kProcessTable[0], 1e9);
    batch_.add(kProcessTable[1], mappings);
  }
  void jvm(const JvmTick& now) {
    process();
    batch_.begin({EntityKind::jvm, {1, 7}, now.collector});
    add("heapfloor_jvm_gc_collections_total", now.young_collections, "young");
    add("heapfloor_jvm_gc_collections_total", 1000 * ++ticks_, "concurrent");
    add("heapfloor_jvm_gc_seconds_total", now.young_seconds, "young");
    add("heapfloor_jvm_gc_seconds_total", now.concurrent_seconds, "concurrent");
    add("heapfloor_jvm_heap_limit_bytes", now.heap_limit);
    batch_.begin({EntityKind::jvm_pool, {1, 7}, "eden"});
    add("heapfloor_jvm_memory_used_bytes", 1000 * ticks_, "heap");
    batch_.begin({EntityKind::jvm_pool, {1, 7}, "old"});
    add("heapfloor_jvm_memory_used_bytes", now.old_used, "heap");
    add("heapfloor_jvm_memory_used_after_gc_bytes", now.old_after_gc);
  }
  void own(RuleScope scope, std::string_view metric, double value, std::string subject,
           std::string detail = {}) {
    own_.push_back({scope, metric, value, std::move(subject), "db.service", "db", detail});
  }

  // A tick later: the names of the alerts that fire.
  std::vector<std::string> firing() {
    groups_.ingest(batch_, now_);
    watches_.finish_tick(now_);
    conditions_ =
        rules_.evaluate({watches_, batch_, groups_, true, now_, kUnixAtStart + now_, own_}, book_);
    book_.step(conditions_, now_);
    batch_.clear();
    own_.clear();
    now_ += kStepSeconds;
    std::vector<std::string> names;
    for (const Alert& alert : book_.alerts())
      if (alert.phase == AlertPhase::firing) names.push_back(alert.condition.name);
    return names;
  }
  // What fires at the end of so many ticks of a JVM, which `change` moves from one to the next.
  std::vector<std::string> after(int ticks, JvmTick state, const auto& change) {
    std::vector<std::string> names;
    for (int tick = 0; tick < ticks; ++tick) {
      jvm(state);
      names = firing();
      change(state);
    }
    return names;
  }

  double now_ = 0;
  std::vector<AlertCondition> conditions_;  // of the last tick
  SampleBatch batch_;
  std::vector<RuleEvaluator::OwnReading> own_;
  GroupTable groups_{{kProcessTable}, 100};
  WatchList watches_{[](Signal) { return TrendPolicy(); }, 100};
  AlertBook book_{0, 300};
  RuleEvaluator rules_;

 private:
  void add(std::string_view name, double value, std::string_view label = {}) {
    for (const MetricDesc& desc : kJvmTable)
      if (desc.name == name && desc.label_value == label) return batch_.add(desc, value);
    ADD_FAILURE() << name << " " << label;
  }
  int ticks_ = 0;
};

TEST_F(OperatorRulesTest, AJvmAtRestRaisesNothing) {
  EXPECT_THAT(after(100, {}, [](JvmTick&) {}), IsEmpty());
}

TEST_F(OperatorRulesTest, ALiveHeapNearItsLimitFiresAfterHalfAMinute) {
  JvmTick state;
  state.old_after_gc = 85;
  jvm(state);
  EXPECT_THAT(firing(), IsEmpty());
  jvm(state);
  EXPECT_THAT(firing(), IsEmpty()) << "15 s";
  jvm(state);
  EXPECT_THAT(firing(), ElementsAre("HeapfloorHeapNearLimit"));
  EXPECT_EQ(conditions_.at(0).subject, "jvm:1:7");
  EXPECT_EQ(conditions_.at(0).scope, "jvm");
  EXPECT_EQ(conditions_.at(0).group, "java");
  EXPECT_THAT(conditions_.at(0).description, HasSubstr("java (java) is 85 % of the heap"));
}

TEST_F(OperatorRulesTest, WithoutALimitAHeapIsNotNearIt) {
  JvmTick state;
  state.heap_limit = 0;
  EXPECT_THAT(after(10, state, [](JvmTick&) {}), IsEmpty());
}

TEST_F(OperatorRulesTest, ManyYoungCollectionsThatPromoteFire) {
  const auto names = after(60, {}, [](JvmTick& state) {
    state.young_collections += 2;  // eight a minute
    state.old_used += 0.01;
  });
  EXPECT_THAT(names, ElementsAre("HeapfloorYoungGcStorm"));
  EXPECT_THAT(conditions_.at(0).description, HasSubstr("are 8"));
}

TEST_F(OperatorRulesTest, ManyYoungCollectionsThatFreeAllAreWell) {
  EXPECT_THAT(after(60, {}, [](JvmTick& state) { state.young_collections += 2; }), IsEmpty());
}

TEST_F(OperatorRulesTest, FewYoungCollectionsThatPromoteAreWell) {
  const auto names = after(60, {}, [](JvmTick& state) {
    state.young_collections += 1;  // four a minute
    state.old_used += 0.01;
  });
  EXPECT_THAT(names, IsEmpty());
}

TEST_F(OperatorRulesTest, StandingStillForCollectionsFires) {
  const auto names = after(80, {}, [](JvmTick& state) { state.young_seconds += 6; });
  EXPECT_THAT(names, ElementsAre("HeapfloorGcPressure"));
  EXPECT_THAT(conditions_.at(0).description, HasSubstr("% of the time"));
}

TEST_F(OperatorRulesTest, ConcurrentCollectionsAreNoStandstill) {
  EXPECT_THAT(after(80, {}, [](JvmTick& state) { state.concurrent_seconds += 6; }), IsEmpty());
  JvmTick shenandoah;
  shenandoah.collector = "shenandoah";
  EXPECT_THAT(after(80, shenandoah, [](JvmTick& state) { state.young_seconds += 6; }), IsEmpty());
}

TEST_F(OperatorRulesTest, AJvmThatEndsTakesItsAlertAlong) {
  JvmTick state;
  state.old_after_gc = 85;
  EXPECT_THAT(after(4, state, [](JvmTick&) {}), ElementsAre("HeapfloorHeapNearLimit"));
  EXPECT_THAT(firing(), IsEmpty());
}

TEST_F(OperatorRulesTest, AGoHeapNearItsLimitIsAnAlertOfItsOwnScope) {
  const auto tick = [this](double live) {
    jvm({.old_after_gc = 85});
    batch_.begin({EntityKind::go, {1, 7}, {}});
    batch_.add(kGoLive, live);
    batch_.add(kGoMemoryLimit, 100);
    batch_.add(find_metric(kGoTable, "heapfloor_go_gc_cpu_ratio"), 0.3);
    return firing();
  };
  for (int i = 0; i < 2; ++i) tick(85);
  EXPECT_THAT(tick(85), ElementsAre("HeapfloorHeapNearLimit", "HeapfloorHeapNearLimit"));
  EXPECT_THAT(conditions_.back().subject, "go:1:7");
  for (int i = 0; i < 40; ++i) tick(50);
  EXPECT_THAT(tick(50), ElementsAre("HeapfloorGcPressure", "HeapfloorHeapNearLimit"))
      << "that of the JVM stays";
}

TEST_F(OperatorRulesTest, MappingsNearTheKernelsLimitFire) {
  std::vector<std::string> names;
  for (int tick = 0; tick < 70; ++tick) {
    batch_.begin({});
    batch_.add(kMappingsLimit, 65530);
    process(60000);
    names = firing();
  }
  EXPECT_THAT(names, ElementsAre("HeapfloorMappingsNearLimit"));
  EXPECT_EQ(conditions_.at(0).subject, "group:java");
  EXPECT_THAT(conditions_.at(0).description, HasSubstr("91.6 %"));
}

TEST_F(OperatorRulesTest, OnlyACgroupWithALimitOfItsOwnIsNearIt) {
  std::vector<std::string> names;
  for (int tick = 0; tick < 50; ++tick) {
    batch_.begin({.kind = EntityKind::cgroup, .name = "/limited", .cgroup_id = 3});
    batch_.add(kUnreclaimable, 95);
    batch_.add(kCgroupLimit, 100);
    batch_.begin({.kind = EntityKind::cgroup, .name = "/limited/inner", .cgroup_id = 4});
    batch_.add(kUnreclaimable, 95);
    names = firing();
  }
  EXPECT_THAT(names, ElementsAre("HeapfloorCgroupNearLimit"));
  EXPECT_EQ(conditions_.at(0).subject, "cgroup:/limited");
}

TEST_F(OperatorRulesTest, AnOomKillFiresAtOnceForTenMinutes) {
  const double killed_at = kUnixAtStart + now_;
  const auto tick = [&] {
    own(RuleScope::workload, "heapfloor_workload_last_oom_timestamp_seconds", killed_at,
        "workload:db.service", ", 3 in all");
    return firing();
  };
  EXPECT_THAT(tick(), ElementsAre("HeapfloorOomKill"));
  EXPECT_EQ(conditions_.at(0).subject, "workload:db.service");
  EXPECT_EQ(conditions_.at(0).description,
            "db.service lost a process to the OOM killer within the last ten minutes, 3 in all.");
  while (now_ < 600) EXPECT_THAT(tick(), ElementsAre("HeapfloorOomKill"));
  tick();
  EXPECT_THAT(conditions_, IsEmpty());
}

TEST_F(OperatorRulesTest, AHeapInFewSitesIsInformation) {
  std::vector<std::string> names;
  for (int tick = 0; tick < 242; ++tick) {
    own(RuleScope::process, "heapfloor_live_heap_concentration_ratio", 0.7, "process:1:7");
    names = firing();
  }
  EXPECT_THAT(names, ElementsAre("HeapfloorConcentration"));
  EXPECT_EQ(conditions_.at(0).severity, "info");
  EXPECT_THAT(conditions_.at(0).description, HasSubstr("hold 70 % of its live heap"));
}

TEST_F(OperatorRulesTest, ReloadingKeepsWhatUnchangedRulesRemember) {
  const auto grow = [](JvmTick& state) { state.young_seconds += 6; };
  after(79, {}, grow);
  RuleChange change;
  change.name = "HeapfloorHeapNearLimit";
  change.is_enabled = false;
  rules_.set_rules(rules_in_force(std::array{change}, {}));
  JvmTick state;
  state.young_seconds = 6 * 79;
  EXPECT_THAT(after(2, state, grow), ElementsAre("HeapfloorGcPressure"));
}

TEST(OperatorRules, CanBeChangedAndSwitchedOff) {
  RuleChange off, other;
  off.name = "HeapfloorOomKill";
  off.is_enabled = false;
  other.name = "HeapfloorGcPressure";
  other.value = 0.5;
  other.hold_seconds = 60;
  other.severity = "critical";
  AlertRule mine;
  mine.name = "Mine";
  const std::vector<AlertRule> rules = rules_in_force(std::array{off, other}, std::array{mine});
  ASSERT_EQ(rules.size(), operator_rules().size());
  EXPECT_EQ(rules.back().name, "Mine");
  for (const AlertRule& rule : rules) {
    EXPECT_NE(rule.name, "HeapfloorOomKill");
    if (rule.name != "HeapfloorGcPressure") continue;
    EXPECT_EQ(rule.value, 0.5);
    EXPECT_EQ(rule.hold_seconds, 60);
    EXPECT_EQ(rule.severity, "critical");
  }
}

TEST(OperatorRules, AreWrittenAsPromQl) {
  std::string all;
  for (const AlertRule& rule : operator_rules()) all += rule_query(rule) + "\n";
  EXPECT_EQ(all,
            R"(heapfloor_jvm_memory_used_after_gc_bytes / heapfloor_jvm_heap_limit_bytes > 0.8
rate(heapfloor_jvm_gc_collections_total{generation="young"}[300s]) > 0.08333333333333333 and deriv(heapfloor_jvm_memory_used_bytes{pool="old"}[600s]) > 0
rate(heapfloor_jvm_gc_seconds_total{generation!="concurrent",collector!~"shenandoah.*"}[300s]) > 0.25
heapfloor_go_heap_live_bytes / heapfloor_go_memory_limit_bytes > 0.8
heapfloor_go_gc_cpu_ratio > 0.25
time() - heapfloor_workload_last_oom_timestamp_seconds < 600
heapfloor_group_memory_mappings_max / heapfloor_host_memory_mappings_limit > 0.8
heapfloor_cgroup_unreclaimable_memory_bytes / heapfloor_cgroup_memory_limit_bytes > 0.9
heapfloor_live_heap_concentration_ratio > 0.65
)");
}

}  // namespace
}  // namespace heapfloor
