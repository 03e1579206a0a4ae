// Manual pages and completion, from a command line that tests their rules.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "agent/cli/bash_completion.h"
#include "agent/cli/command_tree.h"
#include "agent/cli/man_page.h"
#include "agent/config.h"

namespace heapfloor {
namespace {

using ::testing::ContainerEq;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

CommandText sample_program() {
  CommandText judge;
  judge.name = "judge";
  judge.help = ".profile is no request, 'nor is this";
  judge.options = {{.names = {"FILE"},
                    .value = "TEXT",
                    .help = "what",
                    .is_positional = true,
                    .is_required = true,
                    .may_repeat = true},
                   {.names = {"--format"},
                    .value = "TEXT",
                    .choices = {"json", "table"},
                    .help = "how it is printed"},
                   {.names = {"--url"}, .value = "URL", .help = "where", .is_required = true}};
  CommandText program;
  program.name = "heapfloor";
  program.options = {{.names = {"--log.level"}, .value = "TEXT", .help = "how much"}};
  program.commands = {judge};
  return program;
}

TEST(ManPage, TextIsNeverARequestNorAnEscape) {
  EXPECT_EQ(roff_text(".de x"), "\\&.de x");
  EXPECT_EQ(roff_text("a\n.so /etc/passwd"), "a\n\\&.so /etc/passwd");
  EXPECT_EQ(roff_text("'tis"), "\\(aqtis");
  EXPECT_EQ(roff_text(R"(\f(CW "x")"), R"(\(rsf(CW \(dqx\(dq)");
  EXPECT_EQ(roff_text("--key=1.5 ~ ^ `"), "\\-\\-key=1.5 \\(ti \\(ha \\(ga");
}

TEST(ManPage, ACommandIsShownWithWhatItMustBeGiven) {
  const std::string page = render_manual(sample_program(), "1.2.3", "2026-11-29");
  EXPECT_THAT(page, HasSubstr(".TH HEAPFLOOR 1 \"2026-11-29\" \"heapfloor 1.2.3\"\n"));
  EXPECT_THAT(page, HasSubstr("\\fBheapfloor\\fR \\fBjudge\\fR \\fB\\-\\-url\\fR \\fIURL\\fR "
                              "[\\fIOPTION\\fR]... \\fIFILE\\fR...\n"));
  EXPECT_THAT(page, HasSubstr("\n\\&.profile is no request, \\(aqnor is this\n"));
  EXPECT_THAT(page, HasSubstr("how it is printed (json, table)\n"));
  EXPECT_THAT(page, HasSubstr("where; must be given\n"));
}

TEST(ManPage, EveryKeyAndListOfTheConfigurationIsThere) {
  const std::string page = render_config_manual("1.2.3", "2026-11-29");
  for (const ConfigKey& key : config_keys()) {
    EXPECT_THAT(page, HasSubstr("\\fB" + roff_text(key.path) + "\\fR: "));
  }
  EXPECT_THAT(page, HasSubstr(".SS targets.prometheus\n"));
}

TEST(BashCompletion, NothingOfAnOptionIsLeftToTheShell) {
  const std::string script = render_bash_completion(sample_program());
  EXPECT_THAT(script, HasSubstr("judge' --format') _heapfloor_words 'json table' \"$3\" ;;\n"));
  EXPECT_THAT(script, HasSubstr("judge' --url') : ;;\n"));
  EXPECT_THAT(script, HasSubstr("*' --log.level') : ;;\n"));
  EXPECT_THAT(script, Not(HasSubstr("' FILE'")));
}

// What completion offers, the configuration takes; the default is among it.
TEST(ConfigChoices, EveryChoiceOfAKeySuitsIt) {
  std::size_t with_choices = 0;
  const Config defaults;
  for (const ConfigKey& key : config_keys()) {
    if (key.choices.empty()) {
      EXPECT_NE(key.value, "BOOL") << key.path;
      continue;
    }
    ++with_choices;
    EXPECT_THAT(key.choices, Contains(key.get(defaults))) << key.path;
    std::set<std::string> settings;
    for (const std::string& choice : key.choices) {
      Config config;
      EXPECT_EQ(key.set(config, choice), std::nullopt) << key.path;
      settings.insert(key.get(config));
    }
    EXPECT_EQ(settings.size(), key.choices.size()) << key.path;
    Config config;
    EXPECT_NE(key.set(config, "no such choice"), std::nullopt) << key.path;
  }
  EXPECT_GE(with_choices, 13U);
}

TEST(ConfigChoices, FlagsOfKeysOfferThem) {
  CommandText program = sample_program();
  add_key_choices(program);
  EXPECT_THAT(program.options.front().choices,
              ContainerEq(std::vector<std::string>{"debug", "info", "warn", "error"}));
}

}  // namespace
}  // namespace heapfloor
