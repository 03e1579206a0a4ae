#include "collectors/parse/vm_structs.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/vm_structs_writer.h"

namespace heapfloor {
namespace {

using testing::MovedSource;
using testing::VmStructsWriter;

class VmStructs : public ::testing::Test {
 protected:
  [[nodiscard]] Result<std::optional<PerfMemory>> find() const {
    return find_perf_memory(MovedSource(memory_.bytes(), VmStructsWriter::kBase),
                            VmStructsWriter::symbols());
  }
  void expect_malformed(const char* why) const {
    const auto found = find();
    ASSERT_FALSE(found) << why;
    EXPECT_EQ(found.error().kind, ErrorKind::malformed) << why;
  }
  VmStructsWriter memory_;
};

TEST_F(VmStructs, LeadToTheCounters) {
  memory_.add_perf_memory();
  const auto found = find();
  ASSERT_TRUE(found) << found.error().reason;
  EXPECT_EQ(*found, (PerfMemory{VmStructsWriter::kCounters, 0x6000}));
}

TEST_F(VmStructs, AreFoundBehindManyOthers) {
  for (int i = 0; i < 20; ++i) memory_.add("Method", "_code", false, 0);
  memory_.add_perf_memory();
  EXPECT_TRUE(find() && *find());
}

TEST_F(VmStructs, OfAJvmWithoutCountersLeadToNothing) {
  memory_.add_perf_memory();
  memory_.put(VmStructsWriter::kStart, std::uint64_t{0});
  const auto found = find();
  ASSERT_TRUE(found);
  EXPECT_EQ(*found, std::nullopt);
}

TEST_F(VmStructs, AFieldOfTheNameThatIsNotStaticIsAnother) {
  memory_.add("PerfMemory", "_start", false, VmStructsWriter::kStart);
  memory_.add("PerfMemory", "_capacity", true, VmStructsWriter::kCapacity);
  expect_malformed("no place of the start");
}

TEST_F(VmStructs, ANameThatGoesOnIsAnother) {
  memory_.add("PerfMemoryArea", "_start", true, VmStructsWriter::kStart);
  memory_.add("PerfMemory", "_started", true, VmStructsWriter::kStart);
  memory_.add("PerfMemory", "_capacity", true, VmStructsWriter::kCapacity);
  expect_malformed("no place of the start");
}

TEST_F(VmStructs, ThatLieAboutTheirLayoutAreMalformed) {
  memory_.add_perf_memory();
  constexpr auto kStride = VmStructsWriter::kVariables + 8;
  for (const std::uint64_t stride : {std::uint64_t{0}, std::uint64_t{16}, UINT64_MAX}) {
    memory_.put(kStride, stride);
    expect_malformed("a stride");
  }
  memory_.put(kStride, VmStructsWriter::kStride);
  memory_.put(VmStructsWriter::kVariables + 24, VmStructsWriter::kStride - 7);
  expect_malformed("an offset beyond the entry");
}

TEST_F(VmStructs, WhoseTableIsNotThereAreMalformed) {
  memory_.add_perf_memory();
  for (const std::uint64_t table : {std::uint64_t{0}, std::uint64_t{1}, UINT64_MAX}) {
    memory_.put(VmStructsWriter::kVariables, table);
    expect_malformed("a table");
  }
}

TEST_F(VmStructs, LeadToTheHeapOfZgc) {
  EXPECT_EQ(
      find_z_heap(MovedSource(memory_.bytes(), VmStructsWriter::kBase), VmStructsWriter::symbols()),
      std::nullopt);
  memory_.add_perf_memory();
  memory_.add_z_heap(1);
  EXPECT_EQ(
      find_z_heap(MovedSource(memory_.bytes(), VmStructsWriter::kBase), VmStructsWriter::symbols()),
      (ZHeapPlace{VmStructsWriter::kHeapPointer, 0x38}));
}

TEST_F(VmStructs, AHeapThatIsNotWhollyToldIsNone) {
  memory_.add("ZCollectedHeap", "_heap", false, 0x10);
  memory_.add("ZHeap", "_page_allocator", false, 0x20);
  memory_.add("Universe", "_collectedHeap", true, 1);
  memory_.add("ZPageAllocator", "_used", false, std::uint64_t{1} << 40);
  EXPECT_EQ(
      find_z_heap(MovedSource(memory_.bytes(), VmStructsWriter::kBase), VmStructsWriter::symbols()),
      std::nullopt)
      << "an offset that no structure has";
}

TEST_F(VmStructs, ThatNeverEndAreReadSoFarAndNoFurther) {
  const std::string endless(std::size_t{8} << 20, 'x');
  memory_.put(VmStructsWriter::kVariables, VmStructsWriter::kBase + VmStructsWriter::kBytes);
  const std::string all = memory_.bytes() + endless;
  const auto found =
      find_perf_memory(MovedSource(all, VmStructsWriter::kBase), VmStructsWriter::symbols());
  EXPECT_FALSE(found);
}

TEST_F(VmStructs, CountersThatLieOutsideAreMalformed) {
  memory_.add_perf_memory();
  memory_.put(VmStructsWriter::kCapacity, std::uint64_t{31});
  expect_malformed("less than a prologue");
  memory_.put(VmStructsWriter::kCapacity, UINT64_MAX);
  expect_malformed("more than there is");
  memory_.put(VmStructsWriter::kCapacity, std::uint64_t{64});
  memory_.put(VmStructsWriter::kStart, UINT64_MAX - 3);
  expect_malformed("beyond all addresses");
}

}  // namespace
}  // namespace heapfloor
