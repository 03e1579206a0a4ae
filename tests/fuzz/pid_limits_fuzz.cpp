#include "collectors/parse/pid_limits.h"

#include "tests/fuzz/property.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace heapfloor::testing;  // NOLINT(google-build-using-namespace): one function
  const std::string_view text = text_of(data, size);
  require_pure_and_total(heapfloor::parse_pid_limits, text);
  if (const auto limits = heapfloor::parse_pid_limits(text)) {
    require_same(heapfloor::parse_pid_limits("Max cpu time 1 1 seconds\n" + std::string(text)),
                 *limits, "lines of other limits change nothing");
  }
  return 0;
}
