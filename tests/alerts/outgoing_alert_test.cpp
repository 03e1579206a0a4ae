#include "agent/alerts/outgoing_alert.h"

#include <gmock/gmock.h>

namespace heapfloor {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Pair;
using ::testing::SizeIs;

std::string as_it_is(std::string_view text) { return std::string(text); }

OutgoingOrigin origin() { return {"db1", {{"site", "north"}}, "http://db1:4327/", &as_it_is, {}}; }

Alert firing_alert() {
  Alert alert;
  alert.phase = AlertPhase::firing;
  alert.condition.name = "HeapfloorLeak";
  alert.condition.severity = "warning";
  alert.condition.scope = "process";
  alert.condition.subject = "process:1:2";
  alert.condition.group = "payments";
  alert.condition.signal = "rss_anon";
  alert.condition.value = 12;
  alert.condition.summary = "payments leaks memory.";
  alert.active_since_unix_seconds = 1.7e9;
  return alert;
}

OutgoingAlerts outgoing(const Alert& alert, bool is_silenced = false,
                        const OutgoingOrigin& from = origin()) {
  return outgoing_alerts(
      std::array{alert}, [=](const AlertCondition&) { return is_silenced; }, from);
}

TEST(OutgoingAlertTest, CarriesWhatIdentifiesItAsLabelsAndTheRestAsAnnotations) {
  const OutgoingAlerts made = outgoing(firing_alert());
  ASSERT_THAT(made.firing, SizeIs(1));
  EXPECT_THAT(made.firing[0].labels,
              ElementsAre(Pair("alertname", "HeapfloorLeak"), Pair("group", "payments"),
                          Pair("instance", "db1"), Pair("scope", "process"),
                          Pair("severity", "warning"), Pair("signal", "rss_anon"),
                          Pair("site", "north"), Pair("subject", "process:1:2")));
  EXPECT_THAT(made.firing[0].annotations, ElementsAre(Pair("summary", "payments leaks memory.")));
  EXPECT_EQ(made.firing[0].starts_at_seconds, 1.7e9);
  EXPECT_EQ(made.firing[0].generator_url, "http://db1:4327/");
}

TEST(OutgoingAlertTest, LeadsToThePageBehindTheAddressThatItIsFoundAt) {
  OutgoingOrigin from = origin();
  from.external_url = "https://gateway/db1";
  from.links = [](const AlertCondition& condition) {
    return AlertLinks{"#/suspect/" + condition.subject, "", "", "runbooks/HeapfloorLeak.html"};
  };
  const OutgoingAlert made = outgoing(firing_alert(), false, from).firing.at(0);
  EXPECT_EQ(made.generator_url, "https://gateway/db1/#/suspect/process:1:2");
  EXPECT_THAT(made.annotations,
              ElementsAre(Pair("chart_url", "https://gateway/db1/#/suspect/process:1:2"),
                          Pair("runbook_url", "https://gateway/db1/runbooks/HeapfloorLeak.html"),
                          Pair("summary", "payments leaks memory.")));
  EXPECT_EQ(made.identity, outgoing(firing_alert()).firing.at(0).identity);
  from.external_url = "";
  EXPECT_THAT(outgoing(firing_alert(), false, from).firing.at(0).annotations,
              ElementsAre(Pair("summary", "payments leaks memory.")));
}

TEST(OutgoingAlertTest, ItsIdentityDoesNotChangeWithItsValueOrItsWords) {
  Alert later = firing_alert();
  later.condition.value = 99;
  later.condition.description = "It rose.";
  later.last_seen_seconds = 5000;
  EXPECT_EQ(outgoing(firing_alert()).firing[0].identity, outgoing(later).firing[0].identity);
  later.condition.subject = "process:1:3";
  EXPECT_NE(outgoing(firing_alert()).firing[0].identity, outgoing(later).firing[0].identity);
}

TEST(OutgoingAlertTest, OfAHigherSeverityIsAnotherAlertThatStartedAtTheSameTime) {
  Alert risen = firing_alert();
  risen.condition.severity = "critical";
  EXPECT_NE(outgoing(firing_alert()).firing[0].identity, outgoing(risen).firing[0].identity);
  EXPECT_EQ(outgoing(risen).firing[0].starts_at_seconds, 1.7e9);
}

TEST(OutgoingAlertTest, ExternalLabelsReplaceNone) {
  OutgoingOrigin from = origin();
  from.external_labels = {{"group", "other"}, {"severity", "info"}, {"instance", "x"}};
  EXPECT_THAT(outgoing(firing_alert(), false, from).firing[0].labels,
              Contains(Pair("group", "payments")));
  EXPECT_EQ(outgoing(firing_alert(), false, from).firing[0].labels.size(), 7U);
}

TEST(OutgoingAlertTest, LeavesOutWhatIsPendingAndWithholdsWhatIsSilenced) {
  Alert pending = firing_alert();
  pending.phase = AlertPhase::pending;
  EXPECT_THAT(outgoing(pending).firing, SizeIs(0));
  const OutgoingAlerts silenced = outgoing(firing_alert(), true);
  EXPECT_THAT(silenced.firing, SizeIs(0));
  EXPECT_THAT(silenced.withheld, ElementsAre(outgoing(firing_alert()).firing[0].identity));
}

TEST(OutgoingAlertTest, AlertsOfDifferentLabelsHaveDifferentIdentities) {
  EXPECT_NE(label_identity({{"a", "bc"}}), label_identity({{"ab", "c"}}));
  EXPECT_NE(label_identity({{"a", "b"}, {"c", "d"}}), label_identity({{"a", "bcd"}}));
}

}  // namespace
}  // namespace heapfloor
