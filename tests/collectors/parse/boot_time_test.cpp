#include "collectors/parse/boot_time.h"

#include <gtest/gtest.h>

namespace heapfloor {
namespace {

TEST(BootTime, IsReadFromItsLine) {
  const auto seconds = parse_boot_time("cpu  1 2 3\nintr 5 0 0\nbtime 1700000000\nprocesses 9\n");
  ASSERT_TRUE(seconds);
  EXPECT_EQ(*seconds, 1700000000U);
}

TEST(BootTime, ATextWithoutTheLineIsMalformed) {
  EXPECT_FALSE(parse_boot_time(""));
  EXPECT_FALSE(parse_boot_time("cpu 1\nxbtime 5\n"));
}

TEST(BootTime, ALineThatIsNoTimeIsMalformed) {
  const auto seconds = parse_boot_time("btime soon\n");
  ASSERT_FALSE(seconds);
  EXPECT_EQ(seconds.error().kind, ErrorKind::malformed);
  EXPECT_NE(seconds.error().reason.find("btime soon"), std::string::npos);
}

}  // namespace
}  // namespace heapfloor
