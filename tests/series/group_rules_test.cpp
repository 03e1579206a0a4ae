#include "agent/series/group_rules.h"

#include <gtest/gtest.h>

#include <string>

namespace heapfloor {
namespace {

using namespace std::string_literals;

const std::string kJavaLine = "java\0-cp\0/x\0-Dapp=shop\0com.acme.Main\0"s;

ProcessFacts java() {
  ProcessFacts facts;
  facts.comm = "java";
  facts.executable = "/usr/lib/jvm/bin/java";
  facts.command_line = kJavaLine;
  facts.user_id = "1005";
  facts.user_name = "batch";
  facts.cgroup = "/system.slice/shop@1.service";
  facts.unit = "shop@1.service";
  facts.container_id = "0123456789abcdef";
  facts.age_seconds = 100;
  facts.size_bytes = 1e6;
  return facts;
}

// The name that one rule gives the java process, or "-".
std::string name_by(GroupSpec spec, const ProcessFacts& facts = java()) {
  const GroupRules rules({std::move(spec)});
  const GroupRules::Outcome outcome = rules.evaluate(facts);
  return outcome.match ? outcome.match->name : "-";
}

TEST(GroupRules, EachMatcherHasAlternatives) {
  EXPECT_EQ(name_by({.name = "x", .comm = {"ruby", "java"}}), "x");
  EXPECT_EQ(name_by({.name = "x", .comm = {"ruby"}}), "-");
  EXPECT_EQ(name_by({.name = "x", .user = {"batch"}}), "x");
  EXPECT_EQ(name_by({.name = "x", .user = {"1005"}}), "x");
  EXPECT_EQ(name_by({.name = "x", .user = {"100"}}), "-");
  EXPECT_EQ(name_by({.name = "x", .cgroup = {"/system.slice/*"}}), "x");
  EXPECT_EQ(name_by({.name = "x", .cgroup = {"/user.slice/*"}}), "-");
  EXPECT_EQ(name_by({.name = "x", .unit = {"shop@?.service"}}), "x");
  EXPECT_EQ(name_by({.name = "x", .container = {"01234567"}}), "x");
  EXPECT_EQ(name_by({.name = "x", .container = {"012"}}), "-")
      << "too short for the start of an id";
  EXPECT_EQ(name_by({.name = "x", .container = {"*cdef"}}), "x");
}

TEST(GroupRules, AllMatchersOfARuleMustMatch) {
  EXPECT_EQ(name_by({.name = "x", .comm = {"java"}, .user = {"root"}}), "-");
  EXPECT_EQ(name_by({.name = "x", .comm = {"java"}, .user = {"batch"}}), "x");
}

TEST(GroupRules, ARuleWithoutMatchersMatchesEverything) {
  EXPECT_EQ(name_by({.name = "all"}), "all");
}

TEST(GroupRules, TheFirstThatMatchesWins) {
  const GroupRules rules({{.name = "no", .comm = {"ruby"}}, {.name = "first"}, {.name = "second"}});
  const auto outcome = rules.evaluate(java());
  ASSERT_TRUE(outcome.match);
  EXPECT_EQ(outcome.match->rule, 1U);
  EXPECT_EQ(outcome.match->name, "first");
}

TEST(GroupRules, AnExecutableIsANameOrAPath) {
  EXPECT_EQ(name_by({.exe = {"java"}}), "java");
  EXPECT_EQ(name_by({.exe = {"/usr/lib/jvm/bin/java"}}), "java");
  EXPECT_EQ(name_by({.exe = {"/usr/bin/java"}}), "-");
  ProcessFacts facts = java();
  facts.executable = "/usr/lib/jvm/bin/java (deleted)";
  EXPECT_EQ(name_by({.name = "{{.ExeFull}}", .exe = {"java"}}, facts), "/usr/lib/jvm/bin/java")
      << "a package was updated under the running program";
  facts.executable = {};
  EXPECT_EQ(name_by({.name = "{{.ExeFull}}", .exe = {"java"}}, facts), "java")
      << "without the privilege to see the link the first argument is what there is";
}

TEST(GroupRules, ALongNameIsComparedAsFarAsTheKernelKeepsIt) {
  ProcessFacts facts = java();
  facts.comm = "systemd-journal";
  EXPECT_EQ(name_by({.name = "x", .comm = {"systemd-journald"}}, facts), "x");
  facts.comm = "systemd";
  EXPECT_EQ(name_by({.name = "x", .comm = {"systemd-journald"}}, facts), "-");
}

TEST(GroupRules, AllExpressionsOfACommandLineMustMatchAndTheirGroupsNameIt) {
  EXPECT_EQ(name_by({.name = "{{.Matches.app}}", .cmdline = {"-Dapp=(?P<app>[a-z]+)"}}), "shop");
  EXPECT_EQ(name_by({.name = "{{.Matches.app}}/{{ .Matches.main }}",
                     .cmdline = {"-Dapp=(?P<app>[a-z]+)", "\\.(?P<main>[A-Z]\\w+)$"}}),
            "shop/Main");
  EXPECT_EQ(name_by({.name = "x", .cmdline = {"shop", "nowhere"}}), "-");
  EXPECT_EQ(name_by({.name = "x", .cmdline = {"^java -cp /x"}}), "x") << "joined by blanks";
}

TEST(GroupRules, ATemplateKnowsWhatTheProcessIs) {
  EXPECT_EQ(name_by({.name = "{{.Comm}}|{{.ExeBase}}|{{.Username}}|{{.Unit}}|{{.ContainerID}}"}),
            "java|java|batch|shop@1.service|0123456789abcdef");
  ProcessFacts facts = java();
  facts.user_name = {};
  EXPECT_EQ(name_by({.name = "{{.Username}}"}, facts), "1005");
}

TEST(GroupRules, ANameIsNeverEmptyAndNeverLong) {
  ProcessFacts facts = java();
  facts.unit = {};
  EXPECT_EQ(name_by({.name = "{{.Unit}}"}, facts), "java");
  const std::string line = std::string(2000, 'x');
  facts.command_line = line;
  EXPECT_EQ(name_by({.name = "{{.Matches.all}}", .cmdline = {"(?P<all>x*)"}}, facts).size(),
            kLongestGroupName);
}

TEST(GroupRules, AgeAndSizeSayFromWhenOnToAskAgain) {
  const GroupRules rules({{.name = "old", .minimum_age_seconds = 300},
                          {.name = "large", .minimum_size_bytes = 5e6},
                          {.name = "rest", .comm = {"java"}}});
  ProcessFacts facts = java();
  auto outcome = rules.evaluate(facts);
  ASSERT_TRUE(outcome.match);
  EXPECT_EQ(outcome.match->name, "rest");
  EXPECT_EQ(outcome.recheck_age_seconds, 300);
  EXPECT_EQ(outcome.recheck_size_bytes, 5e6);
  facts.size_bytes = 6e6;
  EXPECT_EQ(rules.evaluate(facts).match->name, "large");
  facts.age_seconds = 300;
  outcome = rules.evaluate(facts);
  EXPECT_EQ(outcome.match->name, "old");
  EXPECT_FALSE(outcome.recheck_age_seconds);
}

TEST(GroupRules, AnExpressionThatBacktracksElsewhereTakesNoTime) {
  ProcessFacts facts = java();
  const std::string line(1024, 'a');
  facts.command_line = line;
  EXPECT_EQ(name_by({.name = "x", .cmdline = {"^(a+)+$"}}, facts), "x");
  EXPECT_EQ(name_by({.name = "x", .cmdline = {"^(a|aa)+b$"}}, facts), "-");
}

TEST(GroupRules, CommandLinesAreBytes) {
  ProcessFacts facts = java();
  const std::string line = "\xff\xfe caf\xc3\xa9\0\n"s;
  facts.command_line = line;
  EXPECT_EQ(name_by({.name = "x", .cmdline = {"caf\xc3\xa9"}}, facts), "x");
  EXPECT_EQ(name_by({.name = "x", .cmdline = {"^..\\scaf"}}, facts), "x");
}

TEST(GroupRules, SayWhatIsWrongWithAnExpression) {
  EXPECT_FALSE(expression_problem("^ok$"));
  EXPECT_TRUE(expression_problem("(unclosed"));
  EXPECT_TRUE(expression_problem("(?=lookahead)"));
  EXPECT_TRUE(expression_problem("(x{1000}){1000}"));
  std::string many;
  for (int i = 0; i < 100; ++i) many += "(a)";
  EXPECT_TRUE(expression_problem(many));
}

TEST(GroupRules, SayWhatIsWrongWithATemplate) {
  EXPECT_FALSE(template_problem("plain {{.Comm}}", {}));
  EXPECT_TRUE(template_problem("{{.PID}}", {})) << "a group for each process is no group";
  EXPECT_TRUE(template_problem("{{Comm}}", {}));
  EXPECT_TRUE(template_problem("{{.Comm", {}));
  EXPECT_TRUE(template_problem("{{.Matches.app}}", {}));
  EXPECT_TRUE(template_problem("{{.Matches.app}}", {"(?P<other>x)"}));
  EXPECT_FALSE(template_problem("{{.Matches.app}}", {"(?P<other>x)", "(?P<app>x)"}));
}

}  // namespace
}  // namespace heapfloor
