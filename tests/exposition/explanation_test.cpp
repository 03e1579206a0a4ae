#include "agent/exposition/explanation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/exposition/rich_snapshot.h"

namespace heapfloor {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr double kMiB = 1024.0 * 1024.0;
constexpr double kHour = 3600;

class Explanation : public ::testing::Test {
 protected:
  Explanation() {
    snapshot_.time_seconds = 100 * kHour;
    snapshot_.wall_offset_seconds = 1'700'000'000;
    watch_.subject = "process:4711:100";
    watch_.scope = "process";
    watch_.signal = "rss_anon";
    watch_.name = "payments";
    watch_.process = {4711, 100};
    watch_.state = LeakState::leaking;
    watch_.state_since_seconds = 98 * kHour;
    watch_.limit_source = "cgroup";
    Verdict& verdict = watch_.verdict;
    verdict.evidence = Evidence::confirmed;
    verdict.floors = 48;
    verdict.rising_floors = 12;
    verdict.confidence = 1;
    verdict.window_start_seconds = 96 * kHour;
    verdict.window_end_seconds = 100 * kHour;
    verdict.growth = {100 * kMiB / kHour, 90 * kMiB / kHour, 110 * kMiB / kHour};
    verdict.line_time_seconds = 100 * kHour;
    verdict.line_value = 1000 * kMiB;
    verdict.floor = 1000 * kMiB;
    verdict.limit = 2000 * kMiB;
    verdict.exhaustion = Exhaustion{110 * kHour, 109 * kHour, 111.5 * kHour};
  }
  void pass(Gate gate) {
    watch_.verdict.gates.at(static_cast<std::size_t>(gate)).outcome = GateOutcome::passed;
  }
  [[nodiscard]] std::string text(const std::optional<ExplainedSite>& site = {}) const {
    return explanation(snapshot_, watch_, {site, ""});
  }

  Snapshot snapshot_;
  WatchRow watch_;
};

TEST_F(Explanation, SaysWhatGrewSinceWhenHowSureThatIsAndWhenItEnds) {
  EXPECT_EQ(
      text(),
      "The floor of the resident anonymous memory of payments (pid 4711) rose from 600 to "
      "1000 MiB since 2023-11-18 22:13 UTC (4 h 0 min), by 105 MB/h (94.4 to 115). "
      "It is called leaking since 2023-11-19 00:13 UTC: confirmed over 48 floors, the last "
      "12 each above the one before, at a confidence of 99.9 %. At this pace it reaches the "
      "limit of 1.95 GiB (cgroup) at 2023-11-19 12:13 UTC, in 10 h 0 min (11:13 to 13:43). Next: "
      "start it by `heapfloor run -- PROGRAM` to learn "
      "which allocation sites and structures grow.");
}

TEST_F(Explanation, OfASuspectSaysWhatItsConfirmationWaitsFor) {
  watch_.state = LeakState::suspected;
  watch_.verdict.evidence = Evidence::held;
  watch_.verdict.deciding_gate = Gate::patience;
  watch_.verdict.evidence_needed_seconds = 6 * kHour;
  watch_.verdict.evidence_seconds = 4 * kHour;
  EXPECT_THAT(text(), HasSubstr("It is suspected since 2023-11-19 00:13 UTC, over 48 floors, the "
                                "last 12 each above the one before; not confirmed: it has to go on "
                                "for 2 h more (patience)."));
}

TEST_F(Explanation, RulesOutOnlyWhatTheNumbersRuleOut) {
  EXPECT_THAT(text(), Not(HasSubstr("It is not")));
  pass(Gate::still_growing);
  pass(Gate::shape);
  EXPECT_THAT(text(), HasSubstr("It is not a warm-up that levels off."));
  pass(Gate::season);
  GrowthCauses causes;
  causes.live_growth = 0.97;
  causes.allocator_retention = 0.03;
  causes.is_live_known = true;
  watch_.causes = causes;
  EXPECT_THAT(text(),
              HasSubstr("It is not a warm-up that levels off, nor the rise of a day, nor the "
                        "cache of files, nor freed memory that the allocator keeps."));
  causes = GrowthCauses();
  causes.file_cache = 0.3;
  causes.unattributed = 0.7;
  watch_.causes = causes;
  EXPECT_THAT(text(),
              AllOf(HasSubstr("It is not a warm-up that levels off, nor the rise of a day."),
                    HasSubstr("Whether the program holds this memory, or its allocator "
                              "keeps what was freed, cannot be told from outside.")));
}

TEST_F(Explanation, NamesTheStructureAndTheSiteThatGrow) {
  watch_.structures = {{"user_cache", "grow", "", "", 80 * kMiB / kHour, 0.81}};
  const ExplainedSite site = {"shop::AddUser(User)", "/build/shop/cache.cpp", 88, 60 * kMiB / kHour,
                              0.6};
  EXPECT_THAT(text(site), AllOf(HasSubstr("The structure user_cache has 81 % of the growth (83.9 "
                                          "MB/h), in its phase grow."),
                                HasSubstr("60 % of the growth is allocated by shop::AddUser(User) "
                                          "(cache.cpp:88) (62.9 MB/h)."),
                                HasSubstr("Next: look at what is put into user_cache")));
  watch_.structures.clear();
  EXPECT_THAT(text(site), HasSubstr("Next: compare the heap profile with an earlier one"));
}

TEST_F(Explanation, OfAGoProgramSaysWhatKindOfGrowthItsSitesAre) {
  const std::string words =
      "63 % of the growth is a map that grows, filled by main.hold (a.go:64): 41 MiB/h.";
  EXPECT_THAT(
      explanation(snapshot_, watch_, {ExplainedSite{"main.hold", "a.go", 64, 1, 0.63}, words}),
      AllOf(HasSubstr(" " + words + " "), Not(HasSubstr("is allocated by"))));
}

TEST_F(Explanation, OfRetentionSaysThatThereIsNoLeakToLookFor) {
  watch_.state = LeakState::suspected;
  watch_.is_retention = true;
  EXPECT_THAT(text(), AllOf(HasSubstr("what the program holds is level, its allocator keeps what "
                                      "was freed."),
                            HasSubstr("there is no leak to look for.")));
}

TEST_F(Explanation, OfWhatRecoversOrHasEndedPredictsNothing) {
  watch_.state = LeakState::recovering;
  watch_.revocation = "plateau";
  EXPECT_THAT(text(), AllOf(HasSubstr("had risen from"),
                            HasSubstr("is recovering since 2023-11-19 00:13 UTC after a plateau."),
                            Not(HasSubstr("At this pace")), Not(HasSubstr("Next:"))));
  watch_.state = LeakState::leaking;
  watch_.ended_seconds = 99 * kHour;
  EXPECT_THAT(text(), AllOf(HasSubstr("It has ended at 2023-11-19 01:13 UTC."),
                            Not(HasSubstr("At this pace"))));
}

TEST_F(Explanation, TellsWhereToLookByWhatGrows) {
  watch_.signal = "file_descriptors";
  EXPECT_THAT(text(), HasSubstr("Next: see what stays open (ls -l /proc/4711/fd)."));
  watch_.scope = "structure";
  watch_.signal = "structure_bytes";
  EXPECT_THAT(text(), HasSubstr("Next: look at what is put into it and never taken out."));
  watch_.scope = "process";
  watch_.signal = "rss_anon";
  GrowthCauses causes;
  causes.thread_stacks = 0.9;
  watch_.causes = causes;
  EXPECT_THAT(text(), HasSubstr("(ls /proc/4711/task, their comm)."));
  causes = GrowthCauses();
  causes.shared_memory = 0.9;
  watch_.causes = causes;
  EXPECT_THAT(text(), HasSubstr("which files in /dev/shm"));
  watch_.causes.reset();
  watch_.runtime = "JVM";
  EXPECT_THAT(text(), HasSubstr("`heapfloor histogram --pid 4711`"));
}

TEST_F(Explanation, WritesNamesOfTargetsAsTheApiDoes) {
  watch_.name = "bad\xFF\nname";
  EXPECT_THAT(text(), StartsWith("The floor of the resident anonymous memory of bad\\xFF name"));
  EXPECT_THAT(text(), Not(HasSubstr("\n")));
}

TEST_F(Explanation, SurvivesAnyNumbers) {
  Verdict& verdict = watch_.verdict;
  const double infinite = std::numeric_limits<double>::infinity();
  verdict.exhaustion = Exhaustion{infinite, -infinite, std::nullopt};
  verdict.window_start_seconds = -infinite;
  verdict.confidence = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THAT(text(), StartsWith("The floor of the resident anonymous memory of payments"));
}

TEST_F(Explanation, WhereTheGoroutinesOfALeakWaitIsSaid) {
  watch_.runtime = "Go runtime";
  watch_.goroutines = GoroutineGrowth{12, 12'412, 24 * kMiB, 0.9, std::nullopt};
  EXPECT_THAT(text(), HasSubstr("Next: see where the new goroutines wait"));
  GoroutineWaits& waits = watch_.goroutines->waits.emplace();
  waits.goroutines = waits.seen = 12'412;
  waits.waits = {{{"main.consume", "/src/service.go", 33}, {}, "chan receive", 12'400}};
  EXPECT_THAT(text(), HasSubstr("Its goroutines rose from 12 to 12412 meanwhile; their stacks are "
                                "90 % of the growth. 12,400 of 12,412 goroutines wait in "
                                "main.consume (service.go:33) for a channel receive."));
  EXPECT_THAT(text(), HasSubstr("Next: see why what these goroutines wait for never comes"));
}

}  // namespace
}  // namespace heapfloor
