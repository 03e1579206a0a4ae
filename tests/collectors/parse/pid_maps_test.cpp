#include "collectors/parse/pid_maps.h"

#include <gtest/gtest.h>

namespace heapfloor {
namespace {

TEST(PidMaps, AMappingOfAFileSaysWhereItLiesAndWhatMayBeDoneWithIt) {
  const auto mapping = parse_pid_mapping(
      "7f0a12345000-7f0a12346000 r-xp 00002000 fe:01 1234                       /usr/lib/a b.so");
  ASSERT_TRUE(mapping);
  EXPECT_EQ(mapping->begin, 0x7f0a12345000U);
  EXPECT_EQ(mapping->end, 0x7f0a12346000U);
  EXPECT_EQ(mapping->offset, 0x2000U);
  EXPECT_EQ(mapping->inode, 1234U);
  EXPECT_EQ(mapping->path, "/usr/lib/a b.so");
  EXPECT_TRUE(mapping->is_readable && mapping->is_executable);
  EXPECT_FALSE(mapping->is_writable || mapping->is_shared);
}

TEST(PidMaps, SharedMemoryWithoutANameInTheFileSystemKeepsItsMark) {
  const auto mapping = parse_pid_mapping(
      "7f00-8f00 rw-s 00000000 00:01 7                          /memfd:heapfloor_probe (deleted)");
  ASSERT_TRUE(mapping);
  EXPECT_TRUE(mapping->is_shared && mapping->is_writable);
  EXPECT_EQ(mapping->path, "/memfd:heapfloor_probe (deleted)");
}

TEST(PidMaps, AnonymousMemoryHasNoPath) {
  const auto mapping = parse_pid_mapping("7f00-8f00 rw-p 00000000 00:00 0 ");
  ASSERT_TRUE(mapping);
  EXPECT_EQ(mapping->path, "");
}

TEST(PidMaps, WhatIsNoMappingIsMalformed) {
  for (const char* const line :
       {"", "7f00", "7f00-8f00", "7f00-8f00 rw-p", "8f00-7f00 rw-p 0 00:00 0",
        "7f00-7f00 rw-p 0 00:00 0", "7g00-8f00 rw-p 0 00:00 0", "7f00-8f00 rwp 0 00:00 0",
        "7f00-8f00 rw-p 0 00:00 x", "10000000000000000-20000000000000000 rw-p 0 00:00 0"})
    EXPECT_FALSE(parse_pid_mapping(line)) << line;
}

}  // namespace
}  // namespace heapfloor
