#include "agent/cli/replay_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "tests/cli/replay_samples.h"

namespace heapfloor {
namespace {

// U+202E, which turns the order of what follows.
const std::string kRightToLeft = {'\xE2', '\x80', '\xAE'};

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

std::vector<ReplaySummary> samples(const std::string& hostile = "c.csv") {
  std::vector<ReplaySummary> series;
  series.push_back(replay_series("recordings/api.csv", leaking_series(), {}, {}));
  series.push_back(replay_series("recordings/web.csv", level_series(), {}, {}));
  series.push_back(replay_series(hostile, level_series(0.1), {}, {}));
  return series;
}

std::vector<std::string> lines(const std::string& text) {
  std::vector<std::string> found;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) found.push_back(line);
  return found;
}

TEST(ReplayTable, IsOneLineASeriesWithItsSentenceWhereThereIsRoom) {
  const auto found = lines(replay_table(samples(), {}));
  ASSERT_EQ(found.size(), 4U);
  EXPECT_THAT(found[0], AllOf(HasSubstr("SERIES"), HasSubstr("LIMIT MET"), HasSubstr("REASON")));
  EXPECT_THAT(found[1],
              AllOf(HasSubstr("recordings/api.csv  leaking "), HasSubstr("10 MiB/h (9.9 to 10)"),
                    HasSubstr("  1 GiB  in 34 h "), HasSubstr("the floor rose by ")));
  EXPECT_THAT(found[2],
              AllOf(HasSubstr("stable"), HasSubstr("300 MiB"), HasSubstr("no lasting rise")));
  EXPECT_THAT(found[3], HasSubstr("learning"));
  EXPECT_EQ(found[0].find("REASON"), found[1].find("the floor rose"));
  EXPECT_EQ(found[0].find("STATE"), found[2].find("stable"));
}

TEST(ReplayTable, NeverExceedsTheTerminal) {
  for (const std::size_t width : {60U, 80U, 100U, 120U, 160U, 240U}) {
    const std::string table = replay_table(samples(std::string(300, 'n')), {width, false});
    for (const std::string& line : lines(table)) EXPECT_LE(line.size(), width) << line;
    EXPECT_THAT(table, AllOf(HasSubstr("leaking"), HasSubstr("10 MiB/h"), HasSubstr("floor rose")))
        << width;
  }
}

TEST(ReplayTable, KeepsTheTimeThatIsLeftLongest) {
  EXPECT_THAT(replay_table(samples(), {100, false}),
              AllOf(HasSubstr("LIMIT MET"), Not(HasSubstr("WINDOW"))));
}

TEST(ReplayTable, ShortensNamesInTheirMiddle) {
  const std::string table =
      replay_table(samples("begin" + std::string(300, 'x') + "end"), {80, false});
  EXPECT_THAT(table, AllOf(HasSubstr("\nbeginx"), HasSubstr("xxx...xx"), HasSubstr("xend ")));
}

TEST(ReplayTable, ShowsHostileNamesOnOneLineWithoutControls) {
  const std::string table = replay_table(samples("a\nb\x1b[31m\xff" + kRightToLeft), {});
  EXPECT_THAT(table, HasSubstr("a\\nb\\x1B[31m\\xFF\\xE2\\x80\\xAE"));
  EXPECT_EQ(lines(table).size(), 4U);
}

TEST(ReplayTable, ColoursTheStateOnly) {
  const std::string table = replay_table(samples(), {0, true});
  EXPECT_THAT(table, HasSubstr("\x1b[1;31mleaking\x1b[0m"));
  EXPECT_EQ(std::ranges::count(table, '\x1b'), 6);
  EXPECT_EQ(std::ranges::count(replay_table(samples(), {}), '\x1b'), 0);
}

TEST(ReplayTable, CountsStatesAndWhatCouldNotBeRead) {
  ReplayCounts counts = count_states(samples());
  EXPECT_EQ(replay_counts_text(counts), "3 series: 1 leaking, 0 suspected, 1 stable, 1 learning");
  counts.unread_files = 1;
  EXPECT_THAT(replay_counts_text(counts), HasSubstr("1 learning; 1 file could not be read"));
  counts.unread_files = 2;
  ++counts.series[static_cast<std::size_t>(LeakState::recovering)];
  EXPECT_EQ(replay_counts_text(counts),
            "4 series: 1 leaking, 0 suspected, 1 recovering, 1 stable, 1 learning; 2 files could "
            "not be read");
}

}  // namespace
}  // namespace heapfloor
