#include "agent/alerts/build_comparison.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace heapfloor {
namespace {

constexpr double kHour = 3600;
constexpr double kNow = 1.7e9;

SharedBuild build(const std::string& id, const std::string& version = "") {
  return std::make_shared<const BuildIdentity>(BuildIdentity{BuildKind::gnu, "app", id, version});
}

const FloorCourse kLevel{FloorMove::level, 2 * kHour, {0, -1, 1}};
const FloorCourse kRise{FloorMove::rising, kHour, {58'888.9, 50'000, 60'000}};  // 212 MB/h

// A run that began and ended so many hours ago.
BuildRun run(const SharedBuild& of, double began, double ended, const FloorCourse& course) {
  return {of, kNow - began * kHour, kNow - ended * kHour, course};
}

std::string say(const std::vector<BuildRun>& earlier, const BuildRun& present) {
  const auto comparison = compare_builds(earlier, present);
  return comparison ? say_builds(*comparison, Signal::rss_anon, kNow) : "nothing";
}

TEST(BuildComparisonTest, SaysSinceWhichBuildItGrowsAndThatTheOneBeforeDidNot) {
  EXPECT_EQ(
      say({run(build("w"), 9, 3, kLevel)}, run(build("x"), 3, 0, kRise)),
      "since build x, 3 h 0 min ago: +212 MB/h; build w before it: level (seen for 2 h 0 min)");
}

TEST(BuildComparisonTest, ABuildRunsSinceItsFirstRunBehindAnother) {
  const SharedBuild x = build("x");
  const auto comparison = compare_builds(
      std::vector{run(build("w"), 9, 6, kLevel), run(x, 6, 5, kRise), run(x, 5, 2, kRise)},
      run(x, 2, 0, kRise));
  ASSERT_TRUE(comparison && comparison->before);
  EXPECT_EQ(comparison->now.runs, 3U);
  EXPECT_EQ(comparison->now.since_seconds, kNow - 6 * kHour);
  EXPECT_EQ(comparison->now.run_seconds, 6 * kHour);
  EXPECT_EQ(comparison->before->runs, 1U);
  EXPECT_FALSE(comparison->is_rollback);
}

TEST(BuildComparisonTest, WhatRanTooShortlyIsNotKnown) {
  const FloorCourse none{FloorMove::unknown, 120, {}};
  EXPECT_EQ(say({run(build("w"), 3 + 4.0 / 60, 3, none)}, run(build("x"), 3, 0, kRise)),
            "since build x, 3 h 0 min ago: +212 MB/h; build w before it: not known (ran 4 min)");
}

TEST(BuildComparisonTest, ARollbackIsTold) {
  const SharedBuild w = build("w");
  const auto runs = std::vector{run(w, 9, 6, kLevel), run(build("x"), 6, 2, kRise)};
  EXPECT_EQ(
      say(runs, run(w, 2, 0, kLevel)),
      "since build w, 2 h 0 min ago: level; build x before it: +212 MB/h (seen for 1 h 0 min); "
      "build w ran before that too");
  const auto comparison = compare_builds(runs, run(w, 2, 0, kLevel));
  EXPECT_EQ(comparison->now.runs, 2U) << "all runs of the build count";
}

TEST(BuildComparisonTest, TheOrderOfStoredRunsDoesNotMatterAndLaterOnesDoNotCount) {
  const SharedBuild x = build("x");
  EXPECT_EQ(
      say({run(x, 5, 4, kRise), run(build("y"), 1, 0, kLevel), run(build("w"), 9, 5, kLevel)},
          run(x, 3, 0, kRise)),
      "since build x, 5 h 0 min ago: +212 MB/h; build w before it: level (seen for 2 h 0 min)");
}

TEST(BuildComparisonTest, InAContainerTheImageIsToldAndIsPartOfTheBuild) {
  const auto in = [](const SharedBuild& plain, const std::string& tag, const std::string& id = "") {
    return with_image(plain, {"registry.example/payments:" + tag, id});
  };
  EXPECT_EQ(
      say({run(in(build("w"), "1.8.1"), 9, 3, kLevel)}, run(in(build("w"), "1.8.2"), 3, 0, kRise)),
      "since image payments:1.8.2 (build w), 3 h 0 min ago: +212 MB/h; image payments:1.8.1 "
      "(build w) before it: level (seen for 2 h 0 min)");
  EXPECT_EQ(say({run(in(nullptr, "1.8.1"), 9, 3, kLevel)}, run(in(nullptr, "1.8.2"), 3, 0, kRise)),
            "since image payments:1.8.2, 3 h 0 min ago: +212 MB/h; image payments:1.8.1 before it: "
            "level (seen for 2 h 0 min)");
  EXPECT_EQ(say({run(in(nullptr, "latest", "sha256:12"), 9, 3, kLevel)},
                run(in(nullptr, "latest", "sha256:34"), 3, 0, kRise)),
            "since image payments:latest@34, 3 h 0 min ago: +212 MB/h; image payments:latest@12 "
            "before it: level (seen for 2 h 0 min)")
      << "one tag, two images";
}

TEST(BuildComparisonTest, WithoutAnotherBuildNothingIsSaidOfOne) {
  EXPECT_EQ(say({}, run(build("x"), 3, 0, kRise)), "since build x, 3 h 0 min ago: +212 MB/h");
  EXPECT_EQ(say({run(nullptr, 9, 3, kLevel)}, run(build("x"), 3, 0, kRise)),
            "since build x, 3 h 0 min ago: +212 MB/h")
      << "a run of an older agent has no build";
  EXPECT_EQ(say({run(build("w"), 9, 3, kLevel)}, run(nullptr, 3, 0, kRise)), "nothing");
}

TEST(BuildComparisonTest, BuildsOfOneVersionAreToldApart) {
  EXPECT_EQ(say({run(build("0123456789abcdef", "v1"), 9, 3, kLevel)},
                run(build("fedcba9876543210", "v1"), 3, 0, kRise)),
            "since build v1 (fedcba987654), 3 h 0 min ago: +212 MB/h; build v1 (0123456789ab) "
            "before it: level (seen for 2 h 0 min)");
}

TEST(BuildComparisonTest, SaysWhatTheSignalCounts) {
  const FloorCourse threads{FloorMove::falling, kHour, {-12 / kHour, -20 / kHour, -1 / kHour}};
  const auto comparison = compare_builds({}, run(build("x"), 3, 0, threads));
  EXPECT_EQ(say_builds(*comparison, Signal::threads, kNow),
            "since build x, 3 h 0 min ago: -12 threads/h");
}

}  // namespace
}  // namespace heapfloor
