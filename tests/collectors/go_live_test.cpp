// A program that Debian's Go has built: what it says of itself is what is known of its version.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

#include "collectors/parse/elf_file.h"
#include "collectors/runtime/go_program.h"

namespace heapfloor {
namespace {

std::string program() {
#ifdef HEAPFLOOR_GO_PROGRAM
  std::ifstream file(HEAPFLOOR_GO_PROGRAM, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
#else
  return {};
#endif
}

TEST(GoLive, TheLayoutThatIsKnownIsThatOfTheDebuggingInformation) {
  const std::string bytes = program();
  if (bytes.empty()) GTEST_SKIP() << "no Go here";
  const MemorySource source(bytes);
  const auto examined = examine_go_program(source);
  ASSERT_TRUE(examined);
  ASSERT_EQ(examined->refusal, std::nullopt);
  const auto said = read_go_layout(source, read_elf(source).value());
  ASSERT_TRUE(said) << "of " << examined->version;
  EXPECT_EQ(*said, examined->layout) << "of " << examined->version;
  for (const auto& variable : examined->variables) EXPECT_TRUE(variable);
}

}  // namespace
}  // namespace heapfloor
