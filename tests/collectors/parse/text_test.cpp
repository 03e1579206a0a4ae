#include "collectors/parse/text.h"

#include <gtest/gtest.h>

#include <string>

namespace heapfloor {
namespace {

TEST(Text, LinesAreCutWithOrWithoutALastLineEnd) {
  std::string_view rest = "a\n\nb";
  std::string_view line;
  ASSERT_TRUE(next_line(rest, line));
  EXPECT_EQ(line, "a");
  ASSERT_TRUE(next_line(rest, line));
  EXPECT_EQ(line, "");
  ASSERT_TRUE(next_line(rest, line));
  EXPECT_EQ(line, "b");
  EXPECT_FALSE(next_line(rest, line));
}

TEST(Text, TokensAreSeparatedByAnyRunOfBlanks) {
  std::string_view rest = " \ta  b\t";
  EXPECT_EQ(next_token(rest), "a");
  EXPECT_EQ(next_token(rest), "b");
  EXPECT_EQ(next_token(rest), "");
  EXPECT_EQ(next_token(rest), "");
}

TEST(Text, ANumberIsTheWholeTokenOrNone) {
  EXPECT_EQ(parse_unsigned("18446744073709551615"), 18446744073709551615U);
  for (const char* token : {"", "-1", "+1", " 1", "1 ", "1x", "0x1", "18446744073709551616"}) {
    EXPECT_EQ(parse_unsigned(token), std::nullopt) << token;
  }
}

TEST(Text, KilobytesAreOf1024Bytes) {
  EXPECT_EQ(parse_kilobytes("\t    1234 kB"), 1234U * 1024);
  EXPECT_EQ(parse_kilobytes("0 kB"), 0U);
}

TEST(Text, ASizeWithoutItsUnitOrBeyond63BitsIsNone) {
  for (const char* text : {"", "12", "12 MB", "12 kB more", "kB", "9007199254740992 kB"}) {
    EXPECT_EQ(parse_kilobytes(text), std::nullopt) << text;
  }
  EXPECT_EQ(parse_kilobytes("9007199254740991 kB"), 9007199254740991U * 1024);
}

TEST(Text, AnErrorQuotesAtMostEightyPrintableBytes) {
  const std::string hostile = std::string("a\n\x1b[31m\"") + std::string(200, 'x');
  const Failure refused = malformed("odd", hostile);
  const Error& error = refused.value();
  EXPECT_EQ(error.kind, ErrorKind::malformed);
  EXPECT_EQ(error.reason, "odd: \"a??[31m?" + std::string(72, 'x') + "\"");
}

}  // namespace
}  // namespace heapfloor
