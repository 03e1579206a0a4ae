// The process collector against real processes that the test starts.
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <memory>
#include <vector>

#include "collectors/host_root.h"
#include "collectors/process_metrics.h"
#include "collectors/process_table.h"
#include "tests/support/live_child.h"
#include "tests/support/recording_sink.h"

namespace heapfloor {
namespace {

using testing::LiveChild;
using testing::RecordedEntity;
using testing::RecordingSink;

constexpr std::size_t kMiB = std::size_t{1024} * 1024;
constexpr std::size_t kBudget = 16384;
constexpr std::uint32_t kNever = 1000000;
// What a sanitizer may hold beside memory that is touched, an eighth of it.
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
constexpr double kShadowOf32 = 4;
#else
constexpr double kShadowOf32 = 0;
#endif
#elif defined(__SANITIZE_ADDRESS__)
constexpr double kShadowOf32 = 4;
#else
constexpr double kShadowOf32 = 0;
#endif

class ProcessLive : public ::testing::TestWithParam<std::size_t> {
 protected:
  std::optional<RecordedEntity> look(pid_t pid) {
    RecordingSink sink;
    const auto report = table_.tick(sink);
    EXPECT_TRUE(report);
    const RecordedEntity* found = sink.process(pid);
    return found == nullptr ? std::nullopt : std::optional<RecordedEntity>(*found);
  }

  DirectoryHostRoot root_;
  ProcessTable table_{root_, {.descriptor_budget = GetParam(), .refresh_ticks = kNever}};
};

TEST_P(ProcessLive, TouchedMemoryShowsAsAnonInTheSameTick) {
  LiveChild child("toucher");
  const auto before = look(child.pid());
  ASSERT_TRUE(before);
  EXPECT_EQ(before->name, "toucher");
  child.touch(32 * kMiB);
  const auto after = look(child.pid());
  ASSERT_TRUE(after);
  EXPECT_EQ(after->process, before->process);
  const double grown = *after->value(kProcessResidentAnon) - *before->value(kProcessResidentAnon);
  EXPECT_GE(grown, 32.0 * kMiB);
  EXPECT_LT(grown, (34.0 + kShadowOf32) * kMiB);
  EXPECT_GT(*after->value(kProcessMinorFaults), *before->value(kProcessMinorFaults));
}

TEST_P(ProcessLive, AZombieCountsWithoutSizesAndAReapedProcessIsGone) {
  LiveChild child;
  ASSERT_TRUE(look(child.pid()));
  const pid_t pid = child.pid();
  child.end();
  const auto zombie = look(pid);
  ASSERT_TRUE(zombie);
  EXPECT_FALSE(zombie->value(kProcessResidentAnon));
  EXPECT_FALSE(zombie->value(kProcessVirtual));
  EXPECT_TRUE(zombie->value(kProcessThreads));
  child.kill_and_reap();
  EXPECT_FALSE(look(pid));
}

TEST_P(ProcessLive, TheAgentSeesItself) {
  const auto self = look(::getpid());
  ASSERT_TRUE(self);
  EXPECT_GT(self->value(kProcessResidentFile).value_or(0), 0);
  EXPECT_EQ(self->value(kProcessThreads), 1);
}

// Ticks of the clock in which start times are counted.
std::uint64_t boot_ticks_now() {
  struct timespec now = {};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  const auto ticks_per_second = static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
  return static_cast<std::uint64_t>(now.tv_sec) * ticks_per_second +
         static_cast<std::uint64_t>(now.tv_nsec) * ticks_per_second / 1000000000;
}

// Forks until a child has this pid; the kernel is told which number was the last. Null when that is
// not allowed.
std::unique_ptr<LiveChild> fork_with_pid(pid_t pid) {
  for (int attempt = 0; attempt < 100; ++attempt) {
    std::ofstream last(HostPaths{}.procfs + "/sys/kernel/ns_last_pid");
    if (!(last << pid - 1 << std::flush)) return nullptr;
    last.close();
    auto child = std::make_unique<LiveChild>("successor");
    if (child->pid() == pid) return child;
  }
  return nullptr;
}

TEST_P(ProcessLive, AReusedPidIsAnotherProcessInTheSameTick) {
  auto first = std::make_unique<LiveChild>("predecessor");
  const pid_t pid = first->pid();
  const auto before = look(pid);
  ASSERT_TRUE(before);
  first.reset();
  // Until the clock has moved on, start times of two processes can be equal.
  while (boot_ticks_now() <= before->process.start_ticks + 1) {
  }
  const auto second = fork_with_pid(pid);
  if (!second) GTEST_SKIP() << "this kernel or user cannot choose the next pid";
  const auto after = look(pid);
  ASSERT_TRUE(after);
  EXPECT_EQ(after->name, "successor");
  EXPECT_NE(after->process, before->process);
}

INSTANTIATE_TEST_SUITE_P(KeptOpenOrNot, ProcessLive, ::testing::Values(0, kBudget));

TEST(ProcessLiveDescriptors, OfAnotherProcessAreCountedAsTheyAreListed) {
  std::array<int, 2> pipe_ends = {};
  ASSERT_EQ(::pipe(pipe_ends.data()), 0);
  const DirectoryHostRoot root;
  const LiveChild child;  // inherits what is open here
  ::close(pipe_ends[0]);
  ::close(pipe_ends[1]);
  const auto opened = root.open_process(child.pid());
  ASSERT_TRUE(opened);
  const auto count = opened->count_descriptors();
  ASSERT_TRUE(count);
  std::size_t listed = 0;
  const std::string directory = "/proc/" + std::to_string(child.pid()) + "/fd";
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(directory))
    ++listed;
  EXPECT_EQ(*count, listed);
  EXPECT_GE(*count, 5U) << "three standard ones and two of the pipe";
}

TEST(ProcessLiveDescriptors, NoneAreLeftOpenAfterChurn) {
  const DirectoryHostRoot root;
  const auto before = root.count_own_descriptors();
  ASSERT_TRUE(before);
  {
    ProcessTable table(root, {.descriptor_budget = kBudget, .refresh_ticks = 2});
    for (int round = 0; round < 20; ++round) {
      std::vector<std::unique_ptr<LiveChild>> children;
      for (int i = 0; i < 5; ++i) children.push_back(std::make_unique<LiveChild>());
      RecordingSink sink;
      ASSERT_TRUE(table.tick(sink));
      for (const auto& child : children) EXPECT_NE(sink.process(child->pid()), nullptr);
    }
    RecordingSink sink;
    ASSERT_TRUE(table.tick(sink));
    const auto during = root.count_own_descriptors();
    ASSERT_TRUE(during);
    EXPECT_EQ(*during - *before, table.held_descriptors());
  }
  const auto after = root.count_own_descriptors();
  ASSERT_TRUE(after);
  EXPECT_EQ(*after, *before);
}

}  // namespace
}  // namespace heapfloor
