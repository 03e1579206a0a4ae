#include "agent/series/series_store.h"

#include <gtest/gtest.h>

#include <string>

#include "agent/series/bytes.h"

namespace heapfloor {
namespace {

SeriesKey process_key(int pid, std::uint64_t start = 1) {
  return {EntityKind::process, Signal::rss_anon, {pid, start}};
}

TEST(SeriesStore, GivesOneSeriesAnIdentity) {
  SeriesStore store(10);
  const auto first = store.find_or_add(process_key(1));
  ASSERT_TRUE(first);
  EXPECT_EQ(store.find_or_add(process_key(1)), first);
  EXPECT_EQ(store.size(), 1U);
}

TEST(SeriesStore, NeverGivesAReusedPidTheSeriesOfTheOldProcess) {
  SeriesStore store(10);
  const auto old_series = store.find_or_add(process_key(7, 100));
  const auto new_series = store.find_or_add(process_key(7, 200));
  EXPECT_NE(old_series, new_series);
}

TEST(SeriesKey, OfEveryKindAndSignalIsReadBackAsItWasSaved) {
  for (std::size_t kind = 0; kind < kEntityKinds; ++kind) {
    for (std::size_t signal = 0; signal < kSignalNames.size(); ++signal) {
      const SeriesKey key{static_cast<EntityKind>(kind), static_cast<Signal>(signal), {7, 700}, 9};
      std::string saved;
      ByteWriter out(saved);
      save_key(out, key);
      ByteReader in(saved);
      EXPECT_EQ(take_key(in), key) << kind << ' ' << signal;
    }
  }
}

TEST(SeriesStore, RefusesAboveItsCap) {
  SeriesStore store(2);
  ASSERT_TRUE(store.find_or_add(process_key(1)));
  ASSERT_TRUE(store.find_or_add(process_key(2)));
  EXPECT_FALSE(store.find_or_add(process_key(3)));
  EXPECT_EQ(store.size(), 2U);
}

TEST(SeriesStore, CountsARefusedSeriesOnceHoweverOftenItComesBack) {
  SeriesStore store(0);
  for (int tick = 0; tick < 10; ++tick) {
    store.refuse(process_key(3));
    store.refuse(process_key(4));
    store.end_tick();
  }
  EXPECT_EQ(store.dropped(), 2U);
  store.end_tick();
  store.refuse(process_key(3));
  EXPECT_EQ(store.dropped(), 3U) << "it had gone away";
}

TEST(SeriesStore, MakesRoomByEvictionWithoutKeepingOldPoints) {
  SeriesStore store(1);
  const auto first = store.find_or_add(process_key(1));
  store.ring(*first).push(1, 1);
  store.evict(*first);
  EXPECT_EQ(store.evicted(), 1U);
  EXPECT_FALSE(store.find(process_key(1)));
  const auto second = store.find_or_add(process_key(2));
  ASSERT_TRUE(second);
  EXPECT_TRUE(store.ring(*second).points().empty());
}

TEST(SeriesStore, IgnoresASecondEvictionOfTheSameSeries) {
  SeriesStore store(2);
  const auto only = store.find_or_add(process_key(1));
  store.evict(*only);
  store.evict(*only);
  EXPECT_EQ(store.evicted(), 1U);
  const auto again = store.find_or_add(process_key(2));
  const auto other = store.find_or_add(process_key(3));
  EXPECT_NE(again, other);
}

}  // namespace
}  // namespace heapfloor
