#include "agent/alerts/silence_book.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace heapfloor {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr double kNow = 1.7e9;

AlertCondition alert_of(const std::string& group, const std::string& name = "HeapfloorLeak") {
  AlertCondition condition;
  condition.name = name;
  condition.scope = "process";
  condition.subject = "process:1:" + group;
  condition.group = group;
  condition.signal = "rss_anon";
  condition.severity = "warning";
  return condition;
}

Silence silence_of(Matchers matchers, double duration_seconds = 3600) {
  Silence silence;
  silence.matchers = std::move(matchers);
  silence.comment = "known";
  silence.ends_at_seconds = kNow + duration_seconds;
  return silence;
}

class SilenceBookTest : public ::testing::Test {
 protected:
  std::string add(const Silence& silence, double now = kNow) {
    return book_.add(silence, now).value();
  }
  [[nodiscard]] bool is_silenced(const AlertCondition& alert, double now = kNow) const {
    return book_.silencing(alert, now).has_value();
  }
  struct Program {
    std::string group;
    std::string build;  // empty: cannot be told
    std::string name = "main";
  };
  // A tick in which these programs are there.
  static void observe(SilenceBook& book, const std::vector<Program>& programs, double now = kNow) {
    std::vector<AlertCondition> subjects;
    for (const Program& program : programs) {
      subjects.push_back(alert_of(program.group));
      subjects.back().subject = "process:1:" + std::to_string(subjects.size());
    }
    const BuildSource build_of = [&](const std::string& subject) -> std::optional<ProgramBuild> {
      const auto found = std::ranges::find(subjects, subject, &AlertCondition::subject);
      const Program& program = programs.at(static_cast<std::size_t>(found - subjects.begin()));
      if (program.build.empty()) return std::nullopt;
      return ProgramBuild{program.name, program.build};
    };
    book.observe(subjects, build_of, now);
  }
  void observe(const std::vector<Program>& programs, double now = kNow) {
    observe(book_, programs, now);
  }
  SilenceBook book_;
};

TEST_F(SilenceBookTest, SilencesWhatAllOfItsPatternsMatch) {
  const std::string id = add(silence_of({{"group", "pay*"}, {"alertname", "Heapfloor*"}}));
  EXPECT_EQ(book_.silencing(alert_of("payments"), kNow), id);
  EXPECT_FALSE(is_silenced(alert_of("batch")));
  EXPECT_FALSE(is_silenced(alert_of("payments", "TooBig")));
}

TEST_F(SilenceBookTest, EndsAtItsTimeAndIsForgottenLater) {
  add(silence_of({{"group", "*"}}, 60));
  EXPECT_TRUE(is_silenced(alert_of("a"), kNow + 59));
  EXPECT_FALSE(is_silenced(alert_of("a"), kNow + 60));
  book_.forget_ended(kNow + 60);
  EXPECT_THAT(book_.silences(), SizeIs(1));
  book_.forget_ended(kNow + 60 + SilenceBook::kKeptSeconds);
  EXPECT_THAT(book_.silences(), IsEmpty());
}

TEST_F(SilenceBookTest, CanBeRemovedByItsId) {
  const std::string first = add(silence_of({{"group", "a"}}));
  const std::string second = add(silence_of({{"group", "b"}}));
  EXPECT_NE(first, second);
  EXPECT_TRUE(book_.remove(first));
  EXPECT_FALSE(book_.remove(first));
  EXPECT_FALSE(is_silenced(alert_of("a")));
  EXPECT_TRUE(is_silenced(alert_of("b")));
}

TEST_F(SilenceBookTest, HoldsABoundedNumber) {
  for (std::size_t i = 0; i < SilenceBook::kMost; ++i) add(silence_of({{"group", "a"}}));
  EXPECT_FALSE(book_.add(silence_of({{"group", "a"}}), kNow));
  EXPECT_TRUE(book_.add(silence_of({{"group", "a"}}), kNow + 3600 + SilenceBook::kKeptSeconds))
      << "what has ended makes room";
}

TEST_F(SilenceBookTest, EndsForAGroupWhenItsProgramIsAnotherBuild) {
  Silence silence = silence_of({{"group", "pay*"}});
  silence.until_next_build = true;
  add(silence);
  EXPECT_TRUE(book_.wants_builds(kNow));
  EXPECT_FALSE(book_.wants_builds(kNow + 3600)) << "it has ended";
  observe({{"pay-a", "1"}, {"pay-b", "1"}, {"batch", "1"}});
  EXPECT_TRUE(is_silenced(alert_of("pay-a")));
  observe({{"pay-a", "1"}, {"pay-b", "2"}, {"batch", "2"}});
  EXPECT_TRUE(is_silenced(alert_of("pay-a"))) << "restarted, not rebuilt";
  EXPECT_FALSE(is_silenced(alert_of("pay-b")));
  observe({{"pay-b", "1"}});
  EXPECT_FALSE(is_silenced(alert_of("pay-b"))) << "a roll-back does not bring it back";
  EXPECT_THAT(book_.silences()[0].builds, SizeIs(2)) << "only what it is about is followed";
}

TEST_F(SilenceBookTest, AnotherImageIsAnotherBuildAndOneThatIsLearnedLateIsNot) {
  Silence silence = silence_of({{"group", "pay*"}});
  silence.until_next_build = true;
  add(silence);
  observe({{"pay-a", "1"}, {"pay-b", "1 shop:1"}});
  observe({{"pay-a", "1 shop:1"}, {"pay-b", "1"}});
  EXPECT_TRUE(is_silenced(alert_of("pay-a")));
  EXPECT_TRUE(is_silenced(alert_of("pay-b")));
  observe({{"pay-b", "1 shop:2"}});
  EXPECT_FALSE(is_silenced(alert_of("pay-b")));
}

TEST_F(SilenceBookTest, WhatAnOlderAgentKnewOfFilesIsLearnedAnew) {
  Silence silence = silence_of({{"group", "pay"}});
  silence.until_next_build = true;
  add(silence);
  observe({{"pay", "/usr/bin/pay 801:12 4096 17000000"}, {"pay", "1", "helper"}});
  SilenceBook later;
  ASSERT_TRUE(later.load(book_.save()));
  observe(later, {{"pay", "2"}, {"pay", "1", "helper"}});
  EXPECT_TRUE(later.silencing(alert_of("pay"), kNow));
  observe(later, {{"pay", "3"}});
  EXPECT_FALSE(later.silencing(alert_of("pay"), kNow));
}

TEST_F(SilenceBookTest, OneGroupMayRunManyProgramsAndManyBuildsOfEach) {
  Silence silence = silence_of({{"group", "pay"}});
  silence.until_next_build = true;
  add(silence);
  observe({{"pay", "1"}, {"pay", "2"}, {"pay", "7", "helper"}});
  observe({{"pay", "2"}, {"pay", "1"}, {"pay", "7", "helper"}, {"pay", "9", "late"}});
  EXPECT_TRUE(is_silenced(alert_of("pay"))) << "all of it was there, or is a program of its own";
  observe({{"pay", "1"}, {"pay", "8", "helper"}});
  EXPECT_FALSE(is_silenced(alert_of("pay")));
}

TEST_F(SilenceBookTest, ASilenceThatHasEndedAsksForNoBuild) {
  Silence silence = silence_of({{"group", "pay"}});
  silence.until_next_build = true;
  add(silence);
  observe({{"pay", "1"}}, kNow + 3600);
  EXPECT_THAT(book_.silences()[0].builds, IsEmpty());
}

TEST_F(SilenceBookTest, ABuildThatCannotBeToldCountsAsUnchanged) {
  Silence silence = silence_of({{"group", "a"}});
  silence.until_next_build = true;
  add(silence);
  observe({{"a", ""}});
  EXPECT_TRUE(is_silenced(alert_of("a")));
  observe({{"a", "1"}});
  observe({{"a", ""}});
  EXPECT_TRUE(is_silenced(alert_of("a")));
}

TEST_F(SilenceBookTest, TheConfigurationReplacesItsOwnAndNoOthers) {
  const std::string asked = add(silence_of({{"group", "asked"}}));
  Silence kept = silence_of({{"group", "kept"}});
  kept.ends_at_seconds.reset();
  book_.set_configured({kept, silence_of({{"group", "dropped"}})}, kNow);
  EXPECT_TRUE(is_silenced(alert_of("dropped")));
  EXPECT_FALSE(book_.remove("configured-1")) << "it would come back with the next reload";
  book_.set_configured({kept}, kNow + 100);
  EXPECT_TRUE(is_silenced(alert_of("asked")));
  EXPECT_TRUE(is_silenced(alert_of("kept"), kNow + 1e9)) << "for as long as it stands there";
  EXPECT_FALSE(is_silenced(alert_of("dropped")));
  EXPECT_EQ(book_.silences()[1].starts_at_seconds, kNow) << "what did not change is not new";
  EXPECT_TRUE(book_.remove(asked));
}

TEST_F(SilenceBookTest, ASuccessorHasTheSameSilences) {
  Silence silence = silence_of({{"group", "pay*"}});
  silence.until_next_build = true;
  const std::string id = add(silence);
  observe({{"pay", "1"}});
  book_.set_configured({silence_of({{"group", "configured"}})}, kNow);
  SilenceBook successor;
  ASSERT_TRUE(successor.load(book_.save()));
  ASSERT_THAT(successor.silences(), SizeIs(1)) << "the configuration speaks for itself";
  EXPECT_EQ(successor.silencing(alert_of("pay"), kNow), id);
  observe(successor, {{"pay", "1"}});
  EXPECT_EQ(successor.silencing(alert_of("pay"), kNow), id);
  observe(successor, {{"pay", "2"}});
  EXPECT_FALSE(successor.silencing(alert_of("pay"), kNow));
}

TEST_F(SilenceBookTest, HasAnotherVersionWhenASuccessorWouldHaveOtherSilences) {
  std::uint64_t before = book_.version();
  const auto has_changed = [&] { return std::exchange(before, book_.version()) != before; };
  Silence silence = silence_of({{"group", "pay"}});
  silence.until_next_build = true;
  const std::string id = add(silence);
  EXPECT_TRUE(has_changed());
  observe({{"pay", "1"}});
  EXPECT_TRUE(has_changed());
  observe({{"pay", "1"}});
  static_cast<void>(is_silenced(alert_of("pay")));
  book_.forget_ended(kNow);
  EXPECT_FALSE(has_changed());
  observe({{"pay", "2"}});
  EXPECT_TRUE(has_changed());
  observe({{"pay", "2"}});
  EXPECT_FALSE(has_changed());
  EXPECT_TRUE(book_.remove(id));
  EXPECT_TRUE(has_changed());
  add(silence_of({{"group", "a"}}, 60));
  EXPECT_TRUE(has_changed());
  book_.forget_ended(kNow + 60 + SilenceBook::kKeptSeconds);
  EXPECT_TRUE(has_changed());
}

TEST_F(SilenceBookTest, DamagedBytesAreRefusedWhole) {
  for (
      const char* const bytes :
      {"", "{", "{}", "[1]", "[{}]", "[[[[", "\xff",
       R"([{"id":"x","matchers":[],"comment":"","createdBy":"","startsAt":0,"endsAt":9e9,"untilNextBuild":false,"builds":{},"rebuilt":[]}])",
       R"([{"id":"x","matchers":[["group","a"]],"comment":"","createdBy":"","startsAt":0,"endsAt":null,"untilNextBuild":false,"builds":{},"rebuilt":[]}])",
       R"([{"id":"x","matchers":[["colour","a"]],"comment":"","createdBy":"","startsAt":0,"endsAt":9e9,"untilNextBuild":false,"builds":{},"rebuilt":[]}])"}) {
    EXPECT_FALSE(book_.load(bytes)) << bytes;
  }
  EXPECT_THAT(book_.silences(), IsEmpty());
}

}  // namespace
}  // namespace heapfloor
