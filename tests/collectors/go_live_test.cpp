// A program that Debian's Go has built: what it says of itself is what is known of its version.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/parse/elf_file.h"
#include "collectors/parse/elf_objects.h"
#include "collectors/parse/go_line_table.h"
#include "collectors/parse/go_module.h"
#include "collectors/runtime/go_program.h"

namespace heapfloor {
namespace {

std::string bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::string program() {
#ifdef HEAPFLOOR_GO_PROGRAM
  return bytes_of(HEAPFLOOR_GO_PROGRAM);
#else
  return {};
#endif
}

// A program with symbols, and the same without.
struct Pair {
  std::string path, whole, stripped;
};
std::vector<Pair> pairs() {
#ifdef HEAPFLOOR_GO_WAITS_PROGRAMS
  std::istringstream paths(HEAPFLOOR_GO_WAITS_PROGRAMS);
#else
  std::istringstream paths;
#endif
  std::vector<Pair> all;
  std::string whole;
  std::string stripped;
  while (std::getline(paths, whole, ':') && std::getline(paths, stripped, ':'))
    all.push_back({stripped, bytes_of(whole), bytes_of(stripped)});
  return all;
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

TEST(GoLive, OfAStrippedProgramTheVariablesAreWhereTheSymbolsOfTheSameSay) {
  if (pairs().empty()) GTEST_SKIP() << "no Go here";
  for (const Pair& pair : pairs()) {
    SCOPED_TRACE(pair.path);
    const MemorySource whole(pair.whole);
    const MemorySource stripped(pair.stripped);
    ASSERT_FALSE(read_elf(stripped)->symtab);
    const auto known = examine_go_program(whole);
    const auto found = examine_go_program(stripped);
    ASSERT_TRUE(known && found);
    ASSERT_EQ(found->refusal, std::nullopt);
    EXPECT_EQ(found->variables, known->variables);
    for (const auto& variable : found->variables) EXPECT_TRUE(variable);
    EXPECT_EQ(found->layout, known->layout);
    EXPECT_EQ(found->headers_address, known->headers_address);
    EXPECT_EQ(found->version, known->version);
  }
}

TEST(GoLive, OfAStrippedProgramTheTableOfFunctionsIsThatOfTheSymbols) {
  if (pairs().empty()) GTEST_SKIP() << "no Go here";
  for (const Pair& pair : pairs()) {
    SCOPED_TRACE(pair.path);
    const MemorySource whole(pair.whole);
    const MemorySource stripped(pair.stripped);
    const auto known = find_go_tables(whole, read_elf(whole).value());
    const auto found = find_go_tables(stripped, read_elf(stripped).value());
    ASSERT_TRUE(known && found);
    EXPECT_EQ(found->text_address, known->text_address);
    EXPECT_TRUE(found->functions_offset);
    const auto table = GoLineTable::open(stripped, *found);
    const auto other = GoLineTable::open(whole, *known);
    ASSERT_TRUE(table && other);
    constexpr std::array<std::string_view, 2> kNames = {"main.lock", "runtime.mallocgc"};
    const auto functions = other->find_functions(kNames);
    EXPECT_EQ(table->find_functions(kNames), functions);
    for (const auto& function : functions) {
      ASSERT_TRUE(function);
      for (std::uint64_t place = 0; place < function->bytes; place += 7)
        EXPECT_EQ(table->find_all(function->address + place),
                  other->find_all(function->address + place));
    }
  }
}

TEST(GoLive, OfAStrippedProgramOfAnotherVersionNothingIsGuessed) {
  if (pairs().empty()) GTEST_SKIP() << "no Go here";
  Pair pair = pairs().front();
  const std::size_t version = pair.stripped.find("go1.19", pair.stripped.find("\xff Go buildinf:"));
  ASSERT_NE(version, std::string::npos);
  pair.stripped.replace(version, 6, "go1.21");
  const auto examined = examine_go_program(MemorySource(pair.stripped));
  ASSERT_TRUE(examined);
  EXPECT_EQ(examined->refusal, GoRefusal::no_symbols);
}

// Its code is overwritten, one function after the other: what the others agree on stands, and is
// never another place.
TEST(GoLive, AStrippedProgramWhoseCodeDisagreesIsNotReadOrReadTheSame) {
  if (pairs().empty()) GTEST_SKIP() << "no Go here";
  const Pair pair = pairs().front();
  const MemorySource whole(pair.whole);
  const auto known = examine_go_program(whole);
  const ElfFile elf = read_elf(whole).value();
  const auto tables = find_go_tables(whole, elf);
  ASSERT_TRUE(known && tables);
  constexpr std::array<std::string_view, 5> kNames = {"runtime.gcinit", "runtime.(*mheap).grow",
                                                      "runtime.modulesinit", "runtime.allgadd",
                                                      "runtime.stkbucket"};
  const auto functions = GoLineTable::open(whole, *tables)->find_functions(kNames);
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    ASSERT_TRUE(functions[i]) << kNames.at(i);
    std::string changed = pair.stripped;
    const std::uint64_t place = functions[i]->address - tables->text_address + tables->text_offset;
    std::fill_n(changed.begin() + static_cast<std::ptrdiff_t>(place), functions[i]->bytes, '\x90');
    const auto examined = examine_go_program(MemorySource(changed));
    ASSERT_TRUE(examined);
    for (std::size_t variable = 0; variable < kGoVariables; ++variable) {
      const auto& found = examined->variables.at(variable);
      EXPECT_TRUE(!found || found == known->variables.at(variable)) << kNames.at(i);
    }
  }
}

// esbuild is among the modules that the page is built with: stripped, of a newer Go, and without
// any information about its build.
TEST(GoLive, AStrippedProgramOfANewerGoIsKnownAsOneThatCannotBeRead) {
  std::string bytes;
#ifdef HEAPFLOOR_ESBUILD
  bytes = bytes_of(HEAPFLOOR_ESBUILD);
#endif
  if (bytes.empty()) GTEST_SKIP() << "no esbuild here";
  const MemorySource source(bytes);
  const auto examined = examine_go_program(source);
  ASSERT_TRUE(examined);
  EXPECT_EQ(examined->refusal, GoRefusal::no_symbols);
  EXPECT_EQ(find_go_tables(source, read_elf(source).value()), std::nullopt);
}

}  // namespace
}  // namespace heapfloor
