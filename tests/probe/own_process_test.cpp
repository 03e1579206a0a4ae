#include "collectors/probe/own_process.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "heapfloor/segment.h"

namespace heapfloor::probe {
namespace {

std::uint64_t start_ticks(std::string_view stat) {
  return start_ticks_in(stat.data(), stat.size());
}

constexpr std::string_view kBehindTheName =
    " S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 98765 20 21\n";

TEST(OwnProcess, TheStartIsFieldTwentyTwo) {
  EXPECT_EQ(start_ticks("4711 (server)" + std::string(kBehindTheName)), 98765U);
}

TEST(OwnProcess, ANameMayHoldSpacesAndParentheses) {
  EXPECT_EQ(start_ticks("4711 (a) S 7 (b) )" + std::string(kBehindTheName)), 98765U);
}

TEST(OwnProcess, ATextThatEndsTooEarlyHasNoStart) {
  const std::string whole = "4711 (server)" + std::string(kBehindTheName);
  const std::size_t end = whole.find("98765") + 5;
  for (std::size_t length = 0; length <= end; ++length) {
    EXPECT_EQ(start_ticks(std::string_view(whole).substr(0, length)), HEAPFLOOR_ABSENT) << length;
  }
}

TEST(OwnProcess, AStartThatIsNoNumberIsAbsent) {
  EXPECT_EQ(start_ticks("1 (a) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 x 20\n"),
            HEAPFLOOR_ABSENT);
}

TEST(OwnProcess, ItFindsTheStartOfThisProcess) {
  EXPECT_NE(own_start_ticks(), HEAPFLOOR_ABSENT);
  EXPECT_EQ(own_start_ticks(), own_start_ticks());
}

TEST(OwnProcess, AMappingIsFoundWhileItIsThere) {
  constexpr std::size_t kBytes = 8192;
  constexpr const char* kText = "/memfd:own_process_test";
  EXPECT_FALSE(own_maps_hold(kText));
  void* memory = map_sealed("own_process_test", kBytes);
  ASSERT_NE(memory, nullptr);
  EXPECT_TRUE(own_maps_hold(kText));
  unmap(memory, kBytes);
  EXPECT_FALSE(own_maps_hold(kText));
}

TEST(OwnProcess, TheTimeIsThatSinceBootAndRuns) {
  const std::uint64_t before = boottime_ns();
  EXPECT_GT(before, 0U);
  EXPECT_GE(boottime_ns(), before);
}

}  // namespace
}  // namespace heapfloor::probe
