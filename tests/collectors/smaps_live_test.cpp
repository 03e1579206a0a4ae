// The smaps collector against a real process that the test starts.
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "collectors/collector.h"
#include "collectors/host_root.h"
#include "collectors/process_board.h"
#include "collectors/process_metrics.h"
#include "collectors/smaps_metrics.h"
#include "collectors/stack_board.h"
#include "tests/support/live_child.h"
#include "tests/support/recording_sink.h"
#include "tests/support/skipping_stopwatch.h"

namespace heapfloor {

extern const CollectorEntry process_collector;
extern const CollectorEntry smaps_collector;

namespace {

using testing::LiveChild;
using testing::RecordedEntity;
using testing::RecordingSink;
using testing::SkippingStopwatch;

constexpr std::size_t kMiB = std::size_t{1024} * 1024;

class SmapsLive : public ::testing::TestWithParam<std::size_t> {
 protected:
  SmapsLive() {
    CollectorOptions options;
    options.descriptor_budget = GetParam();
    options.refresh_ticks = 1;
    options.board = &board_;
    options.stopwatch = &stopwatch_;
    options.stack_board = &stacks_;
    options.smaps_duty = 0.2;
    options.smaps_max_read_seconds = 1;
    processes_ = process_collector.make(root_, options);
    smaps_ = smaps_collector.make(root_, options);
  }

  // Ticks until the child has been read at its size of now.
  void look(pid_t pid) {
    for (int tick = 0; tick < 100; ++tick) {
      const double before_seconds = stopwatch_.seconds();
      status_.entities.clear();
      rollup_.entities.clear();
      ASSERT_TRUE(processes_->collect(status_));
      ASSERT_TRUE(smaps_->collect(rollup_));
      const RecordedEntity* const found = rollup_.process(pid);
      if (found != nullptr && found->value(kProportionalSampleTime) >= before_seconds) return;
      stopwatch_.skipped_seconds += 120;
    }
    FAIL() << "the child was not read";
  }
  [[nodiscard]] double value(pid_t pid, const MetricDesc& desc) const {
    const RecordingSink& sink = status_.process(pid)->value(desc) ? status_ : rollup_;
    return sink.process(pid)->value(desc).value_or(-1);
  }
  [[nodiscard]] double resident(pid_t pid) const {
    return value(pid, kProcessResidentAnon) + value(pid, kProcessResidentFile) +
           value(pid, kProcessResidentShmem);
  }

  DirectoryHostRoot root_;
  ProcessBoard board_;
  StackBoard stacks_;
  SkippingStopwatch stopwatch_;
  RecordingSink status_, rollup_;
  std::unique_ptr<Collector> processes_, smaps_;
};

TEST_P(SmapsLive, ProportionalAndUniqueMemoryLieBelowResidentAndFollowIt) {
  LiveChild child("proportional");
  look(child.pid());
  const double anon_before = value(child.pid(), kProportionalAnon);
  const double dirty_before = value(child.pid(), kUniqueDirty);
  child.touch(32 * kMiB);
  look(child.pid());
  EXPECT_GE(value(child.pid(), kProportionalAnon) - anon_before, 32.0 * kMiB);
  EXPECT_GE(value(child.pid(), kUniqueDirty) - dirty_before, 32.0 * kMiB);
  // Counters of a thread may lag behind by 64 pages (before Linux 6.2).
  const double slack = 0.5 * kMiB;
  const double proportional = value(child.pid(), kProportionalAnon) +
                              value(child.pid(), kProportionalFile) +
                              value(child.pid(), kProportionalShmem);
  EXPECT_LE(proportional, resident(child.pid()) + slack);
  EXPECT_LE(value(child.pid(), kProportionalEstimated), resident(child.pid()));
  EXPECT_NEAR(value(child.pid(), kProportionalEstimated), proportional, slack);
  EXPECT_LE(value(child.pid(), kUniqueClean) + value(child.pid(), kUniqueDirty),
            proportional + slack);
  EXPECT_EQ(value(child.pid(), kLazyFree), 0);
  EXPECT_GE(value(child.pid(), kTransparentHugepage), 0);
  EXPECT_GE(value(child.pid(), kProportionalSwap), 0);
}

TEST_P(SmapsLive, AForkSharesWhatItDidNotWrite) {
  const std::size_t shared_bytes = 16 * kMiB;
  const std::vector<char> shared(shared_bytes, 'x');
  LiveChild child("sharer");
  look(child.pid());
  EXPECT_GE(value(child.pid(), kProcessResidentAnon), 16.0 * kMiB);
  EXPECT_LE(value(child.pid(), kProportionalAnon), 0.6 * value(child.pid(), kProcessResidentAnon));
  EXPECT_EQ(shared[shared_bytes / 2], 'x');
}

TEST_P(SmapsLive, AZombieIsNotMentioned) {
  LiveChild child;
  look(child.pid());
  child.end();
  RecordingSink ignored, rollup;
  ASSERT_TRUE(processes_->collect(ignored));
  ASSERT_TRUE(smaps_->collect(rollup));
  EXPECT_EQ(rollup.process(child.pid()), nullptr);
}

// Threads of this process, each of which has used so much of its stack.
class DeepThreads {
 public:
  explicit DeepThreads(int count) {
    for (int index = 0; index < count; ++index) threads_.emplace_back([this] { run(); });
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this, count] { return deep_ == count; });
  }
  DeepThreads(const DeepThreads&) = delete;
  DeepThreads& operator=(const DeepThreads&) = delete;
  ~DeepThreads() {
    {
      const std::scoped_lock lock(mutex_);
      is_over_ = true;
    }
    changed_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }
  static constexpr std::size_t kDepth = 256UL * 1024;

 private:
  void run() {
    std::array<volatile char, kDepth> used;  // NOLINT(cppcoreguidelines-pro-type-member-init)
    for (std::size_t i = 0; i < kDepth; i += 1024) used.at(i) = 1;
    std::unique_lock lock(mutex_);
    ++deep_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return is_over_; });
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  int deep_ = 0;
  bool is_over_ = false;
  std::vector<std::thread> threads_;
};

TEST_P(SmapsLive, TheStackOfAThreadIsAsDeepAsItIsUsed) {
  const DeepThreads threads(20);
  RecordingSink first;
  ASSERT_TRUE(processes_->collect(first));
  const RecordedEntity* const self = first.process(getpid());
  ASSERT_NE(self, nullptr);
  stacks_.wanted = {self->process};
  look(getpid());
  const double stack = value(getpid(), kThreadStack);
  EXPECT_GE(stack, DeepThreads::kDepth);
  EXPECT_LE(stack, 2.0 * DeepThreads::kDepth);
}

INSTANTIATE_TEST_SUITE_P(KeptOpenOrNot, SmapsLive, ::testing::Values(0, 16384));

}  // namespace
}  // namespace heapfloor
