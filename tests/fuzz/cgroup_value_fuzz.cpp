#include "collectors/parse/cgroup_value.h"

#include "tests/fuzz/property.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace heapfloor::testing;  // NOLINT(google-build-using-namespace): one function
  const std::string_view text = text_of(data, size);
  require_pure_and_total(heapfloor::parse_cgroup_limit, text);
  require_pure_and_total(heapfloor::parse_cgroup_events, text);
  require_pure_and_total(heapfloor::parse_cgroup_procs, text);
  (void)heapfloor::controllers_include_memory(text);
  if (const auto limit = heapfloor::parse_cgroup_limit(text); limit && limit->bytes)
    require(*limit->bytes < heapfloor::kCgroupUnlimited, "a limit means something");
  if (const auto processes = heapfloor::parse_cgroup_procs(text))
    require(*processes <= text.size() / 2, "a process is a line with a digit");
  return 0;
}
