#include "collectors/parse/boot_time.h"

#include "tests/fuzz/property.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace heapfloor::testing;  // NOLINT(google-build-using-namespace): one function
  const std::string_view text = text_of(data, size);
  require_pure_and_total(heapfloor::parse_boot_time, text);
  if (const auto seconds = heapfloor::parse_boot_time(text)) {
    require_same(heapfloor::parse_boot_time("cpu 1 2 3\nintr 4\n" + std::string(text)), *seconds,
                 "the lines before it do not matter");
  }
  return 0;
}
