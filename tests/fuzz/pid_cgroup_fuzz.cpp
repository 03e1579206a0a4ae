#include "collectors/parse/pid_cgroup.h"

#include "tests/fuzz/property.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace heapfloor::testing;  // NOLINT(google-build-using-namespace): one function
  const std::string_view text = text_of(data, size);
  require_pure_and_total(heapfloor::parse_pid_cgroup, text);
  if (const auto found = heapfloor::parse_pid_cgroup(text)) {
    require(!found->memory || found->memory->starts_with('/'), "a path is absolute");
    require(!found->unified || found->unified->starts_with('/'), "a path is absolute");
  }
  return 0;
}
