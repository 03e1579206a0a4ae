#include <gtest/gtest.h>

#include <cstring>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "collectors/probe/segment_memory.h"
#include "tests/probe/in_child.h"

namespace heapfloor::probe {
namespace {

TEST(Names, WithoutASegmentThereIsNone) {
  SKIP_UNLESS_FRESH();
  EXPECT_EQ(intern_name("user_cache"), 0);
}

TEST(Names, TheSameTextIsTheSameName) {
  ASSERT_TRUE(start_segment(0));
  const std::uint16_t first = intern_name("user_cache");
  EXPECT_NE(first, 0);
  EXPECT_EQ(intern_name(std::string("user_cache").c_str()), first);
  EXPECT_NE(intern_name("session_cache"), first);
  EXPECT_STREQ(segment().names[first].text, "user_cache");
}

TEST(Names, AnEmptyNameIsNoName) {
  ASSERT_TRUE(start_segment(0));
  EXPECT_EQ(intern_name(""), 0);
  EXPECT_EQ(intern_name(nullptr), 0);
}

TEST(Names, ALongNameIsCutAtAWholeCharacter) {
  ASSERT_TRUE(start_segment(0));
  const std::string fits(HEAPFLOOR_NAME_BYTES - 1, 'x');
  EXPECT_EQ(segment().names[intern_name(fits.c_str())].text, fits);
  EXPECT_EQ(segment().names[intern_name((fits + "yz").c_str())].text, fits);
  const std::string accent = std::string(HEAPFLOOR_NAME_BYTES - 2, 'x') + "é";
  EXPECT_EQ(segment().names[intern_name(accent.c_str())].text,
            std::string(HEAPFLOOR_NAME_BYTES - 2, 'x'));
}

bool fill_the_table() {
  const std::uint64_t lost = segment().header->names_lost;
  std::set<std::uint16_t> indices;
  std::size_t refused = 0;
  for (std::size_t i = 0; i < kNames + 10; ++i) {
    const std::uint16_t index = intern_name(("filling" + std::to_string(i)).c_str());
    if (index == 0) ++refused;
    if (index != 0) indices.insert(index);
  }
  EXPECT_GE(refused, 11U);  // index 0 is taken, and so is what other cases put there
  EXPECT_EQ(indices.size() + refused, kNames + 10);
  EXPECT_EQ(segment().header->names_lost - lost, refused);
  EXPECT_EQ(section(HEAPFLOOR_SECTION_NAMES).used, kNames);
  EXPECT_STREQ(segment().names[intern_name("filling0")].text, "filling0");
  return !testing::Test::HasFailure();
}

TEST(Names, WhatFindsNoPlaceIsCountedAndTheOthersStay) {
  ASSERT_TRUE(start_segment(0));
  EXPECT_TRUE(holds_in_child(fill_the_table));
}

TEST(Names, ThreadsAgreeOnEveryName) {
  ASSERT_TRUE(start_segment(0));
  constexpr std::size_t kThreads = 4;
  constexpr std::size_t kTexts = 50;
  std::vector<std::vector<std::uint16_t>> found(kThreads);
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < kThreads; ++t) {
    threads.emplace_back([&found, t] {
      for (std::size_t i = 0; i < kTexts; ++i) {
        found[t].push_back(intern_name(("shared" + std::to_string(i)).c_str()));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (std::size_t t = 1; t < kThreads; ++t) EXPECT_EQ(found[t], found[0]);
}

}  // namespace
}  // namespace heapfloor::probe
