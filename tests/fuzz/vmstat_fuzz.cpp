#include "collectors/parse/vmstat.h"

#include "tests/fuzz/property.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace heapfloor::testing;  // NOLINT(google-build-using-namespace): one function
  const std::string_view text = text_of(data, size);
  require_pure_and_total(heapfloor::parse_vmstat, text);
  if (const auto stat = heapfloor::parse_vmstat(text)) {
    require_same(
        heapfloor::parse_vmstat("pgscan_anon 5\npgsteal_file 6\npgscan_direct_throttle 7\n" +
                                std::string(text)),
        *stat, "no page is counted twice");
  }
  return 0;
}
