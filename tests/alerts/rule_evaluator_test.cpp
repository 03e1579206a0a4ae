#include "agent/alerts/rule_evaluator.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <string>

namespace heapfloor {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

constexpr double kGiB = 1024.0 * 1024 * 1024;

constexpr MetricDesc kSwap = {.name = "heapfloor_process_swap_bytes",
                              .help = "Swap.",
                              .group_rule = GroupRule::sum,
                              .group_name = "heapfloor_group_swap_bytes"};
constexpr std::array<MetricDesc, 1> kProcessTable = {kSwap};
constexpr MetricDesc kAvailable = {.name = "heapfloor_host_memory_available_bytes",
                                   .help = "Free."};
constexpr MetricDesc kAnon = {.name = "heapfloor_cgroup_memory_component_bytes",
                              .help = "Anon.",
                              .label_name = "component",
                              .label_value = "anon"};
constexpr MetricDesc kFile = {.name = "heapfloor_cgroup_memory_component_bytes",
                              .help = "File.",
                              .label_name = "component",
                              .label_value = "file"};

AlertRule rule_of(RuleScope scope, std::string quantity, double value, bool is_signal = false) {
  AlertRule rule;
  rule.name = "TooMuch";
  rule.scope = scope;
  rule.quantity = std::move(quantity);
  rule.value = value;
  rule.is_signal = is_signal;
  return rule;
}

// A host whose readings the test sets, and the alerts that follow.
class RuleEvaluatorTest : public ::testing::Test {
 protected:
  void process(int pid, std::string_view comm, double swap) {
    batch_.begin({EntityKind::process, {pid, 7}, comm});
    batch_.add(kProcessTable[0], swap);
  }
  void watch(int pid, std::string_view comm, double anon) {
    WatchLabels labels;
    labels.name = comm;
    labels.group = comm;
    Observation reading;
    reading.time_seconds = now_;
    reading.value = anon;
    watches_.observe({EntityKind::process, Signal::rss_anon, {pid, 7}}, labels, reading);
  }
  std::vector<AlertCondition> evaluate(bool is_listed = true) {
    if (is_listed) {
      groups_.ingest(batch_, now_);
      watches_.finish_tick(now_);
    }
    return rules_.evaluate({watches_, batch_, groups_, is_listed}, book_);
  }
  // A tick: what is wrong goes to the book, and the readings are forgotten.
  std::vector<AlertTransition> tick(bool is_listed = true) {
    auto changes = book_.step(evaluate(is_listed), now_);
    batch_.clear();
    now_ += 15;
    return changes;
  }

  double now_ = 0;
  SampleBatch batch_;
  GroupTable groups_{{kProcessTable}, 100};
  WatchList watches_{[](Signal) { return TrendPolicy(); }, 100};
  AlertBook book_{0, 300};
  RuleEvaluator rules_;
};

TEST_F(RuleEvaluatorTest, ComparesAMetricOfAProcess) {
  rules_.set_rules({rule_of(RuleScope::process, "heapfloor_process_swap_bytes", 2 * kGiB)});
  process(1, "small", 2 * kGiB);
  process(2, "large", 3 * kGiB);
  const auto conditions = evaluate();
  ASSERT_THAT(conditions, SizeIs(1));
  EXPECT_EQ(conditions[0].name, "TooMuch");
  EXPECT_EQ(conditions[0].subject, "process:2:7");
  EXPECT_EQ(conditions[0].scope, "process");
  EXPECT_EQ(conditions[0].group, "large");
  EXPECT_EQ(conditions[0].signal, "heapfloor_process_swap_bytes");
  EXPECT_EQ(conditions[0].value, 3 * kGiB);
  EXPECT_THAT(conditions[0].description,
              HasSubstr("large is 3.00 GiB, above the threshold of 2.00 GiB"));
}

TEST_F(RuleEvaluatorTest, SaysGrowthInTheUnitOfItsMetric) {
  constexpr MetricDesc kAllocated = {
      .name = "heapfloor_go_allocated_bytes_total", .help = "All.", .type = MetricType::counter};
  AlertRule rule = rule_of(RuleScope::go, "heapfloor_go_allocated_bytes_total", 1024 * 1024);
  rule.rate_seconds = 10;
  rules_.set_rules({rule});
  std::vector<AlertCondition> conditions;
  for (int tick = 0; tick < 20; ++tick, now_ += 1) {
    batch_.clear();
    process(1, "svc", 0);
    batch_.begin({EntityKind::go, {1, 7}, {}});
    batch_.add(kAllocated, tick * 2.0 * 1024 * 1024);
    groups_.ingest(batch_, now_);
    conditions = rules_.evaluate({watches_, batch_, groups_, true, now_}, book_);
  }
  ASSERT_THAT(conditions, SizeIs(1));
  EXPECT_THAT(conditions[0].description,
              HasSubstr("svc is 120.0 MiB a minute, above the threshold of 60.0 MiB a minute"));
}

TEST_F(RuleEvaluatorTest, ComparesTheSumOfAGroupAndItsProcesses) {
  AlertRule swap = rule_of(RuleScope::group, "heapfloor_group_swap_bytes", 3);
  AlertRule processes = rule_of(RuleScope::group, "heapfloor_group_processes", 2);
  processes.name = "TooMany";
  processes.comparison = Comparison::greater_or_equal;
  rules_.set_rules({swap, processes});
  process(1, "pay", 2);
  process(2, "pay", 2);
  process(3, "rest", 3);
  std::vector<std::string> found;
  for (const AlertCondition& condition : evaluate())
    found.push_back(condition.name + " " + condition.subject);
  EXPECT_THAT(found, UnorderedElementsAre("TooMuch group:pay", "TooMany group:pay"));
}

TEST_F(RuleEvaluatorTest, ComparesAMetricOfTheHostWithAnUpperBound) {
  AlertRule rule = rule_of(RuleScope::host, "heapfloor_host_memory_available_bytes", 100);
  rule.comparison = Comparison::less;
  rules_.set_rules({rule});
  batch_.begin({});
  batch_.add(kAvailable, 99);
  const auto conditions = evaluate();
  ASSERT_THAT(conditions, SizeIs(1));
  EXPECT_EQ(conditions[0].subject, "host");
  EXPECT_THAT(conditions[0].description, HasSubstr("below"));
}

TEST_F(RuleEvaluatorTest, TellsTheSamplesOfOneFamilyApart) {
  AlertRule rule = rule_of(RuleScope::cgroup, "heapfloor_cgroup_memory_component_bytes", 5);
  rules_.set_rules({rule});
  const auto fill = [this] {
    batch_.begin({EntityKind::cgroup, {}, "/system.slice/db.service", 9});
    batch_.add(kAnon, 6);
    batch_.add(kFile, 7);
  };
  fill();
  auto conditions = evaluate();
  ASSERT_THAT(conditions, SizeIs(2));
  EXPECT_EQ(conditions[0].subject, "cgroup:/system.slice/db.service");
  EXPECT_EQ(conditions[0].signal, "heapfloor_cgroup_memory_component_bytes{component=\"anon\"}");
  EXPECT_NE(conditions[0].signal, conditions[1].signal);
  rule.match = {{"component", "anon"}, {"cgroup", "/system.slice/*"}};
  rules_.set_rules({rule});
  EXPECT_THAT(evaluate(), SizeIs(1));
  rule.match = {{"cgroup", "/user.slice/*"}};
  rules_.set_rules({rule});
  EXPECT_THAT(evaluate(), IsEmpty());
}

TEST_F(RuleEvaluatorTest, ComparesASignalOfWhatIsWatched) {
  AlertRule rule = rule_of(RuleScope::process, "rss_anon", kGiB, true);
  rule.match = {{"group", "pay*"}};
  rules_.set_rules({rule});
  watch(1, "payments", 2 * kGiB);
  watch(2, "batch", 2 * kGiB);
  const auto conditions = evaluate();
  ASSERT_THAT(conditions, SizeIs(1));
  EXPECT_EQ(conditions[0].subject, "process:1:7");
  EXPECT_EQ(conditions[0].signal, "rss_anon");
}

TEST_F(RuleEvaluatorTest, AFiringAlertHoldsUntilItsClearValue) {
  AlertRule rule = rule_of(RuleScope::process, "heapfloor_process_swap_bytes", 100);
  rule.clear = 50;
  rules_.set_rules({rule});
  process(1, "a", 60);
  EXPECT_THAT(tick(), IsEmpty()) << "what never fired is not held";
  process(1, "a", 101);
  EXPECT_THAT(tick(), SizeIs(2));
  for (int i = 0; i < 100; ++i) {
    process(1, "a", 60);
    EXPECT_THAT(tick(), IsEmpty());
  }
  std::size_t changes = 0;
  for (int i = 0; i < 25; ++i) {
    process(1, "a", 50);
    changes += tick().size();
  }
  EXPECT_EQ(changes, 1U) << "it is resolved after alerts.resolve_hold";
}

TEST_F(RuleEvaluatorTest, AProcessThatEndedResolvesItsAlertAtOnce) {
  rules_.set_rules({rule_of(RuleScope::process, "heapfloor_process_swap_bytes", 100)});
  process(1, "a", 200);
  process(2, "b", 1);
  tick();
  process(2, "b", 1);
  const auto changes = tick();
  ASSERT_THAT(changes, SizeIs(1));
  EXPECT_EQ(changes[0].change, AlertChange::resolved);
}

TEST_F(RuleEvaluatorTest, AReadingThatIsMissingForATickResolvesNothing) {
  AlertRule of_group = rule_of(RuleScope::group, "heapfloor_group_swap_bytes", 100);
  of_group.name = "Group";
  AlertRule of_cgroup = rule_of(RuleScope::cgroup, "heapfloor_cgroup_memory_component_bytes", 100);
  of_cgroup.name = "Cgroup";
  rules_.set_rules(
      {rule_of(RuleScope::process, "heapfloor_process_swap_bytes", 100), of_group, of_cgroup});
  const auto there = [this](bool has_values) {
    batch_.begin({EntityKind::process, {1, 7}, "a"});
    if (has_values) batch_.add(kProcessTable[0], 200);
    batch_.begin({.kind = EntityKind::cgroup, .name = "/a", .cgroup_id = 3});
    if (has_values) batch_.add(kAnon, 200);
    return tick();
  };
  EXPECT_THAT(there(true), SizeIs(6)) << "pending and firing";
  EXPECT_THAT(there(false), IsEmpty());
  EXPECT_THAT(there(true), IsEmpty());
  EXPECT_THAT(tick(), SizeIs(3)) << "and all end with their subjects";
}

TEST_F(RuleEvaluatorTest, NothingHasEndedWhileTheProcessesCannotBeListed) {
  rules_.set_rules({rule_of(RuleScope::process, "heapfloor_process_swap_bytes", 100)});
  process(1, "a", 200);
  tick();
  for (int i = 0; i < 100; ++i) EXPECT_THAT(tick(false), IsEmpty());
}

TEST_F(RuleEvaluatorTest, ARuleThatIsGoneTakesItsAlertsAlong) {
  rules_.set_rules({rule_of(RuleScope::process, "heapfloor_process_swap_bytes", 100)});
  process(1, "a", 200);
  tick();
  rules_.set_rules({});
  process(1, "a", 200);
  const auto changes = tick();
  ASSERT_THAT(changes, SizeIs(1));
  EXPECT_EQ(changes[0].change, AlertChange::resolved);
}

TEST_F(RuleEvaluatorTest, OneRuleRaisesABoundedNumberOfAlerts) {
  rules_.set_rules({rule_of(RuleScope::process, "heapfloor_process_swap_bytes", 1)});
  for (int pid = 1; pid <= 1010; ++pid) process(pid, "a", 2);
  EXPECT_THAT(evaluate(), SizeIs(RuleEvaluator::kMostAlerts));
  EXPECT_EQ(rules_.refused(0), 10U);
}

TEST(RuleQueryTest, IsWrittenAsPromQl) {
  AlertRule rule = rule_of(RuleScope::group, "heapfloor_group_swap_bytes", 2147483648);
  EXPECT_EQ(rule_query(rule), "heapfloor_group_swap_bytes > 2147483648");
  rule.match = {{"group", "pay.*"}, {"kind", "anon"}};
  rule.comparison = Comparison::less_or_equal;
  EXPECT_EQ(rule_query(rule),
            R"(heapfloor_group_swap_bytes{group=~"pay\\..*",kind="anon"} <= 2147483648)");
}

}  // namespace
}  // namespace heapfloor
