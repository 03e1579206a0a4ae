// What is read of recorded runs, and what counts as a step back.
#include "tests/corpus/recorded_runs.h"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>

namespace heapfloor {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// A directory of its own for the test that runs, gone with it.
class RecordedRuns : public ::testing::Test {
 protected:
  RecordedRuns()
      : directory_(std::filesystem::path(::testing::TempDir()) /
                   (std::string("recorded_runs_") +
                    ::testing::UnitTest::GetInstance()->current_test_info()->name())) {
    std::filesystem::create_directories(directory_);
  }
  ~RecordedRuns() override {
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }

  void write(const std::string& name, const std::string& text) const {
    std::ofstream(directory_ / name) << text;
  }
  // Readings a second apart that grow by so much a second.
  void write_line(const std::string& name, int seconds, double bytes_per_second) const {
    std::ofstream out(directory_ / name);
    out << "timestamp_seconds,value\n";
    for (int second = 0; second < seconds; ++second) {
      out << second << "," << static_cast<long>(40.0 * 1048576 + bytes_per_second * second) << "\n";
    }
  }
  [[nodiscard]] Result<std::vector<RealSeries>> read() const {
    return read_real_series(directory_.string());
  }

  const std::filesystem::path directory_;
};

RunFigures found(std::size_t leaks, std::size_t of, std::set<std::string, std::less<>> mistakes) {
  RunFigures figures;
  figures.group = "cpp";
  figures.tally.true_positives = leaks;
  figures.tally.positives = of;
  figures.mistakes = std::move(mistakes);
  return figures;
}

TEST_F(RecordedRuns, TakesLimitOnsetAndRestartsFromTheLabels) {
  write("labels.csv",
        "series,label,number,language,onset_seconds,rate_mib_per_minute,limit_bytes,restarts\n"
        "run,leak,9,cpp,60,3,104857600,100.5 200\n");
  write_line("run.csv", 300, 1048576 / 20.0);
  const auto runs = read();
  ASSERT_TRUE(runs) << runs.error().reason;
  ASSERT_EQ(runs->size(), 1U);
  const RealSeries& run = runs->front();
  EXPECT_EQ(run.number, 9);
  EXPECT_EQ(run.language, "cpp");
  EXPECT_TRUE(run.series.leaks);
  EXPECT_EQ(run.series.onset_seconds, 60);
  EXPECT_EQ(run.series.observations.front().limit, 104857600);
  EXPECT_THAT(run.series.restarts, ElementsAre(100.5, 200));
}

TEST_F(RecordedRuns, FollowsTheLineOfAPacedLeakBeyondItsEnd) {
  write("labels.csv",
        "series,label,onset_seconds,rate_mib_per_minute,limit_bytes\nrun,leak,0,3,104857600\n");
  write_line("run.csv", 300, 1048576 / 20.0);
  const auto runs = read();
  ASSERT_TRUE(runs) << runs.error().reason;
  ASSERT_TRUE(runs->front().series.truth);
  EXPECT_NEAR(runs->front().series.truth(1200), 100 * 1048576.0, 1048576);
}

TEST_F(RecordedRuns, NamesTheFileThatIsMissing) {
  write("labels.csv", "series,label\nrun,leak\n");
  const auto runs = read();
  ASSERT_FALSE(runs);
  EXPECT_THAT(runs.error().path, HasSubstr("run.csv"));
}

TEST_F(RecordedRuns, RefusesLabelsWithoutALabel) {
  write("labels.csv", "series,limit_bytes\nrun,5\n");
  const auto runs = read();
  ASSERT_FALSE(runs);
  EXPECT_THAT(runs.error().reason, HasSubstr("run,5"));
}

TEST_F(RecordedRuns, CountsAMinuteAsAnHour) {
  write("labels.csv",
        "series,label,language,onset_seconds,rate_mib_per_minute,limit_bytes\n"
        "leaking,leak,cpp,0,3,104857600\nlevel,no_leak,cpp,,,104857600\n");
  write_line("leaking.csv", 1500, 1048576 / 20.0);
  write_line("level.csv", 1440, 0);
  const auto runs = read();
  ASSERT_TRUE(runs) << runs.error().reason;
  const std::vector<JudgedRun> judged = judge_runs(*runs, ScoreOptions{});
  ASSERT_EQ(judged.size(), 2U);
  ASSERT_TRUE(judged[0].alarmed());
  EXPECT_FALSE(judged[0].mistaken());
  // The leak meets its limit after 20 minutes; patience is a quarter of that.
  EXPECT_GT(*judged[0].outcome.leaking_at_seconds, 3 * 3600.0);
  EXPECT_LT(*judged[0].outcome.leaking_at_seconds, 20 * 3600.0);
  EXPECT_FALSE(judged[1].alarmed());
  EXPECT_NEAR(judged[1].row.healthy_days, 1, 0.01);
  const std::vector<RunFigures> all = figures(judged);
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].group, "cpp");
  EXPECT_EQ(all[1].group, "total");
  EXPECT_EQ(all[1].tally.f1(), 1);
}

TEST(ExpectedRuns, AreReadAsTheyAreWritten) {
  const auto read = parse_expected_runs(expected_runs_text({found(1, 2, {"one", "two"})}), "text");
  ASSERT_TRUE(read) << read.error().reason;
  ASSERT_EQ(read->size(), 1U);
  EXPECT_EQ(read->front().group, "cpp");
  EXPECT_NEAR(read->front().f1, 2.0 / 3, 1e-3);
  EXPECT_THAT(read->front().mistakes, ElementsAre("one", "two"));
}

TEST(ExpectedRuns, AreRefusedWithoutTheirHeaderOrANumber) {
  EXPECT_FALSE(parse_expected_runs("f1\n", "text"));
  EXPECT_FALSE(parse_expected_runs("group,f1,mistakes\ncpp,much,\n", "text"));
}

TEST(ExpectedRuns, SeeALowerScoreAndANewMistakeButNoMistakeThatIsGone) {
  const std::vector<ExpectedRuns> expected = {{"cpp", 0.95, {"one"}}};
  EXPECT_THAT(regressions({found(19, 20, {"one"})}, expected), IsEmpty());
  EXPECT_THAT(regressions({found(20, 20, {})}, expected), IsEmpty());
  EXPECT_THAT(regressions({found(19, 20, {"two"})}, expected), ElementsAre(HasSubstr("two")));
  EXPECT_THAT(regressions({found(10, 20, {"one"})}, expected), ElementsAre(HasSubstr("fell")));
  EXPECT_THAT(regressions({}, expected), ElementsAre(HasSubstr("no run")));
}

TEST(DifferentDecisions, NameRunsOfAnotherDecisionAndUnknownOnes) {
  RealSeries run;
  run.name = "kept/run";
  JudgedRun quiet;
  quiet.run = &run;
  JudgedRun alarmed = quiet;
  alarmed.outcome.leaking_at_seconds = 1;
  RealSeries again = run;
  again.name = "anew/run";
  alarmed.run = &again;
  EXPECT_THAT(different_decisions({alarmed}, {quiet}), ElementsAre(HasSubstr("unlike")));
  EXPECT_THAT(different_decisions({alarmed}, {alarmed}), IsEmpty());
  EXPECT_THAT(different_decisions({alarmed}, {}), ElementsAre(HasSubstr("not among")));
}

}  // namespace
}  // namespace heapfloor
