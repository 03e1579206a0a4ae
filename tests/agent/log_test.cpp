#include "agent/log.h"

#include <gtest/gtest.h>

namespace heapfloor {
namespace {

TEST(Log, WritesLogfmtWithQuotesOnlyWhereNeeded) {
  EXPECT_EQ(format_log_line(LogFormat::logfmt, LogLevel::info, "two words",
                            {{"plain", "abc"}, {"number", std::uint64_t{7}}}),
            "level=info msg=\"two words\" plain=abc number=7");
}

TEST(Log, NeverLetsAValueForgeALineOrATerminalSequence) {
  // NOLINTNEXTLINE(misc-misleading-bidirectional): the right-to-left override is the attack
  constexpr std::string_view kHostile = "a\nlevel=info msg=\"forged\" \x1b[2J\xe2\x80\xae";
  const std::string line =
      format_log_line(LogFormat::logfmt, LogLevel::error, "x", {{"comm", kHostile}});
  EXPECT_EQ(line.find('\n'), std::string::npos);
  EXPECT_EQ(line.find('\x1b'), std::string::npos);
  EXPECT_EQ(line.find('\xae'), std::string::npos);
  EXPECT_NE(line.find("\\u000a"), std::string::npos);
  EXPECT_NE(line.find("\\\"forged\\\""), std::string::npos);
}

TEST(Log, WritesJsonMembers) {
  EXPECT_EQ(format_log_line(LogFormat::json, LogLevel::warning, "hi", {{"key", "a\"b"}}),
            R"("level":"warning","msg":"hi","key":"a\"b")");
}

TEST(Log, CountsLinesByLevelEvenBelowTheThreshold) {
  configure_log(LogLevel::error, LogFormat::logfmt);
  const auto before = log_counts();
  log_line(LogLevel::debug, "unseen");
  EXPECT_EQ(log_counts()[0], before[0] + 1);
  configure_log(LogLevel::info, LogFormat::logfmt);
}

TEST(Log, KnowsItsLevels) {
  EXPECT_EQ(parse_log_level("warn"), LogLevel::warning);
  EXPECT_FALSE(parse_log_level("loud"));
  EXPECT_EQ(parse_log_format("json"), LogFormat::json);
  EXPECT_FALSE(parse_log_format("xml"));
}

}  // namespace
}  // namespace heapfloor
