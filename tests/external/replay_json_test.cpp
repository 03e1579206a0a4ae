#include "agent/external/replay_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <sstream>
#include <utility>
#include <vector>

namespace heapfloor {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

using NamedSeries = std::vector<std::pair<std::string, ReplaySeries>>;

Result<NamedSeries> read_stream(std::istream& stream) {
  BlockReader blocks(stream);
  NamedSeries found;
  const Result<void> read =
      read_replay_json(blocks, "f.json", [&](const std::string& labels, ReplaySeries series) {
        found.emplace_back(labels, std::move(series));
      });
  if (!read) return Failure(read.error());
  return found;
}

Result<NamedSeries> read_text(const std::string& text) {
  std::istringstream stream(text);
  return read_stream(stream);
}

std::string refusal(const std::string& text) {
  const Result<NamedSeries> found = read_text(text);
  return found ? "accepted" : found.error().path + ": " + found.error().reason;
}

// An answer with one series of these samples.
std::string answer(const std::string& samples) {
  return R"({"status":"success","data":{"resultType":"matrix","result":[{"metric":{"job":"api"},"values":[)" +
         samples + "]}]}}";
}

std::vector<double> values_of(const ReplaySeries& series) {
  std::vector<double> values;
  for (const Observation& reading : series.observations) values.push_back(reading.value);
  return values;
}

TEST(ReplayJsonRows, ReadsAnArrayOfObjectsWithTheKeysOfTheCsvColumns) {
  const auto found = read_text(
      R"([{"value":4096,"host":"web1","timestamp_seconds":10.5,"limit":1e9,"epoch":3,"load":7.25},
          {"timestamp_seconds":11,"value":5e3,"tags":{"value":[1,{"value":2}]}}])");
  ASSERT_TRUE(found) << found.error().reason;
  ASSERT_THAT(*found, SizeIs(1));
  EXPECT_EQ(found->front().first, "");
  const ReplaySeries& series = found->front().second;
  EXPECT_THAT(values_of(series), ElementsAre(4096, 5000));
  EXPECT_EQ(series.observations[0].time_seconds, 10.5);
  EXPECT_EQ(series.observations[0].limit, 1e9);
  EXPECT_EQ(series.observations[0].epoch, 3U);
  EXPECT_EQ(series.observations[0].load, 7.25);
  EXPECT_FALSE(series.observations[1].epoch);
  EXPECT_TRUE(series.has_epoch);
  EXPECT_TRUE(series.has_limit);
}

TEST(ReplayJsonRows, ReadsObjectsOneAfterTheOther) {
  const auto found = read_text(
      "\xEF\xBB\xBF{\"timestamp_seconds\":1,\"value\":10}\r\n\n{\"timestamp_seconds\":2,"
      "\"value\":20}{\"timestamp_seconds\":3,\"value\":30}\n");
  ASSERT_TRUE(found) << found.error().reason;
  EXPECT_THAT(values_of(found->front().second), ElementsAre(10, 20, 30));
}

TEST(ReplayJsonRows, TakesNullForUnknownAndAReadingWithoutValueForAGap) {
  const auto found = read_text(
      R"([{"timestamp_seconds":1,"value":10,"limit":null},{"timestamp_seconds":2,"value":null},
          {"timestamp_seconds":3},{"timestamp_seconds":4,"value":40}])");
  ASSERT_TRUE(found) << found.error().reason;
  EXPECT_THAT(values_of(found->front().second), ElementsAre(10, 40));
  EXPECT_FALSE(found->front().second.has_limit);
}

TEST(ReplayJsonRows, NamesFileLineAndColumnOfWhatItRefuses) {
  EXPECT_EQ(refusal(""), "f.json:1:1: no readings");
  EXPECT_EQ(refusal("[]"), "f.json:1:2: no readings");
  EXPECT_EQ(refusal("{}"), "f.json:1:2: the reading has no timestamp_seconds");
  EXPECT_EQ(refusal("[1]"), "f.json:1:3: a reading is an object with timestamp_seconds, value");
  EXPECT_EQ(refusal("[[]]"), "f.json:1:2: readings are objects, this is an array");
  EXPECT_EQ(refusal("[{\"timestamp_seconds\":1,\n\"value\":\"7\"}]"),
            "f.json:2:11: value is not a number");
  EXPECT_EQ(refusal("[{\"timestamp_seconds\":1,\"value\":[7]}]"),
            "f.json:1:33: value is not a number");
  EXPECT_EQ(refusal("[\n{\"timestamp_seconds\":1,\"value\":-7}]"),
            "f.json:2:34: value is negative");
  EXPECT_EQ(refusal("{\"value\":7}"), "f.json:1:11: the reading has no timestamp_seconds");
  EXPECT_EQ(refusal("{\"timestamp_seconds\":2,\"value\":7}\n{\"timestamp_seconds\":1,\"value\":7}"),
            "f.json:2:33: timestamp_seconds runs backwards");
  EXPECT_EQ(refusal("{\"timestamp_seconds\":1,\"value\":7,\"epoch\":2}\n"
                    "{\"timestamp_seconds\":2,\"value\":7,\"epoch\":1}"),
            "f.json:2:43: epoch runs backwards: '1' after 2");
  EXPECT_EQ(refusal("{\"timestamp_seconds\":1,\"value\":7,\"epoch\":2.5}"),
            "f.json:1:45: epoch is not a whole number");
  EXPECT_EQ(refusal("{\"timestamp_seconds\":1,\"value\":7,\"value\":8}"),
            "f.json:1:40: key value is named twice");
}

TEST(ReplayJsonRows, NamesThePlaceOfASyntaxErrorInWordsThatCannotActOnATerminal) {
  EXPECT_THAT(refusal("[{\"timestamp_seconds\":1,\n\"value\":7,]"),
              StartsWith("f.json:2:11: syntax error"));
  EXPECT_THAT(refusal("{\"timestamp_seconds\":1,\"value\":7}\n{\"timestamp_seconds\""),
              StartsWith("f.json:2:20: syntax error"));
  EXPECT_THAT(refusal("{\"timestamp_seconds\":1,\"value\":1e999}"), HasSubstr("number overflow"));
  EXPECT_EQ(refusal("{\"timestamp_seconds\":1,\"value\":7}\n oops"),
            "f.json:2:2: expected an object, not 'o'");
  const std::string hostile = refusal("[{\"a\":\"\x1b[31m\xff\"}]");
  for (const char c : hostile) EXPECT_TRUE(c >= ' ' && c <= '~') << hostile;
}

TEST(ReplayJson, BoundsTheDepthOfWhatItReads) {
  EXPECT_EQ(refusal(std::string(100'000, '[')),
            "f.json:1:2: readings are objects, this is an array");
  const std::string deep = R"({"timestamp_seconds":1,"value":2,"x":)" + std::string(100'000, '[');
  EXPECT_THAT(refusal(deep), HasSubstr("nested deeper than 16"));
  EXPECT_THAT(refusal("{\"status\":" + std::string(100'000, '[')),
              HasSubstr("nested deeper than 16"));
}

TEST(ReplayJson, OfAServerAnInstantIsAReadingASeriesAndNothingElseIsTaken) {
  const auto read = [](const std::string& text) {
    std::istringstream stream(text);
    BlockReader blocks(stream);
    NamedSeries found;
    const Result<void> done = read_replay_json(
        blocks, "url",
        [&](const std::string& labels, ReplaySeries series) {
          found.emplace_back(labels, std::move(series));
        },
        {.takes_rows = false, .takes_empty = true, .takes_instants = true, .skips_negative = true});
    EXPECT_EQ(done.has_value(), !found.empty()) << text;
    return found;
  };
  const NamedSeries found = read(
      R"({"status":"success","data":{"resultType":"vector","result":[)"
      R"({"metric":{"pod":"a"},"value":[17.5,"5"]},{"metric":{"pod":"b"},"value":[17,"-5"]}]}})");
  ASSERT_THAT(found, SizeIs(2));
  EXPECT_EQ(found[0].first, R"({pod="a"})");
  ASSERT_THAT(found[0].second.observations, SizeIs(1));
  EXPECT_EQ(found[0].second.observations[0].time_seconds, 17.5);
  EXPECT_THAT(found[1].second.observations, IsEmpty());
  EXPECT_THAT(read(R"([{"timestamp_seconds":1,"value":2}])"), IsEmpty());
  EXPECT_THAT(read(R"({"timestamp_seconds":1,"value":2})"), IsEmpty());
}

TEST(ReplayJson, RefusesADocumentThatIsLongerThanItsLimit) {
  std::string text = "[";
  for (int i = 0; i < 10'000; ++i)
    text += "{\"timestamp_seconds\":" + std::to_string(i) + ",\"value\":1},\n";
  std::istringstream stream(text);
  BlockReader blocks(stream);
  const auto read =
      read_replay_json(blocks, "f.json", [](const auto&, const auto&) {}, {.most_bytes = 100'000});
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().reason, "longer than 100000 bytes of JSON: split the query");
}

TEST(RangeResponse, IsOneSeriesForEachSetOfLabelsInItsOrder) {
  std::ifstream file(std::string(HEAPFLOOR_SOURCE_DIR) +
                     "/tests/fixtures/replay/range_response.json");
  const auto found = read_stream(file);
  ASSERT_TRUE(found) << found.error().reason;
  ASSERT_THAT(*found, SizeIs(2));
  EXPECT_EQ((*found)[0].first,
            "{__name__=\"process_resident_memory_bytes\",instance=\"10.0.4.17:9090\",job=\"api\"}");
  EXPECT_EQ((*found)[1].first,
            "{__name__=\"process_resident_memory_bytes\",instance=\"10.0.4.18:9090\",job=\"api\"}");
  const ReplaySeries& first = (*found)[0].second;
  EXPECT_THAT(first.observations, SizeIs(23)) << "NaN is a gap";
  EXPECT_EQ(first.observations[0].time_seconds, 1700000000);
  EXPECT_EQ(first.observations[0].value, 104857600);
  EXPECT_EQ(first.observations[5].time_seconds, 1700000000 + 6 * 300);
  EXPECT_FALSE(first.has_limit);
  EXPECT_THAT((*found)[1].second.observations, SizeIs(21));
}

TEST(RangeResponse, TakesWhatIsNotANumberForAGap) {
  const auto found =
      read_text(answer(R"([1.781,"10"],[2,"NaN"],[3,"+Inf"],[4,"-Inf"],[5,"1.5e+06"])"));
  ASSERT_TRUE(found) << found.error().reason;
  EXPECT_THAT(values_of(found->front().second), ElementsAre(10, 1.5e6));
  EXPECT_EQ(found->front().second.observations[0].time_seconds, 1.781);
}

TEST(RangeResponse, TakesKeysInAnyOrderAndIgnoresWhatOthersAdd) {
  const auto found = read_text(
      R"({"data":{"result":[{"values":[[1,"5"]],"metric":{}}],"analysis":{"values":[[1]]},"resultType":"matrix"},
          "warnings":["partial"],"stats":{"status":"error"},"status":"success"})");
  ASSERT_TRUE(found) << found.error().reason;
  ASSERT_THAT(*found, SizeIs(1));
  EXPECT_EQ(found->front().first, "{}");
  EXPECT_THAT(values_of(found->front().second), ElementsAre(5));
}

TEST(RangeResponse, RefusesAPartialAnswer) {
  const std::string rest =
      R"("data":{"resultType":"matrix","result":[{"metric":{},"values":[[1,"5"]]}]}})";
  const auto partial = read_text(R"({"status":"success","isPartial":true,)" + rest);
  ASSERT_FALSE(partial);
  EXPECT_THAT(partial.error().reason, HasSubstr("the answer is partial"));
  EXPECT_TRUE(read_text(R"({"status":"success","isPartial":false,)" + rest));
}

TEST(RangeResponse, WritesLabelsAsPromQlDoes) {
  const auto found = read_text(
      R"({"status":"success","data":{"resultType":"matrix","result":[{"metric":{"a":"x\"y\\z\n"},"values":[]}]}})");
  ASSERT_TRUE(found) << found.error().reason;
  EXPECT_EQ(found->front().first, R"({a="x\"y\\z\n"})");
  EXPECT_THAT(found->front().second.observations, IsEmpty());
}

TEST(RangeResponse, GivesTheServersOwnWordsForAnError) {
  EXPECT_EQ(refusal(R"({"status":"error","errorType":"bad_data","error":"parse error: \u001b"})"),
            "f.json:1:71: the server answered bad_data: parse error: ?");
}

TEST(RangeResponse, SaysThatAnInstantIsNotARange) {
  EXPECT_THAT(refusal(R"({"status":"success","data":{"resultType":"vector","result":[]}})"),
              HasSubstr("resultType is 'vector', an instant: ask /api/v1/query_range"));
  EXPECT_THAT(refusal(R"({"status":"success","data":{"result":[{"metric":{},"value":[1,"2"]}]}})"),
              HasSubstr("an instant"));
  EXPECT_THAT(refusal(R"({"status":"success","data":{"resultType":"streams","result":[]}})"),
              HasSubstr("resultType is 'streams', not 'matrix'"));
}

TEST(RangeResponse, RefusesWhatIsNotSuchAnAnswer) {
  EXPECT_THAT(refusal(answer(R"([1,"x"])")), HasSubstr("value is not a finite number: 'x'"));
  EXPECT_THAT(refusal(answer(R"([1,"-5"])")), HasSubstr("value is negative: '-5'"));
  EXPECT_THAT(refusal(answer(R"([1,5])")), HasSubstr("not a number in quotes"));
  EXPECT_THAT(refusal(answer(R"(["1","5"])")), HasSubstr("time of a sample is not a number"));
  EXPECT_THAT(refusal(answer(R"([-1,"5"])")), HasSubstr("time of a sample is negative"));
  EXPECT_THAT(refusal(answer(R"([1])")), HasSubstr("not a time and a value"));
  EXPECT_THAT(refusal(answer(R"([1,"5",2])")), HasSubstr("not a time and a value"));
  EXPECT_THAT(refusal(answer(R"([1,[5]])")), HasSubstr("not a time and a value"));
  EXPECT_THAT(refusal(answer(R"(5)")), HasSubstr("not an array of time and value"));
  EXPECT_THAT(refusal(answer(R"([2,"5"],[1,"5"])")), HasSubstr("runs backwards"));
  EXPECT_THAT(refusal(answer("") + " {}"), HasSubstr("something follows the end"));
  EXPECT_THAT(refusal(R"({"status":"success"})"), HasSubstr("no data.result"));
  EXPECT_THAT(refusal(R"({"data":{"result":[]}})"), HasSubstr("status is ''"));
  EXPECT_THAT(refusal(R"({"status":"success","data":[]})"), HasSubstr("'data' is not an object"));
  EXPECT_THAT(refusal(R"({"status":"success","data":{"result":{}}})"),
              HasSubstr("'result' is not an array"));
  EXPECT_THAT(refusal(R"({"status":"success","data":{"result":[1]}})"),
              HasSubstr("not a list of series"));
  EXPECT_THAT(refusal(R"({"status":"success","data":{"result":[{"metric":{"a":1}}]}})"),
              HasSubstr("a label is not a text"));
  EXPECT_THAT(refusal(R"({"status":"success","data":{"result":[{"histograms":[]}]}})"),
              HasSubstr("native histograms"));
  EXPECT_THAT(refusal(R"({"status":"success","data":{"resultType":"matrix","result":[]}})"),
              HasSubstr("the query matched nothing"));
}

TEST(RangeResponse, BoundsTheNumberOfSeries) {
  std::string text = R"({"status":"success","data":{"resultType":"matrix","result":[{})";
  for (std::size_t i = 0; i < kMostSeriesPerFile; ++i) text += ",{}";
  EXPECT_THAT(refusal(text + "]}}"), HasSubstr("more than 100000 series in one file"));
}

}  // namespace
}  // namespace heapfloor
