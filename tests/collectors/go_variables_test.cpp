// What is found of a Go program without symbols, and when nothing is.
#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <string>

#include "collectors/parse/go_module.h"
#include "collectors/runtime/go_program.h"
#include "tests/support/go_stripped_writer.h"

namespace heapfloor {
namespace {

using testing::GoStrippedWriter;

std::optional<GoRefusal> refusal_of(const std::string& bytes) {
  const auto program = examine_go_program(MemorySource(bytes));
  EXPECT_TRUE(program);
  return program ? program->refusal : std::nullopt;
}

TEST(GoVariables, AreWhatTheFunctionsOfTheRuntimeAgreeOn) {
  GoStrippedWriter writer;
  const auto program = examine_go_program(MemorySource(writer.bytes()));
  ASSERT_TRUE(program);
  EXPECT_EQ(program->refusal, std::nullopt);
  EXPECT_EQ(program->version, "go1.19.8");
  EXPECT_EQ(program->of(GoVariable::controller), GoStrippedWriter::kController);
  EXPECT_EQ(program->of(GoVariable::memstats), GoStrippedWriter::kMemstats);
  EXPECT_EQ(program->of(GoVariable::sched), GoStrippedWriter::kSched);
  EXPECT_EQ(program->of(GoVariable::all_goroutines), GoStrippedWriter::kNoPointerBss + 8);
  EXPECT_EQ(program->of(GoVariable::goroutine_list), GoStrippedWriter::kBss + 8);
  EXPECT_EQ(program->of(GoVariable::buckets), std::nullopt) << "no function refers to it";
}

TEST(GoVariables, OneOnWhichFunctionsDisagreeIsNotKnown) {
  GoStrippedWriter writer;
  writer.put(writer.code_of("runtime.gcMark") + 2, std::int32_t{0});
  EXPECT_EQ(refusal_of(writer.bytes()), GoRefusal::no_symbols);
  GoStrippedWriter other;
  other.put(other.code_of("runtime.allgadd"), std::uint64_t{0});
  const auto program = examine_go_program(MemorySource(other.bytes()));
  EXPECT_EQ(program->refusal, std::nullopt);
  EXPECT_EQ(program->of(GoVariable::goroutine_list), std::nullopt);
}

TEST(GoVariables, OneThatWouldEndBehindItsPartIsNotKnown) {
  GoStrippedWriter writer;
  writer.put(writer.module() + std::size_t{31} * 8, GoStrippedWriter::kMemstats + 4096);
  EXPECT_EQ(refusal_of(writer.bytes()), GoRefusal::no_symbols);
}

TEST(GoVariables, OfAnotherVersionNothingIsGuessed) {
  for (const std::string_view version : {"go1.18.10", "go1.20", "go1.26.5", "devel go1.19-abc"}) {
    GoStrippedWriter writer(version);
    EXPECT_EQ(refusal_of(writer.bytes()), GoRefusal::no_symbols) << version;
  }
}

TEST(GoModule, ThatDisagreesWithItselfIsNone) {
  // The table of functions, the first function, the text, its end, where its data begins.
  for (const std::size_t word : {0U, 20U, 22U, 23U, 24U}) {
    GoStrippedWriter writer;
    const MemorySource source(writer.bytes());
    ASSERT_TRUE(find_go_module(source, read_elf(source).value()));
    writer.put(writer.module() + word * 8, std::uint64_t{7});
    EXPECT_FALSE(find_go_module(source, read_elf(source).value())) << word;
  }
}

TEST(GoModule, OfAFileThatWasCutThereIsNone) {
  GoStrippedWriter writer;
  const std::string whole = writer.bytes();
  const auto elf = read_elf(MemorySource(whole)).value();
  for (std::size_t size = 0; size < writer.module() + 39 * 8; size += 61) {
    const MemorySource source(std::string_view(whole).substr(0, size));
    EXPECT_FALSE(find_go_module(source, elf)) << size;
  }
}

}  // namespace
}  // namespace heapfloor
