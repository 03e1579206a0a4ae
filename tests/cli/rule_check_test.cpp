// Our rules beside those that a server has loaded.
#include "agent/cli/rule_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace heapfloor {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Pair;
using ::testing::SizeIs;

std::vector<ShippedRule> all_shipped() {
  std::vector<ShippedRule> all;
  for (const RulesFile& file : shipped_files()) {
    const auto rules = parse_rules(file);
    EXPECT_TRUE(rules) << file.name << ": " << rules.error().reason;
    if (rules) all.insert(all.end(), rules->begin(), rules->end());
  }
  return all;
}

// As a server that has loaded it tells it.
LoadedRule loaded(const ShippedRule& rule) {
  return {.group = rule.group,
          .name = rule.name,
          .is_alert = rule.is_alert,
          .expression = normalised_promql(rule.expression),
          .hold_seconds = rule.hold_seconds,
          .keep_firing_seconds = rule.keep_firing_seconds,
          .labels = rule.labels,
          .health = "ok",
          .last_error = ""};
}

ShippedRule leak(const std::string& severity = "warning") {
  return {.file = "a.yml",
          .group = "leaks",
          .name = "Leak",
          .is_alert = true,
          .expression = "heapfloor_leak_state{state=\"leaking\"} == 1",
          .hold_seconds = 900,
          .keep_firing_seconds = 0,
          .labels = {{"severity", severity}}};
}

const std::set<std::string> kNames = {"heapfloor_leak_state"};

TEST(ShippedRules, AreThoseOfTheFilesWithNamesExpressionsAndHoldTimes) {
  const auto all = all_shipped();
  const auto found = std::ranges::find(all, "HeapfloorLeak", &ShippedRule::name);
  ASSERT_NE(found, all.end());
  EXPECT_EQ(found->file, "heapfloor.rules.yml");
  EXPECT_EQ(found->group, "heapfloor-leaks");
  EXPECT_TRUE(found->is_alert);
  EXPECT_EQ(found->expression, "heapfloor_leak_state{state=\"leaking\"} == 1");
  EXPECT_EQ(found->hold_seconds, 900);
  EXPECT_THAT(found->labels, ElementsAre(Pair("severity", "warning")));
  EXPECT_EQ(std::ranges::count(all, "HeapfloorExhaustionPredicted", &ShippedRule::name), 2);
  EXPECT_EQ(std::ranges::count(all, "replica:leaking:max", &ShippedRule::name), 1);
}

TEST(ShippedRules, AreRefusedWhereTheFileIsNone) {
  for (const std::string_view bad :
       {"", "groups", "groups: 7", "groups: [7]", "groups: [{name: a}]", "groups: [{rules: [7]}]",
        "groups: [{rules: [{alert: A}]}]", "groups: [{rules: [{expr: up}]}]",
        "groups: [{rules: [{alert: A, expr: up, for: soon}]}]", "groups: [", "\t: ["})
    EXPECT_FALSE(parse_rules({"bad.yml", bad})) << bad;
}

TEST(NormalisedPromql, LeavesOutWhatMakesNoDifference) {
  EXPECT_EQ(normalised_promql("a\n  and on (job, instance)\n  b > 0.9  # why\n"),
            normalised_promql("a and on(job,instance) b>0.9"));
  EXPECT_EQ(normalised_promql("up{job='x'}"), "up{job=\"x\"}");
  EXPECT_EQ(normalised_promql("up{job=\"a b # c\"}"), "up{job=\"a b # c\"}");
  EXPECT_EQ(normalised_promql("a{c=\"1,}\", b!~'2'} / d{}"), R"(a{b!~"2",c="1,}"}/d{})");
  EXPECT_EQ(normalised_promql("a{b=\"1\",}"), normalised_promql("a{b=\"1\"}"));
  EXPECT_EQ(normalised_promql("a{c=\"1\",b"), R"(a{c="1",b)");
  EXPECT_NE(normalised_promql("a and b"), normalised_promql("aandb"));
  EXPECT_EQ(normalised_promql(R"(a{b='"'})"), R"(a{b='"'})");
  EXPECT_EQ(normalised_promql("a{b=\"unfinished"), "a{b=\"unfinished");
  EXPECT_EQ(normalised_promql("a{b=\"x\\"), "a{b=\"x\\");
}

TEST(MetricsOf, AreNamesOutsideOfStrings) {
  EXPECT_THAT(metrics_of("sum by (job) (rate(heapfloor_a_total{b=\"heapfloor_c\"}[5m])) or up == 0 "
                         "or process_open_fds or service:leaks:sum or other"),
              ElementsAre("heapfloor_a_total", "process_open_fds", "service:leaks:sum", "up"));
}

TEST(CheckRules, EveryShippedRuleIsLoadedOnAServerThatHasThemAll) {
  const auto all = all_shipped();
  std::vector<LoadedRule> server;
  for (const ShippedRule& rule : all) server.insert(server.begin(), loaded(rule));
  const auto checked = check_rules(all, server, {});
  ASSERT_THAT(checked, SizeIs(all.size()));
  for (const CheckedRule& rule : checked)
    EXPECT_EQ(rule.state, RuleState::loaded) << rule.ours.name;
}

TEST(CheckRules, ARuleThatIsNotThereIsMissing) {
  LoadedRule recorded = loaded(leak());
  recorded.is_alert = false;
  const auto checked = check_rules({leak()}, {recorded}, kNames);
  EXPECT_EQ(checked[0].state, RuleState::missing);
  EXPECT_THAT(checked[0].lacking, IsEmpty());
}

TEST(CheckRules, ARuleOfTheNameIsChangedWhereItsMeaningIsAnother) {
  LoadedRule expression = loaded(leak());
  expression.expression = "heapfloor_leak_state == 1";
  LoadedRule hold = loaded(leak());
  hold.hold_seconds = 3600;
  LoadedRule keep = loaded(leak());
  keep.keep_firing_seconds = 600;
  LoadedRule severity = loaded(leak());
  severity.labels["severity"] = "info";
  LoadedRule bare = loaded(leak());
  bare.labels.clear();
  const std::vector<std::pair<LoadedRule, std::string>> cases = {
      {expression, "another expression"},
      {hold, "for: 1h, ours 15m"},
      {keep, "keep_firing_for: 10m, ours 0s"},
      {severity, "severity: info, ours warning"},
      {bare, "no label severity"}};
  for (const auto& [theirs, words] : cases) {
    const auto checked = check_rules({leak()}, {theirs}, kNames);
    EXPECT_EQ(checked[0].state, RuleState::changed) << words;
    EXPECT_EQ(checked[0].detail, words);
  }
}

TEST(CheckRules, WhatTheServerDoesNotTellAndLabelsOfItsOwnAreNoChange) {
  LoadedRule theirs = loaded(leak());
  theirs.hold_seconds.reset();
  theirs.keep_firing_seconds.reset();
  theirs.labels["team"] = "memory";
  theirs.health = "unknown";
  EXPECT_EQ(check_rules({leak()}, {theirs}, kNames)[0].state, RuleState::loaded);
}

TEST(CheckRules, OfSeveralOfOneNameTheEqualOneAnswersAndEachOnce) {
  LoadedRule critical = loaded(leak("critical"));
  const auto both =
      check_rules({leak("warning"), leak("critical")}, {critical, loaded(leak())}, kNames);
  EXPECT_EQ(both[0].state, RuleState::loaded);
  EXPECT_EQ(both[1].state, RuleState::loaded);
  const auto one = check_rules({leak("warning"), leak("critical")}, {critical}, kNames);
  EXPECT_EQ(one[0].state, RuleState::missing);
  EXPECT_EQ(one[1].state, RuleState::loaded);
}

TEST(CheckRules, ARuleThatCannotBeEvaluatedIsFailingInTheServersWords) {
  LoadedRule theirs = loaded(leak());
  theirs.health = "err";
  theirs.last_error = "found duplicate series";
  const auto checked = check_rules({leak()}, {theirs}, kNames);
  EXPECT_EQ(checked[0].state, RuleState::failing);
  EXPECT_EQ(checked[0].detail, "found duplicate series");
}

TEST(CheckRules, SaysWhichMetricsOfARuleTheServerLacks) {
  EXPECT_THAT(check_rules({leak()}, {}, {"up"})[0].lacking, ElementsAre("heapfloor_leak_state"));
}

RuleReport fine_report() {
  RuleReport report;
  report.rules = check_rules({leak()}, {loaded(leak())}, kNames);
  report.targets = AgentTargets{2, 3};
  report.alertmanagers = std::vector<std::string>{"http://alerts:9093/api/v2/alerts"};
  return report;
}

TEST(RuleReport, IsArmedWithAllRulesAnAgentAndAnAlertmanager) {
  EXPECT_THAT(fine_report().reasons(), IsEmpty());
  EXPECT_THAT(rule_table(fine_report()), HasSubstr("\narmed\n"));
  EXPECT_TRUE(nlohmann::json::parse(rule_json(fine_report()))["armed"]);
}

TEST(RuleReport, SaysEveryReasonForWhichAlertsWouldNotArrive) {
  RuleReport report = fine_report();
  report.rules = check_rules({leak()}, {}, kNames);
  report.targets = AgentTargets{0, 2};
  report.alertmanagers = std::vector<std::string>{};
  EXPECT_THAT(report.reasons(), ElementsAre("1 of 1 rules is missing", "none of 2 agents is up",
                                            "alerts go to no Alertmanager"));
  report.targets = AgentTargets{};
  EXPECT_THAT(report.reasons()[1], "no agent is scraped");
  report.targets = failure(ErrorKind::io, "http://a", "the server answered HTTP 404");
  report.alertmanagers = failure(ErrorKind::io, "http://a", "the server answered HTTP 404");
  EXPECT_THAT(report.reasons()[1], HasSubstr("HTTP 404"));
  EXPECT_THAT(report.reasons()[2], HasSubstr("HTTP 404"));
  EXPECT_TRUE(nlohmann::json::parse(rule_json(report))["targets"].is_null());
  EXPECT_THAT(rule_table(report), HasSubstr("Alertmanagers: not known\n"));
}

TEST(RuleReport, AChangedRuleIsAReasonUnlessItIsAccepted) {
  RuleReport report = fine_report();
  LoadedRule theirs = loaded(leak());
  theirs.hold_seconds = 0;
  report.rules = check_rules({leak()}, {theirs}, kNames);
  EXPECT_THAT(report.reasons(), ElementsAre("1 of 1 rules is changed"));
  report.accepts_changed = true;
  EXPECT_THAT(report.reasons(), IsEmpty());
}

TEST(RuleReport, AlertmanagersThatAreNotAskedForAreNoReason) {
  RuleReport report = fine_report();
  report.alertmanagers = std::vector<std::string>{};
  report.asks_alertmanagers = false;
  EXPECT_THAT(report.reasons(), IsEmpty());
  EXPECT_THAT(rule_table(report), HasSubstr("Alertmanagers: not asked\n"));
  EXPECT_TRUE(nlohmann::json::parse(rule_json(report))["alertmanagers"].is_null());
}

TEST(RuleReport, LackingMetricsAreSaidWithTheRulesThatReadThemAndAreNoReason) {
  RuleReport report = fine_report();
  report.rules =
      check_rules({leak(), leak("critical")}, {loaded(leak()), loaded(leak("critical"))}, {});
  EXPECT_THAT(report.reasons(), IsEmpty());
  EXPECT_THAT(rule_table(report), HasSubstr("  heapfloor_leak_state: Leak\n"));
}

TEST(RuleAnswers, AreReadAsPrometheusWritesThem) {
  const auto rules = parse_loaded_rules(
      R"({"status":"success","data":{"groups":[{"name":"g","file":"f","rules":[
        {"state":"inactive","name":"Leak","query":"a == 1","duration":900,"keepFiringFor":0,
         "labels":{"severity":"warning"},"annotations":{},"alerts":[],"health":"err",
         "lastError":"many-to-many","type":"alerting"},
        {"name":"a:b:c","query":"a + 1","health":"ok","type":"recording"}]}]}})",
      "/rules");
  ASSERT_TRUE(rules);
  ASSERT_THAT(*rules, SizeIs(2));
  EXPECT_EQ(rules->front().group, "g");
  EXPECT_EQ(rules->front().expression, "a == 1");
  EXPECT_EQ(rules->front().hold_seconds, 900);
  EXPECT_EQ(rules->front().last_error, "many-to-many");
  EXPECT_FALSE(rules->back().is_alert);
  EXPECT_FALSE(rules->back().hold_seconds);

  const auto targets = parse_agent_targets(
      R"({"status":"success","data":{"activeTargets":[
        {"labels":{"job":"heapfloor"},"health":"up"},{"labels":{"job":"heapfloor"},"health":"down"},
        {"labels":{"job":"node"},"health":"up"},{"health":"up"}]}})",
      "heapfloor", "/targets");
  ASSERT_TRUE(targets);
  EXPECT_EQ(targets->up, 1U);
  EXPECT_EQ(targets->all, 2U);

  const auto managers = parse_alertmanagers(
      R"({"status":"success","data":{"activeAlertmanagers":[{"url":"http://a"},{}],
          "droppedAlertmanagers":[]}})",
      "/alertmanagers");
  ASSERT_TRUE(managers);
  EXPECT_THAT(*managers, ElementsAre("http://a"));
}

TEST(RuleAnswers, AnErrorIsInTheServersOwnWordsAndAnythingElseIsMalformed) {
  const auto refused =
      parse_label_values(R"({"status":"error","errorType":"x","error":"too many"})", "/names");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, "too many");
  EXPECT_EQ(refused.error().path, "/names");
  for (const std::string_view bad :
       {"", "<html>", "[]", "7", "{}", R"({"status":"success"})",
        R"({"status":"success","data":7})", R"({"status":"success","data":{"groups":{}}})",
        "{\"status\":\"success\",\"data\":[\xff]}"}) {
    EXPECT_FALSE(parse_loaded_rules(bad, "/")) << bad;
    EXPECT_FALSE(parse_agent_targets(bad, "heapfloor", "/")) << bad;
    EXPECT_FALSE(parse_alertmanagers(bad, "/")) << bad;
    EXPECT_FALSE(parse_label_values(bad, "/")) << bad;
  }
}

TEST(RuleAnswers, CannotSteerATerminal) {
  const auto rules = parse_loaded_rules(
      R"({"status":"success","data":{"groups":[{"name":"g","rules":[
        {"name":"Leak","type":"alerting","query":"a","health":"err",
         "lastError":"\u001b[2Jgone\nsecond"}]}]}})",
      "/rules");
  ASSERT_TRUE(rules);
  RuleReport report = fine_report();
  report.rules = check_rules({leak()}, *rules, kNames);
  EXPECT_THAT(rule_table(report), Not(HasSubstr("\x1b")));
  EXPECT_THAT(rule_table(report), HasSubstr("failing: ?[2Jgone\n"));
}

}  // namespace
}  // namespace heapfloor
