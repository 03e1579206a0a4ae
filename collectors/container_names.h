// ContainerNames: what containers are called and which images they run, by the files that their
// runtimes keep. No socket is opened, and no runtime is asked.
//
// Sources, below the root of the host: docker's /var/lib/docker/containers/ID/config.v2.json; the
// bundles of containerd (/run/containerd/io.containerd.runtime.v2.task/NAMESPACE/ID/config.json,
// that of k3s and RKE2 below /run/k3s); those of CRI-O and podman
// (…/containers/storage/overlay-containers/ID/userdata/config.json) and the list of containers
// beside them, where podman keeps names of images. What an agent in a container does not find at
// its own root is looked for at that of the first process. Rootless runtimes keep theirs in homes,
// which are not looked into. Those directories are their owner's alone: CAP_DAC_READ_SEARCH.
//
// A container is read once, when it is first met; one without a file is looked for in the first
// kMostLooks ticks. Files hold secrets: see parse/container_files.h; the buffer is wiped behind
// each. Thread rule: one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

#include "collectors/collector.h"
#include "collectors/host_root.h"
#include "collectors/parse/cgroup_identity.h"
#include "collectors/parse/container_files.h"

namespace heapfloor {

class ContainerNames {
 public:
  // `root` outlives it.
  explicit ContainerNames(const HostRoot& root) : root_(root) {}

  // What is known of the container of a cgroup, or, of a pod's own cgroup, of the pod; null:
  // nothing (yet). It is kept as long as it is asked for in each tick.
  [[nodiscard]] const ContainerFacts* find(const CgroupIdentity& identity);
  // Forgets what was not asked for since the last call, and tells what was refused.
  void finish_tick(CollectReport& report);

  static constexpr std::size_t kReadsPerTick = 64;  // containers
  static constexpr std::uint32_t kMostLooks = 4;
  static constexpr std::size_t kLargestFileBytes = std::size_t{1} << 20U;
  static constexpr std::size_t kLargestListBytes = std::size_t{8} << 20U;

 private:
  struct Known {
    ContainerFacts facts;
    std::uint32_t looks = 0;
    std::uint64_t last_tick = 0;
    bool is_found = false;
    bool is_refused = false;
  };
  struct Pod {
    ContainerFacts facts;  // of the pod alone
    std::uint64_t last_tick = 0;
  };

  [[nodiscard]] const ContainerFacts* find_container(const CgroupIdentity& identity);
  void look(const CgroupIdentity& identity, Known& known);
  // True when the file was there, whatever is in it.
  template <class Facts>
  bool read(const std::string& path, std::size_t most, Result<Facts> (*parse)(std::string_view),
            Facts& facts, Known& known);
  [[nodiscard]] std::optional<HostFile> open(const std::string& path, Known& known);
  bool look_in_lists(const std::string& id, Known& known);

  const HostRoot& root_;
  std::unordered_map<std::string, Known> containers_;  // by id
  std::unordered_map<std::string, Pod> pods_;          // by uid
  std::optional<StoredContainers> stored_;             // of this tick
  CollectReport failures_;                             // of this tick
  std::uint64_t tick_ = 1;
  std::size_t reads_ = 0;
};

}  // namespace heapfloor
