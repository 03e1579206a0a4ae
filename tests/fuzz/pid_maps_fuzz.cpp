#include "collectors/parse/pid_maps.h"

#include "tests/fuzz/property.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace heapfloor::testing;  // NOLINT(google-build-using-namespace): one function
  const std::string_view text = text_of(data, size);
  require_pure_and_total(heapfloor::parse_pid_mapping, text);
  if (const auto mapping = heapfloor::parse_pid_mapping(text)) {
    require(mapping->begin < mapping->end, "a mapping has a size");
    require(mapping->path.empty() || mapping->path.front() != ' ', "a path does not begin blank");
    require(text.ends_with(mapping->path), "a path is the line's end");
  }
  return 0;
}
