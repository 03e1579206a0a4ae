#include "collectors/parse/go_line_table.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/go_line_writer.h"

namespace heapfloor {
namespace {

using testing::GoLineWriter;

constexpr std::uint32_t kMagics[] = {0xfffffff0, 0xfffffff1};  // of Go 1.18 and of 1.20

std::optional<GoFrame> frame_at(const GoLineWriter& writer, std::uint64_t place) {
  const MemorySource source(writer.bytes());
  const auto table = GoLineTable::open(source, writer.tables());
  if (!table) return std::nullopt;
  return table->find(GoLineWriter::kText + place);
}

TEST(GoLineTable, KnowsTheFunctionTheFileAndTheLineOfAnAddress) {
  for (const std::uint32_t magic : kMagics) {
    const GoLineWriter writer(magic);
    EXPECT_EQ(frame_at(writer, 0), (GoFrame{"main.outer", "/src/outer.go", 10}));
    EXPECT_EQ(frame_at(writer, GoLineWriter::kOuterBytes),
              (GoFrame{"main.next", "/src/outer.go", 50}));
  }
}

TEST(GoLineTable, WhatWasInlinedHasItsOwnName) {
  for (const std::uint32_t magic : kMagics) {
    const GoLineWriter writer(magic);
    EXPECT_EQ(frame_at(writer, GoLineWriter::kInlinedAt),
              (GoFrame{"main.inner", "/src/inner.go", 33}));
    GoTables tables = writer.tables();
    tables.functions_offset.reset();
    const MemorySource source(writer.bytes());
    const auto frame =
        GoLineTable::open(source, tables)->find(GoLineWriter::kText + GoLineWriter::kInlinedAt);
    EXPECT_EQ(frame, (GoFrame{"main.outer", "/src/inner.go", 33})) << "as far as it is known";
  }
}

TEST(GoLineTable, OutsideOfTheCodeThereIsNothing) {
  const GoLineWriter writer;
  EXPECT_EQ(frame_at(writer, -1ULL), std::nullopt);
  EXPECT_EQ(frame_at(writer, GoLineWriter::kOuterBytes + GoLineWriter::kNextBytes), std::nullopt);
  EXPECT_EQ(frame_at(writer, std::uint64_t{1} << 40U), std::nullopt);
}

TEST(GoLineTable, OfAnotherLayoutNothingIsRead) {
  EXPECT_EQ(frame_at(GoLineWriter(0xfffffffb), 0), std::nullopt) << "Go 1.2";
  EXPECT_EQ(frame_at(GoLineWriter(0xfffffff2), 0), std::nullopt) << "not made yet";
}

TEST(GoLineTable, ATableThatWasCutSaysLessAndNothingFalse) {
  GoLineWriter writer;
  const std::string whole = writer.bytes();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const MemorySource source(std::string_view(whole).substr(0, size));
    const auto table = GoLineTable::open(source, writer.tables());
    const auto frame = table ? table->find(GoLineWriter::kText) : std::nullopt;
    EXPECT_TRUE(!frame || frame->function == "main.outer") << size;
  }
}

TEST(GoLineTable, TellsWhatACallLeadsTo) {
  GoLineWriter writer;
  writer.call_next_at(0x10);
  const MemorySource source(writer.bytes());
  const auto table = GoLineTable::open(source, writer.tables());
  ASSERT_TRUE(table);
  EXPECT_EQ(table->find_called(GoLineWriter::kText + 0x10), "main.next");
  EXPECT_EQ(table->find_called(GoLineWriter::kText + 0x11), std::nullopt);
  EXPECT_EQ(table->find_called(GoLineWriter::kText), std::nullopt);
  EXPECT_EQ(table->find_called(GoLineWriter::kText - 1), std::nullopt);
  EXPECT_EQ(table->find_called(GoLineWriter::kText + 0x1000), std::nullopt);
}

TEST(GoLineTable, WhatSomethingWasInlinedIntoFollowsIt) {
  for (const std::uint32_t magic : kMagics) {
    const GoLineWriter writer(magic);
    const MemorySource source(writer.bytes());
    const auto table = GoLineTable::open(source, writer.tables());
    ASSERT_TRUE(table);
    EXPECT_EQ(table->find_all(GoLineWriter::kText + GoLineWriter::kInlinedAt),
              (std::vector<GoFrame>{{"main.inner", "/src/inner.go", 33},
                                    {"main.outer", "/src/outer.go", 10}}));
    EXPECT_EQ(table->find_all(GoLineWriter::kText),
              (std::vector<GoFrame>{{"main.outer", "/src/outer.go", 10}}));
    EXPECT_TRUE(table->find_all(GoLineWriter::kText - 1).empty());
  }
}

TEST(GoLineTable, WhatIsInlinedIntoItselfEnds) {
  GoLineWriter writer;
  writer.set_parent(GoLineWriter::kInlinedAt);
  const MemorySource source(writer.bytes());
  const auto table = GoLineTable::open(source, writer.tables());
  ASSERT_TRUE(table);
  EXPECT_EQ(table->find_all(GoLineWriter::kText + GoLineWriter::kInlinedAt).size(),
            GoLineBounds::kMostInlinedDepth);
  writer.set_inlined_name(0x7fffffff);
  const MemorySource nameless(writer.bytes());
  EXPECT_TRUE(GoLineTable::open(nameless, writer.tables())
                  ->find_all(GoLineWriter::kText + GoLineWriter::kInlinedAt)
                  .empty());
}

TEST(GoLineTable, KnowsHowFarTheReturnAddressIsAboveTheStackPointer) {
  for (const std::uint32_t magic : kMagics) {
    const GoLineWriter writer(magic);
    const MemorySource source(writer.bytes());
    const auto table = GoLineTable::open(source, writer.tables());
    ASSERT_TRUE(table);
    EXPECT_EQ(table->code_at(GoLineWriter::kText), (GoCode{"main.outer", GoLineWriter::kText, 0}));
    EXPECT_EQ(table->code_at(GoLineWriter::kText + GoLineWriter::kInlinedAt),
              (GoCode{"main.outer", GoLineWriter::kText, GoLineWriter::kFrameBytes}));
    constexpr std::uint64_t kNext = GoLineWriter::kText + GoLineWriter::kOuterBytes;
    EXPECT_EQ(table->code_at(kNext + 4), (GoCode{"main.next", kNext, std::nullopt}));
    EXPECT_EQ(table->code_at(kNext + GoLineWriter::kNextBytes), std::nullopt);
  }
}

TEST(GoLineTable, FindsFunctionsByTheirNames) {
  constexpr std::array<std::string_view, 3> kNames = {"main.next", "main.inner", "main.outer"};
  for (const std::uint32_t magic : kMagics) {
    const GoLineWriter writer(magic);
    const MemorySource source(writer.bytes());
    const auto table = GoLineTable::open(source, writer.tables());
    ASSERT_TRUE(table);
    const auto found = table->find_functions(kNames);
    ASSERT_EQ(found.size(), kNames.size());
    EXPECT_EQ(found[0], (GoFunction{GoLineWriter::kText + GoLineWriter::kOuterBytes,
                                    GoLineWriter::kNextBytes}));
    EXPECT_EQ(found[1], std::nullopt) << "it is inlined";
    EXPECT_EQ(found[2], (GoFunction{GoLineWriter::kText, GoLineWriter::kOuterBytes}));
  }
}

}  // namespace
}  // namespace heapfloor
