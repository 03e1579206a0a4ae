// A stripped Go program that somebody has changed: pairs of a place (4 bytes) and a word (8 bytes)
// that is written there.
#include <algorithm>
#include <cstring>

#include "collectors/parse/go_module.h"
#include "collectors/runtime/go_program.h"
#include "collectors/runtime/go_target.h"
#include "tests/fuzz/property.h"
#include "tests/support/go_stripped_writer.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace heapfloor;  // NOLINT(google-build-using-namespace): one function
  using heapfloor::testing::GoStrippedWriter;
  using heapfloor::testing::require;
  constexpr std::size_t kChangeBytes = sizeof(std::uint32_t) + sizeof(std::uint64_t);
  constexpr std::size_t kMostChanges = 64;
  GoStrippedWriter writer;
  const std::size_t changes = std::min(size / kChangeBytes, kMostChanges);
  for (std::size_t i = 0; i < changes; ++i, data += kChangeBytes) {
    std::uint32_t place = 0;
    std::uint64_t word = 0;
    std::memcpy(&place, data, sizeof place);
    std::memcpy(&word, data + sizeof place, sizeof word);
    writer.put(place % (writer.bytes().size() - sizeof word), word);
  }
  const MemorySource source(writer.bytes());
  const auto program = examine_go_program(source);
  if (!program || program->refusal) return 0;
  const auto elf = read_elf(source);
  const auto module = elf && !elf->symtab ? find_go_module(source, *elf) : std::nullopt;
  if (!module) return 0;
  const auto controller = program->of(GoVariable::controller);
  require(controller && module->no_pointer_bss.contains(*controller), "it lies in its part");
  require(module->no_pointer_bss.end - *controller >= go_control_bytes(program->layout),
          "and so does all of it");
  return 0;
}
