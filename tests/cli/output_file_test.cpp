#include "agent/cli/output_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

namespace heapfloor {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class ReplaceFileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "/heapfloor-output-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  [[nodiscard]] std::string path(const std::string& name) const {
    return (folder_ / name).string();
  }
  [[nodiscard]] std::string content(const std::string& name) const {
    std::ifstream file(path(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  [[nodiscard]] std::set<std::string> names() const {
    std::set<std::string> found;
    for (const auto& entry : std::filesystem::directory_iterator(folder_))
      found.insert(entry.path().filename());
    return found;
  }

  std::filesystem::path folder_;
};

TEST_F(ReplaceFileTest, MakesAFileThatEverybodyMayRead) {
  const mode_t before = ::umask(077);
  const Result<void> done = replace_file(path("page.prom"), std::string_view("a\0b\n", 4));
  ::umask(before);
  ASSERT_TRUE(done.has_value());
  EXPECT_EQ(content("page.prom"), std::string("a\0b\n", 4));
  EXPECT_THAT(names(), ElementsAre("page.prom"));
  struct stat status {};
  ASSERT_EQ(::stat(path("page.prom").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777U, 0644U);
}

TEST_F(ReplaceFileTest, AReaderOfTheOldFileKeepsTheOldText) {
  ASSERT_TRUE(replace_file(path("page.prom"), "the old, longer text\n").has_value());
  std::ifstream reader(path("page.prom"));
  ASSERT_TRUE(replace_file(path("page.prom"), "new\n").has_value());
  std::string line;
  std::getline(reader, line);
  EXPECT_EQ(line, "the old, longer text");
  EXPECT_EQ(content("page.prom"), "new\n");
  EXPECT_THAT(names(), ElementsAre("page.prom"));
}

TEST_F(ReplaceFileTest, ReplacesALinkInsteadOfWhatItPointsTo) {
  std::ofstream(path("target")) << "precious";
  std::filesystem::create_symlink("target", path("page.prom"));
  ASSERT_TRUE(replace_file(path("page.prom"), "page").has_value());
  EXPECT_EQ(content("target"), "precious");
  EXPECT_FALSE(std::filesystem::is_symlink(path("page.prom")));
}

TEST_F(ReplaceFileTest, SaysWhyAndLeavesNothingBehind) {
  const Result<void> missing = replace_file(path("missing/page.prom"), "page");
  ASSERT_FALSE(missing.has_value());
  EXPECT_EQ(missing.error().path, path("missing/page.prom"));
  EXPECT_EQ(missing.error().reason, "No such file or directory");
  std::filesystem::create_directory(path("folder"));
  EXPECT_FALSE(replace_file(path("folder"), "page").has_value());
  EXPECT_THAT(names(), ElementsAre("folder"));
  std::filesystem::remove(path("folder"));
  EXPECT_THAT(names(), IsEmpty());
}

}  // namespace
}  // namespace heapfloor
