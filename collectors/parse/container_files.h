// What container runtimes write of a container into files of their own: its name, its image, and
// in Kubernetes its pod.
//
// Sources: docker's config.v2.json (container.Container of moby); config.json of the OCI runtime
// specification with the annotations of containerd's CRI plugin (io.kubernetes.cri.*), of CRI-O
// (io.kubernetes.cri-o.*), of the kubelet (io.kubernetes.*) and of nerdctl (nerdctl/*);
// containers.json of containers/storage, where podman keeps its own words in `metadata`.
//
// Those files hold environments and command lines too. Only the texts of ContainerFacts are ever
// copied out of them; no message quotes them.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>

#include "collectors/result.h"

namespace heapfloor {

// Printable ASCII without blanks, at most kMostContainerText bytes; empty what is not said, and
// what is said otherwise.
struct ContainerFacts {
  std::string name;           // in Kubernetes that of the container in its pod
  std::string image;          // as it was asked for: "registry.example/payments:1.8.2"
  std::string image_id;       // digest of its configuration or manifest, as the runtime says it
  std::string pod;            // Kubernetes
  std::string pod_namespace;  // Kubernetes
  friend bool operator==(const ContainerFacts&, const ContainerFacts&) = default;
};

inline constexpr std::size_t kMostContainerText = 512;
// By whole ids. What is above this many is not kept.
using StoredContainers = std::map<std::string, ContainerFacts, std::less<>>;
inline constexpr std::size_t kMostStoredContainers = 4096;

// Total: any bytes give facts, if empty ones, or `malformed`.
[[nodiscard]] Result<ContainerFacts> parse_docker_config(std::string_view json);
[[nodiscard]] Result<ContainerFacts> parse_oci_config(std::string_view json);
[[nodiscard]] Result<StoredContainers> parse_stored_containers(std::string_view json);

}  // namespace heapfloor
