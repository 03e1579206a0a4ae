#include "collectors/parse/cgroup_stat.h"

#include <string>

#include "tests/fuzz/property.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace heapfloor::testing;  // NOLINT(google-build-using-namespace): one function
  const std::string_view text = text_of(data, size);
  require_pure_and_total(heapfloor::parse_cgroup_stat, text);
  require_pure_and_total(heapfloor::parse_cgroup_v1_stat, text);
  if (const auto stat = heapfloor::parse_cgroup_stat(text)) {
    require_same(heapfloor::parse_cgroup_stat("rss 5\nanon_thp 7\n" + std::string(text)), *stat,
                 "other keys change nothing");
  }
  return 0;
}
