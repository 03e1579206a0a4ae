#include "agent/top/top_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <string>

#include "tests/support/scripted_server.h"

namespace heapfloor {
namespace {

using ::testing::HasSubstr;

std::string answer_to(const std::string& head, const std::string& name) {
  const auto data = [&head, &name]() -> std::string {
    if (head.starts_with("GET /api/v1/status ")) return R"({"version":"9.9","now":1,"counts":{}})";
    if (head.starts_with("GET /api/v1/suspects ")) return R"({"suspects":[]})";
    return R"({"total":1,"subjects":[{"id":"a/b","subject":{"comm":")" + name + R"("}}]})";
  };
  return ScriptedServer::answer(200, R"({"status":"success","data":)" + data() + "}");
}

bool asked_for(const std::vector<ScriptedServer::Seen>& seen, const std::string& path) {
  return std::ranges::any_of(
      seen, [&](const auto& request) { return request.head.find(path) != std::string::npos; });
}

TEST(AskAgent, TakesAllThreeAnswers) {
  const ScriptedServer server([](const auto& seen) { return answer_to(seen.head, "web"); });
  HttpClient client({});
  const TopData data = ask_agent(client, server.url(), {}, {}, {});
  EXPECT_EQ(data.error, "");
  ASSERT_TRUE(data.status);
  EXPECT_EQ(data.status->version, "9.9");
  ASSERT_EQ(data.subjects.rows.size(), 1U);
  EXPECT_EQ(data.subjects.rows[0].name, "web");
}

TEST(AskAgent, KeepsWhatItHadWhereNobodyAnswers) {
  TopData before;
  before.suspects.resize(1);
  HttpClient client({});
  const TopData data = ask_agent(client, "http://127.0.0.1:9", {}, before, {});
  EXPECT_THAT(data.error, HasSubstr("http://127.0.0.1:9: "));
  EXPECT_EQ(data.suspects.size(), 1U);
}

TEST(AskAgent, SaysThatAPasswordIsNeeded) {
  const ScriptedServer server([](const auto&) { return ScriptedServer::answer(401, "no"); });
  HttpClient client({});
  EXPECT_THAT(ask_agent(client, server.url(), {}, {}, {}).error, HasSubstr("it wants a password"));
}

TEST(TopSource, AnotherQuestionIsAskedAtOnceAndNotAtTheNextInterval) {
  const ScriptedServer server([](const auto& seen) { return answer_to(seen.head, "web"); });
  TopSource source(server.url(), {}, 3600);
  ASSERT_TRUE(server.wait_for([](const auto& seen) { return asked_for(seen, "sort=value"); }));
  TopQuery query;
  query.sort = TopSort::growth;
  query.search = "a b";
  source.want(query);
  EXPECT_TRUE(server.wait_for(
      [](const auto& seen) { return asked_for(seen, "sort=growth&search=a%20b "); }));
}

TEST(TopSource, EndsThoughTheServerIsSilent) {
  const ScriptedServer server([](const auto&) { return std::string(); });
  {
    const TopSource source(server.url(), {}, 1);
    ASSERT_TRUE(server.wait_for([](const auto& seen) { return !seen.empty(); }));
    EXPECT_FALSE(source.latest()->status);
  }
  EXPECT_FALSE(server.seen().empty());
}

}  // namespace
}  // namespace heapfloor
