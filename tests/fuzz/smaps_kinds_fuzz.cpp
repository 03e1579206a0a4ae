#include "collectors/parse/smaps_kinds.h"

#include <string_view>

#include "collectors/parse/text.h"
#include "tests/fuzz/property.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace heapfloor;           // NOLINT(google-build-using-namespace): one function
  using namespace heapfloor::testing;  // NOLINT(google-build-using-namespace)
  std::string_view text = text_of(data, size);
  SmapsKindReader reader;
  std::string_view line;
  std::size_t lines = 0;
  while (next_line(text, line)) {
    reader.take(line);
    ++lines;
  }
  require(reader.mappings() <= lines, "a mapping is a line");
  std::uint64_t mappings = 0;
  for (const MappingSum& sum : reader.sums()) {
    mappings += sum.mappings;
    require(sum.mappings > 0 || sum == MappingSum{}, "no sum without a mapping");
  }
  require(mappings == reader.mappings(), "every mapping is of one kind");
  return 0;
}
