#include "agent/alerts/watch_list.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

namespace heapfloor {
namespace {

constexpr double kMiB = 1024.0 * 1024.0;

TrendPolicy fast_policy(Signal /*signal*/) {
  TrendPolicy policy;
  policy.bucket_seconds = 4;
  policy.time_scale = 1.0 / 60;
  return policy;
}

SeriesKey key_of(int pid) { return {EntityKind::process, Signal::rss_anon, {pid, 42}}; }

class WatchListTest : public ::testing::Test {
 protected:
  WatchListTest() : watches_(fast_policy, 3) {
    watches_.on_transition([this](const Watch& watch, LeakState before) {
      transitions_.push_back(std::string(leak_state_name(before)) + ">" +
                             std::string(leak_state_name(watch.judge.state())));
    });
  }

  void observe(int pid, double value) {
    WatchLabels labels = labels_;
    labels.name = "leaky";
    labels.group = "leaky";
    labels.limit_source = "configured";
    Observation reading;
    reading.time_seconds = now_;
    reading.value = value;
    reading.limit = 512 * kMiB;
    watches_.observe(key_of(pid), labels, reading);
  }

  [[nodiscard]] Observation reading_of(double value) const {
    Observation reading;
    reading.time_seconds = now_;
    reading.value = value;
    return reading;
  }

  // One reading a second: `pid` leaks 1 MiB a second.
  void leak(int pid, int seconds) {
    for (int second = 0; second < seconds; ++second, now_ += 1) {
      observe(pid, (100 + (now_ - 1000)) * kMiB);
      watches_.finish_tick(now_);
    }
  }

  double now_ = 1000;
  WatchLabels labels_;  // of observe(), beside the names
  WatchList watches_;
  std::vector<std::string> transitions_;
};

TEST_F(WatchListTest, TakesASteadyLeakFromLearningToLeaking) {
  leak(7, 240);
  const Watch* const watch = watches_.find(key_of(7));
  ASSERT_NE(watch, nullptr);
  EXPECT_EQ(watch->judge.state(), LeakState::leaking);
  ASSERT_FALSE(transitions_.empty());
  EXPECT_EQ(transitions_.back(), "suspected>leaking");
  EXPECT_EQ(watch->changes.front().state, LeakState::learning);
  EXPECT_EQ(watch->changes.back().state, LeakState::leaking);
  EXPECT_NEAR(watch->detector.verdict().growth.estimate, kMiB, 0.05 * kMiB);
}

TEST_F(WatchListTest, NamesASeriesBySubjectAndSignal) {
  observe(7, 20 * kMiB);
  const Watch* const watch = watches_.find("process:7:42/rss_anon");
  ASSERT_NE(watch, nullptr);
  EXPECT_EQ(watch->subject(), "process:7:42");
  EXPECT_EQ(watch->scope(), "process");
  EXPECT_EQ(watch->basis(), "rss_floor");
  EXPECT_EQ(watches_.find("process:7:43/rss_anon"), nullptr);
  EXPECT_EQ(watches_.points(*watch).size(), 1U);
}

TEST_F(WatchListTest, NamesAPartOfAProcessWithTheProcessItIsIn) {
  const SeriesKey cache{EntityKind::structure, Signal::structure_bytes, {7, 42}, 99};
  const SeriesKey site{EntityKind::site, Signal::site_bytes, {7, 42}, 0xabc};
  WatchLabels labels;
  labels.name = labels.group = "payments";
  labels.part = "user:cache";
  watches_.observe(cache, labels, reading_of(kMiB));
  labels.part = "0000000000000abc";
  watches_.observe(site, labels, reading_of(kMiB));
  const Watch* const watch = watches_.find("structure:7:42:user:cache/structure_bytes");
  ASSERT_NE(watch, nullptr);
  EXPECT_EQ(watch->scope(), "structure");
  EXPECT_EQ(watch->basis(), "allocator_live");
  EXPECT_EQ(watch->life_name(), "payments:user:cache");
  const Watch* const sampled = watches_.find("site:7:42:0000000000000abc/site_bytes");
  ASSERT_NE(sampled, nullptr);
  EXPECT_EQ(sampled->basis(), "sampled_live");
}

TEST_F(WatchListTest, APartIsReadBackAsItWasSaved) {
  const SeriesKey key{EntityKind::structure, Signal::structure_elements, {7, 42}, 99};
  WatchLabels labels;
  labels.name = labels.group = "payments";
  labels.part = "user_cache";
  watches_.observe(key, labels, reading_of(5000));
  std::string bytes;
  ByteWriter out(bytes);
  watches_.save(out, *watches_.find(key));
  ByteReader in(bytes);
  TieredRing ring;
  const auto read = watches_.read(in, ring);
  ASSERT_NE(read, nullptr);
  EXPECT_EQ(read->id(), "structure:7:42:user_cache/structure_elements");
  EXPECT_EQ(read->key, key);
}

TEST_F(WatchListTest, WhatABetterBasisCallsRetentionIsSuspectedAtMost) {
  labels_.is_retention = true;
  leak(7, 240);
  EXPECT_EQ(watches_.find(key_of(7))->judge.state(), LeakState::suspected);
  std::string bytes;
  ByteWriter out(bytes);
  watches_.save(out, *watches_.find(key_of(7)));
  ByteReader in(bytes);
  TieredRing ring;
  EXPECT_TRUE(watches_.read(in, ring)->is_retention) << "over a restart as well";
  labels_.is_retention = false;
  leak(7, 30);
  EXPECT_EQ(watches_.find(key_of(7))->judge.state(), LeakState::leaking);
}

TEST_F(WatchListTest, ALeakThatABetterBasisCallsRetentionIsTakenBackToSuspected) {
  leak(7, 240);
  ASSERT_EQ(watches_.find(key_of(7))->judge.state(), LeakState::leaking);
  labels_.is_retention = true;
  leak(7, 10);
  EXPECT_EQ(watches_.find(key_of(7))->judge.state(), LeakState::suspected);
  labels_.is_retention.reset();
  leak(7, 30);
  EXPECT_EQ(watches_.find(key_of(7))->judge.state(), LeakState::suspected)
      << "what is not known any more stays as it was";
}

TEST_F(WatchListTest, MakesTheLoadOfAReadingFromWhatTheSubjectDidInAll) {
  WatchLabels labels;
  labels.name = "busy";
  std::vector<std::optional<double>> loads;
  for (const double total : {10.0, 12.0, 12.0, 15.0}) {
    labels.load_total = total;
    Observation reading;
    reading.time_seconds = now_++;
    reading.value = kMiB;
    watches_.observe(key_of(7), labels, reading);
    loads.push_back(watches_.find(key_of(7))->last_reading.load);
  }
  EXPECT_EQ(loads, (std::vector<std::optional<double>>{std::nullopt, 2, std::nullopt, 1.5}));
}

TEST_F(WatchListTest, AsksOnceForEarlierLivesWhenASubjectHasLearnedEnough) {
  int asked = 0;
  watches_.set_lives_source([&](const Watch& watch) {
    EXPECT_EQ(watch.name, "leaky");
    ++asked;
    EarlierLives lives;
    lives.add({true, kMiB, 7200});
    return lives;
  });
  leak(7, 20);
  EXPECT_EQ(asked, 0);
  leak(7, 240);
  EXPECT_EQ(asked, 1);
  EXPECT_EQ(watches_.find(key_of(7))->detector.verdict().earlier_lives, 1U);
}

TEST_F(WatchListTest, ForgetsAQuietSubjectAsSoonAsItEnded) {
  observe(7, 20 * kMiB);
  watches_.finish_tick(now_);
  EXPECT_TRUE(watches_.is_watched(key_of(7)));
  watches_.finish_tick(now_ + 1);
  EXPECT_FALSE(watches_.is_watched(key_of(7)));
}

TEST_F(WatchListTest, KeepsASubjectThatIsThereButWasNotReadable) {
  observe(7, 20 * kMiB);
  now_ += 1;
  watches_.touch(key_of(7), now_);
  watches_.finish_tick(now_);
  EXPECT_TRUE(watches_.is_watched(key_of(7)));
}

TEST_F(WatchListTest, ShowsALeakForAWhileAfterItsProcessEnded) {
  leak(7, 240);
  watches_.finish_tick(now_);
  const Watch* const watch = watches_.find(key_of(7));
  ASSERT_NE(watch, nullptr);
  EXPECT_EQ(watch->judge.state(), LeakState::recovering);
  EXPECT_TRUE(watch->ended_seconds);
  EXPECT_EQ(transitions_.back(), "leaking>recovering");
  watches_.finish_tick(now_ + WatchList::kEndedRetentionSeconds + 1);
  EXPECT_FALSE(watches_.is_watched(key_of(7)));
}

TEST_F(WatchListTest, FollowsNoMoreSeriesThanItMay) {
  for (int tick = 0; tick < 3; ++tick, now_ += 1) {
    for (int pid = 1; pid <= 10; ++pid) observe(pid, 20 * kMiB);
    watches_.finish_tick(now_);
  }
  int count = 0;
  watches_.for_each([&count](const Watch&) { ++count; });
  EXPECT_EQ(count, 3);
  EXPECT_EQ(watches_.store().dropped(), 7U);
}

TEST_F(WatchListTest, LetsAMuchLargerSubjectTakeThePlaceOfTheSmallestThatNobodySuspects) {
  leak(1, 240);
  observe(2, 30 * kMiB);
  observe(3, 20 * kMiB);
  observe(4, 35 * kMiB);
  EXPECT_FALSE(watches_.is_watched(key_of(4))) << "not large enough to be worth it";
  observe(5, 2000 * kMiB);
  EXPECT_TRUE(watches_.is_watched(key_of(5)));
  EXPECT_TRUE(watches_.is_watched(key_of(1))) << "a suspect keeps its place";
  EXPECT_FALSE(watches_.is_watched(key_of(3)));
}

TEST_F(WatchListTest, TakesBackTheEndOfASubjectThatIsSeenAgain) {
  leak(7, 240);
  watches_.finish_tick(now_);
  ASSERT_TRUE(watches_.find(key_of(7))->ended_seconds);
  now_ += 1;
  observe(7, 345 * kMiB);
  EXPECT_FALSE(watches_.find(key_of(7))->ended_seconds);
}

TEST_F(WatchListTest, ShowsASuspectForAWhileAfterItsProcessEnded) {
  leak(7, 60);
  ASSERT_EQ(watches_.find(key_of(7))->judge.state(), LeakState::suspected);
  watches_.finish_tick(now_);
  ASSERT_TRUE(watches_.is_watched(key_of(7)));
  EXPECT_EQ(watches_.find(key_of(7))->judge.state(), LeakState::recovering);
}

TEST_F(WatchListTest, SaysNothingOfAStableSubjectThatEnded) {
  observe(7, 20 * kMiB);
  for (int second = 0; second < 100; ++second, now_ += 1) {
    observe(7, 20 * kMiB);
    watches_.finish_tick(now_);
  }
  const std::size_t before = transitions_.size();
  watches_.finish_tick(now_ + 1);
  EXPECT_EQ(transitions_.size(), before);
}

TEST_F(WatchListTest, StartsAFreshDetectorInAReusedPlace) {
  leak(7, 240);
  watches_.finish_tick(now_);
  watches_.finish_tick(now_ + WatchList::kEndedRetentionSeconds + 1);
  now_ += 2000;
  observe(8, 20 * kMiB);
  const Watch* const watch = watches_.find(key_of(8));
  ASSERT_NE(watch, nullptr);
  EXPECT_EQ(watch->judge.state(), LeakState::learning);
  EXPECT_TRUE(watch->detector.floors().empty());
}

TEST_F(WatchListTest, TakesNewThresholdsWithoutForgettingFloors) {
  leak(7, 60);
  const std::size_t floors = watches_.find(key_of(7))->detector.floors().size();
  ASSERT_GT(floors, 0U);
  watches_.set_policies([](Signal signal) {
    TrendPolicy policy = fast_policy(signal);
    policy.minimum_rise_bytes = 1e15;
    return policy;
  });
  EXPECT_EQ(watches_.find(key_of(7))->detector.floors().size(), floors);
  leak(7, 240);
  EXPECT_NE(watches_.find(key_of(7))->judge.state(), LeakState::leaking)
      << "a rise of a petabyte is asked for";
}

TEST(WatchMemory, IsBoundedAsTheReadmeSays) {
  TrendPolicy policy;  // as at an interval of one second: the most levels there are
  policy.bucket_seconds = 4;
  const Watch watch(key_of(1), policy, SignalTraits::unmarked);
  EXPECT_LE(watch.detector.memory_bytes(), 3072U);
  EXPECT_LE(SeriesStore::kMostBytesPerSeries + WatchList::kMostBytesPerWatch +
                watch.detector.memory_bytes(),
            16384U);
}

SharedBuild build_named(const std::string& id) {
  return std::make_shared<const BuildIdentity>(BuildIdentity{BuildKind::gnu, "leaky", id, ""});
}

TEST_F(WatchListTest, AnotherProgramInTheSameProcessIsLearnedAnew) {
  std::vector<std::string> left;
  watches_.on_exec([&left](const Watch& watch) { left.push_back(watch.build->id); });
  labels_.build = build_named("w");
  leak(7, 240);
  const Watch* const watch = watches_.find(key_of(7));
  ASSERT_EQ(watch->judge.state(), LeakState::leaking);
  labels_.build = nullptr;  // could not be read
  leak(7, 1);
  EXPECT_EQ(watch->build->id, "w");
  labels_.build = build_named("w");  // another reading of the same
  leak(7, 1);
  EXPECT_TRUE(left.empty());
  const double exec_seconds = now_;
  labels_.build = build_named("x");
  leak(7, 1);
  EXPECT_EQ(left, std::vector<std::string>{"w"});
  EXPECT_EQ(watch->build->id, "x");
  EXPECT_EQ(watch->run_start_seconds(), exec_seconds);
  EXPECT_EQ(watch->judge.state(), LeakState::recovering);
  EXPECT_LT(watch->detector.floors().size(), 2U);
}

TEST_F(WatchListTest, ABuildThatIsLearnedLateIsNoOtherProgram) {
  watches_.on_exec([](const Watch&) { ADD_FAILURE() << "it was unknown before"; });
  leak(7, 240);
  labels_.build = build_named("w");
  leak(7, 1);
  const Watch* const watch = watches_.find(key_of(7));
  EXPECT_EQ(watch->judge.state(), LeakState::leaking);
  EXPECT_EQ(watch->build->id, "w");
  EXPECT_EQ(watch->run_start_seconds(), watch->start_seconds);
}

TEST_F(WatchListTest, AnotherDateOfTheFileIsNoOtherProgramOfTheProcessThatLoadedIt) {
  const auto dated = [](const std::string& program, const std::string& date) {
    return std::make_shared<const BuildIdentity>(
        BuildIdentity{BuildKind::file, program, program + "@" + date, ""});
  };
  std::vector<std::string> left;
  watches_.on_exec([&left](const Watch& watch) { left.push_back(watch.build->id); });
  labels_.build = dated("main.py", "20251128");
  leak(7, 1);
  labels_.build = dated("main.py", "20251129");
  leak(7, 1);
  EXPECT_TRUE(left.empty());
  EXPECT_EQ(watches_.find(key_of(7))->build->id, "main.py@20251128");
  labels_.build = dated("other.py", "20251129");
  leak(7, 1);
  EXPECT_EQ(left, std::vector<std::string>{"main.py@20251128"});
  EXPECT_EQ(watches_.find(key_of(7))->build->id, "other.py@20251129");
}

TEST_F(WatchListTest, WhatIsKnownByItsImageAloneTakesABuildThatIsLearnedLater) {
  watches_.on_exec([](const Watch&) { ADD_FAILURE() << "it was unknown before"; });
  labels_.build = with_image(nullptr, {"payments:1.8.2", ""});
  leak(7, 240);
  const Watch* const watch = watches_.find(key_of(7));
  EXPECT_EQ(watch->build->kind, BuildKind::image);
  labels_.build = with_image(build_named("w"), {"payments:1.8.2", ""});
  leak(7, 1);
  EXPECT_EQ(watch->build->id, "w");
  EXPECT_EQ(watch->judge.state(), LeakState::leaking);
}

TEST_F(WatchListTest, AWatchKeepsItsBuildAndOneOfAnOlderAgentHasNone) {
  leak(7, 40);
  const Watch* const watch = watches_.find(key_of(7));
  const auto saved = [&] {
    std::string bytes;
    ByteWriter out(bytes);
    watches_.save(out, *watch);
    return bytes;
  };
  const auto read = [this](const std::string& bytes) {
    ByteReader in(bytes);
    TieredRing ring;
    return watches_.read(in, ring);
  };
  // Without a build and an exec: two bytes of 0 behind the source of the limit.
  std::string older = saved();
  const std::size_t place = older.find("configured") + std::string_view("configured").size();
  ASSERT_EQ(older.substr(place, 2), std::string(2, '\0'));
  older.erase(place, 2);
  older[0] = WatchList::kStateWithoutBuild;
  ASSERT_NE(read(older), nullptr);
  EXPECT_EQ(read(older)->build, nullptr);
  EXPECT_EQ(read(older)->detector.floors().size(), watch->detector.floors().size());
  labels_.build = build_named("w");
  leak(7, 1);
  labels_.build = build_named("x");
  leak(7, 1);
  const std::unique_ptr<Watch> back = read(saved());
  ASSERT_NE(back, nullptr);
  EXPECT_EQ(*back->build, *watch->build);
  EXPECT_EQ(back->exec_seconds, watch->exec_seconds);
  labels_.build = with_image(build_named("x"), {"payments:1.8.2", "sha256:12"});
  leak(7, 1);
  EXPECT_EQ(read(saved())->build->image, (ContainerImage{"payments:1.8.2", "sha256:12"}));
  // Without an image: name and digest, each behind its length.
  std::string without = saved();
  for (const std::string text : {"payments:1.8.2", "sha256:12"}) {
    const std::size_t at = without.find(text);
    ASSERT_NE(at, std::string::npos);
    without.erase(at - sizeof(std::uint16_t), sizeof(std::uint16_t) + text.size());
  }
  without[0] = WatchList::kStateWithoutImage;
  ASSERT_NE(read(without), nullptr);
  EXPECT_EQ(*read(without)->build, *build_named("x"));
}

}  // namespace
}  // namespace heapfloor
