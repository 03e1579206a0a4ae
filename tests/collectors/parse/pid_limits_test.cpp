#include "collectors/parse/pid_limits.h"

#include <gtest/gtest.h>

#include <string>

namespace heapfloor {
namespace {

constexpr std::string_view kUsual =
    "Limit                     Soft Limit           Hard Limit           Units     \n"
    "Max cpu time              unlimited            unlimited            seconds   \n"
    "Max data size             536870912            unlimited            bytes     \n"
    "Max open files            1024                 524288               files     \n"
    "Max address space         unlimited            unlimited            bytes     \n";

TEST(PidLimits, AreTheSoftOnes) {
  const auto limits = parse_pid_limits(kUsual);
  ASSERT_TRUE(limits);
  EXPECT_EQ(limits->open_files, 1024U);
  EXPECT_EQ(limits->data_bytes, 536870912U);
  EXPECT_EQ(limits->address_space_bytes, std::nullopt) << "unlimited is no number";
}

TEST(PidLimits, OfOpenFilesMustBeThere) {
  EXPECT_FALSE(parse_pid_limits(""));
  EXPECT_FALSE(parse_pid_limits("Max cpu time   unlimited   unlimited   seconds\n"));
}

TEST(PidLimits, AreNotReadFromACutText) {
  for (std::size_t length = 0; length < kUsual.size(); ++length) {
    const auto limits = parse_pid_limits(kUsual.substr(0, length));
    if (limits) {
      EXPECT_EQ(limits->open_files, 1024U) << "cut after " << length << " bytes";
    }
  }
}

TEST(PidLimits, RefuseWhatIsNoNumber) {
  EXPECT_FALSE(parse_pid_limits("Max open files   many   1   files\n"));
  EXPECT_FALSE(parse_pid_limits("Max open files   -1   1   files\n"));
  EXPECT_FALSE(parse_pid_limits("Max open files   18446744073709551616   1   files\n"));
}

}  // namespace
}  // namespace heapfloor
