#include "collectors/parse/mountinfo.h"

#include "tests/fuzz/property.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace heapfloor::testing;  // NOLINT(google-build-using-namespace): one function
  const std::string_view text = text_of(data, size);
  require_pure_and_total(heapfloor::parse_mountinfo, text);
  if (const auto mounts = heapfloor::parse_mountinfo(text)) {
    for (const heapfloor::CgroupMount& mount : *mounts) {
      require(mount.mount_point.size() <= size, "nothing is invented");
      require(!mount.is_v2 || !mount.has_memory, "version 2 lists its controllers elsewhere");
    }
  }
  return 0;
}
