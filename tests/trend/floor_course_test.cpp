#include "agent/trend/floor_course.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

namespace heapfloor {
namespace {

constexpr double kMiB = 1024.0 * 1024.0;

std::vector<Floor> floors(int count, const std::function<double(int)>& value,
                          double seconds_apart = 60) {
  std::vector<Floor> made;
  for (int i = 0; i < count; ++i) made.push_back({1000 + seconds_apart * i, value(i)});
  return made;
}

FloorCourse course(const std::vector<Floor>& of) { return course_of(of, TrendPolicy()); }

TEST(FloorCourseTest, MeasuresARiseAFallAndALevelOne) {
  const FloorCourse rising = course(floors(100, [](int i) { return 100 * kMiB + i * kMiB; }));
  EXPECT_EQ(rising.move, FloorMove::rising);
  EXPECT_NEAR(rising.growth.estimate, kMiB / 60, 1);
  EXPECT_LE(rising.growth.low, rising.growth.estimate);
  EXPECT_GE(rising.growth.high, rising.growth.estimate);
  EXPECT_EQ(rising.seconds, 99 * 60);
  EXPECT_EQ(course(floors(100, [](int i) { return 300 * kMiB - i * kMiB; })).move,
            FloorMove::falling);
  EXPECT_EQ(course(floors(100, [](int) { return 100 * kMiB; })).move, FloorMove::level);
  EXPECT_EQ(course(floors(100, [](int i) { return 100 * kMiB + i % 2 * kMiB; })).move,
            FloorMove::level);
}

TEST(FloorCourseTest, ARiseThatThePolicyDoesNotHeedIsLevel) {
  EXPECT_EQ(course(floors(100, [](int i) { return 100 * kMiB + i * 1024; })).move,
            FloorMove::level);
}

TEST(FloorCourseTest, AWarmUpOfAQuarterOfTheRunIsNoRise) {
  const auto value = [](int i) { return 100 * kMiB + std::min(i, 25) * kMiB; };
  EXPECT_EQ(course(floors(100, value)).move, FloorMove::level);
}

TEST(FloorCourseTest, TooFewFloorsAreNotKnownButHowLongTheyWereSeenIs) {
  const auto value = [](int i) { return i * 100 * kMiB; };
  EXPECT_EQ(course({}).move, FloorMove::unknown);
  EXPECT_EQ(course(floors(1, value)).seconds, 0);
  const FloorCourse seven = course(floors(7, value));
  EXPECT_EQ(seven.move, FloorMove::unknown);
  EXPECT_EQ(seven.seconds, 360);
  EXPECT_EQ(course(floors(8, value)).move, FloorMove::rising);
}

// Two days of floors of half an hour, which are level, then one hour of every minute that rises.
TEST(FloorCourseTest, ATimeWeighsByItsLengthAndNotByItsFloors) {
  std::vector<Floor> made = floors(
      96, [](int) { return 100 * kMiB; }, 1800);
  const double end = made.back().time_seconds;
  for (int i = 1; i <= 60; ++i) made.push_back({end + 60.0 * i, (100 + i) * kMiB});
  EXPECT_EQ(course(made).move, FloorMove::level);
}

TEST(FloorCourseTest, OfSeveralRunsTheLongestDecides) {
  const FloorCourse level{FloorMove::level, 5000, {1, -1, 3}};
  const FloorCourse rising{FloorMove::rising, 1000, {100, 90, 110}};
  const FloorCourse unknown{FloorMove::unknown, 240, {}};
  const std::vector<FloorCourse> runs = {rising, level, unknown, rising};
  const FloorCourse all = course_of_runs(runs);
  EXPECT_EQ(all.move, FloorMove::level);
  EXPECT_EQ(all.growth.estimate, 1);
  EXPECT_EQ(all.seconds, 7240);
  const std::vector<FloorCourse> short_runs = {unknown, unknown};
  EXPECT_EQ(course_of_runs(short_runs).move, FloorMove::unknown);
  EXPECT_EQ(course_of_runs(short_runs).seconds, 480);
  EXPECT_EQ(course_of_runs({}).move, FloorMove::unknown);
}

TEST(FloorCourseTest, IsReadBackAsItWasWritten) {
  const FloorCourse course{FloorMove::rising, 3600, {2, 1, 3}};
  std::string bytes;
  ByteWriter out(bytes);
  course.save(out);
  FloorCourse read;
  ByteReader in(bytes);
  ASSERT_TRUE(read.restore(in) && in.finished());
  EXPECT_EQ(read.move, course.move);
  EXPECT_EQ(read.seconds, course.seconds);
  EXPECT_EQ(read.growth.high, course.growth.high);
  bytes.front() = 4;
  ByteReader hostile(bytes);
  EXPECT_FALSE(read.restore(hostile));
}

}  // namespace
}  // namespace heapfloor
