#include "collectors/parse/pressure.h"

#include "tests/fuzz/property.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace heapfloor::testing;  // NOLINT(google-build-using-namespace): one function
  const std::string_view text = text_of(data, size);
  require_pure_and_total(heapfloor::parse_pressure, text);
  if (const auto pressure = heapfloor::parse_pressure(text)) {
    require(pressure->some_microseconds.has_value(), "pressure has a line some");
    require_same(heapfloor::parse_pressure("next avg10=0.00 total=1\n" + std::string(text)),
                 *pressure, "an unknown line is ignored");
  }
  return 0;
}
