#include "collectors/parse/pid_stat.h"

#include <gtest/gtest.h>

#include <string>

namespace heapfloor {
namespace {

// Fields 3 to 52 of proc(5).
constexpr std::string_view kFields =
    " S 17 42 42 0 -1 4194304 100 1000 2 20 150 50 0 0 20 0 3 0 5000 104857600 2560 "
    "18446744073709551615 1 1 0 0 0 0 "
    "0 0 0 0 0 0 17 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n";

std::string with_name(std::string_view name) {
  return std::string("42 (").append(name).append(")").append(kFields);
}

TEST(PidStat, EveryFieldIsReadFromItsPlace) {
  const std::string text = with_name("server");
  const auto stat = parse_pid_stat(text);
  ASSERT_TRUE(stat);
  EXPECT_EQ(stat->comm, "server");
  EXPECT_EQ(stat->parent_pid, 17U);
  EXPECT_EQ(stat->minor_faults, 100U);
  EXPECT_EQ(stat->major_faults, 2U);
  EXPECT_EQ(stat->user_ticks, 150U);
  EXPECT_EQ(stat->system_ticks, 50U);
  EXPECT_EQ(stat->threads, 3U);
  EXPECT_EQ(stat->start_ticks, 5000U);
  EXPECT_EQ(stat->virtual_bytes, 104857600U);
  EXPECT_EQ(stat->resident_pages, 2560U);
  EXPECT_FALSE(stat->is_kernel_thread());
}

TEST(PidStat, AHostileNameCannotForgeFields) {
  for (const std::string_view name :
       {std::string_view("a) R 1 (b"), std::string_view("x\n1 (y"),
        std::string_view("\xff\xfe\"{} \\n"), std::string_view(") ) )"), std::string_view("(((("),
        std::string_view("")}) {
    const std::string text = with_name(name);
    const auto stat = parse_pid_stat(text);
    ASSERT_TRUE(stat) << name;
    EXPECT_EQ(stat->comm, name);
    EXPECT_EQ(stat->minor_faults, 100U);
    EXPECT_EQ(stat->start_ticks, 5000U);
  }
}

TEST(PidStat, ColumnsThatNobodyAsksForAreSkipped) {
  std::string text = with_name("server");
  const std::string usual = text;
  text.replace(text.find(" S 17 42"), 8, " ?? 17 -x");
  const auto stat = parse_pid_stat(text);
  ASSERT_TRUE(stat);
  EXPECT_EQ(*stat, *parse_pid_stat(usual));
}

TEST(PidStat, AParentThatIsNoNumberIsNotKnown) {
  std::string text = with_name("server");
  text.replace(text.find(" S 17"), 5, " S -x");
  const auto stat = parse_pid_stat(text);
  ASSERT_TRUE(stat);
  EXPECT_EQ(stat->parent_pid, std::nullopt);
}

TEST(PidStat, ANameLongerThanAnyKernelWritesIsCut) {
  const std::string text = with_name(std::string(1000, 'x'));
  const auto stat = parse_pid_stat(text);
  ASSERT_TRUE(stat);
  EXPECT_EQ(stat->comm, std::string(64, 'x'));
}

TEST(PidStat, AKernelThreadIsToldByItsFlag) {
  const auto stat = parse_pid_stat(
      "2 (kthreadd) S 0 0 0 0 -1 2129984 0 0 0 0 0 0 0 0 20 0 1 0 1 0 0 18446744073709551615 0 0 "
      "0\n");
  ASSERT_TRUE(stat);
  EXPECT_TRUE(stat->is_kernel_thread());
}

TEST(PidStat, EveryCutOfATextIsMalformedOrComplete) {
  const std::string text = with_name("a) R 1 (b");
  const auto whole = parse_pid_stat(text);
  ASSERT_TRUE(whole);
  const std::size_t behind_rss = text.find(" 18446744073709551615");
  for (std::size_t length = 0; length < behind_rss - 4; ++length) {
    EXPECT_FALSE(parse_pid_stat(std::string_view(text).substr(0, length))) << length;
  }
  EXPECT_EQ(*parse_pid_stat(std::string_view(text).substr(0, behind_rss)), *whole);
}

TEST(PidStat, AFieldThatIsNoNumberIsMalformed) {
  std::string text = with_name("server");
  text.replace(text.find("5000"), 4, "-500");
  EXPECT_FALSE(parse_pid_stat(text));
  EXPECT_FALSE(parse_pid_stat("42 server S 1\n"));
  EXPECT_FALSE(parse_pid_stat("42 )server( S 1\n"));
}

}  // namespace
}  // namespace heapfloor
