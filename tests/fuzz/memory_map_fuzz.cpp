#include "collectors/parse/memory_map.h"

#include "tests/fuzz/property.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace heapfloor::testing;  // NOLINT(google-build-using-namespace): one function
  const std::string_view text = text_of(data, size);
  require_pure_and_total(heapfloor::parse_code_mappings, text);
  if (const auto mappings = heapfloor::parse_code_mappings(text)) {
    std::uint64_t before = 0;
    for (const heapfloor::CodeMapping& mapping : *mappings) {
      require(mapping.path.size() <= size, "nothing is invented");
      require(mapping.start < mapping.end, "a mapping has bytes");
      require(mapping.start >= before, "mappings ascend");
      before = mapping.start;
    }
  }
  return 0;
}
