#include "agent/cli/replay_csv.h"

#include <sstream>
#include <string>

#include <gtest/gtest.h>

namespace heapfloor {
namespace {

std::string refusal(const std::string& text) {
  const auto series = parse_replay(text, "f.csv");
  return series ? "accepted" : series.error().path + ": " + series.error().reason;
}

TEST(ReplayCsv, ReadsTheColumnsThatTheHeaderNamesInAnyOrder) {
  const auto series = parse_replay(
      "value,host,timestamp_seconds,limit,epoch,load\n4096,web1,10.5,1e9,3,7.25\n", "f.csv");
  ASSERT_TRUE(series);
  ASSERT_EQ(series->observations.size(), 1U);
  const Observation& read = series->observations[0];
  EXPECT_EQ(read.time_seconds, 10.5);
  EXPECT_EQ(read.value, 4096);
  EXPECT_EQ(read.limit, 1e9);
  EXPECT_EQ(read.epoch, 3U);
  EXPECT_EQ(read.load, 7.25);
  EXPECT_TRUE(series->has_epoch);
  EXPECT_TRUE(series->has_limit);
}

TEST(ReplayCsv, TreatsEmptyCellsAsUnknownAndALineWithoutValueAsAGap) {
  const auto series =
      parse_replay("timestamp_seconds,value,epoch,limit\n1,10,,\n2,,,\n3,12,4,\n", "f.csv");
  ASSERT_TRUE(series);
  ASSERT_EQ(series->observations.size(), 2U);
  EXPECT_FALSE(series->observations[0].epoch);
  EXPECT_FALSE(series->observations[0].limit);
  EXPECT_EQ(series->observations[1].time_seconds, 3);
  EXPECT_EQ(series->observations[1].epoch, 4U);
  EXPECT_FALSE(series->has_limit);
}

TEST(ReplayCsv, ToleratesCommentsCarriageReturnsQuotesSpacesAndAByteOrderMark) {
  const auto series = parse_replay(
      "\xEF\xBB\xBF# a recording\r\n\"timestamp_seconds\" , \"value\"\r\n\r\n\"1\", 10 \r\n#x\r\n"
      " 2 ,\"20\"",
      "f.csv");
  ASSERT_TRUE(series) << series.error().reason;
  ASSERT_EQ(series->observations.size(), 2U);
  EXPECT_EQ(series->observations[1].value, 20);
}

TEST(ReplayCsv, NamesFileLineAndReasonOfWhatItRefuses) {
  const std::string header = "timestamp_seconds,value,epoch\n";
  EXPECT_EQ(refusal(""), "f.csv:1: no header line");
  EXPECT_EQ(refusal("# only\n"), "f.csv:1: no header line");
  EXPECT_EQ(refusal("time,value\n"), "f.csv:1: the header names no column timestamp_seconds");
  EXPECT_EQ(refusal("timestamp_seconds,rss\n"), "f.csv:1: the header names no column value");
  EXPECT_EQ(refusal("timestamp_seconds,value,value\n"), "f.csv:1: column value is named twice");
  EXPECT_EQ(refusal(header + "1,2,3\n2,x,3\n"), "f.csv:3: value is not a finite number: 'x'");
  EXPECT_EQ(refusal(header + "1,nan,3\n"), "f.csv:2: value is not a finite number: 'nan'");
  EXPECT_EQ(refusal(header + "1,inf,3\n"), "f.csv:2: value is not a finite number: 'inf'");
  EXPECT_EQ(refusal(header + "1,1e999,3\n"), "f.csv:2: value is not a finite number: '1e999'");
  EXPECT_EQ(refusal(header + "1,-5,3\n"), "f.csv:2: value is negative: '-5'");
  EXPECT_EQ(refusal(header + ",5,3\n"), "f.csv:2: timestamp_seconds is empty");
  EXPECT_EQ(refusal(header + "1,5\n"), "f.csv:2: 2 cells where the header names 3 columns");
  EXPECT_EQ(refusal(header + "2,5,3\n1,5,3\n"), "f.csv:3: timestamp_seconds runs backwards");
  EXPECT_EQ(refusal(header + "1,5,3\n2,5,2\n"), "f.csv:3: epoch runs backwards: '2' after 3");
  EXPECT_EQ(refusal(header + "1,5,3.5\n"), "f.csv:2: epoch is not a whole number: '3.5'");
  EXPECT_EQ(refusal(header + "1,5,-3\n"), "f.csv:2: epoch is not a whole number: '-3'");
  EXPECT_EQ(refusal(header + "1,\"5,3\n"), "f.csv:2: a quoted cell does not end on its line");
  EXPECT_EQ(refusal(header + "1,\"5\"x,3\n"), "f.csv:2: text after the closing quote of a cell");
}

TEST(ReplayCsv, ShowsHostileBytesOnlyAsPrintableText) {
  EXPECT_EQ(refusal("timestamp_seconds,value\n1,\x1b[31m\x80\n"),
            "f.csv:2: value is not a finite number: '?[31m?'");
}

TEST(ReplayCsv, RefusesALineThatIsTooLongWithoutKeepingIt) {
  const std::string line = "timestamp_seconds,value\n1," + std::string(5'000'000, '9');
  EXPECT_EQ(refusal(line), "f.csv:2: line is longer than 4096 bytes");
  std::istringstream stream(line);
  const auto read = read_replay(stream, "s");
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().path, "s:2");
}

TEST(ReplayCsv, ReadsTheSameFromAStreamInPiecesAsFromOneText) {
  std::string text = "timestamp_seconds,value\n";
  for (int i = 0; i < 20000; ++i) {
    text += std::to_string(i) + "," + std::to_string(i * 7) + "\n";
  }
  std::istringstream stream(text);
  const auto streamed = read_replay(stream, "s");
  const auto whole = parse_replay(text, "s");
  ASSERT_TRUE(streamed);
  ASSERT_TRUE(whole);
  ASSERT_EQ(streamed->observations.size(), 20000U);
  ASSERT_EQ(whole->observations.size(), 20000U);
  for (std::size_t i = 0; i < 20000; ++i) {
    ASSERT_EQ(streamed->observations[i].value, whole->observations[i].value);
  }
}

TEST(ReplayCsv, SaysWhichFileCannotBeOpened) {
  const auto series = read_replay_file("/nonexistent/recording.csv");
  ASSERT_FALSE(series);
  EXPECT_EQ(series.error().path, "/nonexistent/recording.csv");
}

TEST(ReplayCsv, FindsTheUsualSpacingDespiteGapsAndRepeatedTimes) {
  std::vector<Observation> observations;
  for (const double time : {0.0, 60.0, 120.0, 120.0, 180.0, 9000.0, 9060.0}) {
    Observation observation;
    observation.time_seconds = time;
    observations.push_back(observation);
  }
  EXPECT_EQ(median_spacing_seconds(observations), 60);
  EXPECT_EQ(median_spacing_seconds({}), 0);
}

}  // namespace
}  // namespace heapfloor
