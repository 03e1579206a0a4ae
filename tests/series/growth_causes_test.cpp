#include "agent/series/growth_causes.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace heapfloor {
namespace {

constexpr double kMiB = 1024.0 * 1024;
constexpr double kKiB = 1024;

double sum_of(const GrowthCauses& causes) {
  double sum = 0;
  for (const auto& [name, share] : cause_shares(causes)) sum += share.value_or(0);
  return sum;
}

MemoryGrowth growth_of(double anon) {
  MemoryGrowth growth;
  growth.seconds = 3600;
  growth.anon_bytes = anon * kMiB;
  growth.file_bytes = growth.shmem_bytes = growth.threads = 0;
  growth.threads_now = 8;
  return growth;
}

TEST(GrowthCauses, ALeakIsGrowthOfWhatTheProgramHolds) {
  MemoryGrowth growth = growth_of(240);
  growth.live_bytes = 240 * kMiB;
  growth.free_bytes = 0;
  const auto causes = causes_of(growth, std::nullopt);
  ASSERT_TRUE(causes);
  EXPECT_EQ(causes->live_growth, 1);
  EXPECT_EQ(causes->unattributed, 0);
  EXPECT_EQ(is_retention(*causes), false);
}

TEST(GrowthCauses, FragmentationIsGrowthOfWhatTheAllocatorHoldsFree) {
  MemoryGrowth growth = growth_of(240);
  growth.live_bytes = -5 * kMiB;
  growth.free_bytes = 240 * kMiB;
  const auto causes = causes_of(growth, std::nullopt);
  ASSERT_TRUE(causes);
  EXPECT_EQ(causes->allocator_retention, 1);
  EXPECT_EQ(is_retention(*causes), true);
}

TEST(GrowthCauses, MemoryThatIsNeithersIsNotCalledRetention) {
  MemoryGrowth growth = growth_of(240);
  growth.live_bytes = 0;
  growth.free_bytes = 60 * kMiB;
  const auto causes = causes_of(growth, std::nullopt);
  ASSERT_TRUE(causes);
  EXPECT_DOUBLE_EQ(causes->allocator_retention, 0.25);
  EXPECT_DOUBLE_EQ(causes->unattributed, 0.75);
  EXPECT_FALSE(is_retention(*causes).has_value());
}

TEST(GrowthCauses, AnAllocatorThatDoesNotSayWhatItHoldsIsTakenForTheRest) {
  MemoryGrowth growth = growth_of(240);
  growth.live_bytes = 60 * kMiB;
  const auto causes = causes_of(growth, std::nullopt);
  ASSERT_TRUE(causes);
  EXPECT_DOUBLE_EQ(causes->allocator_retention, 0.75);
  EXPECT_EQ(is_retention(*causes), true);
}

TEST(GrowthCauses, ButNotForStacksThatCouldNotBeMeasured) {
  MemoryGrowth growth = growth_of(240);
  growth.live_bytes = 0;
  growth.threads = 200;
  const auto causes = causes_of(growth, std::nullopt);
  ASSERT_TRUE(causes);
  EXPECT_EQ(causes->unattributed, 1);
  EXPECT_FALSE(causes->thread_stacks.has_value());
  EXPECT_FALSE(is_retention(*causes).has_value());
}

TEST(GrowthCauses, NothingIsSaidOfTheHeapWithoutEvidence) {
  const auto causes = causes_of(growth_of(240), std::nullopt);
  ASSERT_TRUE(causes);
  EXPECT_EQ(causes->live_growth, 0);
  EXPECT_EQ(causes->unattributed, 1);
  EXPECT_EQ(causes->thread_stacks, 0) << "no more threads, no more stacks";
  EXPECT_FALSE(is_retention(*causes).has_value());
}

TEST(GrowthCauses, StacksAreThoseOfTheNewThreads) {
  MemoryGrowth growth = growth_of(100);
  growth.threads = 200;
  growth.threads_now = 1200;
  const auto causes = causes_of(growth, 409.6 * kKiB);
  ASSERT_TRUE(causes && causes->thread_stacks);
  EXPECT_NEAR(*causes->thread_stacks, 0.8, 1e-9);
  EXPECT_NEAR(causes->unattributed, 0.2, 1e-9);
}

TEST(GrowthCauses, NoMoreStacksThanAnonymousMemoryGrew) {
  MemoryGrowth growth = growth_of(100);
  growth.threads = 200;
  growth.live_bytes = 30 * kMiB;
  const auto causes = causes_of(growth, 8 * kMiB);
  ASSERT_TRUE(causes);
  EXPECT_EQ(causes->thread_stacks, 1);
  EXPECT_EQ(causes->live_growth, 0);
}

TEST(GrowthCauses, FilesAndSharedMemoryAreSharesOfTheWhole) {
  MemoryGrowth growth = growth_of(50);
  growth.file_bytes = 100 * kMiB;
  growth.shmem_bytes = 50 * kMiB;
  const auto causes = causes_of(growth, std::nullopt);
  ASSERT_TRUE(causes);
  EXPECT_DOUBLE_EQ(causes->file_cache, 0.5);
  EXPECT_DOUBLE_EQ(causes->shared_memory, 0.25);
  EXPECT_DOUBLE_EQ(causes->unattributed, 0.25);
  EXPECT_DOUBLE_EQ(causes->growth_bytes, 200 * kMiB);
}

TEST(GrowthCauses, RetentionIsJudgedByAnonymousMemoryAlone) {
  MemoryGrowth growth = growth_of(100);
  growth.live_bytes = 80 * kMiB;
  growth.free_bytes = 20 * kMiB;
  growth.file_bytes = 900 * kMiB;
  const auto causes = causes_of(growth, std::nullopt);
  ASSERT_TRUE(causes);
  EXPECT_DOUBLE_EQ(causes->live_growth, 0.08);
  EXPECT_EQ(is_retention(*causes), false);
}

TEST(GrowthCauses, WhatShrinksIsNoCause) {
  MemoryGrowth growth = growth_of(100);
  growth.file_bytes = -500 * kMiB;
  growth.threads = -10;
  const auto causes = causes_of(growth, kMiB);
  ASSERT_TRUE(causes);
  EXPECT_EQ(causes->file_cache, 0);
  EXPECT_EQ(causes->thread_stacks, 0);
  EXPECT_EQ(causes->unattributed, 1);
  EXPECT_FALSE(causes_of(growth_of(-1), std::nullopt));
  EXPECT_FALSE(causes_of(growth_of(0), std::nullopt));
}

TEST(GrowthCauses, SharesAreNoneBelowZeroAndTogetherOne) {
  std::mt19937 random(1);  // NOLINT(cert-msc51-cpp): the same in every run
  std::uniform_real_distribution<double> mib(-100, 300);
  std::bernoulli_distribution is_known;
  const auto any = [&](double scale) {
    return is_known(random) ? std::optional(mib(random) * scale) : std::nullopt;
  };
  for (int round = 0; round < 10'000; ++round) {
    MemoryGrowth growth;
    growth.seconds = 60;
    growth.anon_bytes = mib(random) * kMiB;
    growth.file_bytes = any(kMiB);
    growth.shmem_bytes = any(kMiB);
    growth.live_bytes = any(kMiB);
    growth.free_bytes = any(kMiB);
    growth.threads = any(1);
    const auto stack = any(kKiB);
    const auto causes = causes_of(growth, stack ? std::optional(std::abs(*stack)) : stack);
    if (!causes) continue;
    EXPECT_NEAR(sum_of(*causes), 1, 1e-12);
    for (const auto& [name, share] : cause_shares(*causes)) EXPECT_GE(share.value_or(0), 0) << name;
  }
}

TEST(LiveHeap, OfTwoHeapsIsTheirSumWhereBothTellAllOfIt) {
  const LiveHeap one{10, 5.0};
  EXPECT_EQ(both_heaps(one, std::nullopt)->live_bytes, 10);
  EXPECT_EQ(both_heaps(std::nullopt, one)->free_bytes, 5);
  EXPECT_EQ(both_heaps(one, LiveHeap{20, 7.0})->live_bytes, 30);
  EXPECT_EQ(both_heaps(one, LiveHeap{20, 7.0})->free_bytes, 12);
  EXPECT_FALSE(both_heaps(one, LiveHeap{20, std::nullopt})->free_bytes);
  EXPECT_FALSE(both_heaps(std::nullopt, std::nullopt));
}

}  // namespace
}  // namespace heapfloor
