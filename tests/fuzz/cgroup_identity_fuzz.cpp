#include "collectors/parse/cgroup_identity.h"

#include "tests/fuzz/property.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace heapfloor::testing;  // NOLINT(google-build-using-namespace): one function
  const std::string_view path = text_of(data, size);
  const heapfloor::CgroupIdentity identity = heapfloor::cgroup_identity(path);
  require(identity == heapfloor::cgroup_identity(path), "the same path gives the same");
  require(identity.container_id.empty() ||
              (identity.container_id.size() >= 12 && identity.container_id.size() <= 64 &&
               path.find(identity.container_id) != std::string_view::npos),
          "an id stands in the path");
  require(identity.pod_uid.size() <= 36, "a uid is short");
  require(identity.qos.empty() == identity.pod_uid.empty(), "a pod has a quality of service");
  for (const std::string_view name :
       {std::string_view(identity.unit), std::string_view(identity.slice)})
    require(name.find('/') == std::string_view::npos, "a unit is one name");
  return 0;
}
