// The process collector while processes come and go faster than it can look.
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <charconv>
#include <csignal>
#include <ctime>
#include <filesystem>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

#include "collectors/host_root.h"
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

constexpr int kLoops = 4;
constexpr int kRunSeconds = 2;
constexpr int kMostSeconds = 60;  // on a machine that has no time for it
constexpr int kAliveOfALoop = 8;
constexpr double kForksPerSecond = 3600;  // what the collector has to be right at
constexpr uid_t kNobody = 65534;

struct Shared {
  std::atomic<std::uint64_t> forks = 0;
  std::atomic<bool> stop = false;
};

double precise_seconds() {
  struct timespec now = {};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}
std::int64_t monotonic_seconds() { return static_cast<std::int64_t>(precise_seconds()); }

// Names itself by its own pid, lets the parent's loop go on for a moment, and ends. Only system
// calls between fork and _exit.
[[noreturn]] void live_shortly() {
  std::array<char, 16> name = {'p'};
  std::to_chars(name.data() + 1, name.data() + name.size() - 1, ::getpid());
  ::prctl(PR_SET_NAME, name.data());
  for (int i = 0; i < 10; ++i) ::sched_yield();
  ::_exit(0);
}

// Forks until it is told to stop, and in any case after kMostSeconds.
[[noreturn]] void churn(Shared& shared, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::prctl(PR_SET_NAME, "churner");
  if (::getppid() != parent) ::_exit(1);
  const std::int64_t end = monotonic_seconds() + kMostSeconds;
  int alive = 0;
  while (!shared.stop && monotonic_seconds() <= end) {
    const pid_t child = ::fork();
    if (child == 0) live_shortly();
    if (child > 0) ++shared.forks;
    alive += child > 0 ? 1 : 0;
    for (; alive >= kAliveOfALoop; --alive) ::waitpid(-1, nullptr, 0);
  }
  for (; alive > 0; --alive) ::waitpid(-1, nullptr, 0);
  ::_exit(0);
}

class Churn {
 public:
  Churn() {
    void* area =
        ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (area == MAP_FAILED) throw std::runtime_error("no memory");
    shared_ = new (area) Shared;
    const pid_t parent = ::getpid();
    for (int loop = 0; loop < kLoops; ++loop) {
      const pid_t child = ::fork();
      if (child == 0) churn(*shared_, parent);
      if (child > 0) loops_.push_back(child);
    }
  }
  Churn(const Churn&) = delete;
  Churn& operator=(const Churn&) = delete;
  ~Churn() {
    shared_->stop = true;
    for (const pid_t loop : loops_) ::waitpid(loop, nullptr, 0);
    ::munmap(shared_, sizeof(Shared));
  }
  [[nodiscard]] std::uint64_t forks() const { return shared_->forks; }
  void stop() { shared_->stop = true; }

 private:
  Shared* shared_ = nullptr;
  std::vector<pid_t> loops_;
};

class ProcessChurn : public ::testing::TestWithParam<std::size_t> {};

TEST_P(ProcessChurn, NoSampleIsOfAnotherProcessThanTheOneThatItNames) {
  const DirectoryHostRoot root;
  ProcessTable table(root, {.descriptor_budget = GetParam(), .refresh_ticks = 2});
  Churn churn;
  std::uint64_t met = 0;
  const double began = precise_seconds();
  const std::int64_t begin = monotonic_seconds();
  const auto is_over = [&] {
    const std::int64_t seconds = monotonic_seconds() - begin;
    return seconds > kMostSeconds || (met > 0 && seconds > kRunSeconds);
  };
  while (!is_over() && (met < 2000 || churn.forks() < 5000)) {
    RecordingSink sink;
    const auto report = table.tick(sink);
    ASSERT_TRUE(report);
    for (const ErrorKind kind : {ErrorKind::malformed, ErrorKind::io, ErrorKind::timeout})
      EXPECT_EQ(report->errors.at(static_cast<std::size_t>(kind)), 0U) << reason_label(kind);
    for (const RecordedEntity& entity : sink.entities) {
      std::int32_t named = 0;
      const char* last = entity.name.data() + entity.name.size();
      if (!entity.name.starts_with('p')) continue;
      const auto [stop, error] = std::from_chars(entity.name.data() + 1, last, named);
      if (error != std::errc() || stop != last) continue;
      ++met;
      ASSERT_EQ(entity.process.pid, named);
    }
  }
  const double rate = static_cast<double>(churn.forks()) / (precise_seconds() - began);
  churn.stop();
  EXPECT_GT(churn.forks(), 0U);
  EXPECT_GT(met, 0U) << "of " << churn.forks() << " processes none was met";
  RecordProperty("forks", std::to_string(churn.forks()));
  RecordProperty("forks_per_second", std::to_string(rate));
  // Every sample was right, at this rate: whether it is the one that matters is the machine's part.
  if (rate < kForksPerSecond) {
    GTEST_SKIP() << met << " samples were right, but this machine made only " << rate
                 << " forks a second of " << kForksPerSecond;
  }
}

INSTANTIATE_TEST_SUITE_P(KeptOpenOrNot, ProcessChurn, ::testing::Values(0, 16384));

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
