#include "agent/build_reader.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "tests/support/elf_maker.h"
#include "tests/support/fake_proc.h"
#include "tests/support/fixture_host.h"
#include "tests/support/memory_host_root.h"

namespace heapfloor {
namespace {

namespace fs = std::filesystem;

constexpr double kStart = 4e9;  // behind the time of change of every file here

class BuildReaderTest : public ::testing::Test {
 protected:
  BuildReaderTest() : root_({.procfs = proc_.path()}), reader_(root_) {}

  [[nodiscard]] fs::path programs() const { return fs::path(proc_.path()) / "programs"; }
  void install(const std::string& name, const std::string& id) const {
    testing::write_file(programs() / name,
                        testing::ElfMaker{.notes = testing::gnu_build_id_note(id)}.make());
  }
  void start(int pid, const std::string& comm, const std::string& program) {
    proc_.set(pid, start_of(pid), comm, 1024);
    proc_.set_executable(pid, "../programs/" + program);
  }
  void set_command_line(int pid, const std::string& line) const {
    testing::write_file(fs::path(proc_.path()) / std::to_string(pid) / "cmdline", line);
  }
  static std::uint64_t start_of(int pid) { return static_cast<std::uint64_t>(pid) * 100; }

  // What the reader says of a process after as many looks as it may need.
  SharedBuild build(int pid, const std::string& comm = "app", double started = kStart) {
    for (std::uint64_t look = 0; look <= BuildReader::kLooksPerCheck; ++look) {
      reader_.follow({{{pid, start_of(pid)}, comm, started}});
      reader_.look();
    }
    return known(pid);
  }
  SharedBuild known(int pid) const {
    const auto builds = reader_.builds();
    const auto found = builds->find({pid, start_of(pid)});
    return found == builds->end() ? nullptr : found->second;
  }

  testing::FakeProc proc_;
  DirectoryHostRoot root_;
  BuildReader reader_;
};

TEST_F(BuildReaderTest, TellsABuildByWhatTheLinkerWroteIntoTheProgram) {
  install("app", "build-w");
  start(7, "worker-3", "app");
  reader_.follow({{{7, 700}, "worker-3", kStart}});
  reader_.look();
  ASSERT_TRUE(known(7)) << "at first sight";
  EXPECT_EQ(known(7)->program, "app");
  EXPECT_EQ(known(7)->id, "6275696c642d77");
  EXPECT_EQ(known(7)->kind, BuildKind::gnu);
}

TEST_F(BuildReaderTest, SeesThatAProcessRunsAnotherProgramByNow) {
  install("app", "w");
  install("next", "x");
  start(7, "app", "app");
  EXPECT_EQ(build(7)->id, "77");
  proc_.set_executable(7, "../programs/next");
  EXPECT_EQ(build(7)->id, "78");
}

TEST_F(BuildReaderTest, AnotherNameIsLookedAtAtOnce) {
  install("app", "w");
  install("next", "x");
  start(7, "app", "app");
  EXPECT_EQ(build(7)->id, "77");
  proc_.set_executable(7, "../programs/next");
  reader_.follow({{{7, 700}, "next", kStart}});
  reader_.look();
  EXPECT_EQ(known(7)->id, "78");
}

TEST_F(BuildReaderTest, AProgramThatWasReplacedOnDiskIsStillWhatRuns) {
  install("app", "w");
  start(7, "app", "app");
  EXPECT_EQ(build(7)->id, "77");
  proc_.set_executable(7, "/nowhere/app (deleted)");
  EXPECT_EQ(build(7)->id, "77") << "what cannot be read says nothing else";
}

TEST_F(BuildReaderTest, OfAScriptTheMainFileIsTheBuild) {
  start(7, "python3", "python3.11");
  testing::write_file(programs() / "python3.11", "elf");
  testing::write_file(fs::path(proc_.path()) / "7/root/app/main.py", "print(1)");
  set_command_line(7, std::string("python3\0-u\0/app/main.py\0--token=secret\0", 39));
  const SharedBuild found = build(7);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->kind, BuildKind::file);
  EXPECT_EQ(found->program, "main.py");
  EXPECT_TRUE(found->id.starts_with("main.py@20") && found->id.ends_with("Z+8")) << found->id;
  set_command_line(7, std::string("gunicorn: worker\0", 17));  // it writes over its arguments
  EXPECT_EQ(build(7, "gunicorn"), found);
}

TEST_F(BuildReaderTest, TheImageOfItsContainerIsPartOfItWheneverItIsLearned) {
  install("app", "w");
  start(7, "app", "app");
  const auto look = [this](const ContainerImage& image) {
    reader_.follow({{{7, 700}, "app", kStart, image}});
    reader_.look();
    return known(7);
  };
  const SharedBuild bare = look({});
  ASSERT_TRUE(bare);
  EXPECT_EQ(bare->image, ContainerImage());
  const SharedBuild inside = look({"payments:1.8.2", "sha256:12"});
  EXPECT_EQ(inside->id, "77");
  EXPECT_EQ(inside->image.name, "payments:1.8.2");
  EXPECT_EQ(look({"payments:1.8.2", "sha256:12"}), inside) << "the same object";
}

TEST_F(BuildReaderTest, WhatHasNoBuildOfItsOwnHasThatOfItsImage) {
  start(7, "python3", "python3.11");
  testing::write_file(programs() / "python3.11", "elf");
  set_command_line(7, std::string("python3\0-c\0pass\0", 16));
  reader_.follow({{{7, 700}, "python3", kStart, {"payments:1.8.2", ""}}});
  reader_.look();
  ASSERT_TRUE(known(7));
  EXPECT_EQ(known(7)->kind, BuildKind::image);
  EXPECT_EQ(known(7)->short_name(), "payments:1.8.2");
}

TEST_F(BuildReaderTest, AScriptThatIsNewerThanItsProcessIsNotWhatItRuns) {
  start(7, "node", "node");
  testing::write_file(programs() / "node", "elf");
  testing::write_file(fs::path(proc_.path()) / "7/root/app/main.js", "1");
  set_command_line(7, std::string("node\0/app/main.js\0", 18));
  EXPECT_FALSE(build(7, "node", 1e9));
}

TEST_F(BuildReaderTest, AnInterpreterIsNoBuildOfWhatCannotBeNamed) {
  install("java", "runtime");
  install("dotnet", "runtime");
  start(7, "java", "java");
  start(8, "dotnet", "dotnet");
  for (const std::string& line :
       {std::string("java\0-cp\0/app/app.jar\0com.acme.Main\0", 36), std::string("java\0", 5),
        std::string("java\0-jar\0/app/none.jar\0", 24), std::string()}) {
    set_command_line(7, line);
    EXPECT_FALSE(build(7, "java")) << line;
  }
  EXPECT_FALSE(build(8, "dotnet"));
}

TEST_F(BuildReaderTest, ForgetsWhatNobodyAsksForAndSaysNothingOfAnotherProcess) {
  install("app", "w");
  start(7, "app", "app");
  EXPECT_TRUE(build(7));
  reader_.follow({{{7, 701}, "app", kStart}, {{9, 900}, "app", kStart}});
  reader_.look();
  EXPECT_TRUE(reader_.builds()->empty());
}

TEST_F(BuildReaderTest, WhatIsNoElfFileHasNoBuild) {
  testing::write_file(programs() / "app", "#!");
  start(7, "app", "app");
  EXPECT_FALSE(build(7));
}

TEST_F(BuildReaderTest, ReadsOnAThreadOfItsOwnWhenItIsStarted) {
  install("app", "w");
  start(7, "app", "app");
  reader_.start();
  reader_.follow({{{7, 700}, "app", kStart}});
  while (!known(7)) std::this_thread::yield();
  reader_.stop();
  EXPECT_EQ(known(7)->id, "77");
}

TEST(BuildReaderDeniedTest, KnowsNothingOfProcessesThatItMayNotTrace) {
  const testing::MemoryHostRoot root([](std::string_view path) -> Result<std::string> {
    return failure(ErrorKind::denied, std::string(path), "not permitted");
  });
  BuildReader reader(root);
  reader.follow({{{7, 700}, "app", kStart}});
  reader.look();
  EXPECT_TRUE(reader.builds()->empty());
}

}  // namespace
}  // namespace heapfloor
