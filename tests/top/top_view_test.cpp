// What keys do to the screen, and the screen itself.
#include "agent/top/top_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <clocale>
#include <string>
#include <vector>

#include "agent/top/cells.h"

namespace heapfloor {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr double kNow = 1'700'000'000;
constexpr double kMiB = 1024.0 * 1024;

TopRow row(const std::string& name, const std::string& state, double value) {
  TopRow made;
  made.id = "process:" + name + "/rss_anon";
  made.scope = "process";
  made.name = made.group = name;
  made.signal = "rss_anon";
  made.state = state;
  made.value = value;
  return made;
}

class TopViewTest : public ::testing::Test {
 protected:
  TopViewTest() {
    std::setlocale(LC_CTYPE, "C.UTF-8");
    data_.url = "http://127.0.0.1:4327";
    data_.status = TopStatus{"0.1.0", kNow, 300, 29, 1, 1, 1, 540};
    TopRow leaking = row("payments", "leaking", 300 * kMiB);
    leaking.pid = 4711;
    leaking.growth = Growth{kMiB, 0.9 * kMiB, 1.1 * kMiB};
    leaking.exhaustion = Exhaustion{kNow + 7200, kNow + 3600, std::nullopt};
    leaking.since_seconds = kNow - 600;
    leaking.reason =
        "The floor rises in every one of the last nine hours, and it will go on to do so.";
    leaking.sites = {"1 MiB/h in add_user"};
    data_.suspects = {leaking, row("indexer", "suspected", 900 * kMiB),
                      row("thumbs", "recovering", 100 * kMiB)};
    for (int i = 0; i < 40; ++i)
      data_.subjects.rows.push_back(
          row("worker" + std::to_string(i), i == 0 ? "" : "stable", (40 - i) * kMiB));
    data_.subjects.total = 5230;
  }

  std::vector<std::string> texts() {
    std::vector<std::string> out;
    for (const TopLine& line : draw(view_, data_, size_)) {
      std::string text = line.text;
      text.resize(text.find_last_not_of(' ') + 1);
      out.push_back(std::move(text));
    }
    return out;
  }
  std::string screen() {
    std::string all;
    for (const std::string& text : texts()) all += text + "\n";
    return all;
  }
  // The text of the line that stands out.
  std::string selected() {
    for (const TopLine& line : draw(view_, data_, size_)) {
      if (line.style == TopStyle::selected) return line.text;
    }
    return {};
  }
  bool type(const std::string& letters) {
    bool is_over = false;
    for (const char letter : letters)
      is_over = press(view_, {TopKey::character, std::string(1, letter)}, data_, size_);
    return is_over;
  }
  void hit(TopKey key) { EXPECT_FALSE(press(view_, {key, {}}, data_, size_)); }

  TopData data_;
  TopView view_;
  TopSize size_{24, 130};
};

TEST_F(TopViewTest, ShowsTheSuspectsAsTheAgentSortsThem) {
  const auto lines = texts();
  ASSERT_EQ(lines.size(), 24U);
  EXPECT_THAT(lines[0],
              StartsWith("heapfloor 0.1.0  1 leaking, 1 suspected, 1 recovering; 300 processes"));
  EXPECT_EQ(lines[1], "[Suspects 3]  Subjects 5230   by time to the limit");
  EXPECT_THAT(lines[2], StartsWith("STATE           PID NAME"));
  EXPECT_THAT(lines[3], StartsWith("leaking        4711 payments "));
  EXPECT_THAT(lines[3], HasSubstr("300 MiB"));
  EXPECT_THAT(lines[3], HasSubstr("3.52 GiB/h"));
  EXPECT_THAT(lines[3], ::testing::EndsWith("in 2 h"));
  EXPECT_THAT(lines[4], StartsWith("suspected         - indexer "));
  EXPECT_THAT(lines[5], StartsWith("recovering        - thumbs "));
  EXPECT_THAT(lines[23], StartsWith("q quit"));
}

TEST_F(TopViewTest, NoLineIsWiderThanTheScreenHoweverSmallThatIs) {
  data_.suspects[0].name = "\u65e5\u672c\u8a9e\u306e\u540d\u524d and more";
  for (const bool is_detail : {false, true}) {
    for (std::size_t columns = 1; columns < 140; columns += 3) {
      for (const std::size_t rows : {1U, 2U, 3U, 5U, 30U}) {
        view_ = {};
        view_.is_detail = is_detail;
        if (is_detail) view_.selected = data_.suspects[0].id;
        size_ = {rows, columns};
        const auto lines = draw(view_, data_, size_);
        EXPECT_LE(lines.size(), rows);
        for (const TopLine& line : lines)
          EXPECT_LE(cells_of(line.text), std::max<std::size_t>(columns, 4)) << line.text;
      }
    }
  }
}

TEST_F(TopViewTest, ANarrowScreenKeepsWhatMattersMost) {
  size_.columns = 60;
  EXPECT_EQ(texts()[2], "STATE      NAME                         VALUE         GROWTH");
  size_.columns = 100;
  EXPECT_THAT(texts()[2], HasSubstr("TO LIMIT"));
  EXPECT_THAT(texts()[2], Not(HasSubstr("FLOOR")));
}

TEST_F(TopViewTest, TabShowsTheOtherListAndBack) {
  hit(TopKey::tab);
  EXPECT_EQ(texts()[1], " Suspects 3  [Subjects 5230]  by value  40 of them");
  EXPECT_THAT(selected(), HasSubstr("worker0 "));
  hit(TopKey::tab);
  EXPECT_THAT(selected(), HasSubstr("payments"));
}

TEST_F(TopViewTest, TheSelectionMovesAndStaysInSight) {
  hit(TopKey::tab);
  for (int i = 0; i < 25; ++i) hit(TopKey::down);
  EXPECT_THAT(selected(), HasSubstr("worker25 "));
  hit(TopKey::page_up);
  EXPECT_THAT(selected(), HasSubstr("worker5 "));
  hit(TopKey::end);
  EXPECT_THAT(selected(), HasSubstr("worker39 "));
  hit(TopKey::page_down);
  hit(TopKey::down);
  EXPECT_THAT(selected(), HasSubstr("worker39 "));
  hit(TopKey::home);
  hit(TopKey::up);
  EXPECT_THAT(selected(), HasSubstr("worker0 "));
}

TEST_F(TopViewTest, TheSelectionFollowsItsRowWhereTheOrderChanges) {
  hit(TopKey::down);
  std::swap(data_.suspects[0], data_.suspects[1]);
  EXPECT_THAT(selected(), HasSubstr("indexer"));
  data_.suspects.erase(data_.suspects.begin());
  EXPECT_THAT(selected(), HasSubstr("payments")) << "it is gone";
}

TEST_F(TopViewTest, AShrunkenScreenStillShowsTheSelection) {
  hit(TopKey::tab);
  hit(TopKey::end);
  static_cast<void>(draw(view_, data_, size_));
  size_ = {8, 80};
  EXPECT_THAT(selected(), HasSubstr("worker39 "));
  size_ = {200, 80};
  EXPECT_THAT(screen(), HasSubstr("worker0 ")) << "there is room for all";
}

TEST_F(TopViewTest, SortKeysSortAndReverse) {
  type("v");
  EXPECT_THAT(selected(), HasSubstr("indexer"));
  type("v");
  EXPECT_THAT(selected(), HasSubstr("thumbs"));
  EXPECT_THAT(texts()[1], HasSubstr("by value, reversed"));
  type("n");
  EXPECT_THAT(selected(), HasSubstr("indexer"));
  type("g");
  EXPECT_THAT(selected(), HasSubstr("payments")) << "the others have no growth that is known";
  type("g");
  EXPECT_THAT(selected(), HasSubstr("payments"));
}

TEST_F(TopViewTest, TheAgentSortsAndSearchesTheSubjects) {
  EXPECT_EQ(view_.query.path(), "/api/v1/subjects?limit=1000&sort=value");
  hit(TopKey::tab);
  type("v");
  EXPECT_EQ(view_.query.path(), "/api/v1/subjects?limit=1000&sort=value&order=asc");
  type("t");
  EXPECT_EQ(view_.query.path(), "/api/v1/subjects?limit=1000&sort=exhaustion");
  type("t");
  EXPECT_EQ(view_.query.path(), "/api/v1/subjects?limit=1000&sort=exhaustion&order=desc");
  type("/a&b");
  EXPECT_EQ(view_.query.path(),
            "/api/v1/subjects?limit=1000&sort=exhaustion&order=desc&search=a%26b");
}

TEST_F(TopViewTest, ASearchIsTypedAndTakenBack) {
  EXPECT_FALSE(type("/thuq")) << "q is a letter there";
  EXPECT_THAT(texts().back(), StartsWith("/thuq_"));
  hit(TopKey::backspace);
  hit(TopKey::enter);
  EXPECT_THAT(texts()[1], HasSubstr("with \"thu\"  1 of them"));
  EXPECT_THAT(selected(), HasSubstr("thumbs"));
  EXPECT_TRUE(type("q"));
  hit(TopKey::escape);
  EXPECT_THAT(selected(), HasSubstr("payments"));
}

TEST_F(TopViewTest, BackspaceTakesAWholeCharacter) {
  type("/");
  static_cast<void>(press(view_, {TopKey::character, "\u00e9"}, data_, size_));
  static_cast<void>(press(view_, {TopKey::character, "\u65e5"}, data_, size_));
  hit(TopKey::backspace);
  EXPECT_EQ(view_.query.search, "\u00e9");
  hit(TopKey::backspace);
  hit(TopKey::backspace);
  EXPECT_EQ(view_.query.search, "");
}

TEST_F(TopViewTest, ASearchHasALongestLength) {
  type("/" + std::string(500, 'x'));
  EXPECT_EQ(view_.query.search.size(), 80U);
}

TEST_F(TopViewTest, EnterShowsOneSuspectWithItsReasonsAndEscapeGoesBack) {
  size_.columns = 60;
  hit(TopKey::enter);
  const std::string shown = screen();
  EXPECT_THAT(shown, HasSubstr("id           process:payments/rss_anon"));
  EXPECT_THAT(shown, HasSubstr("state        leaking since 2023-11-14 22:03:20 (10 min)"));
  EXPECT_THAT(shown, HasSubstr("- The floor rises in every one of the last nine hours, and\n"
                               "  it will go on to do so.\n"));
  EXPECT_THAT(shown, HasSubstr("- 1 MiB/h in add_user\n"));
  hit(TopKey::escape);
  EXPECT_THAT(screen(), HasSubstr("indexer"));
}

TEST_F(TopViewTest, ADetailScrollsToItsEndAndNotFurther) {
  size_ = {10, 60};
  hit(TopKey::enter);
  hit(TopKey::end);
  EXPECT_THAT(screen(), HasSubstr("- 1 MiB/h in add_user\n"));
  const std::string end = screen();
  hit(TopKey::down);
  EXPECT_EQ(screen(), end);
  hit(TopKey::home);
  EXPECT_THAT(screen(), HasSubstr("payments\n"));
}

TEST_F(TopViewTest, WhatIsGoneIsNotShownAsADetailAnyMore) {
  hit(TopKey::enter);
  data_.suspects.erase(data_.suspects.begin());
  EXPECT_THAT(screen(), HasSubstr("indexer"));
  EXPECT_FALSE(view_.is_detail);
}

TEST_F(TopViewTest, AnEmptyListSaysWhyAndHasNoDetail) {
  data_.suspects.clear();
  EXPECT_THAT(screen(), HasSubstr("nothing is suspected; a first verdict takes 9 min"));
  hit(TopKey::enter);
  hit(TopKey::down);
  EXPECT_FALSE(view_.is_detail);
  data_.status->watched = 0;
  EXPECT_THAT(screen(), HasSubstr("nothing is watched yet"));
  data_ = {};
  EXPECT_THAT(screen(), HasSubstr("asking the agent ..."));
}

TEST_F(TopViewTest, AnAgentThatDoesNotAnswerIsSaidBesideWhatItSaidBefore) {
  data_.error = "http://127.0.0.1:4327: Connection refused";
  EXPECT_EQ(texts().back(), data_.error);
  EXPECT_THAT(screen(), HasSubstr("payments"));
}

TEST_F(TopViewTest, StatesHaveStyles) {
  hit(TopKey::end);
  const auto lines = draw(view_, data_, size_);
  EXPECT_EQ(lines[3].style, TopStyle::leaking);
  EXPECT_EQ(lines[4].style, TopStyle::suspected);
  EXPECT_EQ(lines[5].style, TopStyle::selected);
}

TEST_F(TopViewTest, ASnapshotHasBothListsWithoutCuttingAName) {
  data_.suspects[0].name = std::string(70, 'n');
  const std::string text = snapshot_text(data_, 2);
  EXPECT_THAT(text, HasSubstr("\nSuspects 3\nSTATE "));
  EXPECT_THAT(text, HasSubstr(std::string(70, 'n')));
  EXPECT_THAT(text, HasSubstr("\nSubjects 5230, the largest 2\n"));
  EXPECT_THAT(text, HasSubstr("worker1"));
  EXPECT_THAT(text, Not(HasSubstr("worker2")));
  EXPECT_THAT(text, Not(HasSubstr(" \n")));
}

}  // namespace
}  // namespace heapfloor
