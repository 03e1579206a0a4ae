// The process collector while processes come and go faster than it can look.
#include <gtest/gtest.h>
#include <sched.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <ctime>
#include <filesystem>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

#include "collectors/bpf/task_iterator.h"
#include "collectors/host_root.h"
#include "collectors/process_metrics.h"
#include "collectors/process_table.h"
#include "tests/collectors/churn.h"
#include "tests/support/fixture_host.h"
#include "tests/support/live_child.h"
#include "tests/support/recording_sink.h"

namespace heapfloor {
namespace {

using testing::ChurnState;
using testing::LiveChild;
using testing::RecordedEntity;
using testing::RecordingSink;

constexpr int kLoops = 4;
constexpr int kRunSeconds = 2;
constexpr int kMostSeconds = 60;          // on a machine that has no time for it
constexpr double kForksPerSecond = 3600;  // what the collector has to be right at
constexpr uid_t kNobody = 65534;

double precise_seconds() {
  struct timespec now = {};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}
std::int64_t monotonic_seconds() { return static_cast<std::int64_t>(precise_seconds()); }

// Programs that fork all the time (churner.cpp).
class Churn {
 public:
  Churn() {
    memory_ = ::memfd_create("churn", 0);
    if (memory_ < 0 || ::ftruncate(memory_, sizeof(ChurnState)) != 0)
      throw std::runtime_error("no memory to share");
    void* area =
        ::mmap(nullptr, sizeof(ChurnState), PROT_READ | PROT_WRITE, MAP_SHARED, memory_, 0);
    if (area == MAP_FAILED) throw std::runtime_error("no memory");
    state_ = new (area) ChurnState;
    std::string descriptor = std::to_string(memory_);
    std::string parent = std::to_string(::getpid());
    std::string program = HEAPFLOOR_CHURNER;
    std::array<char*, 4> arguments = {program.data(), descriptor.data(), parent.data(), nullptr};
    for (int loop = 0; loop < kLoops; ++loop) {
      pid_t child = -1;
      if (::posix_spawn(&child, program.c_str(), nullptr, nullptr, arguments.data(), environ) == 0)
        loops_.push_back(child);
    }
  }
  Churn(const Churn&) = delete;
  Churn& operator=(const Churn&) = delete;
  ~Churn() {
    stop();
    for (const pid_t loop : loops_) ::waitpid(loop, nullptr, 0);
    ::munmap(state_, sizeof(ChurnState));
    ::close(memory_);
  }
  [[nodiscard]] std::uint64_t forks() const { return state_->forks; }
  void was_looked_at() { ++state_->looks; }
  void stop() { state_->stop = true; }

 private:
  int memory_ = -1;
  ChurnState* state_ = nullptr;
  std::vector<pid_t> loops_;
};

struct Way {
  const char* name;
  std::size_t descriptor_budget;
  bool with_tasks;
};

class ProcessChurn : public ::testing::TestWithParam<Way> {};

TEST_P(ProcessChurn, NoSampleIsOfAnotherProcessThanTheOneThatItNames) {
  const DirectoryHostRoot root;
  const auto tasks = make_bpf_task_iterator(root);
  std::vector<TaskVisit> visits;
  if (const auto looked = tasks->look(visits); GetParam().with_tasks && !looked)
    GTEST_SKIP() << "no BPF task iterator here: " << looked.error().reason;
  CollectorOptions options;
  options.descriptor_budget = GetParam().descriptor_budget;
  options.refresh_ticks = 2;
  options.tasks = GetParam().with_tasks ? tasks.get() : nullptr;
  ProcessTable table(root, options);
  Churn churn;
  std::uint64_t met = 0;
  std::uint64_t met_alive = 0;
  const double began = precise_seconds();
  const std::int64_t begin = monotonic_seconds();
  const auto is_over = [&] {
    const std::int64_t seconds = monotonic_seconds() - begin;
    return seconds > kMostSeconds || (met_alive > 0 && seconds > kRunSeconds);
  };
  while (!is_over() && (met_alive < 1000 || met < 2000 || churn.forks() < 5000)) {
    RecordingSink sink;
    const auto report = table.tick(sink);
    ASSERT_TRUE(report);
    churn.was_looked_at();
    for (const ErrorKind kind : {ErrorKind::malformed, ErrorKind::io, ErrorKind::timeout})
      EXPECT_EQ(report->errors.at(static_cast<std::size_t>(kind)), 0U)
          << reason_label(kind) << ": "
          << (report->first_error ? report->first_error->path + ": " + report->first_error->reason
                                  : std::string());
    for (const RecordedEntity& entity : sink.entities) {
      std::int32_t named = 0;
      const char* last = entity.name.data() + entity.name.size();
      if (!entity.name.starts_with('p')) continue;
      const auto [stop, error] = std::from_chars(entity.name.data() + 1, last, named);
      if (error != std::errc() || stop != last) continue;
      ++met;
      if (entity.value(kProcessVirtual)) ++met_alive;
      ASSERT_EQ(entity.process.pid, named);
    }
  }
  const double rate = static_cast<double>(churn.forks()) / (precise_seconds() - began);
  churn.stop();
  EXPECT_GT(churn.forks(), 0U);
  EXPECT_GT(met_alive, 0U) << "of " << churn.forks() << " processes none was met alive";
  RecordProperty("met", std::to_string(met));
  RecordProperty("met_alive", std::to_string(met_alive));
  RecordProperty("forks", std::to_string(churn.forks()));
  RecordProperty("forks_per_second", std::to_string(rate));
  // Every sample was right, at this rate: whether it is the one that matters is the machine's part.
  if (rate < kForksPerSecond) {
    GTEST_SKIP() << met << " samples were right, but this machine made only " << rate
                 << " forks a second of " << kForksPerSecond;
  }
}

INSTANTIATE_TEST_SUITE_P(Ways, ProcessChurn,
                         ::testing::Values(Way{"Opened", 0, false}, Way{"Kept", 16384, false},
                                           Way{"OpenedWithTasks", 0, true},
                                           Way{"KeptWithTasks", 16384, true}),
                         [](const auto& tested) { return std::string(tested.param.name); });

const SourceAccess* source_of(const CollectReport& report, std::string_view name) {
  for (const SourceAccess& access : report.sources) {
    if (access.source == name) return &access;
  }
  return nullptr;
}

TEST(ProcessPrivilege, WithoutAnyAllIsReadOfAStrangerButWhatItExecutes) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may trace everybody";
  const DirectoryHostRoot root;
  ProcessTable table(root, {});
  RecordingSink sink;
  const auto report = table.tick(sink);
  ASSERT_TRUE(report);
  const RecordedEntity* init = sink.process(1);
  ASSERT_NE(init, nullptr);
  EXPECT_EQ(init->value(kProcessUnreadableExe), 1);
  EXPECT_FALSE(init->attribute(Attribute::executable));
  EXPECT_TRUE(init->attribute(Attribute::command_line));
  EXPECT_TRUE(init->attribute(Attribute::user_id));
  EXPECT_TRUE(init->value(kProcessResidentAnon));
  ASSERT_NE(source_of(*report, "exe"), nullptr);
  EXPECT_FALSE(source_of(*report, "exe")->is_accessible);
  EXPECT_EQ(source_of(*report, "exe")->needs, "CAP_SYS_PTRACE");
  EXPECT_TRUE(source_of(*report, "cmdline")->is_accessible);
  EXPECT_FALSE(report->first_error) << "no line in the log for each process of another user";
}

// What an unprivileged agent saw of a /proc that hides processes.
struct Sight {
  bool could_mount = false;
  bool sees_itself = false;
  bool sees_the_stranger = false;
  bool lists_all = false;
  bool reads_stat = false;
  std::uint64_t denied = 0;
};

// In a mount namespace of its own, as nobody.
Sight look_through(int hidepid, pid_t stranger, const std::string& mount_point) {
  Sight sight;
  const std::string options = "hidepid=" + std::to_string(hidepid);
  sight.could_mount = ::unshare(CLONE_NEWNS) == 0 &&
                      ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                      ::mount("proc", mount_point.c_str(), "proc", 0, options.c_str()) == 0 &&
                      ::setresgid(kNobody, kNobody, kNobody) == 0 &&
                      ::setresuid(kNobody, kNobody, kNobody) == 0;
  if (!sight.could_mount) return sight;
  const DirectoryHostRoot root(HostPaths{.procfs = mount_point});
  ProcessTable table(root, {});
  RecordingSink sink;
  const auto report = table.tick(sink);
  if (!report) return sight;
  sight.sees_itself = sink.process(::getpid()) != nullptr;
  sight.sees_the_stranger = sink.process(stranger) != nullptr;
  sight.lists_all = source_of(*report, "processes")->is_accessible;
  sight.reads_stat = source_of(*report, "stat")->is_accessible;
  sight.denied = report->errors.at(static_cast<std::size_t>(ErrorKind::denied));
  return sight;
}

class HiddenProcesses : public ::testing::TestWithParam<int> {};

TEST_P(HiddenProcesses, AreNoErrorAndToldAsAClosedSource) {
  if (::geteuid() != 0) GTEST_SKIP() << "mounting a /proc of its own takes root";
  const LiveChild stranger("stranger");
  const std::filesystem::path mount_point = testing::make_temporary_directory();
  std::filesystem::permissions(mount_point, std::filesystem::perms(0755));
  std::array<int, 2> answer = {};
  ASSERT_EQ(::pipe(answer.data()), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const Sight sight = look_through(GetParam(), stranger.pid(), mount_point.string());
    ::_exit(::write(answer[1], &sight, sizeof sight) == sizeof sight ? 0 : 1);
  }
  Sight sight;
  ::close(answer[1]);
  EXPECT_EQ(::read(answer[0], &sight, sizeof sight), static_cast<ssize_t>(sizeof sight));
  ::close(answer[0]);
  ::waitpid(child, nullptr, 0);
  std::filesystem::remove(mount_point);
  if (!sight.could_mount) GTEST_SKIP() << "this kernel or sandbox mounts no /proc with hidepid";
  EXPECT_TRUE(sight.sees_itself);
  EXPECT_FALSE(sight.sees_the_stranger);
  if (GetParam() == 1) {
    EXPECT_TRUE(sight.lists_all);
    EXPECT_FALSE(sight.reads_stat);
    EXPECT_GT(sight.denied, 0U) << "seen, closed and counted";
  } else {
    EXPECT_FALSE(sight.lists_all);
    EXPECT_EQ(sight.denied, 0U);
  }
}

INSTANTIATE_TEST_SUITE_P(Hidepid, HiddenProcesses, ::testing::Values(1, 2, 4));

}  // namespace
}  // namespace heapfloor
