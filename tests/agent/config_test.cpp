#include "agent/config.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "agent/config_item.h"
#include "agent/series/group_rules.h"

namespace heapfloor {
namespace {

Error error_of(const std::string& text) {
  const Result<Config> config = parse_config(text, "heapfloor.yml");
  return config ? Error{ErrorKind::io, "no error", text} : config.error();
}

TEST(Config, HasADefaultForEveryKey) {
  const Result<Config> config = load_config(std::nullopt, {});
  ASSERT_TRUE(config);
  EXPECT_EQ(config->collection.interval_seconds, 15);
  EXPECT_EQ(config->web.listen_address, "127.0.0.1:4327");
  EXPECT_EQ(config->policy_for("rss_anon").bucket_seconds, 60) << "four intervals";
}

TEST(Config, ReadsEverySectionOfAFile) {
  const Result<Config> config = parse_config(
      "collection:\n  interval: 1s\ncollector:\n  host: false\ntrend:\n  limit: 512MiB\n  z: 2.5\n"
      "  signals:\n    rss_anon:\n      z: 4\nlog:\n  level: debug\n",
      "heapfloor.yml");
  ASSERT_TRUE(config) << config.error().path << config.error().reason;
  EXPECT_EQ(config->collection.interval_seconds, 1);
  EXPECT_FALSE(config->collectors.at("host"));
  EXPECT_EQ(config->trend.limit_bytes, 512.0 * 1024 * 1024);
  EXPECT_EQ(config->policy_for("allocator_live").z, 2.5);
  EXPECT_EQ(config->policy_for("rss_anon").z, 4);
  EXPECT_EQ(config->policy_for("rss_anon").bucket_seconds, 4);
  EXPECT_EQ(config->log.level, LogLevel::debug);
}

TEST(Config, KnowsWhetherTheTaskIteratorIsToBeAsked) {
  EXPECT_EQ(Config().collection.bpf, BpfUse::automatic);
  const auto use_of = [](const std::string& word) {
    const Result<Config> config =
        parse_config("collection:\n  bpf: " + word + "\n", "heapfloor.yml");
    return config ? std::optional(config->collection.bpf) : std::nullopt;
  };
  EXPECT_EQ(use_of("auto"), BpfUse::automatic);
  EXPECT_EQ(use_of("on"), BpfUse::on);
  EXPECT_EQ(use_of("off"), BpfUse::off);
  EXPECT_EQ(use_of("true"), std::nullopt);
}

TEST(Config, CountsThingsInThings) {
  const Config config;
  EXPECT_EQ(config.policy_for("threads").minimum_rise_bytes, 16) << "not 2 MiB threads";
  EXPECT_EQ(config.policy_for("rss_anon").minimum_rise_bytes, 2.0 * 1024 * 1024);
  const Result<Config> tuned = load_config(
      std::nullopt, std::array<ConfigOverride, 1>{{{"trend.signals.threads.minimum_rise", "40"}}});
  ASSERT_TRUE(tuned);
  EXPECT_EQ(tuned->policy_for("threads").minimum_rise_bytes, 40);
}

TEST(Config, NamesFileAndLineOfAnUnknownKey) {
  const Error error = error_of("collection:\n  interval: 1s\ntrend:\n  zz: 3\n");
  EXPECT_EQ(error.path, "heapfloor.yml:4");
  EXPECT_EQ(error.reason, "unknown key \"trend.zz\"");
}

TEST(Config, NamesFileAndLineOfABadValue) {
  const Error error = error_of("# comment\n\ncollection:\n  interval: fast\n");
  EXPECT_EQ(error.path, "heapfloor.yml:4");
  EXPECT_NE(error.reason.find("not a duration"), std::string::npos);
  EXPECT_EQ(error_of("collection:\n  interval: 1ms\n").path, "heapfloor.yml:2") << "out of range";
}

TEST(Config, NamesTheLineOfBrokenYaml) {
  EXPECT_EQ(error_of("collection:\n  interval: [1s\n").path, "heapfloor.yml:3");
}

TEST(Config, RefusesWhatLooksRightButIsNot) {
  EXPECT_EQ(error_of("collection: 5\n").path, "heapfloor.yml:1");
  EXPECT_EQ(error_of("collection:\n  interval: [1s]\n").path, "heapfloor.yml:2");
  EXPECT_EQ(error_of("just text\n").path, "heapfloor.yml:1");
  EXPECT_EQ(error_of("collection:\n  interval: 1s\n  interval: 2s\n").path, "heapfloor.yml:3");
  EXPECT_EQ(error_of("trend:\n  signals:\n    rss_anon:\n      nonsense: 2\n").path,
            "heapfloor.yml:4");
  EXPECT_EQ(error_of("collector:\n  nonsense: true\n").path, "heapfloor.yml:2");
}

TEST(Config, AcceptsAnEmptyFileAndEmptySections) {
  EXPECT_TRUE(parse_config("", "heapfloor.yml"));
  EXPECT_TRUE(parse_config("trend:\n", "heapfloor.yml"));
  EXPECT_TRUE(parse_config("{\"trend\": {\"z\": 3}}", "heapfloor.json")) << "JSON is YAML";
}

TEST(Config, IsNotBlownUpByAliases) {
  // Sixty-five thousand values in a few lines, all of them where keys may stand.
  std::string bomb = "trend:\n  signals:\n    l0: &a0 {}\n";
  for (int level = 1; level <= 8; ++level) {
    const std::string alias = "*a" + std::to_string(level - 1);
    bomb += "    l" + std::to_string(level) + ": &a" + std::to_string(level) + " {w: " + alias +
            ", x: " + alias + ", y: " + alias + ", z: " + alias + "}\n";
  }
  EXPECT_EQ(error_of(bomb).reason, "too many values");
}

TEST(Config, LetsFlagsOverrideTheFile) {
  const auto file = std::filesystem::temp_directory_path() / "heapfloor_config_test.yml";
  std::ofstream(file) << "trend:\n  z: 2\n  patience: 0.5\n";
  const std::array<ConfigOverride, 2> flags = {
      {{"trend.z", "5"}, {"trend.signals.rss_anon.minimum_rise", "1MiB"}}};
  const Result<Config> config = load_config(file.string(), flags);
  std::filesystem::remove(file);
  ASSERT_TRUE(config);
  EXPECT_EQ(config->trend.policy.z, 5) << "the flag";
  EXPECT_EQ(config->trend.policy.patience, 0.5) << "the file";
  EXPECT_EQ(config->policy_for("rss_anon").minimum_rise_bytes, 1024.0 * 1024);
  const std::array<ConfigOverride, 1> bad = {{{"trend.z", "many"}}};
  EXPECT_EQ(load_config(std::nullopt, bad).error().path, "--trend.z");
}

TEST(Config, RefusesASignalThatDoesNotExist) {
  EXPECT_EQ(error_of("trend:\n  signals:\n    rss_annon:\n      z: 4\n").reason,
            "unknown signal \"rss_annon\"");
}

TEST(Config, RefusesALimitOfNothing) {
  EXPECT_EQ(error_of("trend:\n  limit: 0\n").path, "heapfloor.yml:2");
  EXPECT_EQ(error_of("limits:\n  memory: 0B\n").path, "heapfloor.yml:2");
}

TEST(Config, RefusesMoreRequestsThanThreadsCouldRefuse) {
  const std::array<ConfigOverride, 1> flags = {{{"web.max-requests", "16"}}};
  const Result<Config> config = load_config(std::nullopt, flags);
  ASSERT_FALSE(config);
  EXPECT_NE(config.error().reason.find("web.threads"), std::string::npos);
}

TEST(Config, SaysWhichFileItCannotOpen) {
  const Result<Config> config = load_config("no/such/file.yml", {});
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().path, "no/such/file.yml");
}

TEST(Config, DocumentsEveryKeyAndReadsItsOwnDocumentation) {
  const std::string rendered = render_default_config();
  const Result<Config> config = parse_config(rendered, "rendered.yml");
  ASSERT_TRUE(config) << config.error().path << ": " << config.error().reason << '\n' << rendered;
  const Config defaults;
  std::set<std::string> seen;
  for (const ConfigKey& key : config_keys()) {
    EXPECT_EQ(key.get(*config), key.get(defaults)) << key.path;
    EXPECT_FALSE(key.help.empty()) << key.path;
    EXPECT_TRUE(seen.insert(key.path).second) << key.path << " is there twice";
  }
}

TEST(Config, IsDocumentedByTheShippedFile) {
  std::ifstream file(HEAPFLOOR_SOURCE_DIR "/packaging/heapfloor.yml");
  std::stringstream text;
  text << file.rdbuf();
  EXPECT_EQ(text.str(), render_default_config())
      << "rewrite it with: heapfloor check-config --defaults > packaging/heapfloor.yml";
}

TEST(ConfigGroups, ReadsEveryFieldOfAGroup) {
  const auto config = parse_config(
      "groups:\n"
      "  - name: \"{{.Matches.app}}\"\n"
      "    comm: [a, b]\n"
      "    exe: /usr/bin/java\n"
      "    cmdline: ['-Dapp=(?P<app>[a-z]+)', 'x']\n"
      "    user: [batch, 1005]\n"
      "    cgroup: [\"/x/*\"]\n"
      "    unit: [\"y@*.service\"]\n"
      "    container: [0123]\n"
      "    min_age: 5m\n"
      "    min_size: 100MiB\n"
      "    limit: 2GiB\n"
      "    expose: true\n"
      "  - {comm: [z]}\n"
      "grouping: {default: comm, inherit: false}\n",
      "f.yml");
  ASSERT_TRUE(config) << config.error().reason;
  ASSERT_EQ(config->groups.size(), 2U);
  const GroupSpec& first = config->groups[0];
  EXPECT_EQ(first.name, "{{.Matches.app}}");
  EXPECT_EQ(first.comm, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(first.exe, (std::vector<std::string>{"/usr/bin/java"})) << "one value is a list of one";
  EXPECT_EQ(first.cmdline.size(), 2U);
  EXPECT_EQ(first.user, (std::vector<std::string>{"batch", "1005"}));
  EXPECT_EQ(first.minimum_age_seconds, 300);
  EXPECT_EQ(first.minimum_size_bytes, 100.0 * 1024 * 1024);
  EXPECT_EQ(first.limit_bytes, 2.0 * 1024 * 1024 * 1024);
  EXPECT_TRUE(first.is_exposed);
  EXPECT_FALSE(config->groups[1].is_exposed);
  EXPECT_EQ(config->grouping.by_default, DefaultGrouping::comm);
  EXPECT_FALSE(config->grouping.children_inherit);
}

TEST(ConfigGroups, SayInWhichLineWhatIsWrong) {
  const std::vector<std::pair<std::string, std::string>> wrong = {
      {"groups: nginx\n", "f.yml:1"},
      {"groups:\n  - nginx\n", "f.yml:2"},
      {"groups:\n  - comm: [a]\n    pid: [1]\n", "f.yml:3"},
      {"groups:\n  - comm: []\n", "f.yml:2"},
      {"groups:\n  - comm: [a]\n    cmdline:\n      - fine\n      - (broken\n", "f.yml:5"},
      {"groups:\n  - comm: [a]\n    name: '{{.PID}}'\n", "f.yml:3"},
      {"groups:\n  - comm: [a]\n    name: '{{.Matches.x}}'\n", "f.yml:3"},
      {"groups:\n  - comm: [a]\n    limit: much\n", "f.yml:3"},
      {"groups:\n  - comm: [a]\n    limit: 1KiB\n", "f.yml:3"},
      {"groups:\n  - comm: [a]\n    min_age: 5\n", "f.yml:3"},
      {"groups:\n  - comm: [a]\n    expose: maybe\n", "f.yml:3"},
      {"groups:\n  - comm: [{a: b}]\n", "f.yml:2"},
      {"groups:\n  - name: [a]\n", "f.yml:2"},
      {"groups:\n  - comm: [" + std::string(kLongestGroupPattern + 1, 'x') + "]\n", "f.yml:2"},
      {"grouping:\n  default: pod\n", "f.yml:2"},
  };
  for (const auto& [text, where] : wrong) {
    const auto config = parse_config(text, "f.yml");
    ASSERT_FALSE(config) << text;
    EXPECT_EQ(config.error().path, where) << text << config.error().reason;
    EXPECT_FALSE(config.error().reason.empty());
  }
}

TEST(ConfigGroups, AreBounded) {
  std::string many = "groups:\n";
  for (std::size_t i = 0; i <= kMostGroupRules; ++i) many += "  - {comm: [a]}\n";
  EXPECT_FALSE(parse_config(many, "f.yml"));
  many = "groups:\n";
  for (std::size_t i = 0; i <= kMostExpressions; ++i) many += "  - {cmdline: [a]}\n";
  EXPECT_FALSE(parse_config(many, "f.yml"));
}

TEST(ConfigGroups, AreDocumentedByAnExampleThatIsRead) {
  const auto lists = config_lists();
  const auto groups = std::ranges::find(lists, "groups", &ConfigList::path);
  ASSERT_NE(groups, lists.end());
  const auto config = parse_config(groups->example, "example");
  ASSERT_TRUE(config) << config.error().path << config.error().reason;
  EXPECT_EQ(config->groups.size(), 3U);
}

}  // namespace
}  // namespace heapfloor
