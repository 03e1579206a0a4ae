#include "collectors/runtime/go_stacks.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/go_stack_writer.h"

namespace heapfloor {
namespace {

using testing::GoStackWriter;

// Functions of 0x100 bytes each, whose frames are of 16.
constexpr std::uint64_t kPark = 0x401000, kConsume = 0x401100, kExit = 0x401200, kMain = 0x401300,
                        kSweep = 0x401400;
constexpr std::uint64_t kServe = 0x401500;

std::optional<GoCode> code_at(std::uint64_t address) {
  const std::uint64_t entry = address & ~std::uint64_t{0xff};
  std::string name;
  if (entry == kPark) name = "runtime.gopark";
  if (entry == kConsume) name = "main.consume";
  if (entry == kExit) name = "runtime.goexit";
  if (entry == kMain) name = "runtime.main";
  if (entry == kSweep) name = "runtime.bgsweep";
  if (entry == kServe) name = "main.serve";
  if (name.empty()) return std::nullopt;
  return GoCode{name, entry, address == entry ? 0U : 16U};
}

// Parked in main.consume, which returns to runtime.goexit.
GoStackWriter::Goroutine consuming() {
  return {.code = kPark + 0x20,
          .stack = {0, 0, kConsume + 0x30, 0, 0, kExit + 1},
          .made_at = kServe + 0x40,
          .started = kConsume};
}

class GoStacksTest : public ::testing::Test {
 protected:
  Result<GoStacks> read(const GoStackBounds& bounds = {}, GoStackPlace place = kPlace) {
    return read_go_stacks(GoStackWriter::layout(), place, memory_.memory(), code_at, bounds);
  }
  // Of the only one.
  GoStack only() {
    const auto stacks = read();
    EXPECT_TRUE(stacks && stacks->stacks.size() == 1);
    return stacks && !stacks->stacks.empty() ? stacks->stacks.front() : GoStack();
  }
  static constexpr GoStackPlace kPlace = GoStackWriter::kPlace;
  const std::vector<std::uint64_t> parked_ = {kPark + 0x1f, kConsume + 0x2f};
  GoStackWriter memory_;
};

TEST_F(GoStacksTest, AGoroutineThatWaitsIsFollowedToWhereItBegan) {
  memory_.add(consuming());
  EXPECT_EQ(only(), (GoStack{GoState::waiting, 14, parked_, kServe + 0x3f, 1}));
}

TEST_F(GoStacksTest, ThoseOfOneStackAreCountedTogetherTheMostFirst) {
  GoStackWriter::Goroutine locked = consuming();
  locked.reason = 18;
  memory_.add(locked);
  for (int i = 0; i < 3; ++i) memory_.add(consuming());
  const auto stacks = read();
  ASSERT_TRUE(stacks);
  EXPECT_EQ(stacks->goroutines, 4);
  EXPECT_EQ(stacks->seen, 4U);
  ASSERT_EQ(stacks->stacks.size(), 2U);
  EXPECT_EQ(stacks->stacks[0].goroutines, 3U);
  EXPECT_EQ(stacks->stacks[1].reason, 18);
}

TEST_F(GoStacksTest, TheRuntimesOwnAndThoseThatHaveEndedAreNotCounted) {
  GoStackWriter::Goroutine other = consuming();
  other.started = kSweep;
  memory_.add(other);
  other.started = kMain;
  memory_.add(other);
  other = consuming();
  other.status = 6;
  memory_.add(other);
  const auto stacks = read();
  ASSERT_TRUE(stacks);
  EXPECT_EQ(stacks->goroutines, 1) << "runtime.main is the program's";
}

TEST_F(GoStacksTest, WhatACollectorMarksIsNoOtherState) {
  GoStackWriter::Goroutine scanned = consuming();
  scanned.status |= 0x1000U;
  memory_.add(scanned);
  EXPECT_EQ(only().state, GoState::waiting);
}

TEST_F(GoStacksTest, OneInASystemCallIsWhereItWentIntoIt) {
  GoStackWriter::Goroutine calling = consuming();
  calling.status = 3;
  memory_.add(calling);
  EXPECT_EQ(only(), (GoStack{GoState::in_syscall, 0, parked_, kServe + 0x3f, 1}));
}

TEST_F(GoStacksTest, OfOneThatRunsNoStackIsTold) {
  GoStackWriter::Goroutine running = consuming();
  running.status = 2;
  memory_.add(running);
  EXPECT_EQ(only(), (GoStack{GoState::running, 0, {}, kServe + 0x3f, 1}));
}

TEST_F(GoStacksTest, OneThatHasNotBegunIsAtItsEntry) {
  memory_.add({.status = 1, .code = kConsume, .stack = {kExit + 1}, .started = kConsume});
  EXPECT_EQ(only(), (GoStack{GoState::runnable, 0, {kConsume}, 0, 1}));
}

TEST_F(GoStacksTest, AMovedProgramIsReadInItsOwnNumbering) {
  constexpr std::uint64_t kBias = 0x555500000000;
  memory_.add({.code = kBias + kPark + 0x20,
               .stack = {0, 0, kBias + kConsume + 0x30, 0, 0, kBias + kExit + 1},
               .made_at = kBias + kServe + 0x40,
               .started = kBias + kConsume});
  const auto stacks = read({}, {kPlace.count, kPlace.list, kBias});
  ASSERT_TRUE(stacks);
  EXPECT_EQ(stacks->stacks.at(0), (GoStack{GoState::waiting, 14, parked_, kServe + 0x3f, 1}));
}

TEST_F(GoStacksTest, OfMoreThanAreLookedAtTheNumberIsAnEstimate) {
  const std::uint64_t waiting = memory_.add(consuming());
  GoStackWriter::Goroutine ended = consuming();
  ended.status = 6;
  const std::uint64_t over = memory_.add(ended);
  memory_.repeat(waiting, 900);
  for (std::uint64_t i = 0; i < 900; i += 2) memory_.put(GoStackWriter::kList + i * 8, over);
  const auto stacks = read({.most_goroutines = 300});
  ASSERT_TRUE(stacks);
  EXPECT_EQ(stacks->goroutines, 3 * static_cast<double>(stacks->seen));
  EXPECT_NEAR(stacks->goroutines, 450, 100) << "every second one: a stride would see one kind";
  EXPECT_EQ(stacks->stacks.at(0).goroutines, stacks->seen);
}

TEST_F(GoStacksTest, AStackThatLeadsNowhereEndsThere) {
  GoStackWriter::Goroutine lost = consuming();
  lost.stack = {0, 0, 0x77777777};
  memory_.add(lost);
  EXPECT_EQ(only().frames, (std::vector<std::uint64_t>{kPark + 0x1f}));
}

TEST_F(GoStacksTest, AStackWithoutEndIsCut) {
  GoStackWriter::Goroutine deep = consuming();
  deep.stack.assign(128, kConsume + 0x30);
  memory_.add(deep);
  EXPECT_EQ(only().frames.size(), 1 + 128U / 3) << "to the top of the stack";
}

TEST_F(GoStacksTest, APointerOutsideOfItsStackIsNotFollowed) {
  const std::uint64_t goroutine = memory_.add(consuming());
  for (const std::uint64_t pointer :
       {std::uint64_t{8}, UINT64_MAX - 7, goroutine, goroutine + 0x601}) {
    memory_.put(goroutine + 56, pointer);
    EXPECT_TRUE(only().frames.empty()) << pointer;
  }
}

TEST_F(GoStacksTest, AListThatCanBeNoneIsRefused) {
  memory_.put(kPlace.count, UINT64_MAX);
  EXPECT_EQ(read().error().kind, ErrorKind::malformed);
  memory_.put(kPlace.count, std::uint64_t{3});
  memory_.put(kPlace.list, UINT64_MAX);
  EXPECT_EQ(read().error().kind, ErrorKind::malformed);
  EXPECT_EQ(read({}, {8, 16, 0}).error().kind, ErrorKind::io);
}

TEST_F(GoStacksTest, GoroutinesThatCannotBeReadAreLeftOut) {
  memory_.add(consuming());
  memory_.repeat(0x1000, 100);
  const auto stacks = read();
  ASSERT_TRUE(stacks);
  EXPECT_EQ(stacks->goroutines, 0);
  EXPECT_TRUE(stacks->stacks.empty());
}

TEST_F(GoStacksTest, EachGoroutineCostsTwoReads) {
  for (int i = 0; i < 100; ++i) memory_.add(consuming());
  ASSERT_TRUE(read());
  EXPECT_LE(memory_.reads, 3 + 2 * 100U);
}

}  // namespace
}  // namespace heapfloor
