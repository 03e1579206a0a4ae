#include "agent/alerts/alert_sender.h"

#include <gmock/gmock.h>

#include <atomic>
#include <nlohmann/json.hpp>
#include <string>

#include "agent/clock.h"
#include "agent/log.h"
#include "tests/support/scripted_server.h"

namespace heapfloor {
namespace {

using Json = nlohmann::json;
using ::testing::HasSubstr;
using Requests = std::vector<ScriptedServer::Seen>;

constexpr double kStart = 1.7e9;

OutgoingAlert alert_of(const std::string& subject) {
  OutgoingAlert alert;
  alert.labels = {{"alertname", "HeapfloorLeak"}, {"subject", subject}};
  alert.annotations = {{"summary", "It leaks."}};
  alert.identity = label_identity(alert.labels);
  alert.starts_at_seconds = kStart;
  return alert;
}

ReceiverSettings alertmanager_at(const ScriptedServer& server) {
  ReceiverSettings settings;
  settings.name = "first";
  settings.url = server.url() + "/";
  settings.http.deadline_seconds = 5;
  return settings;
}

class AlertSenderTest : public ::testing::Test {
 protected:
  void configure(const std::vector<ReceiverSettings>& settings) { sender_.configure(settings); }
  void update(const std::vector<std::string>& subjects) {
    OutgoingAlerts alerts;
    for (const std::string& subject : subjects) alerts.firing.push_back(alert_of(subject));
    sender_.update(alerts, clock_.steady_seconds(), clock_.wall_seconds());
  }
  // Whether the first receiver's status became what it should within half a minute.
  bool wait_for(const std::function<bool(const ReceiverStatus&)>& condition) {
    for (int tries = 0; tries < 3000; ++tries) {
      if (condition(sender_.status().at(0))) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
  }

  std::atomic<int> status_ = 200;  // what the server answers; 0 is silence
  ScriptedServer server_{[this](const ScriptedServer::Seen&) {
    return status_ == 0 ? std::string() : ScriptedServer::answer(status_);
  }};
  SystemClock clock_;
  AlertSender sender_{clock_};
};

TEST_F(AlertSenderTest, TellsAnAlertmanagerWhatFiresAndWhatHasEnded) {
  configure({alertmanager_at(server_)});
  update({"a"});
  ASSERT_TRUE(server_.wait_for([](const Requests& seen) { return seen.size() == 1; }));
  update({});
  ASSERT_TRUE(server_.wait_for([](const Requests& seen) { return seen.size() == 2; }));
  const Requests seen = server_.seen();
  EXPECT_THAT(seen[0].head, HasSubstr("POST /api/v2/alerts HTTP/1.1\r\n"));
  const Json firing = Json::parse(seen[0].body);
  const Json resolved = Json::parse(seen[1].body);
  ASSERT_EQ(firing.size(), 1U);
  EXPECT_EQ(firing[0]["labels"], resolved[0]["labels"]);
  EXPECT_EQ(firing[0]["startsAt"], "2023-11-14T22:13:20.000Z");
  EXPECT_EQ(firing[0]["startsAt"], resolved[0]["startsAt"]);
  EXPECT_EQ(firing[0]["annotations"]["summary"], "It leaks.");
  EXPECT_GT(firing[0]["endsAt"], resolved[0]["endsAt"]) << "it ended earlier than it would have";
  EXPECT_TRUE(wait_for([](const ReceiverStatus& status) { return status.counts.sent == 2; }));
  const ReceiverStatus status = sender_.status()[0];
  EXPECT_EQ(status.is_up, true);
  EXPECT_EQ(status.counts.failed, 0U);
  EXPECT_EQ(status.queue_length, 1U) << "the end is told again for a while";
}

TEST_F(AlertSenderTest, TriesAgainAfterAFailure) {
  status_ = 500;
  configure({alertmanager_at(server_)});
  update({"a"});
  ASSERT_TRUE(wait_for([](const ReceiverStatus& status) { return status.counts.failed == 1; }));
  EXPECT_EQ(sender_.status()[0].is_up, false);
  status_ = 200;
  EXPECT_TRUE(wait_for([](const ReceiverStatus& status) { return status.is_up == true; }));
}

TEST_F(AlertSenderTest, AReceiverThatHangsDelaysNoOther) {
  ScriptedServer silent([](const ScriptedServer::Seen&) { return std::string(); });
  ReceiverSettings hanging = alertmanager_at(silent);
  hanging.name = "hanging";
  hanging.http.deadline_seconds = 1000;
  configure({hanging, alertmanager_at(server_)});
  update({"a"});
  EXPECT_TRUE(silent.wait_for([](const Requests& seen) { return seen.size() == 1; }));
  EXPECT_TRUE(server_.wait_for([](const Requests& seen) { return seen.size() == 1; }));
  update({"a", "b"});
  EXPECT_TRUE(server_.wait_for([](const Requests& seen) { return seen.size() == 2; }));
  // Leaving ends the request in progress, long before its deadline.
}

TEST_F(AlertSenderTest, SendsAWebhookItsOwnForm) {
  ReceiverSettings settings = alertmanager_at(server_);
  settings.kind = ReceiverKind::webhook;
  settings.url = server_.url() + "/hook";
  settings.name = "chat";
  settings.external_url = "http://host:4327/";
  configure({settings});
  update({"a", "b"});
  ASSERT_TRUE(server_.wait_for([](const Requests& seen) { return seen.size() == 1; }));
  EXPECT_THAT(server_.seen()[0].head, HasSubstr("POST /hook HTTP/1.1\r\n"));
  const Json body = Json::parse(server_.seen()[0].body);
  EXPECT_EQ(body["version"], "4");
  EXPECT_EQ(body["receiver"], "chat");
  EXPECT_EQ(body["status"], "firing");
  EXPECT_EQ(body["externalURL"], "http://host:4327/");
  EXPECT_EQ(body["commonLabels"], (Json{{"alertname", "HeapfloorLeak"}}));
  ASSERT_EQ(body["alerts"].size(), 2U);
  EXPECT_EQ(body["alerts"][0]["status"], "firing");
  EXPECT_EQ(body["alerts"][0]["endsAt"], "0001-01-01T00:00:00Z");
  update({"b"});
  ASSERT_TRUE(server_.wait_for([](const Requests& seen) { return seen.size() == 2; }));
  const Json end = Json::parse(server_.seen()[1].body);
  EXPECT_EQ(end["status"], "resolved");
  ASSERT_EQ(end["alerts"].size(), 1U);
  EXPECT_EQ(end["alerts"][0]["labels"]["subject"], "a");
}

TEST_F(AlertSenderTest, KeepsTheQueueOfAReceiverThatStaysAndForgetsOneThatGoes) {
  const ReceiverSettings first = alertmanager_at(server_);
  ReceiverSettings second = first;
  second.name = "second";
  configure({first, second});
  update({"a"});
  ASSERT_TRUE(wait_for([](const ReceiverStatus& status) { return status.counts.sent == 1; }));
  configure({first});
  ASSERT_EQ(sender_.status().size(), 1U);
  EXPECT_EQ(sender_.status()[0].counts.sent, 1U);
  configure({});
  EXPECT_TRUE(sender_.status().empty());
}

TEST_F(AlertSenderTest, AReceiverWhoseSettingsChangeIsStillToldWhatWaitsForIt) {
  status_ = 500;
  configure({alertmanager_at(server_)});
  update({"a"});
  ASSERT_TRUE(wait_for([](const ReceiverStatus& status) { return status.counts.failed > 0; }));
  update({});
  ASSERT_TRUE(wait_for([](const ReceiverStatus& status) { return status.queue_length == 1; }));
  status_ = 200;
  ReceiverSettings changed = alertmanager_at(server_);
  changed.external_url = "http://elsewhere/";
  configure({changed});
  update({});
  EXPECT_TRUE(wait_for([](const ReceiverStatus& status) { return status.counts.sent == 1; }))
      << "the end of what was never told as firing";
}

TEST_F(AlertSenderTest, ASuccessorTellsTheEndOfWhatItsPredecessorLeft) {
  configure({alertmanager_at(server_)});
  update({"a"});
  ASSERT_TRUE(wait_for([](const ReceiverStatus& status) { return status.counts.sent == 1; }));
  AlertSender successor(clock_);
  successor.configure(std::vector{alertmanager_at(server_)});
  AlertSender::QueueMarks marks;
  successor.restore(sender_.save(marks));
  successor.update({}, clock_.steady_seconds(), clock_.wall_seconds());
  const auto tells_end = [](const Requests& seen) {
    return seen.size() >= 2 &&
           Json::parse(seen.back().body)[0]["endsAt"] < Json::parse(seen.front().body)[0]["endsAt"];
  };
  ASSERT_TRUE(server_.wait_for(tells_end));
  EXPECT_EQ(Json::parse(server_.seen().front().body)[0]["labels"],
            Json::parse(server_.seen().back().body)[0]["labels"]);
}

TEST_F(AlertSenderTest, SavesAQueueAgainOnlyWhenItHasChanged) {
  ReceiverSettings second = alertmanager_at(server_);
  second.name = "second";
  configure({alertmanager_at(server_), second});
  AlertSender::QueueMarks marks;
  EXPECT_EQ(sender_.save(marks).size(), 2U) << "empty, which is worth knowing";
  EXPECT_EQ(sender_.save(marks).size(), 0U);
  update({"a"});
  ASSERT_TRUE(wait_for([](const ReceiverStatus& status) { return status.counts.sent == 1; }));
  EXPECT_EQ(sender_.save(marks).size(), 2U);
  configure({alertmanager_at(server_)});
  static_cast<void>(sender_.save(marks));
  EXPECT_EQ(marks.size(), 1U);
  configure({});
  configure({alertmanager_at(server_)});
  EXPECT_EQ(sender_.save(marks).size(), 1U) << "a new one, though of the same name";
}

TEST_F(AlertSenderTest, DamagedBytesAreRefusedWhole) {
  configure({alertmanager_at(server_)});
  for (const char* const bytes : {"", "{", "{}", "[1]", "[{}]", "[{\"labels\":[]}]", "\xff\xfe"})
    sender_.restore({{"first", bytes}});
  EXPECT_EQ(sender_.status()[0].queue_length, 0U);
}

TEST(DurationHistogramTest, CountsEachRequestInOneBucket) {
  DurationHistogram histogram;
  histogram.add(0.005);
  histogram.add(0.3);
  histogram.add(99);
  EXPECT_EQ(histogram.counts.front(), 1U);
  EXPECT_EQ(histogram.counts.back(), 1U);
  EXPECT_EQ(histogram.counts.at(6), 1U);
  EXPECT_DOUBLE_EQ(histogram.sum_seconds, 99.305);
}

}  // namespace
}  // namespace heapfloor
