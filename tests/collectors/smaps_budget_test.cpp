#include "collectors/smaps_budget.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <vector>

namespace heapfloor {
namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20U;
constexpr std::uint64_t kGiB = std::uint64_t{1} << 30U;
constexpr double kIntervalSeconds = 15;

// A host whose reads cost what the test says, and that keeps the books.
class Host {
 public:
  explicit Host(SmapsLimits limits = {}) : budget(limits) {}

  std::size_t add(std::uint64_t resident_bytes) {
    SmapsTarget target;
    target.id = {static_cast<std::int32_t>(targets.size() + 1), 1};
    target.resident_bytes = resident_bytes;
    target.waiting_since_seconds = now_seconds;
    targets.push_back(target);
    return targets.size() - 1;
  }

  [[nodiscard]] double cost(std::size_t target) const {
    return SmapsBudget::kBaseSeconds +
           seconds_per_byte * static_cast<double>(targets[target].resident_bytes);
  }

  // One tick; which targets were read, in their order.
  std::vector<std::size_t> tick() {
    std::vector<std::size_t> order;
    budget.begin_tick(now_seconds, targets);
    tick_seconds = 0;
    while (const auto target = budget.next()) {
      EXPECT_LE(budget.predicted_seconds(targets[*target]), most_predicted);
      EXPECT_EQ(std::ranges::count(order, *target), 0) << "read twice in one tick";
      order.push_back(*target);
      tick_seconds += cost(*target);
      spent[*target] += cost(*target);
      spent_seconds += cost(*target);
      budget.took(*target, cost(*target));
    }
    now_seconds += kIntervalSeconds;
    return order;
  }

  SmapsBudget budget;
  std::vector<SmapsTarget> targets;
  std::map<std::size_t, double> spent;
  double spent_seconds = 0;
  double tick_seconds = 0;
  double now_seconds = 1000;
  double seconds_per_byte = SmapsBudget::kLeastSecondsPerByte;
  double most_predicted = 0.015;
};

TEST(SmapsBudget, AnUnreadHostIsReadLargestFirst) {
  Host host;
  const std::size_t small = host.add(2 * kMiB);
  const std::size_t large = host.add(200 * kMiB);
  const std::size_t middle = host.add(20 * kMiB);
  const std::vector<std::size_t> order = host.tick();
  ASSERT_EQ(order.size(), 3U);
  EXPECT_EQ(order.front(), large);
  EXPECT_NE(std::ranges::find(order, small), order.end());
  EXPECT_NE(std::ranges::find(order, middle), order.end());
}

TEST(SmapsBudget, OverTimeReadsTakeNoMoreThanTheirShareWhateverGrows) {
  for (const double duty : {0.0001, 0.001, 0.01}) {
    Host host({.duty = duty, .max_read_seconds = 0.015});
    for (int i = 0; i < 400; ++i) host.add(64 * kMiB);
    const double began_seconds = host.now_seconds;
    for (int tick = 0; tick < 1000; ++tick) {
      for (SmapsTarget& target : host.targets)
        target.resident_bytes += tick % 2 == 0 ? 2 * kMiB : 0;
      host.tick();
    }
    const double elapsed_seconds = host.now_seconds - began_seconds;
    const double saved_at_start = 2 * std::max(0.015, duty * SmapsBudget::kSavedSeconds);
    EXPECT_LE(host.spent_seconds, duty * elapsed_seconds + saved_at_start) << duty;
    EXPECT_GE(host.spent_seconds, 0.9 * duty * elapsed_seconds) << "the share is used: " << duty;
  }
}

TEST(SmapsBudget, ReadsOfAnotherKindHaveAPurseOfTheirOwn) {
  Host host;
  for (int i = 0; i < 500; ++i) host.add(200 * kMiB);  // more than there is time for
  host.budget.set_others_wait(true);
  constexpr double kOther = 0.01;
  double others = 0;
  for (int tick = 0; tick < 2000; ++tick) {
    host.tick();
    if (!host.budget.affords(kOther)) continue;
    host.budget.charge(kOther);
    others += kOther;
  }
  const double passed = 2000 * kIntervalSeconds;
  EXPECT_NEAR(others / passed, SmapsBudget::kOthersShare * 0.001, 0.00001);
  EXPECT_NEAR((others + host.spent_seconds) / passed, 0.001, 0.00003);
}

TEST(SmapsBudget, WhatNobodyWaitsForIsNotSaved) {
  Host host;
  host.budget.charge(1);
  for (int tick = 0; tick < 2000; ++tick) host.tick();
  EXPECT_FALSE(host.budget.affords(0.001)) << "what was spent is paid back by who spends it";
  EXPECT_FALSE(SmapsBudget({.duty = 0}).affords(0));
}

TEST(SmapsBudget, AMachineThatSleptDoesNotWakeUpToADayOfReads) {
  Host host({.duty = 0.001, .max_read_seconds = 0.015});
  for (int i = 0; i < 1000; ++i) host.add(kGiB);
  host.tick();
  host.now_seconds += 86400;
  host.tick();
  EXPECT_LE(host.tick_seconds, 0.001 * SmapsBudget::kMostEarnedSeconds + 1e-6);
}

TEST(SmapsBudget, ALongIntervalIsNotEarnedInVain) {
  Host host;
  for (int i = 0; i < 1000; ++i) host.add(kGiB);
  host.tick();
  host.now_seconds += 45;
  host.tick();
  EXPECT_GE(host.tick_seconds, 0.9 * 0.001 * 60);
}

TEST(SmapsBudget, ReadsThatCostMoreThanPredictedArePaidBack) {
  Host host;
  host.seconds_per_byte = 10 * SmapsBudget::kLeastSecondsPerByte;
  for (int i = 0; i < 100; ++i) host.add(100 * kMiB);
  const double began_seconds = host.now_seconds;
  for (int tick = 0; tick < 2000; ++tick) host.tick();
  EXPECT_LE(host.spent_seconds, 0.001 * (host.now_seconds - began_seconds) + 0.1);
}

TEST(SmapsBudget, OfOneTargetAThousandthOfTheTimeIsSpentThoughItGrowsAlways) {
  Host host({.duty = 0.1, .max_read_seconds = 1});
  host.most_predicted = 1;
  const std::size_t target = host.add(4 * kGiB);
  const double began_seconds = host.now_seconds;
  for (int tick = 0; tick < 500; ++tick) {
    host.targets[target].resident_bytes += 2 * kMiB;
    host.tick();
  }
  EXPECT_LE(host.spent[target],
            SmapsBudget::kTargetDuty * (host.now_seconds - began_seconds) + host.cost(target));
  EXPECT_GT(host.spent[target], 0);
}

TEST(SmapsBudget, EveryTargetIsReadInTimeThoughAFewGrowAlways) {
  Host host;
  for (int i = 0; i < 300; ++i) host.add((static_cast<std::uint64_t>(i) % 50 + 1) * 20 * kMiB);
  double round_seconds = 0;
  for (std::size_t target = 0; target < host.targets.size(); ++target)
    round_seconds += host.cost(target);
  // Half the income is for those that have waited longest.
  const double share = SmapsLimits{}.duty / 2;
  const int most_ticks =
      static_cast<int>((round_seconds / share + SmapsBudget::kRestSeconds) / kIntervalSeconds) + 2;
  std::vector<int> last_read(host.targets.size(), 0);
  int longest = 0;
  for (int tick = 1; tick <= 5 * most_ticks; ++tick) {
    for (std::size_t grower = 0; grower < 20; ++grower)
      host.targets[grower].resident_bytes += 4 * kMiB - 8 * kMiB * (tick % 2 == 0 ? 1U : 0U);
    for (const std::size_t target : host.tick()) last_read[target] = tick;
    for (const int read : last_read) longest = std::max(longest, tick - read);
  }
  EXPECT_LE(longest, most_ticks);
}

TEST(SmapsBudget, ALargeTargetThatMustBeSavedForIsNotPassedByForEver) {
  Host host({.duty = 0.0005, .max_read_seconds = 0.015});
  const std::size_t large = host.add(5 * kGiB);  // 14.4 ms; income is 7.5 ms a tick
  for (int i = 0; i < 2000; ++i) host.add(kMiB);
  bool is_read = false;
  for (int tick = 0; tick < 2; ++tick) {
    const auto order = host.tick();
    is_read = is_read || std::ranges::find(order, large) != order.end();
  }
  ASSERT_TRUE(is_read) << "what is saved at the start is enough for one";
  int reads = 0;
  for (int tick = 0; tick < 200; ++tick) {
    const auto order = host.tick();
    reads += std::ranges::find(order, large) != order.end() ? 1 : 0;
  }
  EXPECT_GE(reads, 10);
}

TEST(SmapsBudget, TheFastestGrowerIsReadFirst) {
  Host host;
  for (int i = 0; i < 50; ++i) host.add(64 * kMiB);
  for (int tick = 0; tick < 20; ++tick) host.tick();
  for (std::size_t target = 0; target < host.targets.size(); ++target)
    host.targets[target].resident_bytes += (target + 2) * kMiB;
  host.targets[17].resident_bytes += 500 * kMiB;
  const std::vector<std::size_t> order = host.tick();
  ASSERT_GE(order.size(), 2U);
  // The purses pay in turn, so it is the first or the second.
  EXPECT_LE(std::ranges::find(order, 17U) - order.begin(), 1);
}

TEST(SmapsBudget, AShrinkingTargetChangesToo) {
  Host host;
  const std::size_t target = host.add(512 * kMiB);
  host.tick();
  host.targets[target].resident_bytes = 100 * kMiB;
  EXPECT_EQ(host.tick(), std::vector<std::size_t>{target});
}

TEST(SmapsBudget, AnUnchangedTargetRestsAMinute) {
  Host host;
  const std::size_t target = host.add(16 * kMiB);
  EXPECT_EQ(host.tick().size(), 1U);
  for (int tick = 0; tick < 3; ++tick) EXPECT_TRUE(host.tick().empty()) << tick;
  EXPECT_EQ(host.tick(), std::vector<std::size_t>{target});
}

TEST(SmapsBudget, WhatIsTooLargeIsNeverReadAndCountedAndAllowedOnlyByASetting) {
  Host host;
  host.add(6 * kGiB);  // 17 ms
  host.add(kGiB);
  for (int tick = 0; tick < 100; ++tick) {
    const auto order = host.tick();
    EXPECT_EQ(std::ranges::count(order, 0U), 0);
    EXPECT_EQ(host.budget.too_large(), 1U);
  }
  Host daring({.duty = 0.001, .max_read_seconds = 0.1});
  daring.most_predicted = 0.1;
  daring.add(6 * kGiB);
  EXPECT_EQ(daring.tick().size(), 1U);
}

TEST(SmapsBudget, WhatHasToWaitIsCounted) {
  Host host;
  for (int i = 0; i < 100; ++i) host.add(kGiB);  // 2.9 ms each; 30 ms are saved at the start
  const std::size_t read = host.tick().size();
  EXPECT_GT(read, 5U);
  EXPECT_LT(read, 15U);
  EXPECT_EQ(host.budget.left_over(), 100 - read);
}

TEST(SmapsBudget, ASlowHostIsLearnedSoThatItsLargestAreTooLarge) {
  Host host;
  host.seconds_per_byte = 4 * SmapsBudget::kLeastSecondsPerByte;
  for (int i = 0; i < 20; ++i) host.add(512 * kMiB);
  for (int tick = 0; tick < 50; ++tick) host.tick();
  const std::size_t fresh = host.add(3 * kGiB);  // 8.6 ms elsewhere, 34 ms here
  for (int tick = 0; tick < 50; ++tick)
    EXPECT_EQ(std::ranges::count(host.tick(), fresh), 0) << tick;
  EXPECT_EQ(host.budget.too_large(), 1U);
}

TEST(SmapsBudget, AfterAReadThatOverranOnlyShortOnesAreMadeForAWhile) {
  Host host;
  const std::size_t slow = host.add(2 * kGiB);
  const std::size_t large = host.add(kGiB);
  const std::size_t small = host.add(16 * kMiB);
  host.budget.begin_tick(host.now_seconds, host.targets);
  ASSERT_EQ(host.budget.next(), slow);
  host.budget.took(slow, 0.016);  // the reader lost its processor; 1 ms is left in the purse
  EXPECT_EQ(host.budget.next(), std::nullopt) << "the next in both purses is the large one";
  EXPECT_EQ(host.budget.left_over(), 2U);
  bool small_is_read = false;
  double large_read_seconds = 0;
  const double began_seconds = host.now_seconds;
  for (int tick = 0; tick < 60; ++tick) {
    const double now_seconds = host.now_seconds;
    for (const std::size_t target : host.tick()) {
      if (target == small && large_read_seconds == 0) small_is_read = true;
      if (target == large && large_read_seconds == 0) large_read_seconds = now_seconds;
    }
  }
  EXPECT_TRUE(small_is_read);
  EXPECT_GE(large_read_seconds - began_seconds, SmapsBudget::kBusySeconds);
}

TEST(SmapsBudget, ATargetInHugePagesIsCheapAndTheOthersStayDear) {
  Host host;
  const std::size_t huge = host.add(4 * kGiB);
  host.budget.begin_tick(host.now_seconds, host.targets);
  ASSERT_EQ(host.budget.next(), huge);
  host.budget.took(huge, 0.0001);
  EXPECT_LT(host.budget.predicted_seconds(host.targets[huge]), 0.0002);
  host.targets[huge].resident_bytes = 40 * kGiB;
  EXPECT_LT(host.budget.predicted_seconds(host.targets[huge]), 0.002);
  SmapsTarget other;
  other.resident_bytes = 4 * kGiB;
  other.waiting_since_seconds = host.now_seconds;
  EXPECT_GT(host.budget.predicted_seconds(other), 0.011);
}

TEST(SmapsBudget, OneSlowReadIsForgivenAfterAnHour) {
  Host host;
  const std::size_t target = host.add(2 * kGiB);
  host.budget.begin_tick(host.now_seconds, host.targets);
  ASSERT_TRUE(host.budget.next());
  host.budget.took(target, 0.5);  // the reader was put to sleep
  for (int tick = 0; tick < 200; ++tick) {
    EXPECT_TRUE(host.tick().empty()) << tick;
    if (host.now_seconds - 1000 > SmapsBudget::kTrustSeconds - kIntervalSeconds) break;
  }
  bool is_read = false;
  for (int tick = 0; tick < 50; ++tick) is_read = is_read || !host.tick().empty();
  EXPECT_TRUE(is_read);
}

TEST(SmapsBudget, WhatIsSwappedOutIsWalkedToo) {
  Host host;
  const std::size_t target = host.add(kMiB);
  host.targets[target].swapped_bytes = 6 * kGiB;
  EXPECT_TRUE(host.tick().empty());
  EXPECT_EQ(host.budget.too_large(), 1U);
}

TEST(SmapsBudget, ASmallTargetThatTookLongIsExpectedToAgain) {
  Host host;
  const std::size_t target = host.add(kMiB);  // of 100,000 mappings
  host.budget.begin_tick(host.now_seconds, host.targets);
  ASSERT_EQ(host.budget.next(), target);
  host.budget.took(target, 0.06);
  host.targets[target].resident_bytes = 3 * kMiB;
  host.now_seconds += SmapsBudget::kTrustSeconds - 1;
  EXPECT_TRUE(host.tick().empty());
  EXPECT_EQ(host.budget.too_large(), 1U);
}

TEST(SmapsBudget, ATargetThatTakesTooLongAgainIsTriedEverMoreRarely) {
  Host host;
  const std::size_t target = host.add(kMiB);
  double waited_seconds = 0;
  for (int attempt = 0; attempt < 4; ++attempt) {
    const double began_seconds = host.now_seconds;
    for (;;) {
      host.budget.begin_tick(host.now_seconds, host.targets);
      if (host.budget.next()) break;
      host.now_seconds += kIntervalSeconds;
    }
    host.budget.took(target, 0.06);
    const double waited = host.now_seconds - began_seconds;
    if (attempt > 1) {
      EXPECT_GT(waited, 1.9 * waited_seconds) << attempt;
    }
    waited_seconds = waited;
    host.now_seconds += kIntervalSeconds;
  }
}

TEST(SmapsBudget, WhatFailedIsLeftAloneForAsLongAsAsked) {
  Host host;
  const std::size_t target = host.add(16 * kMiB);
  host.budget.begin_tick(host.now_seconds, host.targets);
  ASSERT_EQ(host.budget.next(), target);
  host.budget.failed(target, 2e-6, 600);
  EXPECT_FALSE(host.budget.next());
  EXPECT_FALSE(host.targets[target].is_sampled);
  host.now_seconds += 599;
  EXPECT_TRUE(host.tick().empty());
  EXPECT_EQ(host.tick().size(), 1U);
}

TEST(SmapsBudget, NothingIsReadWithoutAShare) {
  Host host({.duty = 0, .max_read_seconds = 0.015});
  host.add(kMiB);
  for (int tick = 0; tick < 100; ++tick) {
    EXPECT_TRUE(host.tick().empty());
    EXPECT_EQ(host.budget.disabled(), 1U) << "it would be due";
    EXPECT_EQ(host.budget.left_over(), 0U) << "nothing waits for a share";
  }
}

TEST(SmapsBudget, TheDutyIsThatOfTheTimeSinceTheTickBefore) {
  Host host;
  host.add(512 * kMiB);
  host.tick();
  EXPECT_EQ(host.budget.duty_ratio(), std::nullopt) << "since when?";
  host.targets[0].resident_bytes += 10 * kMiB;
  host.tick();
  ASSERT_TRUE(host.budget.duty_ratio());
  EXPECT_DOUBLE_EQ(*host.budget.duty_ratio(), host.tick_seconds / kIntervalSeconds);
  EXPECT_GT(host.tick_seconds, 0);
  host.tick();
  EXPECT_EQ(host.budget.duty_ratio(), 0);
}

TEST(SmapsBudget, AClockThatStandsStillEarnsNothing) {
  Host host;
  for (int i = 0; i < 100; ++i) host.add(kGiB);
  host.tick();
  host.now_seconds -= kIntervalSeconds;
  host.budget.begin_tick(host.now_seconds, host.targets);
  EXPECT_FALSE(host.budget.next());
  EXPECT_EQ(host.budget.duty_ratio(), std::nullopt);
}

}  // namespace
}  // namespace heapfloor
