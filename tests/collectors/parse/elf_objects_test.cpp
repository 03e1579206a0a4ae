#include "collectors/parse/elf_objects.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

#include "tests/support/go_writer.h"

namespace heapfloor {
namespace {

constexpr std::array<std::string_view, 2> kNames = {"runtime.memstats", "runtime.sched"};

std::vector<std::optional<ElfObject>> find_in(const std::string& bytes) {
  const MemorySource source(bytes);
  const auto elf = read_elf(source);
  EXPECT_TRUE(elf && elf->symtab);
  return find_objects(source, *elf->symtab, kNames);
}

TEST(ElfObjects, AreFoundAmongMoreThanOnePieceOfOthers) {
  testing::GoFileWriter file;
  for (int i = 0; i < 20000; ++i) file.add_variable("main.other" + std::to_string(i), 1);
  file.add_variable("runtime.memstats", 0x1234);
  file.add_variable(std::string(100000, 'x'), 1);  // longer than a piece
  file.add_variable("runtime.sched", 0x5678);
  const auto found = find_in(file.bytes());
  EXPECT_EQ(found[0], (ElfObject{0x1234, 8}));
  EXPECT_EQ(found[1], (ElfObject{0x5678, 8}));
}

TEST(ElfObjects, ThatAreNotThereAreNothing) {
  testing::GoFileWriter file;
  file.add_variable("runtime.memstats2", 1);
  file.add_variable("runtime.mem", 1);
  const auto found = find_in(file.bytes());
  EXPECT_EQ(found[0], std::nullopt);
  EXPECT_EQ(found[1], std::nullopt);
}

}  // namespace
}  // namespace heapfloor
