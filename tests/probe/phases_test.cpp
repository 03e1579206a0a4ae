// What an allocation is for: the labels that the sampler finds in the thread.

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <utility>

#include "collectors/probe/segment_memory.h"
#include "heapfloor/structures.h"
#include "tests/probe/counted_heap.h"

namespace heapfloor {
namespace {

using Labels = std::pair<std::string, std::string>;

Labels texts(heapfloor_labels labels) {
  const heapfloor_name* names = probe::segment().names;
  return {names[labels.structure_name_index].text, names[labels.phase_name_index].text};
}

Labels now() { return texts(heapfloor_label); }

// The labels of the last block that `allocate` allocated.
template <class Allocate>
Labels labels_of(Allocate&& allocate) {
  counted_heap::last_label = {0, 0};
  const counted_heap::Look look;
  allocate();
  return texts(counted_heap::last_label);
}

class Phases : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(probe::start_segment(0)); }
  void TearDown() override { EXPECT_EQ(now(), Labels("", "")); }
};

TEST_F(Phases, NestAndComeBack) {
  const phase outer{"user_cache", "warm_up"};
  EXPECT_EQ(now(), Labels("user_cache", "warm_up"));
  {
    const phase inner{"sessions", "load"};
    EXPECT_EQ(now(), Labels("sessions", "load"));
    const phase of_the_same{"verify"};
    EXPECT_EQ(now(), Labels("sessions", "verify"));
  }
  EXPECT_EQ(now(), Labels("user_cache", "warm_up"));
}

TEST_F(Phases, EndWithAnException) {
  try {
    const phase scope{"user_cache", "warm_up"};
    throw std::runtime_error("in the middle");
  } catch (const std::runtime_error&) {
    EXPECT_EQ(now(), Labels("", ""));
  }
}

TEST_F(Phases, ConstructorsAndReserveAreInit) {
  EXPECT_EQ(labels_of([] { const vector<int> some(name("some"), std::size_t{100}, 1); }),
            Labels("some", "init"));
  vector<int> some{name("some")};
  EXPECT_EQ(labels_of([&] { some.reserve(100); }), Labels("some", "init"));
}

TEST_F(Phases, InsertionsAndRehashesGrow) {
  unordered_map<int, int> some{name("some")};
  EXPECT_EQ(labels_of([&] { some[1] = 1; }), Labels("some", "grow"));
  EXPECT_EQ(labels_of([&] { some.rehash(1000); }), Labels("some", "grow"));
}

TEST_F(Phases, ShrinkingIsClear) {
  vector<int> some{name("some")};
  some.reserve(100);
  some.push_back(1);
  EXPECT_EQ(labels_of([&] { some.shrink_to_fit(); }), Labels("some", "clear"));
}

TEST_F(Phases, AUsersPhaseOfTheSameStructureOrOfNoneStays) {
  vector<int> some{name("some")};
  {
    const phase scope{"some", "backfill"};
    EXPECT_EQ(labels_of([&] { some.push_back(1); }), Labels("some", "backfill"));
    EXPECT_EQ(labels_of([&] { some.reserve(100); }), Labels("some", "backfill"));
  }
  const phase scope{"startup"};
  EXPECT_EQ(labels_of([&] { some.resize(1000); }), Labels("some", "startup"));
}

TEST_F(Phases, AUsersPhaseOfAnotherStructureDoesNotCountInside) {
  const phase scope{"user_cache", "warm_up"};
  vector<int> some{name("some")};
  EXPECT_EQ(labels_of([&] { some.push_back(1); }), Labels("some", "grow"));
  EXPECT_EQ(labels_of([] { delete new int(1); }), Labels("user_cache", "warm_up"));
}

TEST_F(Phases, InstancesThatAreNotWatchedHaveLabelsToo) {
  std::vector<vector<int>> many;
  for (int i = 0; i < 200; ++i) many.emplace_back(name("many"));
  for (auto& one : many) {
    ASSERT_EQ(labels_of([&] { one.push_back(1); }), Labels("many", "grow"));
  }
}

TEST_F(Phases, AMemoryResourceSetsItsLabel) {
  memory_resource pool{"request_arena"};
  std::pmr::vector<int> numbers{&pool};
  EXPECT_EQ(labels_of([&] { numbers.resize(100); }), Labels("request_arena", "grow"));
}

TEST_F(Phases, TheOwnNamesHaveTheirIndices) {
  EXPECT_EQ(probe::intern_name("init"), HEAPFLOOR_NAME_INIT);
  EXPECT_EQ(probe::intern_name("grow"), HEAPFLOOR_NAME_GROW);
  EXPECT_EQ(probe::intern_name("clear"), HEAPFLOOR_NAME_CLEAR);
}

}  // namespace
}  // namespace heapfloor
