#include "agent/history/state_directory.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "tests/support/fixture_host.h"

namespace heapfloor {
namespace {

namespace fs = std::filesystem;
using ::testing::Test;

class StateDirectoryTest : public Test {
 protected:
  ~StateDirectoryTest() override { fs::remove_all(parent_); }

  [[nodiscard]] mode_t mode() const {
    struct stat status {};
    EXPECT_EQ(stat(path_.c_str(), &status), 0);
    return status.st_mode & 07777U;
  }

  fs::path parent_ = testing::make_temporary_directory();
  std::string path_ = (parent_ / "state").string();
};

TEST_F(StateDirectoryTest, IsMadeForItsOwnerAlone) {
  ASSERT_TRUE(StateDirectory::open(path_));
  EXPECT_EQ(mode(), 0700U);
}

TEST_F(StateDirectoryTest, RefusesASecondAgentUntilTheFirstHasEnded) {
  {
    const auto first = StateDirectory::open(path_);
    ASSERT_TRUE(first);
    const auto second = StateDirectory::open(path_);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().kind, ErrorKind::denied);
    EXPECT_EQ(second.error().reason, "another agent (pid " + std::to_string(getpid()) +
                                         ") keeps its history there; give this one another "
                                         "--storage.path");
  }
  EXPECT_TRUE(StateDirectory::open(path_));
}

TEST_F(StateDirectoryTest, RefusesADirectoryInWhichOthersMayWrite) {
  fs::create_directory(path_);
  for (const mode_t loose : {0770U, 0702U}) {
    ASSERT_EQ(chmod(path_.c_str(), loose), 0);
    const auto opened = StateDirectory::open(path_);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().kind, ErrorKind::denied);
  }
}

TEST_F(StateDirectoryTest, RefusesADirectoryOfAnotherUser) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can give a directory away";
  fs::create_directory(path_);
  ASSERT_EQ(chown(path_.c_str(), 65534, 65534), 0);
  const auto opened = StateDirectory::open(path_);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().kind, ErrorKind::denied);
}

TEST_F(StateDirectoryTest, RefusesAFileAndALink) {
  testing::write_file(path_, "text");
  EXPECT_EQ(StateDirectory::open(path_).error().kind, ErrorKind::denied);
  fs::create_directory(parent_ / "real");
  fs::create_directory_symlink(parent_ / "real", parent_ / "link");
  EXPECT_EQ(StateDirectory::open((parent_ / "link").string()).error().kind, ErrorKind::denied);
}

TEST_F(StateDirectoryTest, MayBeTriedAgainWhereItCannotBeMadeYet) {
  const auto opened = StateDirectory::open((parent_ / "missing" / "state").string());
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().kind, ErrorKind::io);
}

TEST_F(StateDirectoryTest, KeepsItsIdentity) {
  const auto directory = StateDirectory::open(path_);
  const auto first = directory->identity();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->size(), 16U);
  EXPECT_EQ(*directory->identity(), *first);
}

TEST_F(StateDirectoryTest, KeepsTheNewestThreeThatWereMovedAside) {
  const auto directory = StateDirectory::open(path_);
  for (int round = 1; round <= 5; ++round) {
    testing::write_file(directory->database_path(), std::to_string(round));
    testing::write_file(directory->database_path() + "-wal", "log");
    ASSERT_TRUE(directory->move_aside());
  }
  EXPECT_FALSE(fs::exists(directory->database_path()));
  for (int round = 1; round <= 5; ++round) {
    const std::string aside = directory->database_path() + ".aside-" + std::to_string(round);
    EXPECT_EQ(fs::exists(aside), round > 2) << aside;
    EXPECT_EQ(fs::exists(aside + "-wal"), round > 2) << aside;
  }
}

}  // namespace
}  // namespace heapfloor
