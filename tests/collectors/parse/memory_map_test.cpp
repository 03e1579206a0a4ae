#include "collectors/parse/memory_map.h"

#include <gtest/gtest.h>

#include <string>

namespace heapfloor {
namespace {

TEST(MemoryMap, OnlyWhatCanBeExecutedIsKept) {
  const auto mappings = parse_code_mappings(
      "55d0c0a00000-55d0c0a2c000 r--p 00000000 fd:01 1234                       /usr/bin/redis\n"
      "55d0c0a2c000-55d0c0b00000 r-xp 0002c000 fd:01 1234                       /usr/bin/redis\n"
      "55d0c1000000-55d0c1021000 rw-p 00000000 00:00 0                          [heap]\n"
      "7ffd5a3f0000-7ffd5a3f2000 r-xp 00000000 00:00 0                          [vdso]\n");
  ASSERT_TRUE(mappings);
  ASSERT_EQ(mappings->size(), 2U);
  EXPECT_EQ(mappings->at(0),
            (CodeMapping{0x55d0c0a2c000, 0x55d0c0b00000, 0x2c000, 1234, false, "/usr/bin/redis"}));
  EXPECT_EQ(mappings->at(1).path, "[vdso]");
  EXPECT_EQ(mappings->at(1).inode, 0U);
}

TEST(MemoryMap, ADeletedFileIsToldFromItsSuccessor) {
  const auto mappings =
      parse_code_mappings("1000-2000 r-xp 00000000 fd:01 7   /opt/app (deleted)\n");
  ASSERT_TRUE(mappings);
  EXPECT_TRUE(mappings->at(0).is_deleted);
  EXPECT_EQ(mappings->at(0).path, "/opt/app");
}

TEST(MemoryMap, AFileMayBeCalledAnythingButALine) {
  const auto mappings = parse_code_mappings(
      "1000-2000 r-xp 00000000 fd:01 7   /tmp/a b\\0123000-4000 r-xp 0 fd:01 9 /fake\n");
  ASSERT_TRUE(mappings);
  ASSERT_EQ(mappings->size(), 1U);
  EXPECT_EQ(mappings->at(0).path, "/tmp/a b\n3000-4000 r-xp 0 fd:01 9 /fake");
}

TEST(MemoryMap, CodeWithoutAFileHasNoPath) {
  const auto mappings = parse_code_mappings("7f0000000000-7f0000001000 rwxp 00000000 00:00 0 \n");
  ASSERT_TRUE(mappings);
  EXPECT_EQ(mappings->at(0).path, "");
}

TEST(MemoryMap, WhatIsNoMappingIsMalformed) {
  EXPECT_FALSE(parse_code_mappings("1000 r-xp 0 fd:01 7 /a\n"));
  EXPECT_FALSE(parse_code_mappings("2000-1000 r-xp 0 fd:01 7 /a\n"));
  EXPECT_FALSE(parse_code_mappings("1000-2000\n"));
  EXPECT_FALSE(parse_code_mappings("1000-2000 r-xp x fd:01 7 /a\n"));
  EXPECT_FALSE(parse_code_mappings("1000-20000000000000000 r-xp 0 fd:01 7 /a\n"));
  EXPECT_TRUE(parse_code_mappings("")->empty());
}

TEST(MemoryMap, MoreMappingsThanAProgramHasAreRefused) {
  std::string text;
  for (std::size_t i = 1; i <= kMostCodeMappings + 1; ++i) text += "1000-2000 r-xp 0 fd:01 7 /a\n";
  EXPECT_FALSE(parse_code_mappings(text));
}

TEST(MemoryMap, AnAddressBelongsToTheMappingThatHoldsIt) {
  const auto mappings = parse_code_mappings(
      "3000-4000 r-xp 0 fd:01 7 /b\n"
      "1000-2000 r-xp 0 fd:01 7 /a\n");
  ASSERT_TRUE(mappings);
  EXPECT_EQ(find_mapping(*mappings, 0xfff), nullptr);
  EXPECT_EQ(find_mapping(*mappings, 0x1000)->path, "/a");
  EXPECT_EQ(find_mapping(*mappings, 0x1fff)->path, "/a");
  EXPECT_EQ(find_mapping(*mappings, 0x2000), nullptr);
  EXPECT_EQ(find_mapping(*mappings, 0x3fff)->path, "/b");
  EXPECT_EQ(find_mapping(*mappings, 0x4000), nullptr);
}

}  // namespace
}  // namespace heapfloor
