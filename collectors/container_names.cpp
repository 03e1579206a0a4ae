#include "collectors/container_names.h"

#include <array>
#include <cstring>
#include <utility>

namespace heapfloor {
namespace {

constexpr std::string_view kSource = "container_files";
constexpr std::string_view kNeeds = "CAP_DAC_READ_SEARCH";
constexpr std::int32_t kFirstProcess = 1;

constexpr std::string_view kDocker = "docker";
constexpr std::string_view kContainerd = "containerd";
constexpr std::string_view kCrio = "cri-o";
constexpr std::string_view kPodman = "podman";

// Where the file of a container is: `before`, its id, `behind`.
struct Place {
  std::string_view runtime;
  std::string_view before, behind;
  Result<ContainerFacts> (*parse)(std::string_view) = nullptr;
};
constexpr std::array kPlaces = {
    Place{kDocker, "var/lib/docker/containers/", "/config.v2.json", parse_docker_config},
    Place{kContainerd, "run/containerd/io.containerd.runtime.v2.task/k8s.io/", "/config.json",
          parse_oci_config},
    Place{kContainerd, "run/k3s/containerd/io.containerd.runtime.v2.task/k8s.io/", "/config.json",
          parse_oci_config},
    Place{kContainerd, "run/containerd/io.containerd.runtime.v2.task/default/", "/config.json",
          parse_oci_config},
    Place{kCrio, "run/containers/storage/overlay-containers/", "/userdata/config.json",
          parse_oci_config},
    Place{kCrio, "var/lib/containers/storage/overlay-containers/", "/userdata/config.json",
          parse_oci_config},
};
// Of containers/storage: those that outlive a restart of the host, and those that need not.
constexpr std::array<const char*, 3> kLists = {
    "var/lib/containers/storage/overlay-containers/containers.json",
    "var/lib/containers/storage/overlay-containers/volatile-containers.json",
    "run/containers/storage/overlay-containers/volatile-containers.json",
};

// Not podman's: the files that its containers have in those places name no image.
bool may_be_of(std::string_view runtime, const Place& place) {
  return runtime.empty() || runtime == place.runtime;
}

// What a secret stood in is not given back with it.
class WipedBuffer {
 public:
  explicit WipedBuffer(std::size_t bytes) : bytes_(bytes, '\0') {}
  WipedBuffer(const WipedBuffer&) = delete;
  WipedBuffer& operator=(const WipedBuffer&) = delete;
  ~WipedBuffer() { ::explicit_bzero(bytes_.data(), bytes_.size()); }
  [[nodiscard]] std::span<char> all() { return bytes_; }

 private:
  std::string bytes_;
};

}  // namespace

const ContainerFacts* ContainerNames::find(const CgroupIdentity& identity) {
  if (!identity.container_id.empty()) return find_container(identity);
  const auto pod = pods_.find(identity.pod_uid);
  if (pod == pods_.end()) return nullptr;
  pod->second.last_tick = tick_;
  return &pod->second.facts;
}

const ContainerFacts* ContainerNames::find_container(const CgroupIdentity& identity) {
  Known& known = containers_[identity.container_id];
  known.last_tick = tick_;
  if (!known.is_found && known.looks < kMostLooks && reads_ < kReadsPerTick) {
    ++reads_;
    ++known.looks;
    look(identity, known);
  }
  if (!known.is_found) return nullptr;
  if (!identity.pod_uid.empty() && !known.facts.pod.empty()) {
    Pod& pod = pods_[identity.pod_uid];
    pod.last_tick = tick_;
    pod.facts.pod = known.facts.pod;
    pod.facts.pod_namespace = known.facts.pod_namespace;
  }
  return &known.facts;
}

void ContainerNames::look(const CgroupIdentity& identity, Known& known) {
  known.is_refused = false;
  for (const Place& place : kPlaces) {
    if (!may_be_of(identity.runtime, place)) continue;
    std::string path(place.before);
    path.append(identity.container_id).append(place.behind);
    known.is_found = read(path, kLargestFileBytes, place.parse, known.facts, known);
    if (known.is_found) break;
  }
  if (!known.is_found && identity.runtime == kPodman)
    known.is_found = look_in_lists(identity.container_id, known);
  known.is_refused = known.is_refused && !known.is_found;
  if (!known.is_refused) return;
  known.looks = kMostLooks;
  failures_.count_quietly(ErrorKind::denied);
}

template <class Facts>
bool ContainerNames::read(const std::string& path, std::size_t most,
                          Result<Facts> (*parse)(std::string_view), Facts& facts, Known& known) {
  const std::optional<HostFile> file = open(path, known);
  if (!file) return false;
  const auto size = file->facts().size_bytes;
  if (size > most) {
    failures_.count({ErrorKind::malformed, path, "too large: " + std::to_string(size) + " bytes"});
    return true;
  }
  WipedBuffer buffer(static_cast<std::size_t>(size));
  const Result<std::size_t> got = file->read_at(0, buffer.all());
  Result<Facts> found = got ? parse(std::string_view(buffer.all().data(), *got))
                            : Result<Facts>(Failure(got.error()));
  if (found) {
    facts = std::move(*found);
  } else {
    found.error().path = path;
    failures_.count(found.error());
  }
  return true;
}

// Before Linux 5.6 there is no way to follow links inside of a root only.
std::optional<HostFile> ContainerNames::open(const std::string& path, Known& known) {
  Result<HostFile> file = root_.open_file(path);
  if (file) return std::move(*file);
  if (file.error().kind == ErrorKind::denied) known.is_refused = true;
  const Result<ProcessDir> first = root_.open_process(kFirstProcess);
  if (!first) return std::nullopt;
  file = first->open_in_root(("/" + path).c_str());
  if (file) return std::move(*file);
  return std::nullopt;
}

bool ContainerNames::look_in_lists(const std::string& id, Known& known) {
  if (!stored_) {
    stored_.emplace();
    for (const char* const path : kLists) {
      StoredContainers found;
      if (read(path, kLargestListBytes, parse_stored_containers, found, known))
        stored_->merge(std::move(found));
    }
  }
  const auto found = stored_->find(id);
  if (found == stored_->end()) return false;
  known.facts = found->second;
  return true;
}

void ContainerNames::finish_tick(CollectReport& report) {
  const auto was_left = [this](const auto& item) { return item.second.last_tick != tick_; };
  std::erase_if(containers_, was_left);
  std::erase_if(pods_, was_left);
  bool is_refused = false;
  for (const auto& [id, known] : containers_) is_refused = is_refused || known.is_refused;
  if (!containers_.empty()) report.sources.push_back({kSource, !is_refused, kNeeds});
  for (std::size_t kind = 0; kind < kErrorKinds; ++kind)
    report.errors.at(kind) += failures_.errors.at(kind);
  if (!report.first_error) report.first_error = std::move(failures_.first_error);
  failures_ = {};
  stored_.reset();
  reads_ = 0;
  ++tick_;
}

}  // namespace heapfloor
