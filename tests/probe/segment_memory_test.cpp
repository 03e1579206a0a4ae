#include "collectors/probe/segment_memory.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <string>

#include "collectors/probe/own_process.h"
#include "tests/probe/in_child.h"

namespace heapfloor::probe {
namespace {

constexpr const char* kMapping = "/memfd:" HEAPFLOOR_SEGMENT_NAME;

// The addresses of our segment as /proc/self/map_files names them; empty: nobody can see it.
std::string mapping_range() {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    if (line.find(kMapping) != std::string::npos) return line.substr(0, line.find(' '));
  }
  return {};
}

std::uint64_t address_of(const void* pointer) { return reinterpret_cast<std::uint64_t>(pointer); }

TEST(SegmentMemory, ThereIsNothingUntilItIsStarted) {
  SKIP_UNLESS_FRESH();
  EXPECT_EQ(segment().header, nullptr);
  EXPECT_EQ(mapping_range(), "");
}

TEST(SegmentMemory, TheHeaderSaysWhoseItIs) {
  errno = EDOM;
  ASSERT_TRUE(start_segment(HEAPFLOOR_FLAG_PRELOADED));
  EXPECT_EQ(errno, EDOM);
  const heapfloor_header& header = *segment().header;
  EXPECT_EQ(header.magic, HEAPFLOOR_SEGMENT_MAGIC);
  EXPECT_EQ(header.abi_major, HEAPFLOOR_ABI_MAJOR);
  EXPECT_EQ(header.header_bytes, static_cast<std::uint32_t>(HEAPFLOOR_HEADER_BYTES));
  EXPECT_EQ(header.pid, getpid());
  EXPECT_EQ(header.start_ticks, own_start_ticks());
  EXPECT_GT(header.created_boottime_ns, 0U);
  EXPECT_EQ(header.flags & HEAPFLOOR_FLAG_PRELOADED, std::uint32_t{HEAPFLOOR_FLAG_PRELOADED});
}

TEST(SegmentMemory, ALaterStartAddsItsFlags) {
  ASSERT_TRUE(start_segment(0));
  const heapfloor_header* header = segment().header;
  ASSERT_TRUE(start_segment(HEAPFLOOR_FLAG_SAMPLING));
  EXPECT_EQ(segment().header, header);
  EXPECT_NE(header->flags & HEAPFLOOR_FLAG_SAMPLING, 0U);
}

TEST(SegmentMemory, SectionsLieInOrderApartAndInside) {
  ASSERT_TRUE(start_segment(0));
  const heapfloor_header& header = *segment().header;
  std::uint64_t end = HEAPFLOOR_HEADER_BYTES;
  for (std::uint32_t i = 0; i < header.section_count; ++i) {
    const heapfloor_section& entry = header.sections[i];
    EXPECT_EQ(entry.type, i + 1);
    EXPECT_EQ(entry.offset % 64, 0U);
    EXPECT_GE(entry.offset, end);
    EXPECT_LE(entry.used, entry.count);
    end = entry.offset + (entry.stride * entry.count);
  }
  EXPECT_LE(end, header.total_bytes);
  EXPECT_EQ(address_of(segment().live) - address_of(&header),
            section(HEAPFLOOR_SECTION_LIVE).offset);
  EXPECT_EQ(address_of(segment().instances) - address_of(&header),
            section(HEAPFLOOR_SECTION_INSTANCES).offset);
}

TEST(SegmentMemory, ItsFileCanNeitherGrowNorShrink) {
  ASSERT_TRUE(start_segment(0));
  const std::string range = mapping_range();
  ASSERT_NE(range, "");
  const int file = open(("/proc/self/map_files/" + range).c_str(), O_RDWR | O_CLOEXEC);
  if (file < 0) GTEST_SKIP() << "this user may not open /proc/self/map_files";
  constexpr int kSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
  EXPECT_EQ(fcntl(file, F_GET_SEALS) & kSeals, kSeals);
  std::uint64_t magic = 0;
  EXPECT_EQ(pread(file, &magic, sizeof magic, 0), static_cast<ssize_t>(sizeof magic));
  EXPECT_EQ(magic, HEAPFLOOR_SEGMENT_MAGIC);
  close(file);
}

TEST(SegmentMemory, NoDescriptorStaysOpen) {
  const int before = open("/dev/null", O_RDONLY | O_CLOEXEC);
  close(before);
  ASSERT_TRUE(start_segment(0));
  const int after = open("/dev/null", O_RDONLY | O_CLOEXEC);
  close(after);
  EXPECT_EQ(after, before);
}

TEST(SegmentMemory, ASecondProbeStaysSilent) {
  SKIP_UNLESS_FRESH();
  EXPECT_TRUE(holds_in_child([] {
    return map_sealed(HEAPFLOOR_SEGMENT_NAME, 4096) != nullptr && !start_segment(0) &&
           segment().header == nullptr && intern_name("user_cache") == 0;
  }));
}

TEST(SegmentMemory, AProgramThatMayMakeNoFileOfThatSizeHasNoSegmentAndLives) {
  SKIP_UNLESS_FRESH();
  EXPECT_TRUE(holds_in_child([] {
    const rlimit limit{.rlim_cur = 1 << 20, .rlim_max = 1 << 20};
    errno = EDOM;
    return setrlimit(RLIMIT_FSIZE, &limit) == 0 && !start_segment(0) && errno == EDOM;
  }));
}

TEST(SegmentMemory, AProgramWithoutDescriptorsHasNoSegment) {
  SKIP_UNLESS_FRESH();
  EXPECT_TRUE(holds_in_child([] {
    const rlimit limit{.rlim_cur = 0, .rlim_max = 0};
    return setrlimit(RLIMIT_NOFILE, &limit) == 0 && !start_segment(0) && !start_segment(0);
  }));
}

void fill_with_samples() {
  segment().header->initial_sample_interval_bytes = 1024;
  segment().header->sample_interval_bytes = 4096;
  segment().header->samples = 5;
  segment().header->live_bytes = 77;
  segment().sites[1].live_bytes = 77;
  segment().live[3].word = 513;
  section(HEAPFLOOR_SECTION_SITES).used = 2;
  section(HEAPFLOOR_SECTION_LIVE).used = 4;
}

TEST(SegmentMemory, AForkedChildHasMemoryOfItsOwnAtTheSameAddress) {
  ASSERT_TRUE(start_segment(0));
  fill_with_samples();
  const std::uint16_t name = intern_name("user_cache");
  const std::uint64_t created = segment().header->created_boottime_ns;
  EXPECT_TRUE(holds_in_child([name, created] {
    const heapfloor_header& header = *segment().header;
    const bool says_so = header.pid == getpid() && (header.flags & HEAPFLOOR_FLAG_FORKED) != 0 &&
                         header.created_boottime_ns > created &&
                         header.magic == HEAPFLOOR_SEGMENT_MAGIC;
    const bool no_samples = header.samples == 0 && header.live_bytes == 0 &&
                            header.sample_interval_bytes == 1024 &&
                            segment().sites[1].live_bytes == 0 && segment().live[3].word == 0 &&
                            section(HEAPFLOOR_SECTION_SITES).used == 0;
    const bool same_names = intern_name("user_cache") == name &&
                            std::string(segment().names[name].text) == "user_cache";
    segment().header->samples = 1234;
    return says_so && no_samples && same_names && mapping_range().empty();
  }));
  EXPECT_EQ(segment().header->samples, 5U);
  EXPECT_EQ(segment().header->pid, getpid());
  EXPECT_EQ(segment().live[3].word, 513U);
}

TEST(SegmentMemory, AForkedChildIsSeenWhenItPublishes) {
  ASSERT_TRUE(start_segment(0));
  const std::uint16_t name = intern_name("user_cache");
  EXPECT_TRUE(holds_in_child([name] {
    publish_child();
    const heapfloor_header& header = *segment().header;
    const bool visible = mapping_range() != "" && header.magic == HEAPFLOOR_SEGMENT_MAGIC;
    return visible && header.start_ticks == own_start_ticks() && header.pid == getpid() &&
           std::string(segment().names[name].text) == "user_cache";
  }));
  EXPECT_NE(segment().header->start_ticks, HEAPFLOOR_ABSENT);
}

TEST(SegmentMemory, AGrandchildAndAnOlderChildAreKeptApart) {
  ASSERT_TRUE(start_segment(0));
  EXPECT_TRUE(holds_in_child([] {
    segment().header->samples = 7;
    const bool apart = holds_in_child([] {
      publish_child();
      const bool fresh = segment().header->samples == 0 && mapping_range() != "";
      segment().header->samples = 9;
      return fresh && segment().header->pid == getpid();
    });
    return apart && segment().header->samples == 7 && mapping_range().empty();
  }));
}

TEST(SegmentMemory, NamesAfterAForkAreThoseOfTheOneThatTookThemIn) {
  ASSERT_TRUE(start_segment(0));
  EXPECT_TRUE(holds_in_child([] { return intern_name("of_the_child") != 0; }));
  const std::uint16_t mine = intern_name("of_the_parent");
  EXPECT_STREQ(segment().names[mine].text, "of_the_parent");
  EXPECT_TRUE(holds_in_child([mine] { return intern_name("of_the_parent") == mine; }));
}

int forgotten = 0;

TEST(SegmentMemory, WhatIsRegisteredIsCalledInTheChildAlone) {
  ASSERT_TRUE(start_segment(0));
  ASSERT_TRUE(on_fork_child([] { ++forgotten; }));
  EXPECT_TRUE(holds_in_child([] { return forgotten == 1; }));
  EXPECT_EQ(forgotten, 0);
}

TEST(SegmentMemory, AQuietProgramAndItsChildrenMakeNoFile) {
  ASSERT_TRUE(start_segment(0));
  EXPECT_TRUE(holds_in_child([] {
    enter_quiet();
    publish_child();
    return is_quiet() && mapping_range().empty() &&
           (segment().header->flags & HEAPFLOOR_FLAG_QUIET) != 0;
  }));
  EXPECT_FALSE(is_quiet());
}

TEST(SegmentMemory, AChildThatMayMapNothingBeginsWithNothing) {
  ASSERT_TRUE(start_segment(0));
  EXPECT_TRUE(holds_in_child([] {
    intern_name("user_cache");
    const rlimit limit{.rlim_cur = 1 << 20, .rlim_max = 1 << 20};
    if (setrlimit(RLIMIT_AS, &limit) != 0) return false;
    const pid_t child = fork();
    if (child == 0) {
      const heapfloor_header* header = segment().header;
      _exit(header == nullptr || header->pid == getpid() ? 0 : 1);
    }
    int status = -1;
    return waitpid(child, &status, 0) == child && status == 0;
  }));
}

}  // namespace
}  // namespace heapfloor::probe
