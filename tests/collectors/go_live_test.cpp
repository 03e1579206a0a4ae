// A program that Debian's Go has built: what it says of itself is what is known of its version.
#include <gtest/gtest.h>

#include <array>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include "collectors/parse/elf_file.h"
#include "collectors/parse/elf_objects.h"
#include "collectors/parse/go_line_table.h"
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

TEST(GoLive, TheTableOfItsRuntimeKnowsItsFunctions) {
  const std::string bytes = program();
  if (bytes.empty()) GTEST_SKIP() << "no Go here";
  const MemorySource source(bytes);
  const ElfFile elf = read_elf(source).value();
  const auto tables = find_go_tables(source, elf);
  ASSERT_TRUE(tables);
  const auto table = GoLineTable::open(source, *tables);
  ASSERT_TRUE(table);
  constexpr std::array<std::string_view, 3> kNames = {"main.holdSession", "main.main",
                                                      "runtime.mapassign_faststr"};
  const auto functions = find_objects(source, *elf.symtab, kNames);
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    ASSERT_TRUE(functions[i]) << kNames.at(i);
    const auto frame = table->find(functions[i]->address);
    ASSERT_TRUE(frame) << kNames.at(i);
    EXPECT_EQ(frame->function, kNames.at(i));
    EXPECT_TRUE(frame->file.ends_with(".go")) << frame->file;
    EXPECT_GT(frame->line, 0);
  }
}

}  // namespace
}  // namespace heapfloor
