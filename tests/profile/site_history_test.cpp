#include "agent/profile/site_history.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <deque>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace heapfloor {
namespace {

constexpr double kInterval = 524288;
constexpr double kMinute = 60;

// One program's heap, sampled as a probe samples it: samples are born, live and die.
class Heap {
 public:
  // `bytes` newly allocated by a site, in blocks of `size`.
  void allocate(std::uint32_t site, double bytes, double now_seconds, double size = 1000) {
    const double p = 1 - std::exp(-size / kInterval);
    std::binomial_distribution<int> draw(static_cast<int>(bytes / size), p);
    for (int samples = draw(random_); samples > 0; --samples)
      samples_.push_back({site, size / p, now_seconds});
  }
  // A site frees what is older than that.
  void free_older(std::uint32_t site, double age_seconds, double now_seconds) {
    std::erase_if(samples_, [&](const Sample& sample) {
      return sample.site == site && now_seconds - sample.born_seconds > age_seconds;
    });
  }
  [[nodiscard]] HeapSites sites(std::uint32_t count, double now_seconds) const {
    HeapSites heap;
    heap.interval_bytes = kInterval;
    heap.sites.resize(count);
    for (std::uint32_t i = 0; i < count; ++i) heap.sites[i].index = i;
    for (const Sample& sample : samples_) {
      HeapSite& site = heap.sites.at(sample.site);
      site.live_bytes += sample.weight;
      site.live_samples += 1;
      heap.live_bytes += sample.weight;
      for (std::size_t i = 0; i < site.older_bytes.size(); ++i) {
        if (now_seconds - sample.born_seconds >= ProbeAges::kBoundsSeconds.at(i))
          site.older_bytes.at(i) += sample.weight;
      }
    }
    return heap;
  }

 private:
  struct Sample {
    std::uint32_t site;
    double weight, born_seconds;
  };
  std::mt19937_64 random_{4711};
  std::vector<Sample> samples_;
};

TEST(SiteHistory, ALeakIsToldFromAQueueACacheAndNoise) {
  enum Site : std::uint32_t { leak, queue, cache, start_up };
  Heap heap;
  SiteHistory history;
  heap.allocate(start_up, 200e6, 0);
  bool was_told_early = false;
  for (int minute = 1; minute <= 180; ++minute) {
    const double now = minute * kMinute;
    heap.allocate(leak, 1e6, now);  // 60 MB/h
    heap.allocate(queue, 50e6, now);
    heap.free_older(queue, 90, now);
    if (minute <= 20) heap.allocate(cache, 2e6, now);
    history.add(heap.sites(4, now), now);
    if (minute == 5) was_told_early = !history.growing().empty();
  }
  const std::vector<SiteGrowth> growing = history.growing();
  ASSERT_EQ(growing.size(), 1U);
  EXPECT_EQ(growing[0].site, leak);
  EXPECT_FALSE(was_told_early);
  EXPECT_GE(growing[0].window_seconds, 2700);
  const double per_hour = growing[0].delta_bytes / growing[0].window_seconds * 3600;
  const double error = growing[0].sigma_bytes / growing[0].window_seconds * 3600;
  EXPECT_LT(std::abs(per_hour - 60e6), 4 * error);
  ASSERT_TRUE(growing[0].share);
  EXPECT_GT(*growing[0].share, 0.5);
}

std::string written(const SiteHistory& history) {
  std::string bytes;
  ByteWriter out(bytes);
  history.save(out);
  return bytes;
}

TEST(SiteHistory, GoesOnWhereItStoodWhenItIsReadBack) {
  Heap heap;
  SiteHistory whole;
  SiteHistory restarted;
  heap.allocate(1, 200e6, 0);
  for (int minute = 1; minute <= 120; ++minute) {
    const double now = minute * kMinute;
    heap.allocate(0, 2e6, now);
    whole.add(heap.sites(2, now), now);
    restarted.add(heap.sites(2, now), now);
    if (minute % 50 != 0) continue;
    const std::string bytes = written(restarted);
    SiteHistory back;
    ByteReader in(bytes);
    ASSERT_TRUE(back.restore(in) && in.finished());
    restarted = std::move(back);
  }
  ASSERT_EQ(whole.growing().size(), 1U);
  ASSERT_EQ(restarted.growing().size(), 1U);
  EXPECT_EQ(restarted.growing()[0].site, 0U);
  EXPECT_EQ(restarted.growing()[0].delta_bytes, whole.growing()[0].delta_bytes);
  EXPECT_EQ(restarted.growing()[0].window_seconds, whole.growing()[0].window_seconds);
}

TEST(SiteHistory, WhatIsNoHistoryOrOneOfOtherOptionsIsRefused) {
  Heap heap;
  SiteHistory history;
  for (int minute = 1; minute <= 3; ++minute) {
    heap.allocate(0, 20e6, minute * kMinute);
    history.add(heap.sites(1, minute * kMinute), minute * kMinute);
  }
  const std::string bytes = written(history);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    SiteHistory back;
    ByteReader in(std::string_view(bytes).substr(0, size));
    EXPECT_FALSE(back.restore(in)) << size;
    EXPECT_EQ(back.snapshots(), 0U);
  }
  SiteHistory of_go({.has_ages = false});
  ByteReader in(bytes);
  EXPECT_FALSE(of_go.restore(in));
}

// Five windows a look at three sigmas: a few in a thousand are told, and not for long.
TEST(SiteHistory, NoiseAloneIsHardlyEverTold) {
  Heap heap;
  SiteHistory history;
  std::size_t told = 0;
  for (int minute = 1; minute <= 240; ++minute) {
    const double now = minute * kMinute;
    for (std::uint32_t site = 0; site < 20; ++site) {
      heap.allocate(site, 10e6, now);
      heap.free_older(site, 60.0 * (1 + site), now);
    }
    history.add(heap.sites(20, now), now);
    if (minute > 60) told += history.growing().size();
  }
  constexpr std::size_t kLooks = 3600;  // 20 sites, 180 times
  EXPECT_LE(told, kLooks * 3 / 1000);
}

TEST(SiteHistory, SnapshotsStaySparseAndSmallForAWeek) {
  SiteHistory history;
  HeapSites heap;
  heap.interval_bytes = kInterval;
  for (std::uint32_t i = 0; i < 16384; ++i) {
    HeapSite site;
    site.index = i;
    site.live_bytes = 1e6 + i * 100.0;
    site.older_bytes.fill(5e5);
    heap.sites.push_back(site);
  }
  for (int minute = 0; minute < 7 * 24 * 60; minute += 1) {
    if (minute > 2000 && minute % 60 != 0) continue;  // an agent that was held up
    history.add(heap, minute * kMinute);
  }
  EXPECT_LE(history.snapshots(), 32U);
  EXPECT_GE(history.snapshots(), 8U);
  EXPECT_LE(history.bytes(), history.snapshots() * (1024 * 16 + 256));
  EXPECT_TRUE(history.growing().empty());
}

TEST(SiteHistory, ASiteThatWasTooSmallToBeKeptHeldAtMostWhatTheSmallestKeptOneDid) {
  SiteHistory history({.most_sites = 1});
  for (int minute = 1; minute <= 30; ++minute) {
    HeapSites heap;
    heap.interval_bytes = kInterval;
    heap.sites.resize(2);
    heap.sites[0].index = 1;
    heap.sites[0].live_bytes = 100e6;
    heap.sites[1].index = 2;
    // From the second largest to the largest without any growth to speak of.
    heap.sites[1].live_bytes = minute < 30 ? 99.9e6 : 100.1e6;
    for (HeapSite& site : heap.sites) site.older_bytes.fill(site.live_bytes);
    history.add(heap, minute * kMinute);
  }
  for (const SiteGrowth& growth : history.growing()) EXPECT_LT(growth.delta_bytes, 1e6);
}

TEST(SiteHistory, WithoutAHistoryNothingGrows) {
  EXPECT_TRUE(SiteHistory().growing().empty());
  SiteHistory history;
  history.add({}, 60);
  EXPECT_TRUE(history.growing().empty());
}

// As a Go program's runtime tells it: what was allocated and what lives, and no ages.
HeapSite told(std::uint32_t index, double live_bytes, double freed_bytes) {
  HeapSite site;
  site.index = index;
  site.live_bytes = live_bytes;
  site.allocated_bytes = live_bytes + freed_bytes;
  return site;
}

TEST(SiteHistoryTest, WithoutAgesASiteThatFreesNothingGrows) {
  SiteHistory history({.has_ages = false});
  for (int minute = 0; minute < 30; ++minute) {
    const double live = 20e6 + minute * 1e6;
    history.add({.is_go = true,
                 .interval_bytes = kInterval,
                 .live_bytes = live + 50e6,
                 .sites = {told(1, live, 0), told(2, 50e6, minute * 100e6)}},
                minute * kMinute);
  }
  const auto growing = history.growing();
  ASSERT_EQ(growing.size(), 1U);
  EXPECT_EQ(growing[0].site, 1U);
  EXPECT_NEAR(growing[0].delta_bytes / growing[0].window_seconds, 1e6 / kMinute, 1e3);
}

TEST(SiteHistoryTest, WithoutAgesASiteWhoseObjectsAreAllReplacedIsNoiseForLonger) {
  SiteHistory history({.has_ages = false});
  for (int minute = 0; minute < 30; ++minute) {
    const double live = 200e6 + minute * 1e6;
    history.add({.is_go = true,
                 .interval_bytes = kInterval,
                 .live_bytes = live,
                 .sites = {told(1, live, minute * 400e6)}},
                minute * kMinute);
  }
  EXPECT_TRUE(history.growing().empty());
}

}  // namespace
}  // namespace heapfloor
