#include "collectors/parse/integer.h"

#include "tests/fuzz/property.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace heapfloor::testing;  // NOLINT(google-build-using-namespace): one function
  const std::string_view text = text_of(data, size);
  require_pure_and_total(heapfloor::parse_integer, text);
  if (const auto value = heapfloor::parse_integer(text)) {
    const std::string digits = std::to_string(*value);
    require(text.find(digits) != std::string_view::npos, "the number stands in the text");
    require(text.size() >= digits.size(), "nothing is invented");
  }
  return 0;
}
