// Servers whose series are followed, as the configuration has them.
#include "agent/config_targets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "agent/config.h"

namespace heapfloor {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Pair;
using ::testing::SizeIs;

std::string document(const std::string& entry) {
  return "targets:\n  prometheus:\n    - name: shop\n      url: https://p:9090/prefix\n"
         "      query: up{job=\"api\"}\n" +
         entry;
}

PrometheusTarget target(const std::string& entry) {
  const Result<Config> config = parse_config(document(entry), "f.yml");
  if (!config) {
    ADD_FAILURE() << config.error().path << ": " << config.error().reason;
    return {};
  }
  return config->targets.prometheus.at(0);
}

std::string refusal(const std::string& text) {
  const Result<Config> config = parse_config(text, "f.yml");
  return config ? "" : config.error().path + ": " + config.error().reason;
}

TEST(PrometheusTargets, HaveDefaultsForAllButNameAddressAndQuery) {
  const PrometheusTarget some = target("");
  EXPECT_EQ(some.name, "shop");
  EXPECT_EQ(some.url, "https://p:9090/prefix");
  EXPECT_EQ(some.query, "up{job=\"api\"}");
  EXPECT_THAT(some.subject_labels, IsEmpty());
  EXPECT_EQ(some.group_label, "");
  EXPECT_EQ(some.unit, ExternalUnit::bytes);
  EXPECT_EQ(some.interval_seconds, std::nullopt);
  EXPECT_EQ(some.history_seconds, 6 * 3600);
  EXPECT_EQ(some.stale_seconds, 300);
  EXPECT_EQ(some.http.deadline_seconds, 10);
}

TEST(PrometheusTargets, TakeEveryKey) {
  const PrometheusTarget all = target(
      "      epoch: gcs\n      limit: limits\n      load: rate(x[5m])\n      start: begun\n"
      "      labels: {subject: [namespace, pod], group: job}\n      unit: count\n"
      "      interval: 1m\n      history: 0s\n      stale: 10m\n      minimum: 5\n"
      "      timeout: 3s\n      tenant: team-a\n      headers: {X-Other: b}\n"
      "      username: u\n      password_file: /p\n      ca_file: /ca\n      cert_file: /c\n"
      "      key_file: /k\n");
  EXPECT_EQ(all.epoch_query + all.limit_query + all.load_query + all.start_query,
            "gcslimitsrate(x[5m])begun");
  EXPECT_THAT(all.subject_labels, ElementsAre("namespace", "pod"));
  EXPECT_EQ(all.group_label, "job");
  EXPECT_EQ(all.unit, ExternalUnit::count);
  EXPECT_EQ(all.interval_seconds, 60);
  EXPECT_EQ(all.history_seconds, 0);
  EXPECT_EQ(all.stale_seconds, 600);
  EXPECT_EQ(all.minimum, 5);
  EXPECT_EQ(all.http.deadline_seconds, 3);
  EXPECT_THAT(all.http.headers, ElementsAre(Pair("X-Scope-OrgID", "team-a"), Pair("X-Other", "b")));
  EXPECT_EQ(all.http.username, "u");
  EXPECT_EQ(all.http.cert_file, "/c");
}

TEST(PrometheusTargets, AreBoundedByTheLimits) {
  Config config = parse_config(document(""), "f.yml").value();
  config.limits.external_series = 7;
  config.limits.external_answer_bytes = 65536;
  const std::vector<PrometheusTarget> targets = prometheus_targets(config);
  ASSERT_THAT(targets, SizeIs(1));
  EXPECT_EQ(targets[0].most_series, 7U);
  EXPECT_EQ(targets[0].http.largest_body_bytes, 65536U);
}

TEST(PrometheusTargets, AreRefusedWithFileLineAndReason) {
  EXPECT_EQ(refusal(document("      queri: x\n")), "f.yml:6: unknown key \"queri\"");
  EXPECT_EQ(refusal("targets:\n  prometheus:\n    - name: a\n      url: http://p\n"),
            "f.yml:3: \"query\" is missing");
  EXPECT_EQ(refusal("targets:\n  prometheus:\n    - url: http://p\n      query: up\n"),
            "f.yml:3: \"name\" is missing");
  EXPECT_THAT(
      refusal("targets:\n  prometheus:\n    - {name: \"a{\", url: \"http://p\", query: up}\n"),
      HasSubstr("f.yml:3: \"name\" expects"));
  const std::string url = "targets:\n  prometheus:\n    - name: a\n      query: up\n      url: ";
  EXPECT_THAT(refusal(url + "ftp://p\n"), HasSubstr("f.yml:5: \"url\" expects http"));
  EXPECT_THAT(
      refusal(url + "http://u:canary@p\n"),
      ::testing::AllOf(HasSubstr("f.yml:5: \"url\" has a user name"), Not(HasSubstr("canary"))));
  EXPECT_THAT(refusal(url + "http://p/?token=x\n"), HasSubstr("f.yml:5: the address"));
  EXPECT_THAT(refusal(url + "http://p\n      ca_file: /ca\n"),
              HasSubstr("f.yml:6: \"ca_file\" has"));
  EXPECT_THAT(refusal(document("      labels: pod\n")), HasSubstr("f.yml:6: \"labels\" expects"));
  EXPECT_THAT(refusal(document("      labels: {subject: pod, grup: x}\n")),
              HasSubstr("f.yml:6: unknown key \"grup\""));
  EXPECT_THAT(refusal(document("      labels: {subject: [\"a b\"]}\n")),
              HasSubstr("names of labels"));
  EXPECT_THAT(refusal(document("      unit: MiB\n")), HasSubstr("neither bytes nor count"));
  EXPECT_THAT(refusal(document("      interval: 2d\n")), HasSubstr("f.yml:6:"));
  EXPECT_THAT(refusal(document("      headers: {\"A B\": canary}\n")),
              ::testing::AllOf(HasSubstr("f.yml:6: header"), Not(HasSubstr("canary"))));
  EXPECT_THAT(refusal(document("      headers: {Host: x}\n")), HasSubstr("by the client itself"));
  EXPECT_THAT(refusal(document("      username: u\n")), HasSubstr("password"));
  EXPECT_THAT(refusal(document("    - name: shop\n      url: http://q\n      query: up\n")),
              HasSubstr("f.yml:6: there are two targets \"shop\""));
}

}  // namespace
}  // namespace heapfloor
