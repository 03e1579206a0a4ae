#include "agent/profile/symbol_table.h"
#include "collectors/parse/elf_file.h"
#include "tests/fuzz/property.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace heapfloor::testing;  // NOLINT(google-build-using-namespace): one function
  const heapfloor::MemorySource source(text_of(data, size));
  const auto elf = heapfloor::read_elf(source);
  if (!elf) {
    require(elf.error().kind == heapfloor::ErrorKind::malformed, "a refusal is malformed");
    return 0;
  }
  const auto again = heapfloor::read_elf(source);
  require(again && *again == *elf, "reading twice gives the same");
  require(elf->build_id.size() <= 2 * heapfloor::ElfBounds::kMostBuildIdBytes, "ids are short");
  heapfloor::SymbolTable table;
  table.add(source, *elf);
  table.finish();
  for (const std::uint64_t address : {std::uint64_t{0}, std::uint64_t{0x1010}, UINT64_MAX}) {
    if (const auto found = table.find(address))
      require(found->start <= address, "a function starts before what is in it");
  }
  return 0;
}
