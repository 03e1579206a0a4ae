#include "agent/http/url.h"

#include <gtest/gtest.h>

namespace heapfloor {
namespace {

TEST(PercentDecode, UndoesEscapesOnce) {
  EXPECT_EQ(percent_decode("a%2Fb%2fc"), "a/b/c");
  EXPECT_EQ(percent_decode("%2541"), "%41");
  EXPECT_EQ(percent_decode("+"), "+");
  EXPECT_EQ(percent_decode(""), "");
  EXPECT_EQ(percent_decode("%C3%A9%E2%82%AC%F0%9F%98%80"), "\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80");
}

TEST(PercentDecode, RefusesCutEscapesControlCharactersAndBrokenUtf8) {
  for (const char* const text :
       {"%",         "%4",        "a%",           "%G0",          "%0g",
        "%00",       "%0A",       "%7f",          "\x01",         "%80",
        "%C3",       "%C3%28",    "%C0%80",       "%C1%BF",       "%E0%80%80",
        "%E0%9F%BF", "%ED%A0%80", "%F0%80%80%80", "%F4%90%80%80", "%F8%88%80%80%80",
        "%FF",       "a%E2%82"}) {
    EXPECT_EQ(percent_decode(text), std::nullopt) << text;
  }
}

TEST(PercentDecode, AcceptsTheFirstAndLastCharacterOfEachLength) {
  for (const char* const text : {"%20", "%7E", "%C2%80", "%DF%BF", "%E0%A0%80", "%ED%9F%BF",
                                 "%EE%80%80", "%EF%BF%BF", "%F0%90%80%80", "%F4%8F%BF%BF"}) {
    EXPECT_TRUE(percent_decode(text).has_value()) << text;
  }
}

TEST(ParseQuery, KeepsOrderRepetitionsAndEmptyValues) {
  const QueryParameters expected = {{"a", "1"}, {"b", ""}, {"a", "x y"}, {"c", "="}};
  EXPECT_EQ(parse_query("a=1&b&&a=x+y&c=%3D"), expected);
  EXPECT_EQ(parse_query(""), QueryParameters{});
  EXPECT_EQ(parse_query("a=%zz"), std::nullopt);
  EXPECT_EQ(parse_query("%zz=a"), std::nullopt);
}

TEST(PercentEncode, LeavesNothingThatMeansSomethingInAQuery) {
  EXPECT_EQ(percent_encode("aZ09-._~"), "aZ09-._~");
  EXPECT_EQ(percent_encode("a b&c=d+e%f/\xC3\xA9"), "a%20b%26c%3Dd%2Be%25f%2F%C3%A9");
}

}  // namespace
}  // namespace heapfloor
