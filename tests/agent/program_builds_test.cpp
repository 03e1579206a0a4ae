#include "agent/program_builds.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <filesystem>
#include <string>

#include "collectors/parse/pid_stat.h"
#include "tests/support/fake_proc.h"
#include "tests/support/fixture_host.h"
#include "tests/support/memory_host_root.h"

namespace heapfloor {
namespace {

namespace fs = std::filesystem;

class ProgramBuildsTest : public ::testing::Test {
 protected:
  ProgramBuildsTest() : root_({.procfs = proc_.path()}), builds_(root_) {
    testing::write_file(programs() / "payments", "build 1");
    proc_.set(7, 700, "worker-3", 1024);
    proc_.set_executable(7, "../programs/payments");
  }
  [[nodiscard]] fs::path programs() const { return fs::path(proc_.path()) / "programs"; }
  [[nodiscard]] std::string build(const std::string& subject = "process:7:700") const {
    const auto found = builds_.build_of(subject);
    return found ? found->build : std::string();
  }

  testing::FakeProc proc_;
  DirectoryHostRoot root_;
  ProgramBuilds builds_;
};

TEST_F(ProgramBuildsTest, IsCalledByItsFileAndNotByWhatTheProcessCallsItself) {
  ASSERT_TRUE(builds_.build_of("process:7:700"));
  EXPECT_EQ(builds_.build_of("process:7:700")->program, "payments");
  EXPECT_EQ(build("allocator:7:700"), build());
}

TEST_F(ProgramBuildsTest, ARestartIsNoOtherBuild) {
  const std::string before = build();
  proc_.set(9, 900, "payments", 1024);
  proc_.set_executable(9, "../programs/payments");
  EXPECT_EQ(build("process:9:900"), before);
}

TEST_F(ProgramBuildsTest, AnotherFileOfTheSamePathIsAnotherBuild) {
  const std::string before = build();
  testing::write_file(programs() / "next", "build 2");  // of the same size
  fs::rename(programs() / "next", programs() / "payments");
  EXPECT_NE(build(), before);
}

TEST_F(ProgramBuildsTest, TheSameFileWrittenAnewIsAnotherBuild) {
  const std::string before = build();
  testing::write_file(programs() / "payments", "build 10");
  EXPECT_NE(build(), before);
}

TEST_F(ProgramBuildsTest, AnotherPathOfTheSameNameIsAnotherBuildOfTheProgram) {
  const std::string before = build();
  testing::write_file(programs() / "v2/payments", "build 1");
  proc_.set_executable(7, "../programs/v2/payments");
  EXPECT_NE(build(), before);
  EXPECT_EQ(builds_.build_of("process:7:700")->program, "payments");
}

TEST_F(ProgramBuildsTest, AFileThatIsNotThereIsToldByItsPathAndAReplacedOneIsAnotherBuild) {
  proc_.set_executable(7, "/nowhere/payments");
  const std::string before = build();
  EXPECT_EQ(before, "/nowhere/payments");
  proc_.set_executable(7, "/nowhere/payments (deleted)");
  EXPECT_NE(build(), before);
  EXPECT_EQ(builds_.build_of("process:7:700")->program, "payments");
}

TEST_F(ProgramBuildsTest, SaysNothingOfWhatItCannotKnow) {
  for (const char* const subject :
       {"process:7:701", "process:8:800", "process:7", "process:7:700:1", "process:7:x",
        "process::700", "process:-7:700", "process:99999999999:700", "cgroup:/a", "cgroup:7:700",
        "group:7:700", "host", ""}) {
    EXPECT_FALSE(builds_.build_of(subject)) << subject;
  }
  fs::remove(fs::path(proc_.path()) / "7/exe");
  EXPECT_FALSE(builds_.build_of("process:7:700"));
}

TEST(ProgramBuildsDeniedTest, SaysNothingOfAProcessItMayNotTrace) {
  const testing::MemoryHostRoot root([](std::string_view path) -> Result<std::string> {
    return failure(ErrorKind::denied, std::string(path), "not permitted");
  });
  EXPECT_FALSE(ProgramBuilds(root).build_of("process:7:700"));
}

// A program that a test starts and that cannot outlive it.
class LiveProgram {
 public:
  explicit LiveProgram(const fs::path& program) {
    std::array<int, 2> exec{};
    if (::pipe2(exec.data(), O_CLOEXEC) != 0) return;
    pid_ = ::fork();
    if (pid_ == 0) {
      ::execl(program.c_str(), "program", "60", nullptr);
      ::_exit(127);
    }
    ::close(exec[1]);
    char none = 0;
    static_cast<void>(::read(exec[0], &none, 1));  // its end is closed by exec
    ::close(exec[0]);
  }
  LiveProgram(const LiveProgram&) = delete;
  LiveProgram& operator=(const LiveProgram&) = delete;
  ~LiveProgram() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  [[nodiscard]] std::string subject(const HostRoot& root) const {
    std::array<char, 1024> buffer{};
    const std::string path = std::to_string(pid_) + "/stat";
    const auto stat = parse_pid_stat(root.read(HostRoot::Tree::proc, path, buffer).value());
    return "process:" + std::to_string(pid_) + ":" + std::to_string(stat->start_ticks);
  }

 private:
  pid_t pid_ = -1;
};

TEST(ProgramBuildsLiveTest, SeesThatARealProgramWasReplacedUnderIt) {
  const fs::path directory = testing::make_temporary_directory();
  const fs::path program = directory / "app";
  fs::copy_file("/bin/sleep", program);
  const DirectoryHostRoot root;
  const ProgramBuilds builds(root);
  {
    const LiveProgram first(program);
    const LiveProgram again(program);
    const auto before = builds.build_of(first.subject(root));
    ASSERT_TRUE(before);
    EXPECT_EQ(before->program, "app");
    EXPECT_EQ(builds.build_of(again.subject(root))->build, before->build);
    fs::copy_file("/bin/sleep", directory / "next");
    fs::rename(directory / "next", program);
    const LiveProgram second(program);
    const auto replaced = builds.build_of(first.subject(root));
    const auto after = builds.build_of(second.subject(root));
    ASSERT_TRUE(replaced && after);
    EXPECT_EQ(replaced->program, "app") << replaced->build;
    EXPECT_NE(replaced->build, before->build);
    EXPECT_NE(after->build, before->build);
    EXPECT_NE(after->build, replaced->build);
  }
  fs::remove_all(directory);
}

}  // namespace
}  // namespace heapfloor
