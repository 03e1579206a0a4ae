#include "collectors/parse/class_histogram.h"

#include <gtest/gtest.h>

#include <string>

namespace heapfloor {
namespace {

constexpr std::string_view kText =
    " num     #instances         #bytes  class name (module)\n"
    "-------------------------------------------------------\n"
    "   1:          2909        3414160  [B (java.base@17.0.15)\n"
    "   2:           153         397680  Service$$Lambda$14/0x00007f23b4001000\n"
    "Total         12202        4250528\n";

TEST(ClassHistogram, HasTheClassesAndTheTotals) {
  const auto histogram = parse_class_histogram(kText);
  ASSERT_TRUE(histogram) << histogram.error().reason;
  EXPECT_EQ(histogram->instances, 12202U);
  EXPECT_EQ(histogram->bytes, 4250528U);
  ASSERT_EQ(histogram->classes.size(), 2U);
  EXPECT_EQ(histogram->classes[0], (ClassCount{"[B (java.base@17.0.15)", 2909, 3414160}));
  EXPECT_EQ(histogram->classes[1].name, "Service$$Lambda$14/0x00007f23b4001000");
}

TEST(ClassHistogram, OfJdk8HasNoModules) {
  const auto histogram =
      parse_class_histogram("   1:           466         41008  [C\nTotal 1 2\n");
  ASSERT_TRUE(histogram);
  EXPECT_EQ(histogram->classes.at(0).name, "[C");
}

TEST(ClassHistogram, WithoutItsEndIsMalformed) {
  const std::size_t whole = kText.rfind("425");
  for (std::size_t length = 0; length < whole; ++length)
    EXPECT_FALSE(parse_class_histogram(kText.substr(0, length))) << length;
}

TEST(ClassHistogram, ALineThatIsNoClassIsPassedOver) {
  for (const char* const line : {"x:  1  2  [B", "1:  -1  2  [B", "1:  1  [B", "1: 1 2", "",
                                 "1:  99999999999999999999  2  [B", ":"}) {
    const auto histogram = parse_class_histogram(std::string(line) + "\nTotal 0 0\n");
    ASSERT_TRUE(histogram) << line;
    EXPECT_TRUE(histogram->classes.empty()) << line;
  }
}

TEST(ClassHistogram, ANameIsKeptSoFarAndNoFurther) {
  const std::string text = "1: 1 2 " + std::string(5000, 'x') + "\nTotal 1 2\n";
  EXPECT_EQ(parse_class_histogram(text)->classes.at(0).name.size(),
            ClassHistogramBounds::kMostName);
}

}  // namespace
}  // namespace heapfloor
