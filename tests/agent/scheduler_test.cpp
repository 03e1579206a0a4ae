#include "agent/scheduler.h"

#include <gtest/gtest.h>

#include <array>
#include <stdexcept>

#include "agent/log.h"
#include "agent/series/sample_batch.h"
#include "collectors/host_root.h"
#include "tests/support/fake_clock.h"

namespace heapfloor {
namespace {

constexpr MetricDesc kMetric{.name = "test_bytes", .help = "Test."};

class Good final : public Collector {
 public:
  Result<CollectReport> collect(SampleSink& sink) override {
    sink.begin({EntityKind::host, {}, ""});
    sink.add(kMetric, 1);
    CollectReport report;
    report.entities_read = 1;
    report.count({ErrorKind::denied, "file", "no"});
    report.count({ErrorKind::gone, "process", "ended"});
    return report;
  }
};

class Rationed final : public Collector {
 public:
  Result<CollectReport> collect(SampleSink& /*sink*/) override {
    CollectReport report;
    report.skipped = SkippedReads{.budget = 3, .disabled = 2, .too_large = 1};
    report.sources.push_back({"file", ++ticks_ > 1});
    return report;
  }

 private:
  int ticks_ = 0;
};

class Failing final : public Collector {
 public:
  Result<CollectReport> collect(SampleSink& /*sink*/) override {
    return failure(ErrorKind::malformed, "file", "bad");
  }
};

class Throwing final : public Collector {
 public:
  Result<CollectReport> collect(SampleSink& /*sink*/) override {
    throw std::runtime_error("thrown");
  }
};

template <class T>
std::unique_ptr<Collector> make(const HostRoot& /*root*/, const CollectorOptions& /*options*/) {
  return std::make_unique<T>();
}

constexpr CollectorEntry kGood{"good", "Works.", true, {}, &make<Good>};
constexpr CollectorEntry kFailing{"failing", "Fails.", true, {}, &make<Failing>};
constexpr CollectorEntry kThrowing{"throwing", "Throws.", true, {}, &make<Throwing>};
constexpr CollectorEntry kRationed{"rationed", "Reads little.", true, {}, &make<Rationed>};
constexpr CollectorEntry kOff{"off", "Is off.", false, {}, &make<Good>};
constexpr std::array<const CollectorEntry*, 4> kEntries = {&kFailing, &kThrowing, &kOff, &kGood};

class SchedulerTest : public ::testing::Test {
 protected:
  void collect() {
    batch_.clear();
    scheduler_.collect(batch_);
  }
  DirectoryHostRoot root_{HostPaths{}};
  FakeClock clock_;
  SampleBatch batch_;
  Scheduler scheduler_{kEntries,
                       [](const CollectorEntry& entry) { return entry.enabled_by_default; },
                       root_,
                       {},
                       clock_};
};

TEST_F(SchedulerTest, RunsTheOthersWhenOneFailsOrThrows) {
  collect();
  EXPECT_EQ(batch_.samples(0).size(), 1U);
  ASSERT_EQ(scheduler_.health().size(), 3U) << "a disabled collector is not there";
  EXPECT_FALSE(scheduler_.succeeded("failing"));
  EXPECT_FALSE(scheduler_.succeeded("throwing"));
  EXPECT_TRUE(scheduler_.succeeded("good"));
}

TEST_F(SchedulerTest, CountsErrorsByReasonForEver) {
  collect();
  collect();
  const CollectorHealth& failing = scheduler_.health()[0];
  const CollectorHealth& throwing = scheduler_.health()[1];
  const CollectorHealth& good = scheduler_.health()[2];
  EXPECT_EQ(failing.errors[static_cast<std::size_t>(ErrorKind::malformed)], 2U);
  EXPECT_EQ(throwing.errors[static_cast<std::size_t>(ErrorKind::io)], 2U);
  EXPECT_EQ(good.errors[static_cast<std::size_t>(ErrorKind::denied)], 2U);
  EXPECT_EQ(good.errors[static_cast<std::size_t>(ErrorKind::gone)], 2U);
  EXPECT_FALSE(failing.last_success_seconds);
  EXPECT_TRUE(good.last_success_seconds);
}

TEST_F(SchedulerTest, CountsWhatWasSkippedForEverAndKnowsTheLatestAccess) {
  constexpr std::array<const CollectorEntry*, 2> kEntriesOfThis = {&kRationed, &kGood};
  Scheduler scheduler(
      kEntriesOfThis, [](const CollectorEntry&) { return true; }, root_, {}, clock_);
  scheduler.collect(batch_);
  const CollectorHealth& rationed = scheduler.health()[0];
  ASSERT_EQ(rationed.sources.size(), 1U);
  EXPECT_FALSE(rationed.sources[0].is_accessible);
  scheduler.collect(batch_);
  ASSERT_TRUE(rationed.skipped);
  EXPECT_EQ(rationed.skipped->budget, 6U);
  EXPECT_EQ(rationed.skipped->disabled, 4U);
  EXPECT_EQ(rationed.skipped->too_large, 2U);
  ASSERT_EQ(rationed.sources.size(), 1U);
  EXPECT_TRUE(rationed.sources[0].is_accessible);
  EXPECT_FALSE(scheduler.health()[1].skipped) << "it rations nothing";
}

TEST_F(SchedulerTest, LogsAnErrorOnceAndThenOnceAnHour) {
  const auto warnings = [] { return log_counts()[static_cast<std::size_t>(LogLevel::warning)]; };
  const std::uint64_t before = warnings();
  collect();
  const std::uint64_t after_first = warnings();
  EXPECT_EQ(after_first - before, 3U)
      << "one for each collector; a vanished process is not worth a line";
  for (int tick = 0; tick < 100; ++tick) collect();
  EXPECT_EQ(warnings(), after_first);
  clock_.advance(Scheduler::kLogEverySeconds + 1);
  collect();
  EXPECT_EQ(warnings(), after_first + 3);
}

}  // namespace
}  // namespace heapfloor
