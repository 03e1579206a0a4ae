#include "agent/http/limits.h"

#include <gtest/gtest.h>

namespace heapfloor {
namespace {

TEST(TokenBucket, GivesItsBurstAndThenItsRate) {
  TokenBucket bucket(2, 3);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(bucket.take(10));
  EXPECT_FALSE(bucket.take(10));
  EXPECT_FALSE(bucket.take(10.4));
  EXPECT_TRUE(bucket.take(10.5));
  EXPECT_FALSE(bucket.take(10.5));
  EXPECT_TRUE(bucket.take(1000));
  EXPECT_FALSE(bucket.is_full(1000));
  EXPECT_TRUE(bucket.is_full(1001));
}

TEST(TokenBucket, GainsNothingFromAClockThatGoesBack) {
  TokenBucket bucket(1, 1);
  EXPECT_TRUE(bucket.take(100));
  EXPECT_FALSE(bucket.take(50));
  EXPECT_FALSE(bucket.take(100.5));
  EXPECT_TRUE(bucket.take(101));
}

TEST(AddressBuckets, KeepAddressesApart) {
  AddressBuckets buckets(1, 1, 10);
  EXPECT_TRUE(buckets.take("a", 5));
  EXPECT_FALSE(buckets.take("a", 5));
  EXPECT_TRUE(buckets.take("b", 5));
}

TEST(AddressBuckets, AreBoundedAndForgetWhoWaitedLongEnough) {
  AddressBuckets buckets(1, 1, 3);
  for (const char* const address : {"a", "b", "c"}) EXPECT_TRUE(buckets.take(address, 5));
  EXPECT_FALSE(buckets.take("d", 5)) << "all places are taken by addresses that wait";
  EXPECT_EQ(buckets.size(), 3U);
  EXPECT_TRUE(buckets.take("d", 6));
  EXPECT_EQ(buckets.size(), 1U);
}

}  // namespace
}  // namespace heapfloor
