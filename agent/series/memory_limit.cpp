#include "agent/series/memory_limit.h"

namespace heapfloor {

void MemoryLimit::consider(std::optional<double> other_bytes, std::string_view other_source) {
  if (!other_bytes || (bytes && *bytes <= *other_bytes)) return;
  bytes = other_bytes;
  source = other_source;
}

MemoryLimit memory_limit_of(const ProcessEntry& process, const CgroupTable& cgroups,
                            std::optional<double> configured_bytes) {
  MemoryLimit limit;
  limit.consider(process.limit_bytes ? process.limit_bytes : configured_bytes, kConfiguredLimit);
  const CgroupEntry* const cgroup = cgroups.find(process.cgroup);
  if (cgroup != nullptr) limit.consider(cgroup->limit_bytes, kCgroupLimit);
  limit.consider(process.address_space_limit_bytes, kRlimit);
  limit.consider(process.data_limit_bytes, kRlimit);
  return limit;
}

}  // namespace heapfloor
