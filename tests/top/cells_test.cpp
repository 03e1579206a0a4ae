#include "agent/top/cells.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <clocale>

namespace heapfloor {
namespace {

using ::testing::ElementsAre;

class CellsTest : public ::testing::Test {
 protected:
  CellsTest() { std::setlocale(LC_CTYPE, "C.UTF-8"); }
};

TEST_F(CellsTest, WideCharactersTakeTwoCellsAndAccentsNone) {
  EXPECT_EQ(cells_of("abc"), 3U);
  EXPECT_EQ(cells_of("caf\u00e9"), 4U);
  EXPECT_EQ(cells_of("cafe\u0301"), 4U);
  EXPECT_EQ(cells_of("\u65e5\u672c"), 4U);
  EXPECT_EQ(cells_of(""), 0U);
}

TEST_F(CellsTest, WhatIsNoCharacterIsOneQuestionMark) {
  EXPECT_EQ(fit_left("a\xff\xfe"
                     "b",
                     6),
            "a??b  ");
  EXPECT_EQ(fit_left("\x1b[31m", 5), "?[31m");
  EXPECT_EQ(fit_left(std::string_view("a\0b", 3), 3), "a?b");
  EXPECT_EQ(fit_left("\xe6\x97", 3), "?? ") << "half a character";
}

TEST_F(CellsTest, FittedTextIsExactlySoWide) {
  for (const char* const text : {"", "a", "exactly_ten", "\u65e5\u672c\u65e5\u672c\u65e5\u672c",
                                 "cafe\u0301 cafe\u0301 cafe\u0301", "\xff\xff\xff"}) {
    for (std::size_t width = 0; width < 14; ++width) {
      EXPECT_EQ(cells_of(fit_left(text, width)), width) << text;
      EXPECT_EQ(cells_of(fit_right(text, width)), width) << text;
    }
  }
}

TEST_F(CellsTest, WhatIsCutSaysSo) {
  EXPECT_EQ(fit_left("payments", 8), "payments");
  EXPECT_EQ(fit_left("payments", 7), "paymen~");
  EXPECT_EQ(fit_right("payments", 10), "  payments");
  EXPECT_EQ(fit_left("\u65e5\u672c\u65e5", 4), "\u65e5~ ") << "half of a wide one does not fit";
}

TEST_F(CellsTest, LinesBreakAtSpacesWhereThereAreSome) {
  EXPECT_THAT(wrap("the floor rises", 9), ElementsAre("the floor", "rises"));
  EXPECT_THAT(wrap("the floor rises", 8), ElementsAre("the", "floor", "rises"));
  EXPECT_THAT(wrap("abcdefgh", 3), ElementsAre("abc", "def", "gh"));
  EXPECT_THAT(wrap("", 3), ElementsAre(""));
  EXPECT_THAT(wrap("\u65e5\u672c", 0), ElementsAre("\u65e5", "\u672c"));
}

}  // namespace
}  // namespace heapfloor
