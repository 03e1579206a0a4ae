// Go programs that are asked over HTTP, as the configuration has them.
#include "agent/config_go_targets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace heapfloor {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::string document(const std::string& entry) {
  return "targets:\n  go:\n    - name: shop\n      url: http://127.0.0.1:6060/\n" + entry;
}

GoTargetSettings target(const std::string& entry) {
  const Result<Config> config = parse_config(document(entry), "f.yml");
  if (!config) {
    ADD_FAILURE() << config.error().path << ": " << config.error().reason;
    return {};
  }
  return config->targets.go.at(0);
}

std::string refusal(const std::string& text) {
  const Result<Config> config = parse_config(text, "f.yml");
  return config ? "" : config.error().path + ": " + config.error().reason;
}

TEST(GoTargets, AreNoneByDefaultAndNothingIsLookedFor) {
  const GoEndpointSettings settings = go_endpoint_settings(Config());
  EXPECT_THAT(settings.targets, IsEmpty());
  EXPECT_EQ(settings.discovery, GoDiscovery::off);
  EXPECT_EQ(settings.slow_interval_seconds, 60);
}

TEST(GoTargets, HaveDefaultsForAllButNameAndAddress) {
  const GoTargetSettings some = target("");
  EXPECT_EQ(some.url, "http://127.0.0.1:6060") << "without the slash";
  EXPECT_EQ(some.metrics_path, "/metrics");
  EXPECT_EQ(some.vars_path, "/debug/vars");
  EXPECT_EQ(some.pprof_path, "/debug/pprof");
  EXPECT_EQ(some.http.deadline_seconds, 5);
  EXPECT_EQ(some.interval_seconds, std::nullopt);
  EXPECT_EQ(some.gogc_percent, std::nullopt);
}

TEST(GoTargets, SayWhichPagesAreAskedForAndHow) {
  const GoTargetSettings some = target(
      "      metrics_path: /internal/metrics\n      vars_path: \"\"\n      group: billing\n"
      "      interval: 1m\n      timeout: 2s\n      gogc: 200\n      username: u\n"
      "      password_file: /p\n");
  EXPECT_EQ(some.metrics_path, "/internal/metrics");
  EXPECT_EQ(some.vars_path, "") << "it is not asked for";
  EXPECT_EQ(some.group, "billing");
  EXPECT_EQ(some.interval_seconds, 60);
  EXPECT_EQ(some.http.deadline_seconds, 2);
  EXPECT_EQ(some.gogc_percent, 200);
  EXPECT_EQ(some.http.username, "u");
  EXPECT_EQ(target("      gogc: off\n").gogc_percent, -1);
}

TEST(GoTargets, AreRefusedWithLineAndReason) {
  EXPECT_THAT(refusal("targets:\n  go:\n    - {url: 'http://a'}\n"), HasSubstr("\"name\""));
  EXPECT_THAT(refusal("targets:\n  go:\n    - {name: a, url: 'ftp://a'}\n"), HasSubstr("f.yml:3"));
  EXPECT_THAT(refusal("targets:\n  go:\n    - {name: a, url: 'http://a?b'}\n"),
              HasSubstr("has no query"));
  EXPECT_THAT(refusal(document("      gogc: none\n")), HasSubstr("\"gogc\" expects"));
  EXPECT_THAT(refusal(document("      vars_path: debug\n")), HasSubstr("\"vars_path\" expects"));
  EXPECT_THAT(refusal(document("      pprof_path: /a?gc=1\n")), HasSubstr("\"pprof_path\""));
  EXPECT_THAT(refusal(document("      query: up\n")), HasSubstr("unknown key"));
  EXPECT_THAT(refusal(document("    - {name: shop, url: 'http://b'}\n")),
              HasSubstr("there are two targets"));
  EXPECT_THAT(refusal("targets:\n  go_discovery: maybe\n"), HasSubstr("neither off nor listening"));
}

TEST(GoTargets, ShareTheirNamesWithThoseOfOtherServers) {
  const std::string go = "  go:\n    - {name: shop, url: 'http://a'}\n";
  const std::string server = "  prometheus:\n    - {name: shop, url: 'http://p', query: up}\n";
  EXPECT_THAT(refusal("targets:\n" + go + server), HasSubstr("\"shop\""));
  EXPECT_THAT(refusal("targets:\n" + server + go), HasSubstr("\"shop\""));
}

}  // namespace
}  // namespace heapfloor
