#include "collectors/parse/smaps_kinds.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "collectors/parse/text.h"

namespace heapfloor {
namespace {

constexpr std::uint64_t kKiB = 1024;

std::array<MappingSum, kMappingKinds> sums_of(std::string_view text) {
  SmapsKindReader reader;
  std::string_view line;
  while (next_line(text, line)) reader.take(line);
  return reader.sums();
}

// The kind of the only mapping of a text.
std::string kind_of(const std::string& modes_to_inode, const std::string& path = "") {
  const auto sums = sums_of("7f0000000000-7f0000001000 " + modes_to_inode + " " + path + "\n");
  std::string kinds;
  for (std::size_t i = 0; i < kMappingKinds; ++i) {
    if (sums.at(i).mappings > 0) kinds += mapping_kind_name(static_cast<MappingKind>(i));
  }
  return kinds;
}

TEST(SmapsKinds, AreToldByNameAndByWhetherAMappingIsShared) {
  EXPECT_EQ(kind_of("rw-p 00000000 00:00 0", "[heap]"), "heap");
  EXPECT_EQ(kind_of("rw-p 00000000 00:00 0"), "anonymous");
  EXPECT_EQ(kind_of("rw-p 00000000 00:00 0", "[anon:glibc: malloc arena]"), "anonymous");
  EXPECT_EQ(kind_of("rw-p 00000000 00:00 0", "[stack]"), "main_stack");
  EXPECT_EQ(kind_of("r-xp 00000000 fe:00 247498", "/usr/bin/redis-server"), "file_private");
  EXPECT_EQ(kind_of("rw-s 00000000 fe:00 247498", "/var/lib/db/index"), "file_shared");
  EXPECT_EQ(kind_of("rw-s 00000000 00:01 1044", "/dev/zero (deleted)"), "shared_memory");
  EXPECT_EQ(kind_of("rw-s 00000000 00:01 7", "/memfd:ring (deleted)"), "shared_memory");
  EXPECT_EQ(kind_of("rw-s 00000000 00:01 8", "/SYSV00000000 (deleted)"), "shared_memory");
  EXPECT_EQ(kind_of("rw-s 00000000 00:19 9", "/dev/shm/pool"), "shared_memory");
  EXPECT_EQ(kind_of("rw-s 00000000 00:06 99", "/dev/dri/card0"), "device");
  EXPECT_EQ(kind_of("rw-s 00000000 00:0e 1", "anon_inode:[perf_event]"), "device");
  EXPECT_EQ(kind_of("r-xp 00000000 00:00 0", "[vdso]"), "kernel");
}

TEST(SmapsKinds, SumWhatTheKernelSaysOfEachMapping) {
  const auto sums = sums_of(
      "55d000000000-55d000100000 rw-p 00000000 00:00 0 [heap]\n"
      "Size:               1024 kB\nRss:                 800 kB\nPss:                 790 kB\n"
      "Shared_Dirty:         10 kB\nPrivate_Dirty:       700 kB\nAnonymous:           760 kB\n"
      "AnonHugePages:       512 kB\nPrivate_Hugetlb:       0 kB\nSwap:                 64 kB\n"
      "SwapPss:              64 kB\nVmFlags: rd wr mr mw me ac \n"
      "55d000200000-55d000201000 rw-p 00000000 00:00 0 [heap]\nRss: 4 kB\n"
      "7f0000000000-7f0040000000 rw-s 00000000 00:0f 77 /dev/hugepages/pool\n"
      "Rss:                   0 kB\nShared_Hugetlb:  1048576 kB\n");
  const MappingSum& heap = sums.at(static_cast<std::size_t>(MappingKind::heap));
  EXPECT_EQ(heap.mappings, 2U);
  EXPECT_EQ(heap.virtual_bytes, 1028 * kKiB);
  EXPECT_EQ(heap.resident_bytes, 804 * kKiB);
  EXPECT_EQ(heap.proportional_bytes, 790 * kKiB);
  EXPECT_EQ(heap.anonymous_bytes, 760 * kKiB);
  EXPECT_EQ(heap.dirty_bytes, 710 * kKiB);
  EXPECT_EQ(heap.swapped_bytes, 64 * kKiB);
  EXPECT_EQ(heap.huge_page_bytes, 512 * kKiB);
  const MappingSum& device = sums.at(static_cast<std::size_t>(MappingKind::device));
  EXPECT_EQ(device.hugetlb_bytes, 1024 * 1024 * kKiB);
}

TEST(SmapsKinds, OfLinesThatNobodyKnowsTakeNothing) {
  const auto nothing = std::array<MappingSum, kMappingKinds>();
  EXPECT_EQ(sums_of(""), nothing);
  EXPECT_EQ(sums_of("Rss: 100 kB\nHello\n"), nothing) << "of no mapping";
  EXPECT_EQ(sums_of("7f00-zz rw-p 00000000 00:00 0 \nRss: 100 kB\n"), nothing)
      << "a line that is no mapping ends the one before";
}

TEST(SmapsKinds, StayAtTheLargestNumberWhereASumWouldOverflow) {
  const std::string one =
      "7f0000000000-7f0000001000 rw-p 00000000 00:00 0 \nRss: 9007199254740991 kB\n";
  const auto sums = sums_of(one + one + one);
  EXPECT_EQ(sums.at(static_cast<std::size_t>(MappingKind::anonymous)).resident_bytes, UINT64_MAX);
}

}  // namespace
}  // namespace heapfloor
