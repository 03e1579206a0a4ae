#include "agent/alert_settings.h"

#include <gmock/gmock.h>

#include <array>
#include <string>

#include "agent/silence_query.h"

namespace heapfloor {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::SizeIs;

constexpr double kNow = 1.7e9;

Config config_of(const std::string& text) {
  const Result<Config> config = parse_config(text, "heapfloor.yml");
  if (!config) ADD_FAILURE() << config.error().path << ": " << config.error().reason;
  return config.value_or(Config());
}

// A list of one item with these lines, and what is said of it.
Error error_in(const std::string& list, const std::vector<std::string>& lines) {
  std::string text = "alerts:\n  " + list + ":\n";
  for (const std::string& line : lines)
    text += (&line == &lines.front() ? "    - " : "      ") + line + "\n";
  const Result<Config> config = parse_config(text, "heapfloor.yml");
  return config ? Error{ErrorKind::io, "no error", text} : config.error();
}

TEST(AlertRules, AreReadFromTheConfiguration) {
  const Config config = config_of(
      "alerts:\n  rules:\n    - name: PaymentsTooBig\n      scope: group\n"
      "      metric: heapfloor_group_swap_bytes\n      match: {group: \"pay*\"}\n      op: '>='\n"
      "      value: 2GiB\n      clear: 1GiB\n      hold: 5m\n      severity: critical\n"
      "      summary: Too big.\n    - {name: Rss, scope: process, signal: rss_anon, value: 1e9}\n"
      "    - {name: Low, scope: host, metric: heapfloor_host_memory_available_bytes, op: <, value: "
      "0}\n");
  ASSERT_THAT(config.alerts.rules, SizeIs(3));
  const AlertRule& rule = config.alerts.rules[0];
  EXPECT_EQ(rule.name, "PaymentsTooBig");
  EXPECT_EQ(rule.scope, RuleScope::group);
  EXPECT_FALSE(rule.is_signal);
  EXPECT_THAT(rule.match, ElementsAre(Pair("group", "pay*")));
  EXPECT_EQ(rule.comparison, Comparison::greater_or_equal);
  EXPECT_EQ(rule.value, 2147483648);
  EXPECT_EQ(rule.clear, 1073741824);
  EXPECT_EQ(rule.hold_seconds, 300);
  EXPECT_EQ(rule.severity, "critical");
  EXPECT_TRUE(config.alerts.rules[1].is_signal);
  EXPECT_EQ(config.alerts.rules[1].severity, "warning");
  EXPECT_FALSE(config.alerts.rules[1].hold_seconds);
  EXPECT_EQ(config.alerts.rules[2].comparison, Comparison::less);
}

TEST(AlertRules, MayDivideAndAskForGrowth) {
  const Config config = config_of(
      "alerts:\n  rules:\n    - name: Storm\n      scope: jvm\n"
      "      metric: heapfloor_jvm_gc_collections_total\n"
      "      match: {generation: young, collector: \"!z*\"}\n      rate: 5m\n      value: 0.1\n"
      "      while_rising:\n        metric: heapfloor_jvm_memory_used_bytes\n"
      "        match: {pool: old}\n        over: 20m\n      description: \"{name}: {value}\"\n"
      "    - name: Swapped\n      scope: process\n      metric: heapfloor_process_swap_bytes\n"
      "      per: heapfloor_host_swap_capacity_bytes\n      value: 0.5\n"
      "    - {name: Kills, scope: workload, metric: heapfloor_workload_oom_kills_total, value: "
      "3}\n");
  ASSERT_THAT(config.alerts.rules, SizeIs(3));
  const AlertRule& storm = config.alerts.rules[0];
  EXPECT_EQ(storm.scope, RuleScope::jvm);
  EXPECT_EQ(storm.rate_seconds, 300);
  EXPECT_THAT(storm.match, ElementsAre(Pair("generation", "young"), Pair("collector", "!z*")));
  ASSERT_TRUE(storm.while_rising);
  EXPECT_EQ(storm.while_rising->metric, "heapfloor_jvm_memory_used_bytes");
  EXPECT_THAT(storm.while_rising->match, ElementsAre(Pair("pool", "old")));
  EXPECT_EQ(storm.while_rising->seconds, 1200);
  EXPECT_EQ(storm.description, "{name}: {value}");
  EXPECT_EQ(config.alerts.rules[1].per, "heapfloor_host_swap_capacity_bytes");
  EXPECT_FALSE(config.alerts.rules[1].while_rising);
}

TEST(AlertRules, ChangeThoseOfTheAgentItself) {
  const Config config = config_of(
      "alerts:\n  rules:\n    - {name: HeapfloorGcPressure, value: 0.4, hold: 1m, severity: info}\n"
      "    - {name: HeapfloorOomKill, enabled: false}\n");
  EXPECT_THAT(config.alerts.rules, SizeIs(0));
  ASSERT_THAT(config.alerts.rule_changes, SizeIs(2));
  EXPECT_EQ(config.alerts.rule_changes[0].value, 0.4);
  EXPECT_EQ(config.alerts.rule_changes[0].hold_seconds, 60);
  EXPECT_EQ(config.alerts.rule_changes[0].severity, "info");
  EXPECT_TRUE(config.alerts.rule_changes[0].is_enabled);
  EXPECT_FALSE(config.alerts.rule_changes[1].is_enabled);
  EXPECT_FALSE(config.alerts.rule_changes[1].value);
}

TEST(AlertRules, SayFileAndLineOfWhatIsWrong) {
  struct Case {
    std::vector<std::string> lines;
    int line;
    std::string reason;
  };
  const std::string good = "metric: heapfloor_group_swap_bytes";
  const std::string storm = "metric: heapfloor_jvm_gc_collections_total";
  const std::array<Case, 28> cases = {{
      {{"name: HeapfloorOomKill", "value: 1", "op: <"}, 5, "unknown key"},
      {{"name: HeapfloorOomKill", "enabled: no"}, 4, "neither true nor false"},
      {{"name: HeapfloorOomKill", "severity: page"}, 4, "none of critical"},
      {{"name: A", "scope: group", good, "value: 1", "enabled: true"}, 7, "the agent's own rules"},
      {{"name: A", "scope: group", good, "value: 1", "per: heapfloor_group_colour"},
       7,
       "no metric"},
      {{"name: A", "scope: group", good, "value: 1", "rate: 1s"}, 7, "not a duration"},
      {{"name: A", "scope: group", good, "value: 1", "while_rising: {metric: x}"}, 7, "scopes jvm"},
      {{"name: A", "scope: jvm", storm, "value: 1", "while_rising: x"}, 7, "expects a metric"},
      {{"name: A", "scope: jvm", storm, "value: 1", "while_rising: {metric: x}"},
       7,
       "no metric of"},
      {{"name: A", "scope: jvm", storm, "value: 1", "match: {generation: \"!\"}"},
       7,
       "one pattern"},
      {{"name: lower", "scope: group", good, "value: 1"}, 3, "not a name"},
      {{"scope: group", "name: HeapfloorMine", good, "value: 1"}, 4, "the agent's own"},
      {{"name: A", "scope: world", good, "value: 1"}, 4, "none of process, group, cgroup, host"},
      {{"name: A", good, "value: 1"}, 3, "\"scope\" is missing"},
      {{"name: A", "scope: group", "metric: heapfloor_group_colour", "value: 1"},
       5,
       "no metric of scope group"},
      {{"name: A", "scope: process", good, "value: 1"}, 5, "no metric of scope process"},
      {{"name: A", "scope: group", "value: 1"}, 3, R"(either "signal" or "metric")"},
      {{"name: A", "scope: group", good, "signal: rss_anon", "value: 1"}, 3, "either"},
      {{"name: A", "scope: group", "signal: rss_anon", "value: 1"}, 5, "no signal of scope group"},
      {{"name: A", "scope: group", good}, 3, "\"value\" is missing"},
      {{"name: A", "scope: group", good, "value: much"}, 6, "neither a number nor a size"},
      {{"name: A", "scope: group", good, "value: 1", "op: '=='"}, 7, "none of >, >=, <, <="},
      {{"name: A", "scope: group", good, "value: 1", "clear: 2"}, 7, "must not be above"},
      {{"name: A", "scope: group", good, "value: 1", "hold: soon"}, 7, "not a duration"},
      {{"name: A", "scope: group", good, "value: 1", "severity: page"}, 7, "none of critical"},
      {{"name: A", "scope: group", good, "value: 1", "match: {pid: 1}"}, 7, "no label"},
      {{"name: A", "scope: group", good, "value: 1", "match: pay"}, 7, "expects labels"},
      {{"name: A", "scope: group", good, "value: 1", "colour: red"}, 7, "unknown key"},
  }};
  for (const Case& one : cases) {
    const Error error = error_in("rules", one.lines);
    EXPECT_EQ(error.path, "heapfloor.yml:" + std::to_string(one.line)) << error.reason;
    EXPECT_THAT(error.reason, HasSubstr(one.reason));
  }
}

TEST(AlertRules, HaveUniqueNames) {
  const std::string rule = "    - {name: A, scope: process, signal: rss_anon, value: 1}\n";
  const Result<Config> config = parse_config("alerts:\n  rules:\n" + rule + rule, "f");
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().path, "f:4");
  EXPECT_THAT(config.error().reason, HasSubstr("twice"));
}

TEST(AlertReceivers, AreReadFromTheConfiguration) {
  const Config config = config_of(
      "collection:\n  interval: 2m\nalerts:\n  resend: 30s\n  alertmanagers:\n"
      "    - url: https://am.example:9093/base\n      timeout: 3s\n      ca_file: /ca.pem\n"
      "      server_name: am\n      username: heap\n      password_file: /secret\n"
      "    - url: http://second\n  webhooks:\n    - {url: \"https://hook.example/secret?a=b\", "
      "repeat: 1h}\n");
  const std::vector<ReceiverSettings> receivers = receiver_settings(config);
  ASSERT_THAT(receivers, SizeIs(3));
  EXPECT_EQ(receivers[0].name, "am.example:9093");
  EXPECT_EQ(receivers[0].http.deadline_seconds, 3);
  EXPECT_EQ(receivers[0].http.server_name, "am");
  EXPECT_EQ(receivers[0].resend_seconds, 30);
  EXPECT_EQ(receivers[0].valid_seconds, 480) << "four times the longer of interval and resend";
  EXPECT_EQ(receivers[1].name, "second:80");
  EXPECT_EQ(receivers[2].name, "hook.example:443") << "the path may be a secret";
  EXPECT_EQ(receivers[2].resend_seconds, 3600);
}

TEST(AlertReceivers, MayBeJustAnAddress) {
  const Config config =
      config_of("alerts:\n  alertmanagers: [http://first, \"http://second:9093\"]\n");
  ASSERT_THAT(config.alerts.receivers, SizeIs(2));
  EXPECT_EQ(config.alerts.receivers[1].url, "http://second:9093");
  EXPECT_THAT(error_in("alertmanagers", {"nowhere"}).reason, HasSubstr("expects http"));
}

TEST(AlertReceivers, NobodyIsToldByDefault) { EXPECT_TRUE(receiver_settings(Config()).empty()); }

TEST(AlertReceivers, SayWhatIsWrong) {
  struct Case {
    std::vector<std::string> lines;
    std::string reason;
  };
  const std::array<Case, 12> cases = {{
      {{"name: x"}, "\"url\" is missing"},
      {{"url: am:9093"}, "expects http"},
      {{"url: https://u:p@am"}, "user name or password"},
      {{"url: http://am", "insecure_skip_verify: true"}, "without https"},
      {{"url: http://am", "ca_file: /x"}, "without https"},
      {{"url: https://am", "insecure_skip_verify: yes please"}, "neither true nor false"},
      {{"url: https://am", "cert_file: /x"}, "belong together"},
      {{"url: http://am", "username: u"}, "needs"},
      {{"url: http://am", "password: p"}, "needs"},
      {{"url: http://am", "username: u", "password: p", "password_file: f"}, "either"},
      {{"url: http://am", "username: u", "password: p", "bearer_token_file: f"}, "either"},
      {{"url: http://am?x=1"}, "no query"},
  }};
  for (const Case& one : cases) {
    const Error error = error_in("alertmanagers", one.lines);
    EXPECT_THAT(error.path, HasSubstr("heapfloor.yml:"));
    EXPECT_THAT(error.reason, HasSubstr(one.reason));
  }
  EXPECT_THAT(error_in("alertmanagers", {"url: http://a", "repeat: 1h"}).reason,
              HasSubstr("unknown key"));
  EXPECT_THAT(
      parse_config("alerts:\n  webhooks: [{url: http://a}, {url: http://a}]\n", "f").error().reason,
      HasSubstr("give them names"));
}

TEST(ExternalLabels, AreNamesAndValues) {
  LabelSet labels;
  EXPECT_FALSE(set_external_labels(labels, "team=data,site=north"));
  EXPECT_THAT(labels, ElementsAre(Pair("site", "north"), Pair("team", "data")));
  EXPECT_EQ(external_labels_text(labels), "site=north,team=data");
  for (const char* const text : {"x", "x=", "=y", "1x=y", "a=1,a=2", "a b=c", ","})
    EXPECT_TRUE(set_external_labels(labels, text)) << text;
  EXPECT_THAT(labels, SizeIs(2)) << "what is wrong changes nothing";
  EXPECT_FALSE(set_external_labels(labels, ""));
  EXPECT_THAT(labels, SizeIs(0));
}

TEST(ConfiguredSilences, AreReadFromTheConfiguration) {
  const Config config = config_of(
      "alerts:\n  silences:\n    - {group: batch-*, comment: nightly, until: next_build}\n"
      "    - {subject: \"process:1:*\", ends_at: \"2026-01-31T12:00:00Z\"}\n");
  ASSERT_THAT(config.alerts.silences, SizeIs(2));
  EXPECT_TRUE(config.alerts.silences[0].until_next_build);
  EXPECT_FALSE(config.alerts.silences[0].ends_at_seconds);
  EXPECT_EQ(config.alerts.silences[1].ends_at_seconds, 1769860800);
  EXPECT_THAT(error_in("silences", {"comment: x"}).reason, HasSubstr("something to match"));
  EXPECT_THAT(error_in("silences", {"group: x", "until: never"}).reason,
              HasSubstr("not next_build"));
  EXPECT_THAT(error_in("silences", {"group: x", "ends_at: soon"}).reason, HasSubstr("not a time"));
  EXPECT_THAT(error_in("silences", {"group: x", "duration: 1h"}).reason, HasSubstr("unknown key"));
  EXPECT_THAT(error_in("silences", {"x"}).reason, HasSubstr("expects keys and values"));
}

using Parameters = std::vector<std::pair<std::string, std::string>>;

TEST(SilenceQuery, IsASilence) {
  const Result<Silence> silence = parse_silence_query(
      Parameters{{"group", "pay*"}, {"duration", "2h"}, {"comment", "known"}}, kNow);
  ASSERT_TRUE(silence);
  EXPECT_THAT(silence->matchers, ElementsAre(Pair("group", "pay*")));
  EXPECT_EQ(silence->ends_at_seconds, kNow + 7200);
  EXPECT_EQ(silence->comment, "known");
}

TEST(SilenceQuery, EndsAtTheNextBuildAndAfterAMonthInAnyCase) {
  const Result<Silence> silence =
      parse_silence_query(Parameters{{"group", "a"}, {"until", "next_build"}}, kNow);
  ASSERT_TRUE(silence);
  EXPECT_TRUE(silence->until_next_build);
  EXPECT_EQ(silence->ends_at_seconds, kNow + kLongestBuildSeconds);
  EXPECT_EQ(parse_silence_query(
                Parameters{{"group", "a"}, {"until", "next_build"}, {"duration", "1h"}}, kNow)
                ->ends_at_seconds,
            kNow + 3600);
}

TEST(SilenceQuery, RefusesWhatIsNone) {
  const std::array<Parameters, 13> queries = {{
      {},
      {{"duration", "1h"}},
      {{"group", "a"}},
      {{"group", ""}, {"duration", "1h"}},
      {{"group", std::string(1000, 'a')}, {"duration", "1h"}},
      {{"group", "a"}, {"group", "b"}, {"duration", "1h"}},
      {{"group", "a"}, {"duration", "0"}},
      {{"group", "a"}, {"duration", "100w"}},
      {{"group", "a"}, {"duration", "-1h"}},
      {{"group", "a"}, {"ends_at", "1"}},
      {{"group", "a"}, {"duration", "1h"}, {"ends_at", "1800000000"}},
      {{"group", "a"}, {"until", "tomorrow"}},
      {{"colour", "a"}, {"group", "a"}, {"duration", "1h"}},
  }};
  for (const Parameters& query : queries) {
    const Result<Silence> silence = parse_silence_query(query, kNow);
    EXPECT_FALSE(silence) << (query.empty() ? "" : query.back().second);
  }
}

}  // namespace
}  // namespace heapfloor
