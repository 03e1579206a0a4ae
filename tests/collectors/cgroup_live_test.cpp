// The collectors over this machine's own cgroups, and a process that the OOM killer takes in one.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "collectors/collector.h"
#include "collectors/host_root.h"
#include "collectors/oom_board.h"
#include "tests/support/live_child.h"
#include "tests/support/recording_sink.h"

namespace heapfloor {

extern const CollectorEntry cgroup_collector;
extern const CollectorEntry kmsg_collector;

namespace {

namespace fs = std::filesystem;
using testing::LiveChild;
using testing::RecordedEntity;
using testing::RecordingSink;

constexpr std::uint64_t kMiB = std::uint64_t{1024} * 1024;

bool write_to(const fs::path& path, const std::string& text) {
  std::ofstream out(path);
  out << text << std::flush;
  return static_cast<bool>(out);
}

// A cgroup of version 1 with a limit, or the reason why there is none.
class CgroupLive : public ::testing::Test {
 protected:
  void SetUp() override {
    const fs::path root = "/sys/fs/cgroup/memory";
    if (!fs::exists(root / "memory.usage_in_bytes"))
      GTEST_SKIP() << "no memory controller of version 1 is mounted at " << root;
    name_ = "heapfloor-test-" + std::to_string(::getpid());
    path_ = root / name_;
    std::error_code refused;
    if (!fs::create_directory(path_, refused))
      GTEST_SKIP() << "no cgroup may be made: " << refused.message();
    if (!write_to(path_ / "memory.limit_in_bytes", std::to_string(48 * kMiB)))
      GTEST_SKIP() << "no limit may be set";
    // Where swap would take the pages nobody would be killed.
    write_to(path_ / "memory.swappiness", "0");
  }
  void TearDown() override {
    // Its last charges go with its last process.
    std::error_code ignored;
    for (int tries = 0; tries < 200 && fs::exists(path_, ignored); ++tries) {
      if (::rmdir(path_.c_str()) == 0) return;
      ::usleep(10000);
    }
  }

  RecordedEntity read() {
    RecordingSink sink;
    EXPECT_TRUE(collector_->collect(sink));
    for (const RecordedEntity& entity : sink.entities) {
      if (entity.kind == EntityKind::cgroup && entity.name == "/" + name_) return entity;
    }
    ADD_FAILURE() << "the cgroup is not there";
    return {};
  }

  std::string name_;
  fs::path path_;
  DirectoryHostRoot root_;
  OomBoard board_;
  std::unique_ptr<Collector> collector_ = cgroup_collector.make(root_, {});
};

TEST_F(CgroupLive, AChildsMemoryIsTheCgroupsAndTheLimitIsSeen) {
  LiveChild child("cgroup-child");
  ASSERT_TRUE(write_to(path_ / "cgroup.procs", std::to_string(child.pid())));
  child.touch(16 * kMiB);
  const RecordedEntity cgroup = read();
  const auto value = [&cgroup](std::string_view name, std::string_view label = {}) {
    return cgroup.value("heapfloor_cgroup_" + std::string(name), label).value_or(-1);
  };
  EXPECT_GE(value("memory_component_bytes", "anon"), 16.0 * kMiB);
  EXPECT_LT(value("memory_component_bytes", "anon"), 24.0 * kMiB);
  EXPECT_GE(value("unreclaimable_memory_bytes"), 16.0 * kMiB);
  EXPECT_EQ(value("memory_limit_bytes"), 48.0 * kMiB);
  EXPECT_EQ(value("memory_effective_limit_bytes"), 48.0 * kMiB);
  EXPECT_EQ(value("processes"), 1);
  EXPECT_EQ(value("memory_events_local_total", "oom_kill"), 0);
}

TEST_F(CgroupLive, AKillIsCountedByTheCgroupAndToldByTheLog) {
  const auto log = kmsg_collector.make(root_, {.oom_board = &board_});
  RecordingSink sink;
  ASSERT_TRUE(log->collect(sink));
  const pid_t victim = ::fork();
  ASSERT_GE(victim, 0);
  if (victim == 0) {
    // At most twice the limit: where the kernel does not kill, nothing else is in want.
    if (!write_to(path_ / "cgroup.procs", std::to_string(::getpid()))) ::_exit(2);
    constexpr std::size_t kBytes = 96 * kMiB;
    auto* memory = static_cast<volatile char*>(std::malloc(kBytes));
    if (memory == nullptr) ::_exit(2);
    for (std::size_t at = 0; at < kBytes; at += 4096) memory[at] = 1;
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(victim, &status, 0), victim);
  if (!WIFSIGNALED(status)) GTEST_SKIP() << "the kernel did not kill: status " << status;
  EXPECT_EQ(WTERMSIG(status), SIGKILL);
  EXPECT_EQ(read().value("heapfloor_cgroup_memory_events_local_total", "oom_kill"), 1);
  if (!board_.is_log_readable.value_or(false)) GTEST_SKIP() << "the kernel's log may not be read";
  sink.entities.clear();
  ASSERT_TRUE(log->collect(sink));
  const auto found = std::ranges::find(board_.victims, victim, &OomVictim::pid);
  ASSERT_NE(found, board_.victims.end());
  EXPECT_EQ(found->cgroup, "/" + name_);
}

}  // namespace
}  // namespace heapfloor
