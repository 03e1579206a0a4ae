#include "collectors/runtime/go_sites.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/support/go_profile_writer.h"

namespace heapfloor {
namespace {

using testing::GoCycle;
using testing::GoProfileWriter;

constexpr double kRate = 524288;

double scale(double size) { return 1 / (1 - std::exp(-size / kRate)); }

class GoSitesTest : public ::testing::Test {
 protected:
  Result<GoSites> read(const GoSiteBounds& bounds = {}, GoProfilePlace place = kPlace) {
    return read_go_sites(GoProfileWriter::layout(), place, memory_.memory(), bounds);
  }
  ErrorKind refusal() {
    const auto sites = read();
    EXPECT_FALSE(sites);
    return sites ? ErrorKind::io : sites.error().kind;
  }

  static constexpr GoProfilePlace kPlace = GoProfileWriter::kPlace;
  GoProfileWriter memory_;
};

TEST_F(GoSitesTest, ASiteIsScaledByTheChanceThatAnObjectOfItsSizeIsSampled) {
  memory_.set_cycle(5);
  memory_.add({0x401000, 0x402000}, {10, 4, 640, 256});
  const auto sites = read().value();
  EXPECT_EQ(sites.rate_bytes, kRate);
  ASSERT_EQ(sites.sites.size(), 1U);
  const GoSite& site = sites.sites[0];
  EXPECT_EQ(site.frames, (std::vector<std::uint64_t>{0x401000, 0x402000}));
  EXPECT_NEAR(site.allocated_objects, 10 * scale(64), 1e-3);
  EXPECT_NEAR(site.allocated_bytes, 640 * scale(64), 1e-3);
  EXPECT_NEAR(site.live_objects, 6 * scale(64), 1e-3);
  EXPECT_NEAR(site.live_bytes, 384 * scale(64), 1e-3);
  EXPECT_EQ(sites.live_bytes, site.live_bytes);
}

TEST_F(GoSitesTest, ObjectsOfSeveralSizesOfOneStackAreScaledEachAndAreOneSite) {
  memory_.add({0x401000}, {1, 0, 16, 0});
  memory_.add({0x405000}, {1, 0, 4096, 0});
  memory_.add({0x401000}, {1, 0, 16 << 20, 0});
  const auto sites = read().value();
  ASSERT_EQ(sites.sites.size(), 2U);
  EXPECT_EQ(sites.stacks, 2U);
  EXPECT_EQ(sites.buckets, 3U);
  EXPECT_EQ(sites.sites[0].index, 0U);
  EXPECT_NEAR(sites.sites[0].live_bytes, 16 * scale(16) + (16 << 20) * scale(16 << 20), 1);
  EXPECT_EQ(sites.sites[1].index, 1U);
}

TEST_F(GoSitesTest, ASiteKeepsItsIndexWhenOthersCome) {
  memory_.add({0x401000}, {1, 0, 64, 0});
  memory_.add({0x402000}, {1, 0, 64, 0});
  const auto before = read().value();
  memory_.add({0x403000}, {1, 0, 64, 0});
  memory_.add({0x401000}, {1, 0, 128, 0});
  const auto after = read().value();
  ASSERT_EQ(after.sites.size(), 3U);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(before.sites[i].index, after.sites[i].index);
    EXPECT_EQ(before.sites[i].hash, after.sites[i].hash);
  }
}

TEST_F(GoSitesTest, AnEndedCycleThatWasNotAddedYetIsPublished) {
  memory_.set_cycle(7);  // 7 % 3 = 1
  memory_.add({0x401000}, {2, 0, 2 << 20, 0}, {{{9, 0, 9 << 20, 0}, {3, 1, 3 << 20, 1 << 20}, {}}});
  const auto sites = read().value();
  EXPECT_NEAR(sites.sites.at(0).allocated_bytes, (5 << 20) * scale(1 << 20), 10);
  EXPECT_NEAR(sites.sites.at(0).live_bytes, (4 << 20) * scale(1 << 20), 10);
}

TEST_F(GoSitesTest, BeforeTheFirstCollectionAllThatWasSampledCounts) {
  memory_.add({0x401000}, {}, {{{}, {}, {4, 0, 4 << 20, 0}}});
  EXPECT_NEAR(read()->sites.at(0).live_bytes, (4 << 20) * scale(1 << 20), 10);
}

TEST_F(GoSitesTest, OfARateOfOneByteEachObjectWasSampled) {
  memory_.set_rate(1);
  memory_.add({0x401000}, {3, 1, 48, 16});
  EXPECT_EQ(read()->sites.at(0).live_bytes, 32);
}

TEST_F(GoSitesTest, AStackIsTheSameWhereverTheProgramWasPut) {
  memory_.add({0x401000}, {1, 0, 64, 0});
  const std::uint64_t hash = read()->sites.at(0).hash;
  GoProfileWriter moved;
  moved.add({0x555500401000}, {1, 0, 64, 0});
  GoProfilePlace place = kPlace;
  place.bias = 0x555500000000;
  const auto sites = read_go_sites(GoProfileWriter::layout(), place, moved.memory());
  EXPECT_EQ(sites->sites.at(0).hash, hash);
}

TEST_F(GoSitesTest, BeyondTheLargestSitesTheOthersAreASum) {
  for (std::uint64_t i = 0; i < 100; ++i) memory_.add({0x401000 + i}, {1, 0, (1 + i) << 20, 0});
  const auto sites = read({.most_sites = 10}).value();
  ASSERT_EQ(sites.sites.size(), 10U);
  EXPECT_EQ(sites.sites.front().frames.at(0), 0x401000 + 90U);
  EXPECT_EQ(sites.stacks, 100U);
  double sum = sites.rest.live_bytes;
  for (const GoSite& site : sites.sites) sum += site.live_bytes;
  EXPECT_NEAR(sum, sites.live_bytes, 1);
  EXPECT_TRUE(sites.rest.frames.empty());
}

TEST_F(GoSitesTest, APageIsReadOnceForTheBucketsInIt) {
  for (std::uint64_t i = 0; i < 1000; ++i) memory_.add({1, 2, 3, i}, {1, 0, 64, 0});
  ASSERT_TRUE(read({.most_sites = 0}));
  EXPECT_LT(memory_.reads, 1000U * 208 / 4096 + 10);
}

TEST_F(GoSitesTest, AProgramThatTakesNoSamplesSaysSo) {
  memory_.set_rate(0);
  memory_.add({0x401000}, {1, 0, 64, 0});
  const auto sites = read();
  ASSERT_FALSE(sites);
  EXPECT_EQ(sites.error().kind, ErrorKind::unavailable);
  EXPECT_NE(sites.error().reason.find("runtime.MemProfile"), std::string::npos);
}

TEST_F(GoSitesTest, NothingSampledYetIsNoError) {
  const auto sites = read();
  ASSERT_TRUE(sites);
  EXPECT_TRUE(sites->sites.empty());
}

TEST_F(GoSitesTest, OfMoreBucketsThanAreAskedForNothingIsTold) {
  for (std::uint64_t i = 0; i < 10; ++i) memory_.add({i}, {1, 0, 64, 0});
  EXPECT_TRUE(read({.most_buckets = 10}));
  const auto sites = read({.most_buckets = 9});
  ASSERT_FALSE(sites);
  EXPECT_EQ(sites.error().kind, ErrorKind::unavailable);
}

TEST_F(GoSitesTest, AListInACircleEnds) {
  const std::uint64_t first = memory_.add({0x401000}, {1, 0, 64, 0});
  std::uint64_t last = 0;
  for (int i = 0; i < 6; ++i) last = memory_.add({0x402000}, {1, 0, 64, 0});
  memory_.put(first + 8, last);
  EXPECT_EQ(refusal(), ErrorKind::malformed);
  EXPECT_LT(memory_.reads, 100U);
  memory_.put(last + 8, last);  // of one
  EXPECT_EQ(refusal(), ErrorKind::malformed);
}

TEST_F(GoSitesTest, WhatCanBeNoBucketIsNotBelieved) {
  const std::uint64_t bucket = memory_.add({0x401000}, {1, 0, 64, 0});
  memory_.put(bucket + 40, std::uint64_t{1025});
  EXPECT_EQ(refusal(), ErrorKind::malformed) << "a stack that is too deep";
  memory_.put(bucket + 40, std::uint64_t{1});
  memory_.put(bucket + 16, std::uint64_t{2});
  EXPECT_EQ(refusal(), ErrorKind::malformed) << "of another profile";
  memory_.put(bucket + 16, std::uint64_t{1});
  memory_.put(bucket + 8, bucket + 3);
  EXPECT_EQ(refusal(), ErrorKind::malformed) << "not aligned";
  memory_.put(bucket + 8, UINT64_MAX - 7);
  EXPECT_EQ(refusal(), ErrorKind::malformed) << "outside of all memory";
  memory_.put(bucket + 8, std::uint64_t{0x10000});
  EXPECT_EQ(refusal(), ErrorKind::io) << "where nothing is";
  memory_.put(bucket + 8, std::uint64_t{0});
  memory_.set_rate(-1);
  EXPECT_EQ(refusal(), ErrorKind::malformed) << "a rate that is none";
}

TEST_F(GoSitesTest, AmountsThatCanBeNoneAreLeftOut) {
  memory_.add({0x401000}, {1, 2, 64, 128});
  memory_.add({0x402000}, {UINT64_MAX, 0, UINT64_MAX, 0});
  memory_.add({0x403000}, {2, 1, 128, 64});
  const auto sites = read().value();
  EXPECT_NEAR(sites.live_bytes, 64 * scale(64), 1e-3);
}

TEST_F(GoSitesTest, AProgramThatCollectsAllTheTimeIsReadAnotherTime) {
  std::uint32_t cycle = 0;
  memory_.add({0x401000}, {1, 0, 64, 0});
  memory_.on_read = [&] { memory_.set_cycle(++cycle); };
  EXPECT_EQ(refusal(), ErrorKind::unavailable);
  cycle = 0;
  memory_.on_read = [&] { memory_.set_cycle(++cycle < 5 ? cycle : 5); };
  EXPECT_TRUE(read());
}

TEST(GoBucketsTest, OfALayoutWhosePartsAreNotInsideOfEachOtherNothingIsRead) {
  EXPECT_TRUE(is_sound(GoProfileWriter::layout()));
  GoBuckets layout = GoProfileWriter::layout();
  layout.next = 44;
  EXPECT_FALSE(is_sound(layout));
  layout = GoProfileWriter::layout();
  layout.record_bytes = 120;
  EXPECT_FALSE(is_sound(layout));
}

}  // namespace
}  // namespace heapfloor
