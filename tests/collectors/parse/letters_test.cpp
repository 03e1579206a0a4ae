#include <gtest/gtest.h>

#include <string>

#include "collectors/parse/ascii.h"
#include "collectors/parse/utf8.h"

namespace heapfloor {
namespace {

using namespace std::string_view_literals;

TEST(LowerCase, ChangesAsciiLettersOnly) {
  EXPECT_EQ(lower_case("AZaz@[ 09"), "azaz@[ 09");
  EXPECT_EQ(lower_case("CAF\xC3\x89"), "caf\xC3\x89");
}

TEST(SameWord, LooksAtTheCaseOfAsciiLettersOnly) {
  EXPECT_TRUE(same_word("Host", "hOST"));
  EXPECT_TRUE(same_word("", ""));
  EXPECT_FALSE(same_word("host", "hosts"));
  EXPECT_FALSE(same_word("@", "`"));
  EXPECT_FALSE(same_word("\xC3\x89", "\xC3\xA9"));
}

TEST(Utf8, IsWhatUnicodeCallsWellFormed) {
  for (const auto text :
       {""sv, "a\0\n\x7F"sv, "\xC2\x80"sv, "\xDF\xBF"sv, "\xE0\xA0\x80"sv, "\xED\x9F\xBF"sv,
        "\xEE\x80\x80"sv, "\xEF\xBF\xBF"sv, "\xF0\x90\x80\x80"sv, "\xF4\x8F\xBF\xBF"sv,
        "x\xC3\xA9y\xE2\x82\xACz"sv}) {
    EXPECT_TRUE(is_utf8(text)) << text;
  }
  for (const auto text :
       {"\x80"sv, "\xBF"sv, "\xC0\x80"sv, "\xC1\xBF"sv, "\xC2"sv, "\xC2\x41"sv, "\xE0\x9F\xBF"sv,
        "\xE2\x82"sv, "\xE2\x82\x41"sv, "\xED\xA0\x80"sv, "\xF0\x8F\xBF\xBF"sv, "\xF0\x90\x80"sv,
        "\xF0\x90\x80\x41"sv, "\xF4\x90\x80\x80"sv, "\xF5\x80\x80\x80"sv, "\xFF"sv, "a\xC3"sv}) {
    EXPECT_FALSE(is_utf8(text));
  }
}

TEST(Utf8, KnowsTheLengthOfEachSequence) {
  const std::string_view text = "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\xFF";
  EXPECT_EQ(utf8_sequence_length(text, 0), 1U);
  EXPECT_EQ(utf8_sequence_length(text, 1), 2U);
  EXPECT_EQ(utf8_sequence_length(text, 2), 0U) << "the middle of one";
  EXPECT_EQ(utf8_sequence_length(text, 3), 3U);
  EXPECT_EQ(utf8_sequence_length(text, 6), 4U);
  EXPECT_EQ(utf8_sequence_length(text, 10), 0U);
}

}  // namespace
}  // namespace heapfloor
