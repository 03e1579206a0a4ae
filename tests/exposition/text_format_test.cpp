#include "agent/exposition/text_format.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <limits>
#include <set>
#include <string>
#include <vector>

namespace heapfloor {
namespace {

std::string number(double value) {
  std::string out;
  append_number(out, value);
  return out;
}

std::string label(std::string_view raw) {
  std::string out;
  append_label_value(out, raw);
  return out;
}

// The bytes that a text of \xNN stands for.
std::string bytes_of(const std::string& shown) {
  std::string out;
  for (std::size_t at = 2; at < shown.size(); at += 4) {
    out += static_cast<char>(std::stoi(shown.substr(at, 2), nullptr, 16));
  }
  return out;
}

TEST(NumberText, WritesWholeNumbersWithoutPointOrExponent) {
  EXPECT_EQ(number(0), "0");
  EXPECT_EQ(number(-0.0), "0");
  EXPECT_EQ(number(-17), "-17");
  EXPECT_EQ(number(1e15), "1000000000000000");
  EXPECT_EQ(number(9007199254740992.0), "9007199254740992");
  EXPECT_EQ(number(1e18), "1000000000000000000");
}

TEST(NumberText, WritesTheShortestTextThatReadsBack) {
  EXPECT_EQ(number(0.1 + 0.2), "0.30000000000000004");
  EXPECT_EQ(number(0.1), "0.1");
  EXPECT_EQ(number(1700000000.25), "1700000000.25");
  for (const double value : {1e300, 1e-300, 5e-324, 123456.789, -2.5e19, 1e22, 9.3e18}) {
    EXPECT_EQ(std::strtod(number(value).c_str(), nullptr), value);
  }
}

TEST(NumberText, SpellsWhatIsNotFiniteAsPrometheusDoes) {
  EXPECT_EQ(number(std::numeric_limits<double>::quiet_NaN()), "NaN");
  EXPECT_EQ(number(std::numeric_limits<double>::infinity()), "+Inf");
  EXPECT_EQ(number(-std::numeric_limits<double>::infinity()), "-Inf");
}

TEST(LabelValue, EscapesBackslashQuoteAndLineFeed) {
  EXPECT_EQ(label("a\\b\"c\nd"), "a\\\\b\\\"c\\nd");
  EXPECT_EQ(label(""), "");
  EXPECT_EQ(label("caf\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80"),
            "caf\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80");
}

TEST(VisibleName, ShowsBytesThatAreNotUtf8AndControlCharactersInHex) {
  EXPECT_EQ(visible_name("a\xFF"), "a\\xFF");
  EXPECT_EQ(visible_name("\xC3"), "\\xC3");
  EXPECT_EQ(visible_name("\xC0\x80"), "\\xC0\\x80");
  EXPECT_EQ(visible_name("\xED\xA0\x80"), "\\xED\\xA0\\x80");
  EXPECT_EQ(visible_name("\xF4\x90\x80\x80"), "\\xF4\\x90\\x80\\x80");
  EXPECT_EQ(visible_name("\xE2\x82("), "\\xE2\\x82(");
  EXPECT_EQ(visible_name(std::string_view("\x1b[2J\0\x7f", 6)), "\\x1B[2J\\x00\\x7F");
  EXPECT_EQ(visible_name("two\nlines"), "two\nlines");
}

TEST(VisibleName, ShowsInHexWhatIsInvisibleOrTurnsTextAround) {
  EXPECT_EQ(visible_name("a\xC2\x80z"), "a\\xC2\\x80z");
  EXPECT_EQ(visible_name("\xC2\x9F"), "\\xC2\\x9F");
  EXPECT_EQ(visible_name("\xD8\x9C"), "\\xD8\\x9C") << "Arabic letter mark";
  EXPECT_EQ(visible_name("\xE2\x80\x8E\xE2\x80\x8F"), "\\xE2\\x80\\x8E\\xE2\\x80\\x8F");
  EXPECT_EQ(visible_name("\xEF\xBB\xBF"), "\\xEF\\xBB\\xBF") << "byte order mark";
  for (const char* const shown : {R"(\xE2\x80\xA8)", R"(\xE2\x80\xA9)", R"(\xE2\x80\xAA)",
                                  R"(\xE2\x80\xAE)", R"(\xE2\x81\xA6)", R"(\xE2\x81\xA9)"}) {
    EXPECT_EQ(visible_name(bytes_of(shown)), shown);
  }
}

TEST(VisibleName, KeepsTheNeighboursOfWhatItEscapes) {
  for (const std::string name : {"\xC2\xA0", "\xC3\x80", "\xD8\x9B", "\xD8\x9D", "\xE2\x80\x8D",
                                 "\xE2\x80\x90", "\xE2\x80\xA7", "\xE2\x80\xAF", "\xE2\x81\xA5",
                                 "\xE2\x81\xAA", "\xEF\xBB\xBE", "\xE3\x80\xA8"}) {
    EXPECT_EQ(visible_name(name), name);
  }
}

// Every string of up to five bytes over the bytes that matter keeps a name of its own.
TEST(VisibleName, KeepsDifferentNamesDifferent) {
  const std::string bytes = "\\xF5C\xFF\xC3\xA9\n\x01";
  std::set<std::string> shown;
  std::vector<std::string> names = {""};
  for (std::size_t begin = 0, length = 0; length < 6 && names.size() < 20'000; ++length) {
    const std::size_t end = names.size();
    for (; begin < end; ++begin) {
      for (const char byte : bytes) names.push_back(names[begin] + byte);
    }
  }
  for (const std::string& name : names) shown.insert(visible_name(name));
  EXPECT_EQ(shown.size(), names.size());
}

TEST(HelpText, EscapesQuotesOnlyForOpenMetrics) {
  std::string text;
  append_help(text, "a \"b\" \\ \n", false);
  EXPECT_EQ(text, "a \"b\" \\\\ \\n");
  std::string openmetrics;
  append_help(openmetrics, "a \"b\" \\ \n", true);
  EXPECT_EQ(openmetrics, "a \\\"b\\\" \\\\ \\n");
}

}  // namespace
}  // namespace heapfloor
