#include "agent/profile/symbol_table.h"

#include <elf.h>
#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "agent/profile/xz.h"
#include "tests/profile/code_fixture.h"
#include "tests/profile/elf_writer.h"

namespace heapfloor {
namespace {

using testing::ElfWriter;
using testing::OpenedFile;

SymbolTable table_of(const std::string& bytes) {
  const MemorySource source(bytes);
  const Result<ElfFile> elf = read_elf(source);
  EXPECT_TRUE(elf);
  SymbolTable table;
  if (elf) table.add(source, *elf);
  table.finish();
  return table;
}

std::string name_at(const SymbolTable& table, std::uint64_t address) {
  const auto found = table.find(address);
  return found ? std::string(found->name) : "none";
}

TEST(SymbolTable, AnAddressBelongsToTheFunctionThatHoldsIt) {
  ElfWriter elf;
  elf.add_function("second", 0x2000, 0x10);
  elf.add_function("first", 0x1000, 0x100);
  elf.add_function("assembly", 0x3000, 0);
  elf.add_function("after", 0x3080, 8);
  elf.add_object("variable", 0x1080, 8);
  const SymbolTable table = table_of(elf.bytes());
  EXPECT_EQ(table.functions(), 4U);
  EXPECT_EQ(name_at(table, 0xfff), "none");
  EXPECT_EQ(name_at(table, 0x1000), "first");
  EXPECT_EQ(name_at(table, 0x10ff), "first");
  EXPECT_EQ(name_at(table, 0x1100), "none");
  EXPECT_EQ(name_at(table, 0x200f), "second");
  EXPECT_EQ(name_at(table, 0x307f), "assembly");
  EXPECT_EQ(name_at(table, 0x3088), "none");
}

TEST(SymbolTable, OfSeveralNamesThePublicOneWithoutAnUnderscoreIsShown) {
  ElfWriter elf;
  elf.add_function("__libc_malloc", 0x1000, 8);
  elf.add_function("malloc", 0x1000, 8);
  elf.add_function("local_alias", 0x1000, 8, STB_LOCAL);
  EXPECT_EQ(name_at(table_of(elf.bytes()), 0x1004), "malloc");
}

TEST(SymbolTable, ABuildIdIsReadFromItsNote) {
  ElfWriter elf;
  elf.set_build_id("\xab\x01\xff");
  const std::string bytes = elf.bytes();
  const MemorySource source(bytes);
  const Result<ElfFile> read = read_elf(source);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->build_id, "ab01ff");
}

TEST(SymbolTable, AFileThatLiesAboutItsSizesGivesNothingAndHarmsNobody) {
  ElfWriter elf;
  elf.add_function("first", 0x1000, 0x100);
  const std::string whole = elf.bytes();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const std::string cut = whole.substr(0, size);
    const MemorySource source(cut);
    const Result<ElfFile> read = read_elf(source);
    if (!read) continue;
    SymbolTable table;
    table.add(source, *read);
    table.finish();
    EXPECT_LE(table.functions(), 1U);
  }
  EXPECT_FALSE(
      read_elf(MemorySource("\x7f"
                            "ELF")));
}

TEST(SymbolTable, TheOffsetsOfAFileBecomeItsAddresses) {
  ElfFile elf;
  elf.segments = {{0, 0x400000, 0x1000}, {0x1000, 0x402000, 0x500}};
  EXPECT_EQ(elf.address_of_offset(0x10), 0x400010U);
  EXPECT_EQ(elf.address_of_offset(0x14ff), 0x4024ffU);
  EXPECT_EQ(elf.address_of_offset(0x1500), std::nullopt);
}

TEST(SymbolTable, ARealProgramsFunctionsAreFound) {
  const std::string program = std::string(HEAPFLOOR_LINES_PROGRAMS)
                                  .substr(0, std::string(HEAPFLOOR_LINES_PROGRAMS).find(':'));
  const auto calls = testing::told_calls(program);
  const OpenedFile file(program);
  const FileSource source(file.file());
  const Result<ElfFile> elf = read_elf(source);
  ASSERT_TRUE(elf);
  EXPECT_TRUE(elf->has_debug_info);
  EXPECT_EQ(elf->build_id.size(), 40U);
  SymbolTable table;
  table.add(source, *elf);
  table.finish();
  EXPECT_EQ(name_at(table, calls.at("main").address), "main");
  EXPECT_EQ(name_at(table, calls.at("method").address), "_ZN4shop6Basket4fillEi");
}

TEST(SymbolTable, AFunctionTakesSixteenBytesBesideItsName) {
  ElfWriter elf;
  for (std::uint64_t i = 1; i <= 1000; ++i) elf.add_function("f12345678", 0x1000 * i, 0x100);
  const SymbolTable table = table_of(elf.bytes());
  EXPECT_EQ(table.functions(), 1000U);
  EXPECT_LE(table.bytes(), 1000U * (16 + 10) + 64);
}

TEST(SymbolTable, SymbolsThatAllClaimALongNameTakeBoundedMemory) {
  ElfWriter elf;
  elf.add_function(std::string(SymbolTable::kMostNameBytes, 'x'), 0x1000, 8);
  for (std::uint64_t i = 1; i < 20000; ++i) elf.add_again(0x1000 + 8 * i, 8);
  const SymbolTable table = table_of(elf.bytes());
  EXPECT_EQ(table.functions(), 20000U);
  EXPECT_LE(table.bytes(), std::size_t{33} << 20);
  EXPECT_EQ(name_at(table, 0x1000).size(), SymbolTable::kMostNameBytes);
}

TEST(Xz, ABombStopsAtItsLimit) {
  // 1 MiB of zeros, packed: `head -c 1048576 /dev/zero | xz`.
  const std::string bomb = testing::packed_zeros();
  ASSERT_LT(bomb.size(), 400U);
  const auto whole = unpack_xz(bomb, std::size_t{1} << 20);
  ASSERT_TRUE(whole);
  EXPECT_EQ(whole->size(), std::size_t{1} << 20);
  EXPECT_FALSE(unpack_xz(bomb, (std::size_t{1} << 20) - 1));
  EXPECT_FALSE(unpack_xz(std::string_view(bomb).substr(0, 100), std::size_t{1} << 20));
  EXPECT_FALSE(unpack_xz("", 100));
}

TEST(SymbolTable, WhatWasStrippedIsReadFromItsPackedCopy) {
  ElfWriter inner;
  inner.add_function("hidden", 0x1000, 0x100);
  ElfWriter outer;
  outer.set_debugdata(testing::packed(inner.bytes()));
  EXPECT_EQ(name_at(table_of(outer.bytes()), 0x1010), "hidden");
}

}  // namespace
}  // namespace heapfloor
