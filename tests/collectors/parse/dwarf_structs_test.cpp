// Debugging information made by hand, as Go's linker writes it.
#include "collectors/parse/dwarf_structs.h"

#include <elf.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <array>
#include <string>

namespace heapfloor {
namespace {

constexpr std::array<std::string_view, 2> kWanted = {"runtime.mstats", "runtime.p"};

std::string number(std::uint64_t value, std::size_t size) {
  std::string bytes;
  for (std::size_t i = 0; i < size; ++i) bytes += static_cast<char>(value >> (8 * i));
  return bytes;
}

std::string text(const std::string& word) { return word + '\0'; }

// 1: a unit with its language; 2: a structure with name and size; 3: a member with name and place;
// 4: a base type, whose name is elsewhere.
const std::string kAbbrevs(
    "\x01\x11\x01\x13\x0b\x00\x00"
    "\x02\x13\x01\x03\x08\x0b\x0f\x00\x00"
    "\x03\x0d\x00\x03\x08\x38\x0f\x49\x13\x00\x00"
    "\x04\x24\x00\x03\x0e\x3e\x0b\x00\x00"
    "\x00",
    7 + 9 + 11 + 9 + 1);

std::string structure(const std::string& name, char size, const std::string& members) {
  return "\x02" + text(name) + size + members + '\0';
}
std::string member(const std::string& name, char place) {
  return "\x03" + text(name) + place + number(0, 4);
}
std::string unit(const std::string& entries, char language = 0x16) {
  const std::string body =
      number(4, 2) + number(0, 4) + '\x08' + '\x01' + language + entries + '\0';
  return number(body.size(), 4) + body;
}

const std::string kMemstats =
    structure("runtime.mstats", 24, member("heapStats", 0) + member("numgc", 16));
const std::string kP = structure("runtime.p", 40, member("id", 0) + member("gFree", 32));

Result<StructLayouts> read(const std::string& info, ElfDebugSection::Packing packing = {},
                           std::uint64_t most_bytes = 1 << 20) {
  const MemorySource source(info);
  SectionStream stream(source, {{0, info.size()}, packing}, most_bytes);
  return read_struct_layouts(stream, kAbbrevs, kWanted);
}

void expect_both(const Result<StructLayouts>& found) {
  ASSERT_TRUE(found) << found.error().reason;
  ASSERT_EQ(found->size(), 2U);
  EXPECT_EQ(found->at("runtime.mstats"), (StructLayout{24, {{"heapStats", 0}, {"numgc", 16}}}));
  EXPECT_EQ(found->at("runtime.p"), (StructLayout{40, {{"id", 0}, {"gFree", 32}}}));
}

std::string deflated(const std::string& bytes) {
  uLongf size = compressBound(bytes.size());
  std::string packed(size, '\0');
  EXPECT_EQ(compress(reinterpret_cast<Bytef*>(packed.data()), &size,
                     reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()),
            Z_OK);
  packed.resize(size);
  return packed;
}

TEST(DwarfStructs, OfSeveralUnitsAreFound) {
  expect_both(read(unit("\x04" + number(9, 4) + '\x05' + kMemstats) + unit(kP)));
}

TEST(DwarfStructs, OfAnotherLanguageArePassedOver) {
  const std::string of_c = unit(structure("runtime.p", 1, member("other", 1)), 0x0c);
  expect_both(read(of_c + unit(kMemstats + kP)));
}

TEST(DwarfStructs, AMemberOfAStructureInsideBelongsToThatOne) {
  const std::string inner = structure("inner", 8, member("hidden", 4));
  const auto found = read(
      unit(structure("runtime.p", 40, member("id", 0) + inner + member("gFree", 32)) + kMemstats));
  expect_both(found);
}

TEST(DwarfStructs, AreReadOutOfPackedSections) {
  const std::string info = unit(kMemstats + kP);
  const Elf64_Chdr header = {ELFCOMPRESS_ZLIB, 0, info.size(), 1};
  expect_both(
      read(std::string(reinterpret_cast<const char*>(&header), sizeof header) + deflated(info),
           ElfDebugSection::Packing::compressed));
  expect_both(read("ZLIB" + number(0, 8) + deflated(info), ElfDebugSection::Packing::z_debug));
}

TEST(DwarfStructs, WhatWasFoundBeforeTheEndIsKept) {
  const std::string info = unit(kMemstats) + unit(kP);
  const auto cut = read(info, ElfDebugSection::Packing::none, unit(kMemstats).size() + 30);
  ASSERT_TRUE(cut);
  EXPECT_EQ(cut->size(), 1U);
  EXPECT_TRUE(cut->contains("runtime.mstats"));
}

TEST(DwarfStructs, OfWhatIsBrokenAreNone) {
  const std::string unknown_entry = unit("\x7f");
  const std::string unknown_version = number(8, 4) + number(9, 2) + number(0, 6);
  for (const std::string& info : {unknown_entry, unknown_version, std::string("\xff\xff")}) {
    const auto found = read(info);
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().kind, ErrorKind::malformed);
  }
  EXPECT_FALSE(read("no zlib stream at all here", ElfDebugSection::Packing::z_debug)
                   .value_or(StructLayouts{})
                   .contains("runtime.p"));
}

}  // namespace
}  // namespace heapfloor
