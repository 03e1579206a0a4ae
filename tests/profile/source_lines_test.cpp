#include "agent/profile/source_lines.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "agent/profile/demangle.h"
#include "tests/profile/code_fixture.h"

namespace heapfloor {
namespace {

using testing::OpenedFile;
using testing::told_calls;

std::string name_of(const SourceLine& line) {
  return demangle(std::vector<std::string>{line.function}).front();
}

// Programs of HEAPFLOOR_LINES_PROGRAMS: of g++ and, where it is there, of clang.
class SourceLinesOf : public ::testing::TestWithParam<std::string> {};

TEST_P(SourceLinesOf, EveryCallIsFoundWithItsLineAndWhatWasInlined) {
  const auto calls = told_calls(GetParam());
  ASSERT_EQ(calls.size(), 3U) << GetParam();
  const OpenedFile file(GetParam());
  const std::vector<std::uint64_t> addresses = {calls.at("inlined").address,
                                                calls.at("method").address,
                                                calls.at("main").address, 0xfffffff0};
  const std::vector<SourceLines> lines = source_lines(file.file(), addresses);
  ASSERT_EQ(lines.size(), 4U);
  ASSERT_EQ(lines[0].size(), 2U);
  EXPECT_EQ(name_of(lines[0][0]), "shop::Basket::add(int)");
  EXPECT_EQ(lines[0][0].line, calls.at("inlined").line);
  EXPECT_TRUE(lines[0][0].file.ends_with("programs/lines.cpp")) << lines[0][0].file;
  EXPECT_EQ(name_of(lines[0][1]), "shop::Basket::fill(int)");
  EXPECT_EQ(lines[0][1].line, calls.at("method").line - 1);
  EXPECT_TRUE(lines[0][1].file.ends_with("programs/lines.cpp"));
  ASSERT_EQ(lines[1].size(), 1U);
  EXPECT_EQ(name_of(lines[1][0]), "shop::Basket::fill(int)");
  EXPECT_EQ(lines[1][0].line, calls.at("method").line);
  ASSERT_EQ(lines[2].size(), 1U);
  EXPECT_EQ(lines[2][0].line, calls.at("main").line);
  EXPECT_TRUE(lines[3].empty());
}

std::vector<std::string> programs() {
  std::vector<std::string> all;
  std::string rest = HEAPFLOOR_LINES_PROGRAMS;
  for (std::size_t colon = 0; (colon = rest.find(':')) != std::string::npos;
       rest.erase(0, colon + 1))
    all.push_back(rest.substr(0, colon));
  all.push_back(rest);
  return all;
}

INSTANTIATE_TEST_SUITE_P(Compilers, SourceLinesOf, ::testing::ValuesIn(programs()),
                         [](const auto& one) { return "Program" + std::to_string(one.index); });

TEST(SourceLines, AFileWithoutDebugInformationHasNone) {
  const OpenedFile file("/bin/true");
  const std::vector<std::uint64_t> addresses = {0x2000};
  EXPECT_EQ(source_lines(file.file(), addresses), std::vector<SourceLines>(1));
}

TEST(SourceLines, AnAnswerThatWasCutGivesWhatWasWhole) {
  EXPECT_EQ(parse_source_lines("", 2), std::vector<SourceLines>(2));
  EXPECT_EQ(parse_source_lines(std::string("\1\0\0\0\1\0\0\0\4\0\0\0ma", 14), 2),
            std::vector<SourceLines>(2));
}

}  // namespace
}  // namespace heapfloor
