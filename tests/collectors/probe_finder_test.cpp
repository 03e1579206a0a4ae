// Which mappings are read for the segment of a probe.
#include "collectors/probe_finder.h"

#include <gtest/gtest.h>

#include <array>
#include <optional>
#include <string>

#include "tests/support/memory_host_root.h"

namespace heapfloor {
namespace {

using testing::MemoryHostRoot;

constexpr std::string_view kMaps =
    "55550000-55551000 r-xp 00000000 08:01 9                 /usr/bin/app\n"
    "7f0000000000-7f0000400000 rw-s 00000000 00:01 7         /memfd:heapfloor_probe (deleted)\n";

ProbeMaps look(std::optional<bool> is_shared) {
  MemoryHostRoot host([](std::string_view) { return std::string(kMaps); });
  host.pids = {42};
  host.shares = [is_shared](std::int32_t /*pid*/, std::string_view path) -> std::optional<bool> {
    EXPECT_EQ(path, "/memfd:heapfloor_probe (deleted)");
    return is_shared;
  };
  const auto process = host.open_process(42);
  std::array<char, 1024> buffer = {};
  ProbeMaps maps;
  EXPECT_TRUE(read_probe_maps(*process, buffer, maps));
  return maps;
}

TEST(ProbeFinder, NothingIsReadWhereTheKernelKnowsOfNoSegment) {
  const ProbeMaps maps = look(false);
  EXPECT_EQ(maps.bytes, 0U);
  EXPECT_TRUE(maps.segments.empty());
}

TEST(ProbeFinder, MapsAreReadWhereTheKernelKnowsOfASegmentOrCannotTell) {
  for (const std::optional<bool> is_shared : {std::optional<bool>(true), std::optional<bool>()}) {
    const ProbeMaps maps = look(is_shared);
    EXPECT_EQ(maps.bytes, kMaps.size());
    ASSERT_EQ(maps.segments.size(), 1U);
    EXPECT_EQ(maps.segments[0].inode, 7U);
    EXPECT_EQ(maps.executables.size(), 1U);
  }
}

}  // namespace
}  // namespace heapfloor
