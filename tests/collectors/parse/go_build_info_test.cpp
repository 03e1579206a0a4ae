#include "collectors/parse/go_build_info.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/go_writer.h"

namespace heapfloor {
namespace {

using testing::GoFileWriter;

TEST(GoBuildInfo, TellsTheVersion) {
  EXPECT_EQ(parse_go_build_info(GoFileWriter::build_info("go1.19.8")).value_or(""), "go1.19.8");
}

TEST(GoBuildInfo, OfAGoBefore118IsNotRead) {
  std::string info = GoFileWriter::build_info("go1.17");
  info[15] = 0;  // pointers in the place of texts
  const auto version = parse_go_build_info(info);
  ASSERT_FALSE(version);
  EXPECT_EQ(version.error().kind, ErrorKind::unavailable);
}

TEST(GoBuildInfo, ThatIsCutIsMalformed) {
  const std::string info = GoFileWriter::build_info("go1.19.8");
  for (std::size_t length = 0; length < info.size(); ++length) {
    const auto version = parse_go_build_info(info.substr(0, length));
    ASSERT_FALSE(version) << length;
    EXPECT_EQ(version.error().kind, ErrorKind::malformed) << length;
  }
}

TEST(GoVersion, IsOfAReleaseOrOfNone) {
  EXPECT_EQ(released_go_minor("go1.19.8"), 19U);
  EXPECT_EQ(released_go_minor("go1.19"), 19U);
  for (const char* const other : {"go1.21rc2", "devel go1.23-3e5f6b2", "go1.19.8 X:boringcrypto",
                                  "go2.1", "go1.", "go1.99999999", ""}) {
    EXPECT_EQ(released_go_minor(other), std::nullopt) << other;
  }
}

}  // namespace
}  // namespace heapfloor
