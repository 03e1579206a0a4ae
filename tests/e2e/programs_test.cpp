// The measuring stick itself: what ResidentMemory says it holds is what the kernel sees.
#include <unistd.h>

#include <cstdint>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/programs/resident_memory.h"

namespace heapfloor::e2e {
namespace {

constexpr std::uint64_t kMiB = 1 << 20;

std::uint64_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::uint64_t size = 0;
  std::uint64_t resident = 0;
  std::uint64_t shared = 0;
  statm >> size >> resident >> shared;
  return (resident - shared) * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

TEST(ResidentMemoryTest, WhatIsHeldIsResidentAndWhatIsGivenBackIsGone) {
  const std::uint64_t before = resident_bytes();
  ResidentMemory memory;
  ASSERT_TRUE(memory.resize(64 * kMiB));
  EXPECT_EQ(memory.size_bytes(), 64 * kMiB);
  const std::uint64_t at_most = resident_bytes();
  EXPECT_GE(at_most, before + 63 * kMiB);
  ASSERT_TRUE(memory.resize(16 * kMiB));
  EXPECT_EQ(memory.size_bytes(), 16 * kMiB);
  // Not beside what was before: a sanitizer keeps an eighth of all that was ever mapped.
  EXPECT_LE(resident_bytes() + 47 * kMiB, at_most);
}

}  // namespace
}  // namespace heapfloor::e2e
