// The goroutines of a Go program, as a hostile one may fill its memory, from GoStackWriter::kBase
// on; its code is the table of GoLineWriter.
#include "collectors/runtime/go_stacks.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "tests/fuzz/property.h"
#include "tests/support/go_line_writer.h"
#include "tests/support/go_stack_writer.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace heapfloor;  // NOLINT(google-build-using-namespace): one function
  using heapfloor::testing::GoLineWriter;
  using heapfloor::testing::GoStackWriter;
  using heapfloor::testing::require;
  static const GoLineWriter lines;
  static const MemorySource source(lines.bytes());
  static const auto table = GoLineTable::open(source, lines.tables());
  std::size_t reads = 0;
  const GoMemory memory = [&](std::uint64_t address, std::span<std::byte> to) {
    ++reads;
    constexpr std::uint64_t kBase = GoStackWriter::kBase;
    std::memset(to.data(), 0, to.size());
    if (address < kBase || address - kBase >= size) return false;
    std::memcpy(to.data(), data + (address - kBase),
                std::min<std::size_t>(to.size(), size - (address - kBase)));
    return true;
  };
  constexpr GoStackBounds kBounds = {.most_goroutines = 64};
  const auto stacks = read_go_stacks(
      GoStackWriter::layout(), GoStackWriter::kPlace, memory,
      [](std::uint64_t address) { return table->code_at(address); }, kBounds);
  require(reads <= 2 + 5 * kBounds.most_goroutines, "reads are bounded");
  if (!stacks) return 0;
  require(stacks->seen <= kBounds.most_goroutines, "so many are looked at");
  require(std::isfinite(stacks->goroutines), "a number is one");
  std::size_t seen = 0;
  for (const GoStack& stack : stacks->stacks) {
    require(stack.frames.size() <= GoStackBounds::kMostDepth, "a stack is bounded");
    seen += stack.goroutines;
  }
  require(seen == stacks->seen, "the parts are the whole");
  return 0;
}
