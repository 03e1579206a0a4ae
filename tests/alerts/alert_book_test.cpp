#include "agent/alerts/alert_book.h"

#include <gtest/gtest.h>

#include <array>

#include "agent/alerts/log_sink.h"
#include "agent/log.h"

namespace heapfloor {
namespace {

constexpr double kHold = 60;
constexpr double kResolveHold = 300;

AlertCondition leak_of(const std::string& subject) {
  AlertCondition condition;
  condition.name = "HeapfloorLeak";
  condition.severity = "warning";
  condition.subject = subject;
  condition.scope = "process";
  condition.signal = "rss_anon";
  return condition;
}

class AlertBookTest : public ::testing::Test {
 protected:
  // One tick: these subjects leak.
  std::vector<AlertTransition> step(double now, const std::vector<std::string>& subjects) {
    std::vector<AlertCondition> conditions;
    for (const std::string& subject : subjects) conditions.push_back(leak_of(subject));
    return book_.step(conditions, now);
  }
  AlertBook book_{kHold, kResolveHold};
};

TEST_F(AlertBookTest, IsPendingFirstAndFiresAfterTheHold) {
  ASSERT_EQ(step(0, {"a"}).size(), 1U);
  EXPECT_EQ(book_.alerts()[0].phase, AlertPhase::pending);
  EXPECT_TRUE(step(59, {"a"}).empty());
  const auto changes = step(60, {"a"});
  ASSERT_EQ(changes.size(), 1U);
  EXPECT_EQ(changes[0].change, AlertChange::firing);
  EXPECT_EQ(book_.alerts()[0].phase, AlertPhase::firing);
  EXPECT_EQ(book_.alerts()[0].active_since_seconds, 0);
}

TEST_F(AlertBookTest, TellsEachChangeOnce) {
  step(0, {"a"});
  step(60, {"a"});
  for (int tick = 61; tick < 100; ++tick) EXPECT_TRUE(step(tick, {"a"}).empty());
}

TEST_F(AlertBookTest, ForgetsAPendingAlertAsSoonAsItsConditionIsAway) {
  step(0, {"a"});
  const auto changes = step(10, {});
  ASSERT_EQ(changes.size(), 1U);
  EXPECT_EQ(changes[0].change, AlertChange::resolved);
  EXPECT_FALSE(changes[0].was_firing);
  EXPECT_TRUE(book_.alerts().empty());
  step(20, {"a"});
  EXPECT_TRUE(step(79, {"a"}).empty()) << "the hold starts anew";
}

TEST_F(AlertBookTest, DoesNotFlapWhenTheConditionWavers) {
  step(0, {"a"});
  step(60, {"a"});
  EXPECT_TRUE(step(100, {}).empty());
  EXPECT_TRUE(step(350, {"a"}).empty());
  EXPECT_EQ(book_.alerts()[0].active_since_seconds, 0);
}

TEST_F(AlertBookTest, ResolvesAfterTheConditionHasBeenAwayLongEnough) {
  step(0, {"a"});
  step(60, {"a"});
  EXPECT_TRUE(step(359, {}).empty());
  const auto changes = step(360, {});
  ASSERT_EQ(changes.size(), 1U);
  EXPECT_EQ(changes[0].change, AlertChange::resolved);
  EXPECT_TRUE(changes[0].was_firing);
  EXPECT_TRUE(book_.alerts().empty());
}

TEST_F(AlertBookTest, ResolvesAtOnceWhenTheSubjectHasEnded) {
  step(0, {"a"});
  step(60, {"a"});
  AlertCondition ended = leak_of("a");
  ended.ended = true;
  const auto changes = book_.step(std::array{ended}, 61);
  ASSERT_EQ(changes.size(), 1U);
  EXPECT_EQ(changes[0].change, AlertChange::resolved);
}

TEST_F(AlertBookTest, NeverMakesAnAlertOfASubjectThatHasEnded) {
  AlertCondition ended = leak_of("a");
  ended.ended = true;
  EXPECT_TRUE(book_.step(std::array{ended}, 0).empty());
  EXPECT_TRUE(book_.alerts().empty());
}

TEST_F(AlertBookTest, KeepsSubjectsApart) {
  step(0, {"a", "b"});
  EXPECT_EQ(step(60, {"a"}).size(), 2U) << "a fires, b is dropped";
  EXPECT_EQ(book_.alerts().size(), 1U);
}

TEST_F(AlertBookTest, DoesNotTakeAChangedSeverityForAnotherAlert) {
  step(0, {"a"});
  AlertCondition worse = leak_of("a");
  worse.severity = "critical";
  EXPECT_TRUE(book_.step(std::array{worse}, 10).empty());
  EXPECT_EQ(book_.alerts()[0].condition.severity, "critical");
}

TEST_F(AlertBookTest, CountsTransitionsFromZero) {
  book_.declare("HeapfloorLeak");
  EXPECT_EQ(book_.counts().at("HeapfloorLeak").firing, 0U);
  step(0, {"a"});
  step(60, {"a"});
  step(500, {});
  const AlertCounts& counts = book_.counts().at("HeapfloorLeak");
  EXPECT_EQ(counts.pending, 1U);
  EXPECT_EQ(counts.firing, 1U);
  EXPECT_EQ(counts.resolved, 1U);
}

TEST(LogSink, WritesALineForEachTransitionAndAWarningWhenItFires) {
  const auto before = log_counts();
  LogSink sink;
  sink.deliver({AlertChange::pending, {leak_of("a")}, false});
  sink.deliver({AlertChange::firing, {leak_of("a")}, true});
  const auto after = log_counts();
  EXPECT_EQ(after[static_cast<std::size_t>(LogLevel::info)],
            before[static_cast<std::size_t>(LogLevel::info)] + 1);
  EXPECT_EQ(after[static_cast<std::size_t>(LogLevel::warning)],
            before[static_cast<std::size_t>(LogLevel::warning)] + 1);
}

TEST_F(AlertBookTest, TheSeverityOfAFiringAlertOnlyRises) {
  const auto severity_after = [this](double now, const std::string& severity) {
    AlertCondition condition = leak_of("a");
    condition.severity = severity;
    book_.step(std::array{condition}, now);
    return book_.alerts()[0].condition.severity;
  };
  EXPECT_EQ(severity_after(0, "critical"), "critical");
  EXPECT_EQ(severity_after(30, "warning"), "warning") << "nobody was told of a pending one";
  EXPECT_EQ(severity_after(60, "warning"), "warning");
  EXPECT_EQ(severity_after(70, "critical"), "critical");
  EXPECT_EQ(severity_after(80, "warning"), "critical");
}

TEST_F(AlertBookTest, AConditionMayBringItsOwnHold) {
  AlertCondition condition = leak_of("a");
  condition.hold_seconds = 0;
  const auto changes = book_.step(std::array{condition}, 5);
  ASSERT_EQ(changes.size(), 2U);
  EXPECT_EQ(changes[1].change, AlertChange::firing);
}

TEST_F(AlertBookTest, ARestoredAlertGoesOnFiringSinceItsOwnTime) {
  step(0, {"a"});
  step(60, {"a"});
  const Alert before = *book_.find("HeapfloorLeak", "a", "rss_anon");
  ASSERT_EQ(before.phase, AlertPhase::firing);
  std::string bytes;
  ByteWriter out(bytes);
  book_.save(out);
  book_ = AlertBook(60, 300);
  ByteReader in(bytes);
  ASSERT_TRUE(book_.restore(in));
  EXPECT_TRUE(step(70, {"a"}).empty()) << "nothing changed";
  const Alert* const after = book_.find("HeapfloorLeak", "a", "rss_anon");
  ASSERT_NE(after, nullptr);
  EXPECT_EQ(after->active_since_seconds, before.active_since_seconds);
  EXPECT_EQ(after->active_since_unix_seconds, before.active_since_unix_seconds);
  EXPECT_EQ(step(370, {}).size(), 1U) << "and is resolved like any other";
}

}  // namespace
}  // namespace heapfloor
