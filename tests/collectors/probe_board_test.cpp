#include "collectors/probe_board.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>

namespace heapfloor {
namespace {

// A segment of so many bytes, or none.
class FakeSource final : public ProbeSource {
 public:
  explicit FakeSource(std::size_t bytes) : bytes_(bytes) {}
  [[nodiscard]] Result<ProbeSegmentBytes> read() const override {
    if (bytes_ == 0) return failure(ErrorKind::gone, "1", "no such memory any more");
    return ProbeSegmentBytes(bytes_);
  }

 private:
  std::size_t bytes_;
};

void put(ProbeBoard& board, std::int32_t pid, std::size_t bytes, std::uint64_t start = 1) {
  ProbedTarget target;
  target.id = {pid, start};
  board.put(target, std::make_shared<const FakeSource>(bytes));
}

TEST(ProbeBoard, OfATargetThatEndedTheLastSegmentAnswers) {
  ProbeBoard board;
  put(board, 7, 100);
  board.set_mappings({7, 1}, "text");
  EXPECT_TRUE(board.end({7, 1}, 50));
  EXPECT_EQ(board.find(7)->ended_seconds, 50);
  EXPECT_EQ(board.find(7)->mappings, "text");
  EXPECT_EQ(board.read_segment({7, 1})->size(), 100U);
  EXPECT_EQ(board.held_descriptors(), 0U);
  EXPECT_EQ(board.kept_targets(), 1U);
  EXPECT_FALSE(board.end({7, 1}, 60)) << "once";
}

TEST(ProbeBoard, WhatCannotBeReadAnyMoreIsNotKept) {
  ProbeBoard board;
  put(board, 7, 0);
  EXPECT_FALSE(board.end({7, 1}, 50));
  EXPECT_TRUE(board.targets().empty());
  EXPECT_EQ(board.read_segment({7, 1}).error().kind, ErrorKind::unavailable);
}

TEST(ProbeBoard, TheOldestMakeRoomForBytesAndForTargets) {
  ProbeBoard board({.targets = 3, .bytes = 1000, .seconds = 100});
  for (std::int32_t pid = 1; pid <= 4; ++pid) {
    put(board, pid, 100);
    board.end({pid, 1}, pid);
  }
  EXPECT_FALSE(board.find(1));
  EXPECT_EQ(board.kept_targets(), 3U);
  put(board, 5, 850);
  EXPECT_TRUE(board.end({5, 1}, 5));
  EXPECT_EQ(board.kept_targets(), 2U) << "850 and one of 100";
  put(board, 6, 1001);
  EXPECT_FALSE(board.end({6, 1}, 6)) << "larger than everything";
  EXPECT_EQ(board.kept_targets(), 2U);
  board.forget_old(106);
  EXPECT_EQ(board.kept_targets(), 0U);
}

TEST(ProbeBoard, RunningTargetsAreNeverForgotten) {
  ProbeBoard board({.targets = 1, .bytes = 1000, .seconds = 1});
  put(board, 1, 100);
  put(board, 2, 100);
  board.end({2, 1}, 5);
  board.forget_old(1e9);
  ASSERT_EQ(board.targets().size(), 1U);
  EXPECT_EQ(board.targets()[0].id.pid, 1);
}

TEST(ProbeBoard, OfOnePidTheLatestIsMeant) {
  ProbeBoard board;
  put(board, 7, 10, 1);
  put(board, 7, 20, 5);
  put(board, 8, 30, 1);
  EXPECT_EQ(board.find(7)->id.start_ticks, 5U);
  EXPECT_FALSE(board.find(6));
  EXPECT_FALSE(board.find(9));
}

TEST(ProbeBoard, IsReadWhileTargetsComeAndGo) {
  ProbeBoard board;
  std::atomic<bool> is_over = false;
  std::thread reader([&] {
    while (!is_over) {
      for (const ProbedTarget& target : board.targets()) {
        const auto segment = board.read_segment(target.id);
        EXPECT_TRUE(!segment || segment->size() == 64);
      }
    }
  });
  for (std::int32_t round = 0; round < 2000; ++round) {
    put(board, round % 20, 64);
    board.set_mappings({round % 20, 1}, "x");
    board.end({(round + 7) % 20, 1}, round);
    board.drop({(round + 13) % 20, 1});
  }
  is_over = true;
  reader.join();
  EXPECT_LE(board.kept_targets(), 8U);
}

TEST(ProbeBoard, NobodyIsAskedWhereNothingRunsOrNothingMayBeWritten) {
  ProbeBoard board;
  EXPECT_EQ(board.ask({7, 1}, 1).error().kind, ErrorKind::unavailable);
  put(board, 7, 100);
  EXPECT_EQ(board.ask({7, 1}, 1).error().kind, ErrorKind::unavailable);
  ASSERT_TRUE(board.end({7, 1}, 50));
  EXPECT_EQ(board.ask({7, 1}, 1).error().kind, ErrorKind::unavailable);
}

}  // namespace
}  // namespace heapfloor
