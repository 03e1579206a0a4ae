// The table of functions and lines of a hostile program: the table, what was inlined and the code,
// as GoLineWriter has them.
#include "collectors/parse/go_line_table.h"
#include "collectors/parse/go_module.h"

#include "tests/fuzz/property.h"
#include "tests/support/go_line_writer.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace heapfloor;  // NOLINT(google-build-using-namespace): one function
  using heapfloor::testing::GoLineWriter;
  using heapfloor::testing::require;
  static const GoTables tables = GoLineWriter().tables();
  const MemorySource source(heapfloor::testing::text_of(data, size));
  const auto elf = read_elf(source);
  if (elf) static_cast<void>(find_go_tables(source, *elf));
  const auto table = GoLineTable::open(source, tables);
  if (!table) return 0;
  for (std::uint64_t place = 0; place < GoLineWriter::kOuterBytes + GoLineWriter::kNextBytes;
       place += 4) {
    const auto frame = table->find(GoLineWriter::kText + place);
    require(frame == table->find(GoLineWriter::kText + place), "the same is the same");
    if (frame) {
      require(!frame->function.empty(), "a function has a name");
      require(frame->function.size() <= GoLineBounds::kMostName, "a name is bounded");
      require(frame->file.size() <= GoLineBounds::kMostName, "a path is bounded");
      require(frame->line >= 0, "a line is a number");
    }
    const auto called = table->find_called(GoLineWriter::kText + place);
    require(!called || called->size() <= GoLineBounds::kMostName, "a name is bounded");
  }
  constexpr std::uint64_t kInlined = GoLineWriter::kText + GoLineWriter::kInlinedAt;
  const auto all = table->find_all(kInlined);
  const auto frame = table->find(kInlined);
  require(all.size() <= GoLineBounds::kMostInlinedDepth, "what is inlined is bounded");
  require(!frame || (!all.empty() && all.front() == *frame), "the innermost one is the first");
  const auto code = table->code_at(kInlined);
  require(!code || code->entry <= kInlined, "a function begins before");
  return 0;
}
