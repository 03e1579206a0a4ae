#include "agent/profile/code_files.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/fixture_host.h"

namespace heapfloor {
namespace {

using testing::make_temporary_directory;
using testing::write_file;

class CodeFilesTest : public ::testing::Test {
 protected:
  CodeFilesTest()
      : directory_(make_temporary_directory()),
        root_(HostPaths{directory_ / "proc", directory_ / "sys", directory_}) {
    for (const char* pid : {"1", "42"}) write_file(directory_ / "proc" / pid / "stat", "alive");
    write_file(directory_ / "proc/42/root/opt/app", "by path");
    write_file(directory_ / "proc/1/root/opt/app", "of the host");
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  CodeMapping mapping(const char* real, bool is_deleted = false) const {
    struct stat status = {};
    ::stat((directory_ / "proc" / real).c_str(), &status);
    return {0x1000, 0x2000, 0, status.st_ino, is_deleted, "/opt/app"};
  }
  RunningCode running() const { return RunningCode(root_.open_process(42).value()); }

  static std::string text_of(const Result<HostFile>& file) {
    if (!file) return "none";
    std::string text(file->facts().size_bytes, '\0');
    return file->read_at(0, text) ? text : "unreadable";
  }

  std::filesystem::path directory_;
  DirectoryHostRoot root_;
};

TEST_F(CodeFilesTest, TheMappedFileItselfComesBeforeWhatItsPathLeadsTo) {
  EXPECT_EQ(text_of(running().open(mapping("42/root/opt/app"))), "by path");
  write_file(directory_ / "proc/42/map_files/1000-2000", "mapped");
  EXPECT_EQ(text_of(running().open(mapping("42/root/opt/app"))), "mapped");
}

TEST_F(CodeFilesTest, OfADeletedFileOnlyTheProgramItselfCanStillBeOpened) {
  EXPECT_EQ(text_of(running().open(mapping("42/root/opt/app", true))), "none");
  write_file(directory_ / "proc/42/exe", "the program");
  EXPECT_EQ(text_of(running().open(mapping("42/exe", true))), "the program");
}

TEST_F(CodeFilesTest, WhatIsNoFileIsNotOpened) {
  CodeMapping odd = mapping("42/root/opt/app");
  for (const char* path : {"", "[vdso]", "opt/app", "//anon"}) {
    odd.path = path;
    EXPECT_EQ(text_of(running().open(odd)), "none") << path;
  }
  odd.path = std::string("/opt/app\0x", 10);
  EXPECT_EQ(text_of(running().open(odd)), "none");
}

TEST_F(CodeFilesTest, OfAnEndedProcessTheSameInodeInAnothersRootServes) {
  std::vector<ProcessDir> stand_ins;
  stand_ins.push_back(root_.open_process(1).value());
  stand_ins.push_back(root_.open_process(42).value());
  const EndedCode ended(std::move(stand_ins));
  EXPECT_EQ(text_of(ended.open(mapping("1/root/opt/app"))), "of the host");
  EXPECT_EQ(text_of(ended.open(mapping("42/root/opt/app"))), "by path");
  EXPECT_EQ(text_of(ended.open(mapping("42/root/opt/app", true))), "none");
  EXPECT_EQ(text_of(ended.open(mapping("42/stat"))), "none") << "another inode";
  EXPECT_EQ(text_of(EndedCode({}).open(mapping("1/root/opt/app"))), "none");
}

TEST_F(CodeFilesTest, DebugInformationIsFoundByItsBuildId) {
  write_file(directory_ / "proc/42/root/usr/lib/debug/.build-id/ab/cdef.debug", "debug");
  EXPECT_EQ(text_of(running().open_debug("abcdef")), "debug");
  EXPECT_EQ(text_of(running().open_debug("abcd")), "none");
  EXPECT_EQ(debug_path(""), "");
  EXPECT_EQ(debug_path("a"), "");
  EXPECT_EQ(debug_path("../../etc/passwd"), "");
}

}  // namespace
}  // namespace heapfloor
