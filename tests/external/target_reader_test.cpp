// What one server is asked, and what is made of its answers.
#include "agent/external/target_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/scripted_server.h"

namespace heapfloor {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

constexpr double kNow = 1.7e9;
constexpr double kInterval = 15;

TEST(PlainSelector, IsAMetricWithOrWithoutMatchers) {
  for (const char* const plain :
       {"up", "node:memory:sum", R"({job="api"})", R"(up{job="api",pod=~"a{2}\"}"})", "up{}",
        R"({"a.metric", job='x'})", "up{a=`}\\`}"}) {
    EXPECT_TRUE(is_plain_selector(plain)) << plain;
  }
  for (const char* const other :
       {"", "1", "sum(up)", "up + up", "up[5m]", "up offset 5m", R"(up{job="api"} > 0)", "up{",
        "up}", R"(up{job="api})", "up{job=\"\\", "(up)", "up {", "{a}{b}", "up#", "-up"}) {
    EXPECT_FALSE(is_plain_selector(other)) << other;
  }
}

PrometheusTarget target(const std::string& query) {
  PrometheusTarget target;
  target.name = "t";
  target.query = query;
  target.history_seconds = 0;
  return target;
}

TEST(ExternalName, HasAllLabelsUnlessSomeAreChosen) {
  PrometheusTarget settings = target("x");
  const SeriesLabels labels = {{"job", "api"}, {"pod", "a"}};
  EXPECT_EQ(external_name(settings, labels), R"(t{job="api",pod="a"})");
  EXPECT_EQ(external_name(settings, {}), "t");
  settings.subject_labels = {"pod", "namespace"};
  EXPECT_EQ(external_name(settings, labels), R"(t{pod="a"})");
}

std::string result(const std::string& type, const std::string& series) {
  return ScriptedServer::answer(200, R"({"status":"success","data":{"resultType":")" + type +
                                         R"(","result":[)" + series + "]}}");
}
std::string vector(const std::string& series) { return result("vector", series); }
std::string matrix(const std::string& series) { return result("matrix", series); }

std::string query_of(const ScriptedServer::Seen& seen) {
  const std::size_t at = seen.body.find("query=") + 6;
  return seen.body.substr(at, seen.body.find('&', at) - at);
}
bool is_range(const ScriptedServer::Seen& seen) {
  return seen.head.find("/query_range") != std::string::npos;
}

// A reader of a server, and its rounds.
class TargetReaderTest : public ::testing::Test {
 protected:
  void ask(PrometheusTarget settings, ScriptedServer::Script script) {
    server_ = std::make_unique<ScriptedServer>(std::move(script));
    settings.url = server_->url();
    reader_ = std::make_unique<TargetReader>(
        std::make_shared<const PrometheusTarget>(std::move(settings)), kInterval);
  }
  Result<ExternalAnswer> round(double now = kNow) { return reader_->read(now, {}); }
  std::vector<std::string> queries() const {
    std::vector<std::string> all;
    for (const auto& seen : server_->seen())
      all.push_back((is_range(seen) ? "range " : "") + query_of(seen));
    return all;
  }

  std::unique_ptr<ScriptedServer> server_;
  std::unique_ptr<TargetReader> reader_;
};

std::vector<double> times(const ExternalSeries& series) {
  std::vector<double> times;
  for (const Observation& reading : series.readings) times.push_back(reading.time_seconds);
  return times;
}

TEST_F(TargetReaderTest, AsksForAPlainSelectorWithAWindowAndTakesTheTimesOfItsSamples) {
  ask(target("rss"), [](const ScriptedServer::Seen&) {
    return matrix(
        R"({"metric":{"__name__":"rss","pod":"a"},"values":[)"
        R"([1699999970.25,"5"],[1699999985.5,"6"],[1699999990,"NaN"],[1699999991,"-1"]]})");
  });
  const auto answer = round();
  ASSERT_TRUE(answer) << answer.error().reason;
  ASSERT_THAT(answer->series, SizeIs(1));
  EXPECT_EQ(answer->series[0].name, R"(t{pod="a"})");
  EXPECT_EQ(answer->series[0].group, "t");
  EXPECT_THAT(times(answer->series[0]), ElementsAre(1699999970.25, 1699999985.5));
  EXPECT_THAT(queries(), ElementsAre("rss%5B315s%5D"));
  EXPECT_THAT(server_->seen()[0].body, HasSubstr("&time=1700000000.000"));
  EXPECT_THAT(server_->seen()[0].head, HasSubstr("POST /api/v1/query HTTP/1.1"));
}

TEST_F(TargetReaderTest, OfAnExpressionItTakesWhatIsEvaluatedNow) {
  ask(target("sum(rss)"), [](const ScriptedServer::Seen&) {
    return vector(R"({"metric":{},"value":[1700000000,"5"]})");
  });
  const auto answer = round();
  ASSERT_TRUE(answer) << answer.error().reason;
  ASSERT_THAT(answer->series, SizeIs(1));
  EXPECT_EQ(answer->series[0].name, "t");
  EXPECT_THAT(times(answer->series[0]), ElementsAre(kNow));
  EXPECT_THAT(queries(), ElementsAre("sum%28rss%29"));
}

TEST_F(TargetReaderTest, PutsWhatOtherQueriesGiveBesideTheReadings) {
  PrometheusTarget settings = target("used");
  settings.epoch_query = "gcs";
  settings.limit_query = "max(limit)";
  settings.start_query = "start";
  settings.group_label = "job";
  ask(settings, [](const ScriptedServer::Seen& seen) {
    const std::string query = query_of(seen);
    if (query.starts_with("used"))
      return matrix(
          R"({"metric":{"pod":"a","job":"api"},"values":[[1699999970,"5"],[1699999985,"6"]]})");
    if (query.starts_with("gcs"))
      return matrix(R"({"metric":{"pod":"a"},"values":[[1699999970,"7"],[1699999985,"3"]]})");
    if (query == "start")
      return vector(R"({"metric":{"pod":"a"},"value":[1700000000,"1699990000"]})");
    return vector(R"({"metric":{},"value":[1700000000,"512"]})");
  });
  const auto answer = round();
  ASSERT_TRUE(answer) << answer.error().reason;
  ASSERT_THAT(answer->series, SizeIs(1));
  const ExternalSeries& series = answer->series[0];
  EXPECT_EQ(series.group, "api");
  EXPECT_EQ(series.start_seconds, 1699990000);
  ASSERT_THAT(series.readings, SizeIs(2));
  EXPECT_EQ(series.readings[0].epoch, 7U);
  EXPECT_EQ(series.readings[1].epoch, 3U) << "as it is counted";
  EXPECT_EQ(series.readings[0].limit, 512) << "a limit stands for the whole round";
}

TEST_F(TargetReaderTest, AnEpochThatIsAnExpressionBringsAllToTheTimeOfTheEvaluation) {
  PrometheusTarget settings = target("used");
  settings.epoch_query = "sum(gcs)";
  ask(settings, [](const ScriptedServer::Seen&) {
    return vector(R"({"metric":{},"value":[1700000000,"5"]})");
  });
  ASSERT_TRUE(round());
  EXPECT_THAT(queries(), ElementsAre("used", "sum%28gcs%29"));
}

// Answers a range with its two ends, the present with its time; the labels in another order, as
// VictoriaMetrics does.
std::string ends_of(const ScriptedServer::Seen& seen) {
  const auto field = [&seen](const std::string& name) {
    const std::size_t at = seen.body.find("&" + name + "=") + name.size() + 2;
    return seen.body.substr(at, seen.body.find('&', at) - at);
  };
  if (!is_range(seen))
    return vector(R"({"metric":{"job":"j","pod":"a"},"value":[)" + field("time") + R"(,"5"]})");
  return matrix(R"({"metric":{"pod":"a","job":"j"},"values":[[)" + field("start") + R"(,"1"],[)" +
                field("end") + R"(,"2"]]})");
}

TEST_F(TargetReaderTest, BeginsWithThePastAndFillsTheGapOfAnOutageBoundedByTheHistory) {
  PrometheusTarget settings = target("sum(x)");
  settings.history_seconds = 3600;
  std::atomic<bool> is_down = false;
  ask(settings, [&is_down](const ScriptedServer::Seen& seen) {
    return is_down ? ScriptedServer::answer(503, "down") : ends_of(seen);
  });
  auto answer = round();
  ASSERT_TRUE(answer) << answer.error().reason;
  EXPECT_THAT(times(answer->series[0]), ElementsAre(kNow - 3600, kNow - kInterval, kNow));
  answer = round(kNow + 15);
  EXPECT_THAT(times(answer->series[0]), ElementsAre(kNow + 15)) << "no gap";
  is_down = true;
  const auto failed = round(kNow + 30);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().reason, "the server answered HTTP 503");
  is_down = false;
  answer = round(kNow + 315);
  EXPECT_THAT(times(answer->series[0]), ElementsAre(kNow + 15, kNow + 300, kNow + 315));
  answer = round(kNow + 315 + 7200);
  EXPECT_THAT(times(answer->series[0]),
              ElementsAre(kNow + 315 + 3600, kNow + 315 + 7200 - 15, kNow + 315 + 7200));
}

TEST_F(TargetReaderTest, GivesUpAPastThatTheServerKeepsRefusing) {
  PrometheusTarget settings = target("sum(x)");
  settings.history_seconds = 3600;
  ask(settings, [](const ScriptedServer::Seen& seen) {
    return is_range(seen) ? ScriptedServer::answer(500, "no") : ends_of(seen);
  });
  for (int tried = 1; tried < TargetReader::kMostPastFailures; ++tried) {
    EXPECT_FALSE(round());
    EXPECT_THAT(reader_->given_up(), IsEmpty());
  }
  const auto answer = round();
  ASSERT_TRUE(answer) << answer.error().reason;
  EXPECT_THAT(times(answer->series[0]), ElementsAre(kNow));
  EXPECT_THAT(reader_->given_up(), HasSubstr("HTTP 500"));
}

TEST_F(TargetReaderTest, NoSeriesIsNoErrorAndThePastWaitsForTheFirst) {
  PrometheusTarget settings = target("sum(x)");
  settings.history_seconds = 3600;
  std::atomic<bool> is_empty = true;
  ask(settings, [&is_empty](const ScriptedServer::Seen& seen) {
    return is_empty ? vector("") : ends_of(seen);
  });
  auto answer = round();
  ASSERT_TRUE(answer) << answer.error().reason;
  EXPECT_THAT(answer->series, IsEmpty());
  is_empty = false;
  answer = round(kNow + 15);
  ASSERT_TRUE(answer) << answer.error().reason;
  EXPECT_THAT(answer->series[0].readings, SizeIs(3));
}

TEST_F(TargetReaderTest, CountsTheSeriesThatItLeavesOut) {
  PrometheusTarget settings = target("sum(x)");
  settings.most_series = 4;
  settings.subject_labels = {"pod"};
  ask(settings, [](const ScriptedServer::Seen&) {
    std::string series;
    const std::vector<std::string> all = {
        R"("pod":"a")",         R"("pod":"b","x":"1")",
        R"("pod":"b","x":"2")", R"("pod":")" + std::string(600, 'c') + '"',
        R"("pod":"e")",         R"("pod":"f")"};
    for (const std::string& labels : all) {
      series += (series.empty() ? "" : ",") + (R"({"metric":{)" + labels) +
                R"(},"value":[1700000000,"5"]})";
    }
    return vector(series);
  });
  const auto answer = round();
  ASSERT_TRUE(answer) << answer.error().reason;
  EXPECT_THAT(answer->series, SizeIs(2));
  EXPECT_THAT(reader_->drops(), ElementsAre(2, 1, 1));
}

class BadAnswer : public TargetReaderTest,
                  public ::testing::WithParamInterface<std::pair<std::string, std::string>> {};

TEST_P(BadAnswer, IsAnErrorWithTheAddressAndTheCauseAndEndsNothing) {
  const auto& [bytes, cause] = GetParam();
  PrometheusTarget settings = target("sum(x)");
  settings.http.largest_body_bytes = 4096;
  settings.http.deadline_seconds = 0.3;
  settings.http.headers = {{"X-Scope-OrgID", "canary-tenant"}};
  settings.http.username = "me";
  settings.http.password = "canary-password";
  std::atomic<bool> is_bad = true;
  ask(settings, [&is_bad, bytes = bytes](const ScriptedServer::Seen& seen) {
    return is_bad ? bytes : ends_of(seen);
  });
  const auto failed = round();
  ASSERT_FALSE(failed);
  EXPECT_THAT(failed.error().path + failed.error().reason,
              AllOf(HasSubstr("127.0.0.1"), HasSubstr(cause), Not(HasSubstr("canary"))));
  EXPECT_THAT(server_->seen()[0].head, HasSubstr("X-Scope-OrgID: canary-tenant\r\n"));
  is_bad = false;
  EXPECT_TRUE(round(kNow + 15));
}

INSTANTIATE_TEST_SUITE_P(
    Servers, BadAnswer,
    ::testing::Values(
        std::pair("", "timed out"), std::pair(ScriptedServer::answer(503, "{}"), "HTTP 503"),
        std::pair(ScriptedServer::answer(401, "who are you"), "HTTP 401"),
        std::pair(ScriptedServer::answer(302, "", "Location: file:///etc/passwd\r\n"), "HTTP 302"),
        std::pair(ScriptedServer::answer(200, std::string(10'000, '[')), "too large"),
        std::pair(ScriptedServer::answer(200, "{\"status\":\"success\""), "syntax error"),
        std::pair(ScriptedServer::answer(200, "[]"), "status is ''"),
        std::pair(ScriptedServer::answer(
                      200, R"({"status":"error","errorType":"bad_data","error":"parse error"})"),
                  "parse error"),
        std::pair(vector(R"({"metric":{},"value":[1700000000,5]})"), "not a number in quotes"),
        std::pair(vector(R"({"metric":{},"value":["now","5"]})"), "not a number"),
        std::pair(result("scalar", "1700000000"), "scalar"),
        std::pair(matrix(R"({"metric":{},"values":[[1700000000,"5"],[1600000000,"5"]]})"),
                  "backwards")));

}  // namespace
}  // namespace heapfloor
