// The BPF task iterator on the kernel that runs the tests; skipped where it may not be used.
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "collectors/bpf/task_iterator.h"
#include "collectors/parse/pid_stat.h"
#include "collectors/process_metrics.h"
#include "collectors/process_table.h"
#include "tests/support/fixture_host.h"
#include "tests/support/live_child.h"
#include "tests/support/recording_sink.h"

namespace heapfloor {
namespace {

using testing::LiveChild;
using testing::RecordedEntity;
using testing::RecordingSink;

constexpr std::size_t kMiB = std::size_t{1024} * 1024;

class BpfLive : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!has_bpf_task_iterator()) GTEST_SKIP() << "this build has no BPF task iterator";
    const auto looked = tasks_->look(visits_);
    if (!looked)
      GTEST_SKIP() << "no BPF task iterator here: " << looked.error().reason << " ("
                   << reason_label(looked.error().kind) << ")";
  }
  std::optional<TaskVisit> look(std::int32_t pid) {
    const auto looked = tasks_->look(visits_);
    EXPECT_TRUE(looked) << looked.error().reason;
    const auto found = std::ranges::find(visits_, pid, &TaskVisit::pid);
    return found == visits_.end() ? std::nullopt : std::optional(*found);
  }

  DirectoryHostRoot root_;
  std::unique_ptr<TaskSource> tasks_ = make_bpf_task_iterator(root_);
  std::vector<TaskVisit> visits_;
};

TEST_F(BpfLive, SeesMostOfTheProcessesThatProcListsWithTheStartTimesOfStat) {
  const auto ticks_per_second = static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
  std::vector<std::int32_t> before, after;
  ASSERT_TRUE(root_.list_pids(before));
  ASSERT_TRUE(tasks_->look(visits_));
  ASSERT_TRUE(root_.list_pids(after));
  std::size_t compared = 0;
  for (const std::int32_t pid : before) {
    if (!std::ranges::binary_search(after, pid)) continue;
    const auto visit = std::ranges::find(visits_, pid, &TaskVisit::pid);
    if (visit == visits_.end()) continue;  // a kernel may keep some from BPF
    std::array<char, 1024> buffer = {};
    const auto text = root_.read(HostRoot::Tree::proc, std::to_string(pid) + "/stat", buffer);
    const auto stat = text ? parse_pid_stat(*text) : Failure(text.error());
    if (!stat) continue;
    EXPECT_EQ(visit->start_nanoseconds / (1'000'000'000 / ticks_per_second), stat->start_ticks);
    EXPECT_EQ(visit->is_kernel_thread, stat->is_kernel_thread()) << pid;
    ++compared;
  }
  EXPECT_GT(compared, after.size() / 2);
}

TEST_F(BpfLive, AProcessThatWaitsLooksTheSameUntilItRuns) {
  LiveChild child("waiter");
  child.touch(kMiB);
  auto still = look(child.pid());
  ASSERT_TRUE(still);
  // It answers before it waits, so it may run on for a moment.
  for (auto next = look(child.pid()); next && *next != *still; next = look(child.pid()))
    still = next;
  child.touch(8 * kMiB);
  const auto grown = look(child.pid());
  ASSERT_TRUE(grown);
  EXPECT_GT(grown->runtime_nanoseconds, still->runtime_nanoseconds);
  EXPECT_NE(grown->memory_stamp, still->memory_stamp);
  EXPECT_EQ(grown->start_nanoseconds, still->start_nanoseconds);
  const pid_t pid = child.pid();
  child.kill_and_reap();
  EXPECT_FALSE(look(pid));
}

TEST_F(BpfLive, TimeOfThreadsCountsWhileTheyLiveAndWhenTheyHaveEnded) {
  const auto before = look(::getpid());
  ASSERT_TRUE(before);
  std::optional<TaskVisit> alive;
  std::thread other([&] {
    std::uint64_t work = 0;
    for (int i = 0; i < 20'000'000; ++i) work = work * 31 + static_cast<std::uint64_t>(i);
    alive = look(::getpid());
    EXPECT_NE(work, 0U);
  });
  other.join();
  const auto after = look(::getpid());
  ASSERT_TRUE(alive && after);
  EXPECT_NE(alive->memory_stamp, before->memory_stamp) << "another number of threads";
  EXPECT_GT(alive->runtime_nanoseconds, before->runtime_nanoseconds);
  EXPECT_GT(after->runtime_nanoseconds, alive->runtime_nanoseconds);
}

TEST_F(BpfLive, IsNotUsedOfAProcThatIsNotItsOwn) {
  const testing::FixtureHost fixture("host_normal");
  const auto tasks = make_bpf_task_iterator(fixture.root());
  const auto looked = tasks->look(visits_);
  ASSERT_FALSE(looked);
  EXPECT_EQ(looked.error().kind, ErrorKind::unavailable);
}

// Becomes nobody with these capabilities alone; false where that is refused.
bool become_nobody_with(std::initializer_list<unsigned> capabilities) {
  constexpr uid_t kNobody = 65534;
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, 2> sets = {};
  for (const unsigned capability : capabilities) {
    __user_cap_data_struct& set = sets.at(capability / 32);
    set.permitted |= 1U << capability % 32;
    set.effective = set.permitted;
  }
  return ::prctl(PR_SET_KEEPCAPS, 1) == 0 && ::setresgid(kNobody, kNobody, kNobody) == 0 &&
         ::setresuid(kNobody, kNobody, kNobody) == 0 &&
         ::syscall(SYS_capset, &header, sets.data()) == 0;
}

// How a look ends in a process that has these capabilities alone.
std::string look_with(std::initializer_list<unsigned> capabilities) {
  const pid_t child = ::fork();
  if (child == 0) {
    if (!become_nobody_with(capabilities)) ::_exit(2);
    const DirectoryHostRoot root;
    std::vector<TaskVisit> visits;
    const auto looked = make_bpf_task_iterator(root)->look(visits);
    ::_exit(looked ? 0 : looked.error().kind == ErrorKind::denied ? 1 : 3);
  }
  int status = 0;
  if (child < 0 || ::waitpid(child, &status, 0) != child || !WIFEXITED(status)) return "died";
  return std::array{"looked", "denied", "no such privilege", "failed"}.at(
      static_cast<std::size_t>(WEXITSTATUS(status)));
}

TEST_F(BpfLive, TakesTheTwoCapabilitiesThatItNamesAndNoOther) {
  if (::geteuid() != 0) GTEST_SKIP() << "choosing capabilities takes root";
  EXPECT_EQ(look_with({CAP_BPF, CAP_PERFMON}), "looked");
  EXPECT_EQ(look_with({CAP_BPF}), "denied");
  EXPECT_EQ(look_with({}), "denied");
}

// What the table says of one process, without the descriptions, which come when they change.
struct Said {
  std::string name;
  ProcessId process;
  std::vector<std::pair<const MetricDesc*, double>> values;
  friend bool operator==(const Said&, const Said&) = default;
};

std::optional<Said> said_of(const RecordingSink& sink, pid_t pid) {
  const RecordedEntity* entity = sink.process(pid);
  if (entity == nullptr) return std::nullopt;
  Said said = {entity->name, entity->process, {}};
  for (const auto& [desc, value] : entity->values) said.values.emplace_back(desc, value);
  return said;
}

class BpfEquality : public BpfLive, public ::testing::WithParamInterface<std::size_t> {};
INSTANTIATE_TEST_SUITE_P(KeptOpenOrNot, BpfEquality, ::testing::Values(0, 16384));

TEST_P(BpfEquality, WithAndWithoutTheIteratorTheSamplesAgree) {
  CollectorOptions options;
  options.descriptor_budget = GetParam();
  ProcessTable without(root_, options);
  options.tasks = tasks_.get();
  ProcessTable with(root_, options);
  std::vector<std::unique_ptr<LiveChild>> children;
  for (int i = 0; i < 12; ++i)
    children.push_back(std::make_unique<LiveChild>("child" + std::to_string(i)));
  std::size_t compared = 0;
  for (std::size_t round = 0; round < 80; ++round) {
    // Of twelve some grow, some wait, one ends and is reaped, another takes its place.
    children[round % 5]->touch((round % 3 + 1) * 64 * 1024);
    if (round % 20 == 19) children[7] = std::make_unique<LiveChild>("successor");
    if (round % 20 == 9) children[8]->end();
    if (round % 20 == 15) children[8] = std::make_unique<LiveChild>("another");
    RecordingSink first, second;
    ASSERT_TRUE(with.tick(second));
    ASSERT_TRUE(without.tick(first));
    for (const auto& child : children) {
      const auto expected = said_of(first, child->pid());
      ASSERT_TRUE(expected);
      EXPECT_EQ(said_of(second, child->pid()), expected) << "round " << round;
      ++compared;
    }
  }
  EXPECT_EQ(compared, 80U * children.size());
}

}  // namespace
}  // namespace heapfloor
