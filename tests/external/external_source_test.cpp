// Servers that are asked in the background.
#include "agent/external/external_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "agent/clock.h"
#include "tests/support/scripted_server.h"

namespace heapfloor {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

PrometheusTarget target(const std::string& name, const std::string& url) {
  PrometheusTarget target;
  target.name = name;
  target.url = url;
  target.query = "sum(x)";
  target.history_seconds = 0;
  target.interval_seconds = 0.05;
  return target;
}

std::string fine() {
  return ScriptedServer::answer(200, R"({"status":"success","data":{"resultType":"vector",)"
                                     R"("result":[{"metric":{},"value":[1700000000,"5"]}]}})");
}

bool wait_for(const std::function<bool()>& condition) {
  for (int tries = 0; tries < 3000; ++tries) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

class ExternalSourceTest : public ::testing::Test {
 protected:
  // The next answer of the target.
  bool answers(const std::string& name) {
    return wait_for([&] {
      for (const ExternalAnswer& answer : source_.take()) {
        if (answer.target->name == name) return true;
      }
      return false;
    });
  }
  ExternalTargetStatus status(const std::string& name) {
    for (const ExternalTargetStatus& status : source_.status()) {
      if (status.name == name) return status;
    }
    ADD_FAILURE() << "no target " << name;
    return {};
  }

  SystemClock clock_;
  ExternalSource source_{clock_};
};

TEST_F(ExternalSourceTest, AsksAgainAndAgainWhatIsTaken) {
  const ScriptedServer server([](const ScriptedServer::Seen&) { return fine(); });
  source_.configure(std::vector{target("a", server.url())}, 15);
  EXPECT_TRUE(answers("a"));
  EXPECT_TRUE(answers("a"));
  EXPECT_EQ(status("a").is_up, true);
  EXPECT_EQ(status("a").series, 1U);
  EXPECT_THAT(status("a").last_error, IsEmpty());
}

TEST_F(ExternalSourceTest, DoesNotAskWhileAnAnswerWaits) {
  const ScriptedServer server([](const ScriptedServer::Seen&) { return fine(); });
  const ScriptedServer other(
      [](const ScriptedServer::Seen&) { return ScriptedServer::answer(500); });
  source_.configure(std::vector{target("a", server.url()), target("b", other.url())}, 15);
  // The other one is asked all the time, since it has nothing to be taken.
  ASSERT_TRUE(other.wait_for([](const auto& seen) { return seen.size() > 5; }));
  EXPECT_THAT(server.seen(), SizeIs(1));
}

TEST_F(ExternalSourceTest, OneThatHangsDelaysNoOtherAndEndsAtOnce) {
  const ScriptedServer hanging([](const ScriptedServer::Seen&) { return std::string(); });
  const ScriptedServer server([](const ScriptedServer::Seen&) { return fine(); });
  PrometheusTarget slow = target("slow", hanging.url());
  slow.http.deadline_seconds = 300;
  source_.configure(std::vector{slow, target("a", server.url())}, 15);
  ASSERT_TRUE(hanging.wait_for([](const auto& seen) { return !seen.empty(); }));
  EXPECT_TRUE(answers("a"));
  EXPECT_EQ(status("slow").is_up, std::nullopt);
  source_.configure({}, 15);  // would take five minutes if it were waited for
  EXPECT_THAT(source_.status(), IsEmpty());
}

TEST_F(ExternalSourceTest, CountsItsErrorsAndForgetsThemWhenItAnswersAgain) {
  std::atomic<bool> is_down = true;
  const ScriptedServer server([&is_down](const ScriptedServer::Seen&) {
    return is_down ? ScriptedServer::answer(503, "down") : fine();
  });
  source_.configure(std::vector{target("a", server.url())}, 15);
  ASSERT_TRUE(wait_for([this] { return status("a").is_up == false; }));
  EXPECT_THAT(status("a").last_error, HasSubstr("HTTP 503"));
  EXPECT_GT(status("a").errors.at(static_cast<std::size_t>(ErrorKind::io)), 0U);
  EXPECT_EQ(status("a").last_success_seconds, std::nullopt);
  is_down = false;
  EXPECT_TRUE(answers("a"));
  EXPECT_EQ(status("a").is_up, true);
  EXPECT_THAT(status("a").last_error, IsEmpty());
}

TEST_F(ExternalSourceTest, ATargetThatDidNotChangeGoesOnOverAReload) {
  std::atomic<bool> is_down = true;
  const ScriptedServer server([&is_down](const ScriptedServer::Seen&) {
    return is_down ? ScriptedServer::answer(503, "down") : fine();
  });
  source_.configure(std::vector{target("a", server.url())}, 15);
  ASSERT_TRUE(wait_for([this] { return status("a").is_up.has_value(); }));
  source_.configure(std::vector{target("b", server.url()), target("a", server.url())}, 15);
  EXPECT_TRUE(status("a").is_up.has_value());
  EXPECT_EQ(source_.status()[0].name, "b");
  PrometheusTarget changed = target("a", server.url());
  changed.query = "sum(y)";
  is_down = false;
  source_.configure(std::vector{changed}, 15);
  EXPECT_TRUE(server.wait_for([](const auto& seen) {
    return !seen.empty() && seen.back().body.find("sum%28y%29") != std::string::npos;
  }));
  EXPECT_TRUE(answers("a"));
}

}  // namespace
}  // namespace heapfloor
