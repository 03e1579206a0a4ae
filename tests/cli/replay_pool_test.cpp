#include "agent/cli/replay_pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/cli/replay_progress.h"
#include "tests/cli/replay_samples.h"
#include "tests/cli/temporary_folder.h"
#include "tests/support/fake_clock.h"

namespace heapfloor {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// What is delivered, as text: series and errors in their order.
std::vector<std::string> replayed(const std::vector<std::string>& paths, std::size_t jobs) {
  std::vector<std::string> found;
  ReplaySettings settings;
  settings.charts = true;
  replay_files(list_replay_inputs(paths), {}, settings, jobs, {[&](ReplayedFile file) {
                 if (file.error) found.push_back(file.error->path + ": " + file.error->reason);
                 for (const ReplaySummary& summary : file.series)
                   found.push_back(summary_json(summary) + svg_chart(*summary.chart));
               }});
  return found;
}

TEST(ReplayFiles, DeliversTheSameInTheOrderOfTheInputsHoweverManyThreads) {
  const TemporaryFolder folder;
  std::vector<std::string> paths;
  for (int i = 0; i < 40; ++i) {
    const std::string name = std::to_string(i) + ".csv";
    // The first are the longest: the others are done before them.
    const double hours = 40 - i;
    paths.push_back(folder.write(name, i % 7 == 3 ? "no header\n" : csv_of(leaking_series(hours))));
  }
  const std::vector<std::string> one = replayed(paths, 1);
  ASSERT_EQ(one.size(), paths.size());
  for (std::size_t i = 0; i < paths.size(); ++i) EXPECT_THAT(one[i], HasSubstr(paths[i]));
  EXPECT_EQ(replayed(paths, 3), one);
  EXPECT_EQ(replayed(paths, 16), one);
}

TEST(ReplayFiles, GoesOnAfterAFileThatCannotBeRead) {
  const TemporaryFolder folder;
  const std::string good = csv_of(level_series(1));
  const std::vector<std::string> found =
      replayed({folder.write("a.csv", good),
                folder.write("b.csv", "timestamp_seconds,value\n1,x\n"), folder.path("missing.csv"),
                folder.write("c.json", "{\"status\":"), folder.write("d.csv", good)},
               2);
  ASSERT_EQ(found.size(), 5U);
  EXPECT_THAT(found[0], HasSubstr("a.csv\""));
  EXPECT_THAT(found[1], HasSubstr("b.csv:2: value is not a finite number: 'x'"));
  EXPECT_THAT(found[2], HasSubstr("missing.csv: cannot be opened: No such file or directory"));
  EXPECT_THAT(found[3], HasSubstr("c.json:1:10: syntax error"));
  EXPECT_THAT(found[4], HasSubstr("d.csv\""));
}

TEST(ReplayFiles, DropsTheSeriesOfAFileThatTurnsOutToBeMalformed) {
  const TemporaryFolder folder;
  const std::string path = folder.write(
      "half.json",
      R"({"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[1,"5"]]},)");
  EXPECT_THAT(replayed({path}, 1), ElementsAre(HasSubstr("half.json:1:")));
}

TEST(ReplayFiles, NamesTheSeriesOfAnAnswerByFileAndLabels) {
  const std::string path =
      std::string(HEAPFLOOR_SOURCE_DIR) + "/tests/fixtures/replay/range_response.json";
  const auto found = replayed({path}, 2);
  ASSERT_EQ(found.size(), 2U);
  EXPECT_THAT(
      found[0],
      HasSubstr(
          R"(range_response.json{__name__=\"process_resident_memory_bytes\",instance=\"10.0.4.17:9090\",job=\"api\"}","state":)"));
}

TEST(ReplayFiles, TellsKindsByWhatTheFileHoldsNotByItsName) {
  const TemporaryFolder folder;
  const auto found = replayed({folder.write("a.csv", " \n[{\"timestamp_seconds\":1,\"value\":2}]"),
                               folder.write("b.json", "timestamp_seconds,value\n1,2\n")},
                              1);
  EXPECT_THAT(found, ElementsAre(HasSubstr("\"points\":1"), HasSubstr("\"points\":1")));
}

TEST(ReplayFiles, DoesNothingWithoutInputs) { EXPECT_TRUE(replayed({}, 4).empty()); }

TEST(ReplayFiles, EndsItsThreadsWhenNobodyTakesTheResult) {
  const TemporaryFolder folder;
  std::vector<std::string> paths;
  for (int i = 0; i < 20; ++i)
    paths.push_back(folder.write(std::to_string(i) + ".csv", csv_of(level_series(1))));
  const auto stop = [](const ReplayedFile&) { throw std::runtime_error("enough"); };
  EXPECT_THROW(replay_files(list_replay_inputs(paths), {}, {}, 4, {stop}), std::runtime_error);
}

TEST(ReplayFiles, TellsHowFarItIs) {
  const TemporaryFolder folder;
  folder.write("a.csv", csv_of(level_series(1)));
  folder.write("b.csv", csv_of(level_series(1)));
  std::vector<ReplayProgress> told;
  std::size_t delivered = 0;
  replay_files(list_replay_inputs({folder.path()}), {}, {}, 2,
               {[&](const ReplayedFile&) { ++delivered; },
                [&](const ReplayProgress& progress) { told.push_back(progress); }});
  EXPECT_EQ(delivered, 2U);
  ASSERT_FALSE(told.empty());
  for (const ReplayProgress& progress : told) {
    EXPECT_EQ(progress.files, 2U);
    EXPECT_LE(progress.files_done, 2U);
    EXPECT_LE(progress.series, 2U);
  }
}

TEST(ListReplayInputs, WalksADirectoryOneLevelInTheOrderOfNames) {
  const TemporaryFolder folder;
  for (const char* name : {"b.json", "a.csv", "c.jsonl", "notes.txt", "deep/d.csv", "A.csv"})
    folder.write(name, "");
  std::vector<std::string> paths;
  for (const ReplayInput& input : list_replay_inputs({"first.csv", folder.path(), "-"}))
    paths.push_back(input.path);
  EXPECT_THAT(paths, ElementsAre("first.csv", folder.path("A.csv"), folder.path("a.csv"),
                                 folder.path("b.json"), folder.path("c.jsonl"), "-"));
}

TEST(ListReplayInputs, SaysThatADirectoryHoldsNothing) {
  const TemporaryFolder folder;
  folder.write("notes.txt", "");
  const auto inputs = list_replay_inputs({folder.path()});
  ASSERT_EQ(inputs.size(), 1U);
  ASSERT_TRUE(inputs[0].error);
  EXPECT_EQ(inputs[0].error->reason, "holds no file that ends in .csv, .json or .jsonl");
}

class ProgressLineTest : public ::testing::Test {
 protected:
  void show(ProgressLine& line, std::size_t files_done) { line.show({files_done, 9, 3}); }
  FakeClock clock_;
  std::vector<std::string> written_;
  ProgressLine::Write write_ = [this](std::string_view text) { written_.emplace_back(text); };
};

TEST_F(ProgressLineTest, DrawsAtMostTenTimesASecond) {
  ProgressLine line(clock_, write_);
  for (std::size_t i = 0; i < 200; ++i) {
    show(line, 1);
    clock_.advance(0.01);
  }
  EXPECT_GE(written_.size(), 10U);
  EXPECT_LE(written_.size(), 20U);
  EXPECT_EQ(written_[0], "\r\x1b[Kreplay: 1 of 9 files, 3 series");
}

TEST_F(ProgressLineTest, IsGoneAfterwards) {
  {
    ProgressLine line(clock_, write_);
    show(line, 1);
    line.clear();
    line.clear();
    EXPECT_THAT(written_, ElementsAre(StartsWith("\r\x1b[Kreplay"), "\r\x1b[K"));
    clock_.advance(1);
    show(line, 2);
  }
  EXPECT_EQ(written_.back(), "\r\x1b[K");
}

TEST_F(ProgressLineTest, LeavesNothingToTakeAwayWhereNothingWasDrawn) {
  ProgressLine(clock_, write_).clear();
  EXPECT_TRUE(written_.empty());
}

}  // namespace
}  // namespace heapfloor
