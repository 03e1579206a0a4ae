#include "agent/series/memory_limit.h"

#include <cmath>

namespace heapfloor {

void MemoryLimit::consider(std::optional<double> other_bytes, std::string_view other_source) {
  if (!other_bytes || (bytes && *bytes <= *other_bytes)) return;
  bytes = other_bytes;
  source = other_source;
}

MemoryLimit memory_limit_of(const ProcessEntry& process, const CgroupTable& cgroups,
                            std::optional<double> configured_bytes, double others_bytes) {
  MemoryLimit limit;
  limit.consider(process.limit_bytes ? process.limit_bytes : configured_bytes, kConfiguredLimit);
  const CgroupEntry* const cgroup = cgroups.find(process.cgroup);
  if (cgroup != nullptr && cgroup->limit_bytes)
    limit.consider(*cgroup->limit_bytes - others_bytes, kCgroupLimit);
  limit.consider(process.address_space_limit_bytes, kRlimit);
  limit.consider(process.data_limit_bytes, kRlimit);
  return limit;
}

std::optional<double> others_bytes(const CgroupEntry* cgroup, double value) {
  if (cgroup == nullptr || !cgroup->limit_bytes || !cgroup->headroom_bytes) return std::nullopt;
  return *cgroup->limit_bytes - (value + *cgroup->headroom_bytes);
}

std::optional<double> held_others(std::optional<double> before_bytes,
                                  std::optional<double> now_bytes, double seconds,
                                  double time_constant_seconds) {
  if (!now_bytes) return before_bytes;
  if (!before_bytes || *now_bytes >= *before_bytes) return now_bytes;
  return *now_bytes + (*before_bytes - *now_bytes) * std::exp(-seconds / time_constant_seconds);
}

}  // namespace heapfloor
