// Range queries in parts, and what is put beside their values.
#include "agent/external/range_query.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <vector>

#include "tests/support/scripted_server.h"

namespace heapfloor {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

TEST(TimeRange, IsCutIntoPartsThatTogetherAreItsPointsEachOnce) {
  const TimeRange range{1000, 1100, 10};
  EXPECT_EQ(range.points(), 11U);
  EXPECT_THAT(parts_of(range, 4), ElementsAre(TimeRange{1000, 1030, 10}, TimeRange{1040, 1070, 10},
                                              TimeRange{1080, 1100, 10}));
  EXPECT_THAT(parts_of(range, 11), ElementsAre(range));
  EXPECT_THAT(parts_of({1000, 1009, 10}, 4), ElementsAre(TimeRange{1000, 1000, 10}));
}

TEST(FittingStep, GivesARangeSomeThousandPoints) {
  EXPECT_EQ(fitting_step(3600), 15);
  EXPECT_EQ(fitting_step(7 * 86400.0), 300);
  EXPECT_EQ(fitting_step(30 * 86400.0), 600);
  EXPECT_EQ(fitting_step(1e12), 86400);
}

TEST(SeriesLabels, AreReadFromTheSelectorWithoutTheName) {
  EXPECT_THAT(labels_of(R"({__name__="m",pod="a",text="q\"u\\o\nte"})"),
              ElementsAre(Pair("pod", "a"), Pair("text", "q\"u\\o\nte")));
  EXPECT_THAT(labels_of("{}"), IsEmpty());
  EXPECT_THAT(labels_of(R"({__name__="m"})"), IsEmpty());
  EXPECT_THAT(labels_of(R"({broken)"), IsEmpty());
}

ReplaySeries series_of(const std::vector<std::pair<double, double>>& readings) {
  ReplaySeries series;
  for (const auto& [time, value] : readings) {
    Observation reading;
    reading.time_seconds = time;
    reading.value = value;
    series.add(reading);
  }
  return series;
}

class Join : public ::testing::Test {
 protected:
  std::vector<std::optional<double>> limits(const std::string& selector) {
    std::vector<std::optional<double>> limits;
    for (const Observation& reading : series_.at(selector).observations)
      limits.push_back(reading.limit);
    return limits;
  }
  const std::string a_ = R"({__name__="used",container="c",pod="a"})";
  const std::string b_ = R"({__name__="used",container="c",pod="b"})";
  RangeSeries series_{{a_, series_of({{10, 1}, {20, 2}, {30, 3}})}, {b_, series_of({{10, 5}})}};
};

TEST_F(Join, ALimitStandsUntilTheNextBesideTheSeriesThatHaveItsLabels) {
  const RangeSeries others = {{R"({__name__="limit",pod="a"})", series_of({{15, 100}, {30, 200}})},
                              {R"({__name__="limit",pod="z"})", series_of({{10, 7}})}};
  EXPECT_EQ(join(series_, others, JoinedColumn::limit), 1U);
  EXPECT_THAT(limits(a_), ElementsAre(std::nullopt, 100, 200));
  EXPECT_TRUE(series_.at(a_).has_limit);
  EXPECT_THAT(limits(b_), ElementsAre(std::nullopt));
}

TEST_F(Join, OfSeveralTheOneWithTheMostLabelsCounts) {
  const RangeSeries others = {{"{}", series_of({{0, 1}})},
                              {R"({pod="a"})", series_of({{0, 2}})},
                              {R"({container="c",pod="a"})", series_of({{0, 3}})},
                              {R"({container="c",node="n",pod="a"})", series_of({{0, 4}})}};
  EXPECT_EQ(join(series_, others, JoinedColumn::limit), 2U);
  EXPECT_THAT(limits(a_), ElementsAre(3, 3, 3));
  EXPECT_THAT(limits(b_), ElementsAre(1));
}

TEST_F(Join, ACountThatFallsBeganAnewAndGoesOn) {
  const RangeSeries others = {{R"({pod="a"})", series_of({{10, 7}, {20, 2}, {30, 3}})}};
  join(series_, others, JoinedColumn::epoch);
  std::vector<std::uint64_t> epochs;
  for (const Observation& reading : series_.at(a_).observations)
    epochs.push_back(reading.epoch.value());
  EXPECT_THAT(epochs, ElementsAre(7, 9, 10));
  EXPECT_TRUE(series_.at(a_).has_epoch);
}

TEST_F(Join, WhatComesInPartsIsJoinedAsTheWholeWouldBe) {
  const auto readings = [](double from, double to) {
    std::vector<std::pair<double, double>> all;
    for (double t = from; t < to; t += 10) all.emplace_back(t, t);
    return series_of(all);
  };
  // A counter that begins anew at 40; nothing of it is there from 80 on.
  const auto counted = [](double from, double to) {
    std::vector<std::pair<double, double>> all;
    for (double t = from; t < std::min(to, 80.0); t += 10) all.emplace_back(t - 1, t < 40 ? t : 1);
    RangeSeries others;
    if (!all.empty()) others.emplace(R"({pod="a"})", series_of(all));
    return others;
  };
  RangeSeries whole{{a_, readings(10, 120)}};
  join(whole, counted(10, 120), JoinedColumn::epoch);
  Joiner joiner(JoinedColumn::epoch);
  std::vector<Observation> parts;
  for (double from = 10; from < 120; from += 30) {
    const double to = std::min(from + 30, 120.0);
    RangeSeries part{{a_, readings(from, to)}, {b_, readings(from, to)}};
    joiner.join(part, counted(from, to));
    parts.insert(parts.end(), part.at(a_).observations.begin(), part.at(a_).observations.end());
  }
  EXPECT_EQ(joiner.joined(), 1U);
  ASSERT_EQ(parts.size(), whole.at(a_).observations.size());
  for (std::size_t i = 0; i < parts.size(); ++i)
    EXPECT_EQ(parts[i].epoch, whole.at(a_).observations[i].epoch) << i;
}

TEST_F(Join, ALoadIsOfItsTimeAlone) {
  join(series_, {{R"({pod="a"})", series_of({{10, 0.5}, {30, 0.25}})}}, JoinedColumn::load);
  const auto& readings = series_.at(a_).observations;
  EXPECT_EQ(readings[0].load, 0.5);
  EXPECT_EQ(readings[1].load, std::nullopt);
  EXPECT_EQ(readings[2].load, 0.25);
}

std::string matrix(const std::string& values) {
  return ScriptedServer::answer(
      200, R"({"status":"success","data":{"resultType":"matrix","result":[)" +
               (values.empty() ? "" : R"({"metric":{"pod":"a"},"values":)" + values + "}") + "]}}");
}

// A field of the form that was sent; in these tests nothing but the query is encoded.
std::string field(const ScriptedServer::Seen& seen, const std::string& name) {
  const std::size_t at = seen.body.find(name + "=");
  return seen.body.substr(at + name.size() + 1, seen.body.find('&', at) - at - name.size() - 1);
}

Result<RangeSeries> fetch(const ScriptedServer& server, const TimeRange& range = {100, 120, 10},
                          HttpClientOptions options = {}) {
  SeriesFetcher fetcher(server.url() + "/prefix/", std::move(options), {});
  return fetcher.fetch("sum by (pod) (x)", range);
}

TEST(SeriesFetcher, AsksAsThePrometheusApiHasIt) {
  const ScriptedServer server(
      [](const ScriptedServer::Seen&) { return matrix(R"([[100,"1"],[120,"3"]])"); });
  const auto series = fetch(server);
  ASSERT_TRUE(series) << series.error().reason;
  ASSERT_THAT(*series, SizeIs(1));
  EXPECT_EQ(series->begin()->first, R"({pod="a"})");
  ASSERT_THAT(series->begin()->second.observations, SizeIs(2));
  EXPECT_EQ(series->begin()->second.observations[1].value, 3);
  const ScriptedServer::Seen seen = server.seen().at(0);
  EXPECT_THAT(seen.head, HasSubstr("POST /prefix/api/v1/query_range HTTP/1.1\r\n"));
  EXPECT_THAT(seen.head, HasSubstr("application/x-www-form-urlencoded"));
  EXPECT_EQ(seen.body,
            "query=sum%20by%20%28pod%29%20%28x%29&start=100.000&end=120.000&step=10.000"
            "&partial_response=false&deny_partial_response=1");
}

TEST(SeriesFetcher, JoinsThePartsOfALongRange) {
  const ScriptedServer server([](const ScriptedServer::Seen& seen) {
    return matrix("[[" + field(seen, "start") + ",\"1\"],[" + field(seen, "end") + ",\"2\"]]");
  });
  const auto series = fetch(server, {0, 10.0 * 15'000, 10});
  ASSERT_TRUE(series) << series.error().reason;
  EXPECT_THAT(server.seen(), SizeIs(2));
  EXPECT_THAT(series->begin()->second.observations, SizeIs(4));
}

TEST(SeriesFetcher, WhatIsTooMuchIsAskedForInHalves) {
  const ScriptedServer server([](const ScriptedServer::Seen& seen) {
    const double points = (std::stod(field(seen, "end")) - std::stod(field(seen, "start"))) / 10;
    if (points > 3)
      return ScriptedServer::answer(
          422, R"({"status":"error","errorType":"execution","error":"too many samples"})");
    return matrix("[[" + field(seen, "start") + ",\"1\"]]");
  });
  const auto series = fetch(server, {0, 150, 10});
  ASSERT_TRUE(series) << series.error().reason;
  EXPECT_THAT(series->begin()->second.observations, SizeIs(4));
}

TEST(SeriesFetcher, AQueryThatCannotBeTakenIsNotAskedForInHalves) {
  const ScriptedServer server([](const ScriptedServer::Seen&) {
    return ScriptedServer::answer(
        422, R"({"status":"error","errorType":"422","error":"unexpected token"})");
  });
  const auto series = fetch(server);
  ASSERT_FALSE(series);
  EXPECT_THAT(series.error().reason, HasSubstr("unexpected token"));
  EXPECT_THAT(server.seen(), SizeIs(1));
}

TEST(SeriesFetcher, AnAnswerThatIsTooLongIsAskedForInHalves) {
  const ScriptedServer server([](const ScriptedServer::Seen& seen) {
    std::string values;
    for (double t = std::stod(field(seen, "start")); t <= std::stod(field(seen, "end")); t += 10)
      values += (values.empty() ? "[" : ",[") + std::to_string(t) + ",\"1\"]";
    return matrix("[" + values + "]");
  });
  HttpClientOptions options;
  options.largest_body_bytes = 300;
  const auto series = fetch(server, {0, 150, 10}, options);
  ASSERT_TRUE(series) << series.error().reason;
  EXPECT_THAT(series->begin()->second.observations, SizeIs(16));
}

TEST(SeriesFetcher, ABusyServerIsAskedAgain) {
  std::atomic<int> asked = 0;
  const ScriptedServer server([&asked](const ScriptedServer::Seen&) {
    return ++asked == 1 ? ScriptedServer::answer(503, "busy") : matrix(R"([[100,"1"]])");
  });
  EXPECT_TRUE(fetch(server));
  EXPECT_EQ(asked, 2);
}

TEST(SeriesFetcher, SaysWhatTheServerSays) {
  const ScriptedServer server([](const ScriptedServer::Seen&) {
    return ScriptedServer::answer(
        400, R"({"status":"error","errorType":"bad_data","error":"parse error"})");
  });
  const auto series = fetch(server);
  ASSERT_FALSE(series);
  EXPECT_THAT(series.error().reason, HasSubstr("the server answered bad_data: parse error"));
  EXPECT_THAT(server.seen(), SizeIs(1));
}

TEST(SeriesFetcher, WhatIsNoAnswerOfSuchAServerIsToldByItsStatus) {
  const ScriptedServer server(
      [](const ScriptedServer::Seen&) { return ScriptedServer::answer(404, "<html>"); });
  const auto series = fetch(server);
  ASSERT_FALSE(series);
  EXPECT_EQ(series.error().reason, "the server answered HTTP 404");
}

TEST(SeriesFetcher, OfTooManySeriesTakesTheSameOnesInWhateverOrderTheyCome) {
  for (const std::string order : {"abcd", "dcba", "cadb"}) {
    const ScriptedServer server([&order](const ScriptedServer::Seen&) {
      std::string all;
      for (const char pod : order)
        all += (all.empty() ? "" : ",") + (R"({"metric":{"pod":")" + std::string(1, pod)) +
               R"("},"value":[100,"1e300"]})";
      return ScriptedServer::answer(
          200, R"({"status":"success","data":{"resultType":"vector","result":[)" + all + "]}}");
    });
    FetchOptions options;
    options.most_series = 2;
    SeriesFetcher fetcher(server.url(), {}, options);
    auto series = fetcher.fetch_at("sum(x)", 100);
    ASSERT_TRUE(series) << series.error().reason;
    ASSERT_THAT(*series, SizeIs(2));
    EXPECT_EQ(series->begin()->first + series->rbegin()->first, R"({pod="a"}{pod="b"})");
    EXPECT_EQ(fetcher.left_out(), 2U);
    const RangeSeries others = *series;
    join(*series, others, JoinedColumn::epoch);
    EXPECT_EQ(series->begin()->second.observations[0].epoch, std::uint64_t{1} << 53U);
  }
}

TEST(SeriesFetcher, NoSeriesIsNoError) {
  const ScriptedServer server([](const ScriptedServer::Seen&) { return matrix({}); });
  const auto series = fetch(server);
  ASSERT_TRUE(series) << series.error().reason;
  EXPECT_THAT(*series, IsEmpty());
}

}  // namespace
}  // namespace heapfloor
