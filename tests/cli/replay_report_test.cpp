#include "agent/cli/replay_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>

#include <array>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>

#include "agent/cli/replay_pool.h"
#include "tests/cli/replay_samples.h"

namespace heapfloor {
namespace {

// U+202E, which turns the order of what follows.
const std::string kRightToLeft = {'\xE2', '\x80', '\xAE'};

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

std::string file_text(const std::string& path) {
  std::ifstream file(std::string(HEAPFLOOR_SOURCE_DIR) + path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

ReplaySummary charted(const std::string& name, const ReplaySeries& series) {
  ReplaySettings settings;
  settings.charts = true;
  return replay_series(name, series, {}, settings);
}

std::string report_of(const std::vector<ReplaySummary>& series,
                      const std::vector<Error>& unread = {}) {
  return replay_report({series, unread, "1.2.3"});
}

std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
    ++count;
  return count;
}

TEST(ReplayReport, IsTheGoldenPage) {
  constexpr int kSpacingMinutes = 30;
  const std::string page =
      report_of({charted("recordings/api.csv", leaking_series(96, kSpacingMinutes)),
                 charted("recordings/web.csv", level_series(96, kSpacingMinutes))},
                {{ErrorKind::malformed, "recordings/bad.csv:7", "value is not a number"}});
  const std::string path = std::string(HEAPFLOOR_SOURCE_DIR) + "/tests/golden/replay_report.html";
  if (std::getenv("HEAPFLOOR_UPDATE_GOLDEN") != nullptr) {
    std::ofstream(path, std::ios::binary) << page;
    return;
  }
  EXPECT_EQ(page, file_text("/tests/golden/replay_report.html"))
      << "HEAPFLOOR_UPDATE_GOLDEN=1 writes " << path;
}

TEST(ReplayReport, ShowsSuspectsOpenAndTheOthersFolded) {
  const std::string page =
      report_of({charted("leak", leaking_series()), charted("level", level_series())});
  EXPECT_THAT(page, HasSubstr("<article class=\"card\" id=\"s0\" data-state=\"leaking\">"));
  EXPECT_THAT(page, HasSubstr("<details class=\"card\" id=\"s1\">"));
  EXPECT_THAT(page, AllOf(HasSubstr("href=\"#s0\""), HasSubstr("href=\"#s1\"")));
  EXPECT_EQ(count_of(page, "class=\"chart-svg\""), 2U);
  EXPECT_EQ(count_of(page, "<tr data-outcome="), 2 * kGates);
  EXPECT_THAT(page, HasSubstr("<h1>1 of 2 series leaks</h1>"));
}

TEST(ReplayReport, WritesWhatOthersNamedAsText) {
  const std::string hostile = "x\"><script>alert('1')</script>&\n\x1b\xff" + kRightToLeft;
  const std::string page = report_of({charted(hostile, leaking_series())},
                                     {{ErrorKind::malformed, hostile, "<img src=x onerror=y>"}});
  EXPECT_THAT(page, Not(HasSubstr("<script")));
  EXPECT_THAT(page, Not(HasSubstr("<img")));
  EXPECT_THAT(page, Not(HasSubstr(kRightToLeft)));
  EXPECT_THAT(
      page,
      HasSubstr("x&quot;&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;\\n\\x1B\\xFF"));
  EXPECT_THAT(page, HasSubstr("&lt;img src=x onerror=y&gt;"));
}

TEST(ReplayReport, AsksForNothingElse) {
  const std::string page = report_of({charted("leak", leaking_series())});
  EXPECT_THAT(page, HasSubstr("content=\"default-src 'none'; style-src 'sha256-"));
  for (const std::string_view forbidden : {"http://", "https://", "url(", "@import", "<script",
                                           "style=\"", "onload", "javascript:", "src="}) {
    EXPECT_THAT(page, Not(HasSubstr(std::string(forbidden)))) << forbidden;
  }
}

TEST(ReplayReport, AdmitsItsOwnStyleByItsHash) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> hash = {};
  unsigned length = 0;
  const std::string_view style = report_style();
  ASSERT_EQ(EVP_Digest(style.data(), style.size(), hash.data(), &length, EVP_sha256(), nullptr), 1);
  std::array<unsigned char, 64> base64 = {};
  EVP_EncodeBlock(base64.data(), hash.data(), static_cast<int>(length));
  EXPECT_EQ(report_style_sha256(), reinterpret_cast<const char*>(base64.data()));
  EXPECT_THAT(report_of({}), HasSubstr("<style>" + std::string(style) + "</style>"));
}

// NAME: VALUE of each custom property, light ones first.
std::multimap<std::string, std::string> colours_of(const std::string& style) {
  std::multimap<std::string, std::string> found;
  const std::regex property(R"((--[a-z-]+): (#[0-9a-f]+);)");
  for (std::sregex_iterator it(style.begin(), style.end(), property), end; it != end; ++it)
    found.emplace((*it)[1], (*it)[2]);
  return found;
}

TEST(ReplayReport, HasTheColoursOfTheWebPage) {
  const auto page = colours_of(file_text("/agent/web/src/style.css"));
  const auto report = colours_of(std::string(report_style()));
  EXPECT_EQ(page, report);
  EXPECT_FALSE(report.empty());
}

TEST(ReplayReport, HasTheGatesInTheWordsOfTheWebPage) {
  const std::string page = file_text("/agent/web/src/views/detail_panels.ts");
  for (std::size_t i = 0; i < kGates; ++i) {
    const auto gate = static_cast<Gate>(i);
    EXPECT_THAT(page, HasSubstr(std::string(gate_name(gate)) + ": '" +
                                std::string(gate_words(gate)) + "'"));
  }
}

TEST(ReplayReport, SaysHowManySeriesHaveNoChart) {
  std::vector<ReplaySummary> series;
  for (int i = 0; i < 5; ++i) series.push_back(charted("level", level_series(2)));
  series.push_back(charted("leak", leaking_series()));
  keep_urgent_charts(series, 2);
  std::ranges::stable_sort(series, is_more_urgent);
  const std::string page = report_of(series);
  EXPECT_EQ(count_of(page, "class=\"chart-svg\""), 2U);
  EXPECT_THAT(page,
              HasSubstr("Charts are of the 2 most urgent series; 4 more are in the table only."));
  EXPECT_THAT(page, HasSubstr("data-state=\"leaking\"")) << "the most urgent keeps its chart";
}

TEST(ReplayReport, TakesNoSeriesAndASeriesWithoutReadings) {
  EXPECT_THAT(report_of({}), AllOf(HasSubstr("No leak found"), HasSubstr("</html>\n")));
  EXPECT_THAT(report_of({charted("", {})}),
              AllOf(HasSubstr("(no name)"), HasSubstr("No readings")));
}

}  // namespace
}  // namespace heapfloor
