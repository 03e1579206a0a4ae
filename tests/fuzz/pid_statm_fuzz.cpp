#include "collectors/parse/pid_statm.h"

#include "tests/fuzz/property.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace heapfloor::testing;  // NOLINT(google-build-using-namespace): one function
  const std::string_view text = text_of(data, size);
  require_pure_and_total(heapfloor::parse_pid_statm, text);
  if (const auto statm = heapfloor::parse_pid_statm(text)) {
    require(text.size() >= 11, "six numbers take eleven bytes");
    require_same(heapfloor::parse_pid_statm(std::string(text) + "\nmore"), *statm,
                 "only the first line counts");
  }
  return 0;
}
