#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <vector>

#include "collectors/collector.h"
#include "collectors/free_parts.h"
#include "tests/support/fixture_host.h"
#include "tests/support/recording_sink.h"

namespace heapfloor {

extern const CollectorEntry self_collector;

namespace {

using testing::FixtureHost;
using testing::RecordedEntity;
using testing::RecordingSink;

RecordedEntity collect(const HostRoot& root) {
  RecordingSink sink;
  const auto report = self_collector.make(root, {})->collect(sink);
  EXPECT_TRUE(report);
  EXPECT_EQ(sink.entities.size(), 1U);
  EXPECT_EQ(sink.entities.at(0).kind, EntityKind::agent);
  return sink.entities.at(0);
}

TEST(SelfCollector, TheStandardSetIsReadFromSelf) {
  const FixtureHost host("self_normal");
  const RecordedEntity entity = collect(host.root());
  const auto ticks_per_second = static_cast<double>(::sysconf(_SC_CLK_TCK));
  const auto page_bytes = static_cast<double>(::sysconf(_SC_PAGESIZE));
  EXPECT_EQ(entity.value("process_cpu_seconds_total"), 200 / ticks_per_second);
  EXPECT_EQ(entity.value("process_virtual_memory_bytes"), 104857600);
  EXPECT_EQ(entity.value("process_resident_memory_bytes"), 2560 * page_bytes);
  EXPECT_EQ(entity.value("process_threads"), 4);
  EXPECT_EQ(entity.value("process_open_fds"), 5);
  EXPECT_EQ(entity.value("process_start_time_seconds"), 1700000000 + 12345 / ticks_per_second);
  struct rlimit limit = {};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  EXPECT_EQ(entity.value("process_max_fds"), static_cast<double>(limit.rlim_cur));
}

TEST(SelfCollector, AMalformedStatLeavesTheRest) {
  const FixtureHost host("self_malformed");
  RecordingSink sink;
  const auto report = self_collector.make(host.root(), {})->collect(sink);
  ASSERT_TRUE(report);
  EXPECT_EQ(report->errors.at(static_cast<std::size_t>(ErrorKind::malformed)), 1U);
  const RecordedEntity& entity = sink.entities.at(0);
  EXPECT_FALSE(entity.value("process_cpu_seconds_total"));
  EXPECT_FALSE(entity.value("process_start_time_seconds"));
  EXPECT_EQ(entity.value("process_open_fds"), 2);
  EXPECT_TRUE(entity.value("heapfloor_allocator_in_use_bytes"));
}

TEST(SelfCollector, OnTheRunningKernelDescriptorsAreCountedExactly) {
  const DirectoryHostRoot root;
  const auto before = root.count_own_descriptors();
  ASSERT_TRUE(before);
  std::vector<int> opened;
  for (int i = 0; i < 7; ++i) opened.push_back(::dup(0));
  const auto after = root.count_own_descriptors();
  for (const int descriptor : opened) ::close(descriptor);
  ASSERT_TRUE(after);
  EXPECT_EQ(*after, *before + 7);
}

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define HEAPFLOOR_FOREIGN_ALLOCATOR
#endif
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HEAPFLOOR_FOREIGN_ALLOCATOR
#endif

TEST(SelfCollector, TheHeapInUseGrowsByWhatIsAllocated) {
#ifdef HEAPFLOOR_FOREIGN_ALLOCATOR
  GTEST_SKIP() << "the sanitizer replaces glibc's allocator";
#endif
  constexpr std::size_t kBytes = 3U << 20;
  const DirectoryHostRoot root;
  const RecordedEntity before = collect(root);
  const auto block = std::make_unique<std::vector<char>>(kBytes);
  const RecordedEntity after = collect(root);
  const double grown = after.value("heapfloor_allocator_in_use_bytes").value_or(0) -
                       before.value("heapfloor_allocator_in_use_bytes").value_or(0);
  EXPECT_GE(grown, static_cast<double>(kBytes));
  EXPECT_LT(grown, static_cast<double>(kBytes) + (1U << 20));
}

TEST(SelfCollector, EveryStateOfFreeMemoryIsASample) {
  const DirectoryHostRoot root;
  const RecordedEntity entity = collect(root);
  for (const char* state : {"fastbin", "bins", "top"})
    EXPECT_TRUE(entity.value("heapfloor_allocator_free_bytes", state)) << state;
}

FreeParts parts_of(std::size_t all, std::size_t fastbin, std::size_t top) {
  struct mallinfo2 info = {};
  info.fordblks = all;
  info.fsmblks = fastbin;
  info.keepcost = top;
  return free_parts(info);
}

TEST(FreePartsOfTheHeap, TheBinsHoldWhatIsNeitherFastbinNorTop) {
  const FreeParts parts = parts_of(1000, 100, 700);
  EXPECT_EQ(parts.fastbin_bytes, 100U);
  EXPECT_EQ(parts.bins_bytes, 200U);
  EXPECT_EQ(parts.top_bytes, 700U);
}

TEST(FreePartsOfTheHeap, AddUpToAllFreeMemoryWhateverTheAllocatorSays) {
  constexpr std::size_t kMost = SIZE_MAX;
  for (const std::size_t all : {std::size_t{0}, std::size_t{1}, std::size_t{1000}, kMost}) {
    for (const std::size_t fastbin : {std::size_t{0}, std::size_t{999}, kMost}) {
      for (const std::size_t top : {std::size_t{0}, std::size_t{1}, std::size_t{1000}, kMost}) {
        const FreeParts parts = parts_of(all, fastbin, top);
        EXPECT_LE(parts.fastbin_bytes, fastbin);
        EXPECT_LE(parts.bins_bytes, all);
        EXPECT_LE(parts.top_bytes, top);
        EXPECT_EQ(parts.fastbin_bytes + parts.bins_bytes + parts.top_bytes, all);
      }
    }
  }
}

}  // namespace
}  // namespace heapfloor
