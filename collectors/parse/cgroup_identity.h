// What the path of a cgroup tells about who made it: a container runtime, the kubelet, systemd.
//
// Sources: systemd's "Control Group APIs and Delegation" and systemd.unit(5) (names, the leading
// underscore), the cgroup drivers systemd and cgroupfs of docker, containerd, CRI-O, podman and the
// kubelet. A path is chosen by whoever may make cgroups, so all of this is a claim.
#pragma once

#include <string>
#include <string_view>

namespace heapfloor {

// Empty what the path does not say.
struct CgroupIdentity {
  std::string_view runtime;  // docker, containerd, cri-o, podman, systemd; static text
  std::string container_id;  // lower-case hexadecimal digits, at least 12
  std::string pod_uid;       // with dashes
  std::string_view qos;      // guaranteed, burstable, besteffort; static text
  std::string unit;          // of systemd, as systemctl takes it: \x2d stays \x2d
  std::string slice;
  friend bool operator==(const CgroupIdentity&, const CgroupIdentity&) = default;
};

// Total: any bytes give an identity, if an empty one. Where cgroups of several kinds contain each
// other the innermost of each kind is taken.
CgroupIdentity cgroup_identity(std::string_view path);

}  // namespace heapfloor
