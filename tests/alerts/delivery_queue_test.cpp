#include "agent/alerts/delivery_queue.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <functional>
#include <map>
#include <utility>

namespace heapfloor {
namespace {

using ::testing::AllOf;
using ::testing::Ge;
using ::testing::Le;
using ::testing::SizeIs;

constexpr double kUnix = 1.7e9;  // Unix time at 0 of the steady clock
constexpr double kDay = 86400;
constexpr double kTick = 15;

OutgoingAlert alert_of(const std::string& subject, double starts_at = kUnix) {
  OutgoingAlert alert;
  alert.labels = {{"alertname", "HeapfloorLeak"}, {"subject", subject}};
  alert.identity = label_identity(alert.labels);
  alert.starts_at_seconds = starts_at;
  return alert;
}

std::vector<OutgoingAlert> alerts_of(std::size_t count) {
  std::vector<OutgoingAlert> alerts;
  for (std::size_t i = 0; i < count; ++i) alerts.push_back(alert_of("s" + std::to_string(i)));
  return alerts;
}

// A receiver beside a queue, on a clock that the test moves. Requests take no time.
class Delivery {
 public:
  explicit Delivery(const DeliveryPolicy& policy = {}, std::uint64_t seed = 1)
      : queue(policy, seed) {}

  void update(const std::vector<OutgoingAlert>& firing,
              const std::vector<std::string>& withheld = {}) {
    queue.update(firing, withheld, now, kUnix + now);
  }

  // Lets time pass and sends what becomes due on the way.
  void run_until(double end) {
    for (;;) {
      const std::optional<double> due = queue.next_due_seconds();
      if (!due || *due > end) break;
      now = std::max(now, *due);
      const std::optional<DeliveryQueue::Batch> batch = queue.take(now);
      ASSERT_TRUE(batch);
      attempts.push_back(now);
      sizes.push_back(batch->alerts.size());
      const DeliveryOutcome outcome = answer(*batch);
      if (outcome == DeliveryOutcome::delivered) {
        for (const OutgoingAlert& alert : batch->alerts) told.emplace_back(now, alert);
      }
      queue.finish(*batch, outcome, now);
    }
    now = end;
  }

  [[nodiscard]] std::vector<std::pair<double, OutgoingAlert>> told_of(
      const OutgoingAlert& alert) const {
    std::vector<std::pair<double, OutgoingAlert>> found;
    for (const auto& one : told) {
      if (one.second.identity == alert.identity) found.push_back(one);
    }
    return found;
  }

  DeliveryQueue queue;
  double now = 0;
  std::function<DeliveryOutcome(const DeliveryQueue::Batch&)> answer =
      [](const DeliveryQueue::Batch&) { return DeliveryOutcome::delivered; };
  std::vector<double> attempts;
  std::vector<std::size_t> sizes;
  std::vector<std::pair<double, OutgoingAlert>> told;
};

DeliveryOutcome unavailable(const DeliveryQueue::Batch& /*batch*/) {
  return DeliveryOutcome::unavailable;
}
DeliveryOutcome delivered(const DeliveryQueue::Batch& /*batch*/) {
  return DeliveryOutcome::delivered;
}

TEST(DeliveryQueueTest, HasNothingToSendBeforeAnAlert) {
  Delivery delivery;
  delivery.update({});
  EXPECT_FALSE(delivery.queue.next_due_seconds());
  EXPECT_FALSE(delivery.queue.take(1000));
  EXPECT_FALSE(delivery.queue.is_up());
}

TEST(DeliveryQueueTest, TellsAFiringAlertAtOnceAndAgainAfterEachResendTime) {
  Delivery delivery;
  for (double at = 0; at <= 180; at += kTick) {
    delivery.run_until(at);
    delivery.update({alert_of("a")});
  }
  delivery.run_until(180);
  EXPECT_EQ(delivery.attempts, (std::vector<double>{0, 60, 120, 180}));
  for (const auto& [at, alert] : delivery.told) {
    EXPECT_EQ(alert.starts_at_seconds, kUnix);
    EXPECT_FALSE(alert.ended_at_seconds);
  }
}

TEST(DeliveryQueueTest, TellsTheEndAtOnceAndForFiveMinutesMore) {
  Delivery delivery;
  delivery.update({alert_of("a")});
  delivery.run_until(100);
  delivery.update({});
  delivery.run_until(1000);
  const auto told = delivery.told_of(alert_of("a"));
  ASSERT_THAT(told, SizeIs(8));  // 0 and 60 firing; 100, 160 … 400 resolved
  for (std::size_t i = 2; i < told.size(); ++i) {
    EXPECT_EQ(told[i].first, 100 + 60 * static_cast<double>(i - 2));
    EXPECT_EQ(told[i].second.ended_at_seconds, kUnix + 100) << "the end does not move";
  }
  EXPECT_EQ(delivery.queue.size(), 0U);
}

TEST(DeliveryQueueTest, TakesTheNewestWordsOfAnAlert) {
  Delivery delivery;
  OutgoingAlert alert = alert_of("a");
  alert.annotations = {{"description", "old"}};
  delivery.update({alert});
  alert.annotations = {{"description", "new"}};
  delivery.update({alert});
  delivery.run_until(1);
  ASSERT_THAT(delivery.told, SizeIs(1));
  EXPECT_EQ(delivery.told[0].second.annotations[0].second, "new");
}

TEST(DeliveryQueueTest, SendsBatchesOfSixtyFourWithoutAPause) {
  Delivery delivery;
  delivery.update(alerts_of(200));
  delivery.run_until(1);
  EXPECT_EQ(delivery.sizes, (std::vector<std::size_t>{64, 64, 64, 8}));
  EXPECT_THAT(delivery.attempts, ::testing::Each(0));
}

TEST(DeliveryQueueTest, BacksOffFromFiveSecondsToAMinuteWithJitter) {
  for (std::uint64_t seed = 1; seed < 50; ++seed) {
    DeliveryPolicy policy;
    policy.probe_seconds.reset();
    Delivery delivery(policy, seed);
    delivery.answer = unavailable;
    delivery.update({alert_of("a")});
    delivery.run_until(3600);
    double longest = 5;
    for (std::size_t i = 1; i < delivery.attempts.size(); ++i) {
      EXPECT_THAT(delivery.attempts[i] - delivery.attempts[i - 1],
                  AllOf(Ge(longest / 2), Le(longest)))
          << "attempt " << i << " of seed " << seed;
      longest = std::min(longest * 2, 60.0);
    }
    EXPECT_GT(delivery.attempts.size(), 60U) << "it never gives up";
  }
}

TEST(DeliveryQueueTest, TwoAgentsDoNotComeBackInTheSameInstant) {
  std::map<double, int> second_attempts;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    Delivery delivery({}, seed);
    delivery.answer = unavailable;
    delivery.update({alert_of("a")});
    delivery.run_until(5);
    ASSERT_GE(delivery.attempts.size(), 2U);
    ++second_attempts[delivery.attempts[1]];
  }
  EXPECT_GT(second_attempts.size(), 90U);
}

TEST(DeliveryQueueTest, AsksWithAnEmptyRequestWhileItBacksOffForLong) {
  Delivery delivery;
  delivery.answer = unavailable;
  delivery.update({alert_of("a")});
  delivery.run_until(kDay);
  double last = 0;
  double last_alert = 0;
  for (std::size_t i = 1; i < delivery.attempts.size(); ++i) {
    EXPECT_LE(delivery.attempts[i] - last, 20.0);
    last = delivery.attempts[i];
    if (delivery.sizes[i] == 0) continue;
    EXPECT_GE(delivery.attempts[i] - last_alert, 2.5);
    last_alert = delivery.attempts[i];
  }
  EXPECT_EQ(delivery.queue.counts().failed,
            static_cast<std::uint64_t>(std::ranges::count(delivery.sizes, 1U)))
      << "an empty request is no failed notification";
}

TEST(DeliveryQueueTest, AfterADayWithoutAReceiverEverythingIsToldWithinThirtySeconds) {
  Delivery delivery;
  const std::vector<OutgoingAlert> all = alerts_of(200);
  const OutgoingAlert heard = alert_of("heard");
  const OutgoingAlert unheard_old = alert_of("unheard and over for long");
  const OutgoingAlert unheard_new = alert_of("unheard and just over");
  std::vector<OutgoingAlert> firing = {heard};
  delivery.update(firing);
  delivery.run_until(1);  // delivered as firing
  delivery.answer = unavailable;
  firing.insert(firing.end(), all.begin(), all.end());
  firing.push_back(unheard_old);
  firing.push_back(unheard_new);
  for (double at = kTick; at <= kDay; at += kTick) {
    delivery.run_until(at);
    if (at == 6000)
      std::erase_if(firing, [&](const auto& a) { return a.identity == heard.identity; });
    if (at == 9000)
      std::erase_if(firing, [&](const auto& a) { return a.identity == unheard_old.identity; });
    if (at == kDay - 120)
      std::erase_if(firing, [&](const auto& a) { return a.identity == unheard_new.identity; });
    delivery.update(firing);
  }
  delivery.answer = delivered;
  delivery.told.clear();
  delivery.run_until(kDay + 30);
  for (const OutgoingAlert& alert : all) {
    const auto told = delivery.told_of(alert);
    ASSERT_THAT(told, SizeIs(1)) << alert.labels[1].second;
    EXPECT_FALSE(told[0].second.ended_at_seconds);
    EXPECT_EQ(told[0].second.starts_at_seconds, kUnix);
  }
  ASSERT_THAT(delivery.told_of(heard), SizeIs(1));
  EXPECT_EQ(delivery.told_of(heard)[0].second.ended_at_seconds, kUnix + 6000);
  ASSERT_THAT(delivery.told_of(unheard_new), SizeIs(1));
  EXPECT_EQ(delivery.told_of(unheard_new)[0].second.ended_at_seconds, kUnix + kDay - 120);
  EXPECT_THAT(delivery.told_of(unheard_old), SizeIs(0));
  EXPECT_EQ(delivery.queue.counts().dropped, 0U);
}

TEST(DeliveryQueueTest, ComesBackWithinThirtySecondsWhenOnlyItsAlertsWereRefusedMeanwhile) {
  for (std::uint64_t seed = 1; seed < 20; ++seed) {
    Delivery delivery({}, seed);
    const auto empty_is_fine = [](const DeliveryQueue::Batch& batch) {
      return batch.alerts.empty() ? DeliveryOutcome::delivered : DeliveryOutcome::unavailable;
    };
    delivery.answer = empty_is_fine;
    delivery.update({alert_of("a")});
    delivery.run_until(kDay);
    const auto with_alerts = std::ranges::count(delivery.sizes, 1U);
    EXPECT_LE(with_alerts, 86400 / 30 + 10) << "an empty request that succeeds undoes no back-off";
    delivery.answer = delivered;
    delivery.run_until(kDay + 60);
    EXPECT_THAT(delivery.told_of(alert_of("a")), ::testing::Not(::testing::IsEmpty()));
  }
}

TEST(DeliveryQueueTest, ARefusedAlertDoesNotHoldBackItsBatch) {
  Delivery delivery;
  const OutgoingAlert bad = alert_of("s17");
  delivery.answer = [&](const DeliveryQueue::Batch& batch) {
    const bool is_in = std::ranges::find(batch.alerts, bad.identity, &OutgoingAlert::identity) !=
                       batch.alerts.end();
    return is_in ? DeliveryOutcome::rejected : DeliveryOutcome::delivered;
  };
  const std::vector<OutgoingAlert> all = alerts_of(64);
  delivery.update(all);
  delivery.run_until(30);
  for (const OutgoingAlert& alert : all)
    EXPECT_THAT(delivery.told_of(alert), SizeIs(alert.identity == bad.identity ? 0 : 1));
  EXPECT_EQ(delivery.queue.is_up(), true) << "a receiver that refuses is there";
  const std::size_t before = delivery.attempts.size();
  delivery.run_until(50);
  EXPECT_EQ(delivery.attempts.size(), before) << "the bad one is not sent again at once";
  EXPECT_GT(delivery.queue.counts().failed, 0U);
}

TEST(DeliveryQueueTest, ARefusedEndIsGivenUpAndCounted) {
  Delivery delivery;
  delivery.answer = [](const DeliveryQueue::Batch& batch) {
    return batch.alerts[0].ended_at_seconds ? DeliveryOutcome::rejected
                                            : DeliveryOutcome::delivered;
  };
  delivery.update({alert_of("a")});
  delivery.run_until(10);
  delivery.update({});
  delivery.run_until(1000);
  EXPECT_EQ(delivery.queue.size(), 0U);
  EXPECT_EQ(delivery.queue.counts().dropped, 1U);
}

TEST(DeliveryQueueTest, AnEndThatHappensWhileTheAlertIsOnItsWayIsToldToo) {
  Delivery delivery;
  delivery.update({alert_of("a")});
  const auto batch = delivery.queue.take(0);
  ASSERT_TRUE(batch);
  delivery.update({});
  delivery.queue.finish(*batch, DeliveryOutcome::delivered, 1);
  delivery.run_until(2);
  const auto told = delivery.told_of(alert_of("a"));
  ASSERT_THAT(told, SizeIs(1));
  EXPECT_EQ(told[0].second.ended_at_seconds, kUnix);
}

TEST(DeliveryQueueTest, AnAlertThatBeginsAnewIsToldAnew) {
  Delivery delivery;
  delivery.update({alert_of("a")});
  delivery.run_until(10);
  delivery.update({});
  delivery.run_until(20);
  delivery.update({alert_of("a", kUnix + 20)});
  delivery.run_until(25);
  const auto told = delivery.told_of(alert_of("a"));
  ASSERT_THAT(told, SizeIs(3));
  EXPECT_FALSE(told[2].second.ended_at_seconds);
  EXPECT_EQ(told[2].second.starts_at_seconds, kUnix + 20);
}

TEST(DeliveryQueueTest, ASilencedAlertIsNotToldAgainAndHasNotEnded) {
  Delivery delivery;
  const OutgoingAlert alert = alert_of("a");
  delivery.update({alert});
  delivery.run_until(10);
  delivery.update({}, {alert.identity});
  delivery.run_until(500);
  EXPECT_THAT(delivery.told_of(alert), SizeIs(1));
  delivery.update({alert});
  delivery.run_until(501);
  EXPECT_THAT(delivery.told_of(alert), SizeIs(2)) << "as soon as the silence is over";
}

TEST(DeliveryQueueTest, TheEndOfASilencedAlertIsToldWhereItsBeginWas) {
  Delivery delivery;
  const OutgoingAlert heard = alert_of("heard");
  delivery.update({heard});
  delivery.run_until(10);
  delivery.update({}, {heard.identity});
  delivery.update({});
  delivery.run_until(20);
  ASSERT_THAT(delivery.told_of(heard), SizeIs(2));
  EXPECT_TRUE(delivery.told_of(heard)[1].second.ended_at_seconds);
}

TEST(DeliveryQueueTest, KeepsNoMoreThanItsCapacityAndCountsWhatItRefusesOnce) {
  DeliveryPolicy policy;
  policy.capacity = 100;
  Delivery delivery(policy);
  delivery.answer = unavailable;
  for (double at = 0; at < 600; at += kTick) {
    delivery.run_until(at);
    delivery.update(alerts_of(130));
  }
  EXPECT_EQ(delivery.queue.size(), 100U);
  EXPECT_EQ(delivery.queue.counts().dropped, 30U);
}

TEST(DeliveryQueueTest, WhatFiresTakesThePlaceOfTheOldestEnd) {
  DeliveryPolicy policy;
  policy.capacity = 2;
  Delivery delivery(policy);
  delivery.update({alert_of("a"), alert_of("b")});
  delivery.run_until(1);
  delivery.answer = unavailable;
  delivery.update({alert_of("b")});
  delivery.run_until(2);
  delivery.update({alert_of("b"), alert_of("c")});
  EXPECT_EQ(delivery.queue.size(), 2U);
  EXPECT_EQ(delivery.queue.counts().dropped, 1U) << "the end of a was never told";
  delivery.answer = delivered;
  delivery.run_until(60);
  EXPECT_THAT(delivery.told_of(alert_of("c")), SizeIs(1));
}

TEST(DeliveryQueueTest, AWebhookIsToldOfChangesOnly) {
  DeliveryPolicy policy;
  policy.resend_seconds = 4 * 3600;
  policy.resolved_resend_seconds = 0;
  policy.unheard_resolved_seconds = 0;
  policy.probe_seconds.reset();
  Delivery delivery(policy);
  delivery.update({alert_of("a")});
  delivery.run_until(3600);
  delivery.update({});
  delivery.run_until(4000);
  EXPECT_THAT(delivery.told_of(alert_of("a")), SizeIs(2));
  delivery.answer = unavailable;
  delivery.update({alert_of("b")});
  delivery.run_until(4010);
  delivery.update({});
  delivery.answer = delivered;
  delivery.run_until(5000);
  EXPECT_THAT(delivery.told_of(alert_of("b")), SizeIs(0)) << "it never heard of b";
  EXPECT_EQ(delivery.queue.size(), 0U);
}

TEST(DeliveryQueueTest, ASuccessorTellsTheSameAlertsWithTheSameLabelsAndTimes) {
  Delivery before;
  before.update({alert_of("a"), alert_of("b")});
  before.run_until(100);
  before.answer = unavailable;
  before.update({alert_of("a")});  // b has ended, and nobody was told
  before.run_until(110);

  Delivery after;
  after.now = 200;
  after.queue.restore(before.queue.save(), after.now, kUnix + after.now);
  after.update({alert_of("a")});
  after.run_until(230);
  ASSERT_THAT(after.told_of(alert_of("a")), SizeIs(1));
  EXPECT_EQ(after.told_of(alert_of("a"))[0].second.starts_at_seconds, kUnix);
  EXPECT_FALSE(after.told_of(alert_of("a"))[0].second.ended_at_seconds);
  ASSERT_THAT(after.told_of(alert_of("b")), SizeIs(1));
  EXPECT_EQ(after.told_of(alert_of("b"))[0].second.ended_at_seconds, kUnix + 100);
}

TEST(DeliveryQueueTest, HasAnotherVersionWheneverASuccessorWouldBeToldSomethingElse) {
  Delivery delivery;
  std::uint64_t before = delivery.queue.version();
  const auto has_changed = [&] {
    return std::exchange(before, delivery.queue.version()) != before;
  };
  delivery.update({alert_of("a")});
  EXPECT_TRUE(has_changed());
  delivery.update({alert_of("a")});
  EXPECT_FALSE(has_changed()) << "nothing new";
  delivery.run_until(1);
  EXPECT_TRUE(has_changed()) << "it was heard";
  OutgoingAlert grown = alert_of("a");
  grown.annotations = {{"description", "twice as fast"}};
  delivery.update({grown});
  EXPECT_TRUE(has_changed());
  delivery.update({}, {grown.identity});
  EXPECT_FALSE(has_changed()) << "silenced, which the silences know";
  delivery.update({});
  EXPECT_TRUE(has_changed()) << "it has ended";
  delivery.answer = unavailable;
  delivery.run_until(2);
  EXPECT_FALSE(has_changed()) << "nobody has heard of it";
  delivery.answer = delivered;
  delivery.run_until(100);
  EXPECT_TRUE(has_changed());
  delivery.now = 1000;
  delivery.update({});
  EXPECT_EQ(delivery.queue.size(), 0U);
  EXPECT_TRUE(has_changed()) << "and is forgotten";
}

TEST(DeliveryQueueTest, ANameThatWasNeverHeardIsNotMistakenForAnOlderOne) {
  DeliveryPolicy policy;
  policy.unheard_resolved_seconds = 0;
  Delivery delivery(policy);
  delivery.update({alert_of("a")});
  const auto batch = delivery.queue.take(0);
  ASSERT_TRUE(batch);
  delivery.queue.finish(*batch, DeliveryOutcome::unavailable, 1);
  delivery.update({});  // forgotten
  EXPECT_EQ(delivery.queue.size(), 0U);
  delivery.update({alert_of("a", kUnix + 1)});
  delivery.queue.finish(*batch, DeliveryOutcome::delivered, 2);  // late news of the first one
  delivery.run_until(40);
  ASSERT_THAT(delivery.told, SizeIs(1));
  EXPECT_EQ(delivery.told[0].second.starts_at_seconds, kUnix + 1);
}

TEST(DeliveryQueueTest, ReadsTheStatusOfAnAnswer) {
  EXPECT_EQ(outcome_of_status(200), DeliveryOutcome::delivered);
  EXPECT_EQ(outcome_of_status(204), DeliveryOutcome::delivered);
  EXPECT_EQ(outcome_of_status(400), DeliveryOutcome::rejected);
  EXPECT_EQ(outcome_of_status(413), DeliveryOutcome::rejected);
  for (const int status : {0, 100, 301, 302, 401, 403, 404, 429, 500, 502, 503})
    EXPECT_EQ(outcome_of_status(status), DeliveryOutcome::unavailable) << status;
}

}  // namespace
}  // namespace heapfloor
